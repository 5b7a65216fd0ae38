// request.ts: one or more whole command frames of one session, sent and answered in order: the unit the relay moves.
//
// Born whole, in one place, in one field order: there is one per read of a client, at full load a hundred thousand a
// second, and the engine keeps them fast only while they all have one shape.
import type { ReplayClass } from '../command/command-spec.ts'
import { Marking } from '../command/marking.ts'
import type { Blamed } from '../ops/bugs.ts'
import type { ReadMemory } from '../transport/read-memory.ts'
import type { Exchange } from '../upstream/reply-reader.ts'
import type { KeptReplies } from './kept-replies.ts'

/** Requests of sessions that have an earlier one in a block which may still be aborted. */
export interface ParkingPlace {
  readonly behind: Request[]
}

/** The session, as far as the relay knows it. */
export interface RequestOwner extends Blamed {
  /**
   * The session is over: nobody hears a reply. What was not sent is dropped at the front, and what a lost link
   * owed is not sent again. A client that has only sent its last byte (FIN) is not gone.
   */
  readonly gone: boolean
  /** Its commands without a reply. */
  readonly pending: number
  /** Collects reply bytes for this session's next write; they may be read over after it, so nothing of them is kept. */
  deliver(bytes: Buffer): void
  /** This many of its commands, of this many bytes, have their reply or their error. */
  onAnswered(commands: number, weight: number): void
  /** Where its next requests wait, because the outcome of those before is not known; null: nowhere. See prover.ts. */
  block: ParkingPlace | null
  /** The session whose commands these are, where this one only discards their replies. */
  readonly standsFor?: RequestOwner
  /** The shared lane it uses is retired: it uses the fresh one from now on. Left out where it cannot. */
  follow?(): void
}

/** Who has sent it: the same for all requests of a session, whether it wants their replies or not. */
export function senderOf({ owner }: Pick<Request, 'owner'>): RequestOwner {
  return owner.standsFor ?? owner
}

/** Hears nothing. */
export const nobody: RequestOwner = { gone: true, pending: 0, block: null, deliver() {}, onAnswered() {}, onBug() {} }

/** What a request that is no plain run of commands does with its replies, and before it is sent again. */
export interface RequestHandler {
  /** It is about to be sent, the first time or again; may rewrite its bytes for the master of this moment. */
  onSend?(request: Request): void
  /** One whole reply; `request.expect` counts those still to come (0: this is the last) and may be raised. */
  onReply(request: Request, frame: Buffer, type: number): void
  /** The request is about to be sent again after its link was lost; may rewrite it, or turn it into `local`. */
  onReplay?(request: Request): void
  /**
   * Its link is lost. By its `cls` it may be sent again, and by the class of its bytes not: `error` is what its client is
   * told of such a command.
   */
  onDoubt?(error: Buffer): void
  /** It was sent before, and whether it may go again is what the reply to one under way will tell. */
  awaits?(): boolean
  /**
   * It is not to be run, and its link is up. It may go as something else, behind which its client is told `error`: then
   * the answer is true.
   */
  refuse?(request: Request, error: Buffer): boolean
  /** The request ends with an error of the proxy's own; the server may or may not have run it. */
  onFailed?(request: Request): void
  /** `onReply` says how many replies are still to come: each must be looked at when it comes. */
  readonly setsExpect?: boolean
  /** It says how the command behind it is to be run: where that is sent again, it is, too (CLIENT CACHING). */
  readonly isForNext?: boolean | undefined
  /** It belongs to an open MULTI, which lives on its link alone. When refused, a new link is told all of it again. */
  readonly ofOpenTransaction?: boolean
  /** The command's own time is over while it waits for a master: the server's answer to that; null while it is not. */
  timedOut?(now: number): Buffer | null
  /** How many replies its client still waits for; 1 where not given. */
  owes?(): number
  /**
   * It is about to be sent, after `onSend`: puts this marker command into its bytes, with one reply more. Answers
   * whether it did. Null: it goes without.
   */
  mark?(request: Request, marker: Buffer | null): boolean
  /** The reply to what was sent before is lost. `reply`: what is known of it. It is about to be sent as something else. */
  onDecided?(request: Request, reply: Buffer): void
}

export interface Request extends Exchange {
  owner: RequestOwner
  /** How many commands `bytes` holds. */
  commands: number
  /** Commands that make sense only together (MULTI...EXEC, a scoped command): sent again as a whole or not at all. */
  unit: boolean
  /** Replies of the server in all, as the request was made; of a run also its number of commands then. */
  replies: number
  /**
   * `given`: replies the client has of a unit. `skip`: replies that its client has: discarded when it is sent again.
   */
  given: number
  skip: number
  /** A blocking command: it may stay unanswered, so its silence means nothing. */
  blocking: boolean
  handler: RequestHandler | null
  /** The class to decide a replay by, where it is not that of the bytes (an EXEC is as bad as what it runs). */
  cls: ReplayClass | null
  /** `Marking` bits of a run (command/marking.ts); read by lanes that prove writes alone. */
  marking: number
  /** Answered by the proxy in its turn, nothing is sent: these bytes are the reply. */
  local: Buffer | null
  /** Milliseconds (monotonic) since when it waits; 0 while it does not. */
  heldAt: number
  /** How often it has been sent. */
  sends: number
  /** Bytes counted for back-pressure, kept although `bytes` may be rewritten. */
  weight: number
  /** Replies that its client is told later (--ack replicated); null: none. */
  kept: KeptReplies | null
}

const NOTHING = Buffer.alloc(0)

/** What a request costs besides its bytes, about: half a million PINGs cost more than seven megabytes. */
export const REQUEST_BYTES = 256

/** The one place where a request is made. */
function create(
  owner: RequestOwner,
  bytes: Buffer,
  commands: number,
  replies: number,
  unit: boolean,
  handler: RequestHandler | null,
  marking: number = Marking.unsure,
): Request {
  return {
    owner,
    bytes,
    rest: null,
    expect: replies,
    inspect: handler !== null,
    commands,
    unit,
    replies,
    given: 0,
    skip: 0,
    blocking: false,
    handler,
    cls: null,
    marking,
    local: null,
    heldAt: 0,
    sends: 0,
    weight: bytes.length + REQUEST_BYTES,
    kept: null,
  }
}

/** A run of `commands` simple commands, one reply each. `marking`: its `Marking` bits, where they are known. */
export function createRun(
  owner: RequestOwner,
  bytes: Buffer,
  commands: number,
  marking: number = Marking.unsure,
): Request {
  return create(owner, bytes, commands, commands, false, null, marking)
}

/** A plain run is answered: nobody sends it again. What a handler has looked at it may have kept. */
export function giveBackBytes(request: Request, memory: ReadMemory): void {
  if (request.handler !== null || request.local !== null) return
  memory.giveBack(request.bytes)
  if (request.rest !== null) memory.giveBackAll(request.rest)
}

/**
 * A run of one command that was read in parts: large, so that putting the parts together would cost a copy of it.
 * `marking`: as for createRun.
 */
export function createRunInParts(owner: RequestOwner, parts: readonly Buffer[], marking: number): Request {
  const [first = NOTHING, ...rest] = parts
  const request = createRun(owner, first, 1, marking)
  request.rest = rest
  for (const part of rest) request.weight += part.length
  return request
}

/** The bytes of a request in one piece, to be looked into. */
export function wholeBytes(request: Request): Buffer {
  if (request.rest !== null) {
    request.bytes = Buffer.concat([request.bytes, ...request.rest])
    request.rest = null
  }
  return request.bytes
}

/** Frames that stand or fall together, `replies` in all; `handler` null: replies are passed on as they come. */
export function createUnit(
  owner: RequestOwner,
  bytes: Buffer,
  commands: number,
  replies: number,
  handler: RequestHandler | null,
): Request {
  return create(owner, bytes, commands, replies, true, handler)
}

/** A reply of the proxy's own that must keep its place behind requests that are still unanswered. */
export function createLocal(owner: RequestOwner, reply: Buffer): Request {
  const request = createUnit(owner, NOTHING, 1, 0, null)
  request.local = reply
  request.weight += reply.length
  return request
}

/** Ends a request with an error of the proxy's own, in its turn: one for each reply its client still waits for. */
export function failRequest(request: Request, error: Buffer): void {
  const owed = unanswered(request)
  if (request.handler !== null) ofHandler(request, handler => handler.onFailed?.(request))
  makeLocal(request, owed === 1 ? error : Buffer.concat(new Array<Buffer>(owed).fill(error)))
}

/** A handler's request is one command; a run's commands have no reply yet; of a transaction some may have theirs. */
function unanswered(request: Request): number {
  if (request.handler !== null) return ofHandler(request, handler => handler.owes?.()) ?? 1
  if (!request.unit) return request.commands
  return request.replies - Math.max(request.given, request.replies - request.expect)
}

/**
 * Asks the request's handler, which knows what one session wants with its command and nothing else. An exception there
 * ends that session, and the answer is undefined. What the request is for its link and its lane stays true.
 */
export function ofHandler<T>(request: Request, ask: (handler: RequestHandler) => T): T | undefined {
  const { handler, owner } = request
  if (handler === null) return undefined
  try {
    return ask(handler)
  } catch (error) {
    owner.onBug(error)
    return undefined
  }
}

/** It is about to be sent. Answers false when its handler failed, and its session with it: it must not be. */
export function prepare(request: Request): boolean {
  try {
    request.handler?.onSend?.(request)
    return true
  } catch (error) {
    request.owner.onBug(error)
    return false
  }
}

/** Turns a request into a reply of the proxy's own: nothing of it is sent (again). */
export function makeLocal(request: Request, reply: Buffer): void {
  request.bytes = NOTHING
  request.rest = null
  request.expect = 0
  request.inspect = false
  request.handler = null
  request.local = reply
}

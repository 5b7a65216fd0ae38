// not-ready-node.ts: the master cannot run writes just now (NOREPLICAS after a promotion, LOADING). What its link still
// owes is read to the end, nothing new is sent, and what was refused is set aside in order. After a pause it is sent
// again.
//
// Unlike a node that is no master, this one's other replies are true. They go to their sessions as always, except for a
// session with a refused command before them. Its reads are set aside too: they should have seen that command's effect.
// A later write that did run keeps its reply until the refused one has its own.
//
// Deposed: the node has said itself that it is no master. What it still owes is read all the same, because only the
// replies tell a write that was refused from one that had run before. The outcome of that one is unknown: the next
// master may have it or not. No reply of such a node is delivered. (A node that says nothing of it is withheld,
// lanes.ts.)
import type { LearnedCommands } from '../command/learned-commands.ts'
import { classOf, framesOf, part } from './replay-rule.ts'
import { createLocal, makeLocal, ofHandler, type Request, type RequestOwner, wholeBytes } from './request.ts'
import { restartUnit } from './take-back.ts'

export class NotReady {
  /** No reply of this node counts any more. */
  deposed = false
  readonly #learned: LearnedCommands
  readonly #again: Request[] = []
  readonly #owners = new Set<RequestOwner>()
  readonly #units = new Map<Request, Buffer[] | null>()
  readonly #unknown = new Set<Request>()
  /** What each of these has said last is for its next command, and was answered with this. */
  readonly #forNext = new Map<RequestOwner, { readonly request: Request; readonly reply: Buffer }>()

  constructor(learned: LearnedCommands) {
    this.#learned = learned
  }

  /** Of what end() has answered: may it have run? */
  isUnknown(request: Request): boolean {
    return this.#unknown.has(request)
  }

  /**
   * Looks at one reply (`request.expect` counts those still to come). True: it took it, the client must not see it now.
   */
  take(request: Request, frame: Buffer, type: number, refused: boolean): boolean {
    if (!request.unit) return this.#takeCommand(request, frame, refused)
    const isBehind = this.#owners.has(request.owner) && !this.deposed && !refused
    if (!isBehind || request.handler?.isForNext !== true) return this.#takeUnit(request, frame, type, refused)
    this.#add(request)
    this.#forNext.set(request.owner, { request, reply: Buffer.from(frame) })
    return true
  }

  /** What was said for this command has been used where it has run. Else both are sent again. */
  #add(request: Request): void {
    const { owner } = request
    const before = this.#forNext.get(owner)
    if (before !== undefined && request.local !== null) makeLocal(before.request, before.reply)
    this.#forNext.delete(owner)
    this.#owners.add(owner)
    this.#again.push(request)
  }

  /** A server refused all of these, none of which has a reply yet. */
  takeAll(requests: readonly Request[]): void {
    for (const request of requests) {
      this.#owners.add(request.owner)
      this.#again.push(request)
    }
  }

  /** A reply of our own whose turn has come. Answers true when it has to wait behind one that was refused. */
  takeLocal(request: Request): boolean {
    if (request.local === null || !this.#owners.has(request.owner)) return false
    this.#again.push(request)
    return true
  }

  /** What is to be sent again or answered later, oldest first; the unit that was cut short is still the link's. */
  end(): Request[] {
    // Not before: the link takes a request off its FIFO by `expect`.
    for (const request of this.#again) {
      if (!request.unit || request.local !== null) continue
      if (this.#unknown.has(request)) request.expect = request.replies - request.given
      else restartUnit(request, 0)
    }
    for (const [request, kept] of this.#units) this.#leaveUnit(request, kept)
    this.#units.clear()
    return this.#again
  }

  /** A unit without its last reply. The client has what was given; the handler never hears it again. */
  #leaveUnit(request: Request, kept: Buffer[] | null): void {
    request.expect = request.replies - request.given
    if (request.handler === null || kept === null || kept.length === 0) return
    const told = createLocal(request.owner, Buffer.concat(kept))
    told.commands = 0
    told.weight = 0 // nobody has counted it
    this.#again.push(told)
  }

  #takeCommand(request: Request, frame: Buffer, refused: boolean): boolean {
    if (!refused && !this.deposed && !this.#owners.has(request.owner)) return false
    const command = framesOf(wholeBytes(request))[request.replies - request.expect - 1]
    if (command === undefined) return false
    const single = part(request, command, 1)
    request.commands--
    request.weight -= single.weight
    if (!refused && this.deposed) this.#unknown.add(single)
    else if (!refused && classOf(single, Date.now(), this.#learned) !== 'read') makeLocal(single, Buffer.from(frame))
    this.#add(single)
    return true
  }

  /** A transaction is refused as a whole; one that ran behind a refused command keeps its replies (`Buffer[]`). */
  #takeUnit(request: Request, frame: Buffer, type: number, refused: boolean): boolean {
    const kept = this.#units.get(request)
    if (!refused && !this.deposed && kept === undefined && !this.#owners.has(request.owner)) return false
    // From the first reply that is taken on, none goes to the client: what it has by now is what is dropped next time.
    if (kept === undefined) request.given = Math.max(request.given, request.replies - request.expect - 1)
    if (refused) this.#units.set(request, null)
    else if (this.deposed && !kept?.length) this.#units.set(request, kept === null ? null : [])
    else if (kept === undefined) this.#units.set(request, hear(request, frame, type))
    else kept?.push(...hear(request, frame, type))
    if (request.expect > 0) return true
    const frames = this.#units.get(request)
    this.#units.delete(request)
    if (frames && this.deposed && frames.length === 0) this.#unknown.add(request)
    else if (frames) makeLocal(request, Buffer.concat(frames))
    this.#add(request)
    return true
  }
}

/** What the client is to be told of a reply, later. What it means for the session its handler does at once. */
function hear(request: Request, frame: Buffer, type: number): Buffer[] {
  if (request.handler === null) return [Buffer.from(frame)]
  const { owner } = request
  const told: Buffer[] = []
  request.owner = {
    gone: owner.gone,
    pending: owner.pending,
    block: null,
    deliver: bytes => void told.push(Buffer.from(bytes)),
    onAnswered() {},
    onBug: error => owner.onBug(error),
  }
  ofHandler(request, handler => handler.onReply(request, frame, type))
  request.owner = owner
  return told
}

// reader.ts: turns the bytes of one client into requests, in their order.
//
//   chunk ─▶ scanner ─▶ run of plain commands ─▶ one request ─▶ session.submit
//               ├─────▶ MULTI with its EXEC ──▶ one request ─▶ session.submit
//               ├─────▶ anything else ────────▶ dispatch
//               └─────▶ no end in this chunk ─▶ partial command, until the next chunk
//
// Owns: the scanner, the partial command, which commands need no look. Never: touches the socket, sees replies, knows
// lanes.
//
// Must stay true: commands leave in the order they came; a command that has to wait is offered again with all behind
// it.

import { type CommandSpec, Route } from '../../command/command-spec.ts'
import { lookupCommand } from '../../command/lookup.ts'
import { errors, protocolError } from '../../errors.ts'
import { createRun, createRunInParts, type RequestOwner } from '../../relay/request.ts'
import { CommandScanner, FrameKind } from '../../resp/command-scanner.ts'
import { leadingArgs } from '../../resp/decode.ts'
import { encodeInline } from '../../resp/inline-command.ts'
import type { Outcome } from '../commands/command-outcome.ts'
import { dispatch } from '../commands/dispatch.ts'
import { ONE_READ_BYTES, type Waiter } from '../flow/memory-budget.ts'
import { PartialCommand } from '../flow/partial-command.ts'
import { HEAVY_BYTES, type ReplyWindow } from '../flow/reply-window.ts'
import type { SessionContext, SessionHost } from '../state/session-context.ts'
import { writes } from '../state/wait-answers.ts'
import { logFrameTooLarge, logHttp, logProtocolError } from './end-causes.ts'
import { inlineLine, isAttack, nameStartOf } from './frame-offsets.ts'
import { findTransaction, submitTransaction } from './pipelined-transaction.ts'
import { nothingPlain, Plain, plainCommands } from './plain-commands.ts'

/** A command larger than this ends its session, as the server's client-query-buffer-limit does. */
const MAX_FRAME_BYTES = 1024 * 1024 * 1024

/** A plain command of this size goes on in its parts: to put them together costs more. */
const WORTH_PARTS_BYTES = 32 * 1024
/**
 * A command of this size needs a link of its own at once, not only from the next one on: what others send behind it
 * would wait for some milliseconds, and after a hold behind all such commands that were held. Below it the dial costs more.
 */
const HUGE_BYTES = 1024 * 1024
/** Of a read larger than this a small piece is copied, see `slice`. */
const LARGE_READ_BYTES = 16 * 1024

/**
 * Why the reader stops before the end of a chunk: earlier commands want replies first, the client wants to be read from
 * once more, or as much is unanswered as may be. `none`: all is taken.
 */
export type Stop = 'none' | 'replies' | 'look' | 'full'

/** What `Reader` asks of its session. */
export interface ReadingSession extends SessionContext, RequestOwner, Waiter {
  /** As much is unanswered as may be. */
  readonly isFull: boolean
  /** Bytes of the commands without their last reply. */
  readonly pendingBytes: number
  /** The last reply, behind those of all commands before it, then the end. */
  refuse(reply: Buffer): void
}

export class Reader {
  readonly partial: PartialCommand
  readonly #session: ReadingSession
  readonly #host: SessionHost
  readonly #replies: ReplyWindow
  #rest: Buffer | null = null
  readonly #scanner = new CommandScanner()
  /** The commands that need no look, see plain-commands.ts; none before the client has signed in. */
  #plain: Uint8Array

  constructor(session: ReadingSession, host: SessionHost, replies: ReplyWindow) {
    this.#session = session
    this.#host = host
    this.#replies = replies
    this.partial = new PartialCommand(host.counters, host.lanes.sockets.memory)
    this.#plain = plainCommands(host.deny)
  }

  get signedIn(): boolean {
    return this.#plain !== nothingPlain
  }

  /** Narrow limits and a look at every command, until the client has signed in; from the next command on. */
  signOut(): void {
    this.#plain = nothingPlain
    this.#scanner.limit('signed-out')
  }

  signIn(): void {
    this.#plain = plainCommands(this.#host.deny)
    this.#scanner.limit('ordinary')
  }

  /** Discards the partial command. */
  clear(): void {
    this.partial.clear()
    this.#host.pressure.release(this.#session)
  }

  /**
   * Reads one chunk, whose first byte follows the last one that was taken. When it stops, `takeRest` has what is left.
   */
  read(chunk: Buffer): Stop {
    if (this.partial.bytes === 0) return this.#readFrames(chunk, 0)
    const scanner = this.#scanner
    const end = scanner.next(chunk, 0)
    if (end < 0) {
      if (scanner.kind !== FrameKind.error) return this.#keep(chunk, 0)
      this.#fail(scanner.error)
      return 'none'
    }
    const size = this.partial.bytes + end
    const parts = this.partial.finish(chunk, end)
    this.#host.pressure.release(this.#session)
    const isPassed = size >= WORTH_PARTS_BYTES && this.#passParts(parts)
    const stop = isPassed
      ? this.#stopAt(chunk, end, this.#stopAfter('done'))
      : this.#readJoined(parts, size, chunk, end)
    return stop === 'none' && !this.#session.ending ? this.#readFrames(chunk, end) : stop
  }

  /** What of the last chunk was not taken. */
  takeRest(): Buffer | null {
    const rest = this.#rest
    this.#rest = null
    return rest
  }

  /** A large plain command goes on as it came. Answers false when it has to be looked at. */
  #passParts(parts: readonly Buffer[]): boolean {
    const { kind, nameLength } = this.#scanner
    const [first] = parts
    const session = this.#session
    if (first === undefined || kind !== FrameKind.command || session.transaction !== null) return false
    const nameStart = nameStartOf(first)
    if (nameStart < 0 || nameStart + nameLength > first.length) return false
    const spec = lookupCommand(first, nameStart, nameLength)
    const plain = this.#plain[spec.index] as number
    if (plain === Plain.no) return false
    if (plain & Plain.writes) session.waits.wrote(session.place)
    const request = createRunInParts(session.replyTo(), parts, plain & Plain.marking)
    if (request.weight >= HEAVY_BYTES) this.#replies.becomeHeavy()
    if (request.weight >= HUGE_BYTES && session.pending === 0) session.choice.takePrivate()
    session.submit(request)
    ;(this.#host.counters.detail.calls[spec.index] as number)++
    return true
  }

  /** A frame that came in parts, put together. */
  #readJoined(parts: readonly Buffer[], size: number, chunk: Buffer, end: number): Stop {
    const kind = this.#scanner.kind
    if (kind === FrameKind.empty) return 'none'
    const frame = this.#host.lanes.sockets.memory.join(parts, size)
    const outcome = this.#take(kind, frame, nameStartOf(frame))
    const stop = this.#stopAt(chunk, end, this.#stopAfter(outcome))
    if (isOfferedAgain(outcome)) this.#rest = this.#rest === null ? frame : Buffer.concat([frame, this.#rest])
    return stop
  }

  /** After a command: may the next one be looked at now? */
  #stopAfter(outcome: Outcome): Stop {
    if (outcome === 'wait' || outcome === 'barrier') return 'replies'
    if (outcome === 'look') return 'look'
    return this.#session.isFull ? 'full' : 'none'
  }

  #stopAt(chunk: Buffer, at: number, stop: Stop): Stop {
    this.#rest = stop !== 'none' && at < chunk.length ? chunk.subarray(at) : null
    return stop
  }

  /** The hot loop: a run of plain commands becomes one request. */
  #readFrames(chunk: Buffer, from: number): Stop {
    const session = this.#session
    const scanner = this.#scanner
    let plain = this.#plain
    const { calls } = this.#host.counters.detail
    let at = from
    let runStart = from
    let run = 0
    let seen = 0
    let room = this.#replies.window - session.pending
    let last: CommandSpec | null = null
    while (at < chunk.length) {
      let end = scanner.next(chunk, at)
      if (end < 0) break
      const kind = scanner.kind
      if (kind === FrameKind.command && session.transaction === null && session.state.reply === 'on') {
        const spec = lookupCommand(chunk, scanner.nameStart, scanner.nameLength)
        const index = spec.index
        // Within the array by construction, here and below; the casts cost nothing.
        const bits = plain[index] as number
        if (bits !== 0) {
          ;(calls[index] as number)++
          seen |= bits
          last = spec
          run++
          // Most pipelines are of one command: the others like it need no look at their name.
          if (end < chunk.length && run < room) {
            end = scanner.takeAlike(chunk, end, room - run)
            run += scanner.taken
            calls[index] = (calls[index] as number) + scanner.taken
          }
          at = end
          if (run < room) continue
        }
      }
      if (run > 0) {
        this.#onRun(seen, last)
        session.submit(createRun(session, slice(chunk, runStart, at), run, seen & Plain.marking))
        seen = 0
        run = 0
        room = this.#replies.window - session.pending
        runStart = at
        if (session.isFull) return this.#stopAt(chunk, at, 'full')
        if (at === end) continue
      }
      const whole = kind === FrameKind.command ? this.#wholeTransaction(chunk, at, end) : 0
      if (whole > 0) {
        at = whole
        runStart = at
        continue
      }
      const outcome = this.#take(kind, slice(chunk, at, end), scanner.nameStart - at)
      plain = this.#plain
      if (!isOfferedAgain(outcome)) at = end
      runStart = at
      if (session.ending) return 'none'
      const stop = this.#stopAfter(outcome)
      if (stop !== 'none') return this.#stopAt(chunk, at, stop)
    }
    if (run > 0) {
      this.#onRun(seen, last)
      session.submit(createRun(session, slice(chunk, runStart, at), run, seen & Plain.marking))
    }
    if (scanner.kind === FrameKind.error) this.#fail(scanner.error)
    else if (at < chunk.length) return this.#keep(chunk, at)
    return 'none'
  }

  /** Of a run that is about to be submitted: its `Plain` bits together, and its last command. */
  #onRun(seen: number, last: CommandSpec | null): void {
    if (seen & Plain.writes) this.#session.waits.wrote(this.#session.place)
    if (last !== null) this.#session.lastCommand = last.name
  }

  /** The beginning of a command, or more of it; it may have to wait before it may grow on. */
  #keep(chunk: Buffer, from: number): Stop {
    this.partial.add(chunk, from)
    const { bytes } = this.partial
    if (bytes < ONE_READ_BYTES) return 'none'
    const session = this.#session
    const host = this.#host
    if (bytes > MAX_FRAME_BYTES) {
      logFrameTooLarge(host, session, MAX_FRAME_BYTES)
      session.refuse(errors.frameTooLarge.reply)
    } else if (session.pending > 0 && session.pendingBytes + bytes >= host.maxSessionBytes) return 'full'
    else if (!host.pressure.mayGrow(session)) session.holdBack()
    return 'none'
  }

  /** MULTI with its EXEC in the same chunk goes out as one request, on the shared link; answers where it ends, or 0. */
  #wholeTransaction(chunk: Buffer, at: number, end: number): number {
    const session = this.#session
    if (session.isPrivate || session.transaction !== null || session.state.reply !== 'on' || !this.signedIn) return 0
    const spec = lookupCommand(chunk, this.#scanner.nameStart, this.#scanner.nameLength)
    if (spec.route !== Route.multi || this.#scanner.argc !== 1) return 0
    const found = findTransaction(chunk, end, spec, this.#host.deny)
    if (found === null) return 0
    submitTransaction(session, found, slice(chunk, at, found.end))
    return found.end
  }

  /** The frame just scanned, which is no plain command or came in parts. */
  #take(kind: FrameKind, frame: Buffer, nameAt: number): Outcome {
    if (kind === FrameKind.empty) return 'done'
    let command = frame
    let nameStart = nameAt
    let { nameLength } = this.#scanner
    if (kind === FrameKind.inline) {
      const encoded = encodeInline(inlineLine(frame))
      if (encoded === undefined) {
        this.#fail('unbalanced quotes in request')
        return 'done'
      }
      if (encoded === null) return 'done'
      command = encoded
      nameStart = nameStartOf(command)
      nameLength = leadingArgs(command, 1)[0]?.length ?? 0
    }
    const session = this.#session
    const spec = lookupCommand(command, nameStart, nameLength)
    if (!spec.known && isAttack(command, nameStart, nameLength)) {
      logHttp(this.#host, session)
      session.destroy()
      return 'done'
    }
    session.lastCommand = spec.name
    const plain = this.#plain[spec.index] as number
    if (writes[spec.index] === 1) session.waits.wrote(session.place)
    let outcome: Outcome = 'done'
    if (plain !== Plain.no && session.transaction === null)
      session.submit(createRun(session.replyTo(), command, 1, plain & Plain.marking))
    else outcome = dispatch(session, spec, command)
    if (!isOfferedAgain(outcome)) (this.#host.counters.detail.calls[spec.index] as number)++
    return outcome
  }

  /** The server's own error line. */
  #fail(text: string): void {
    logProtocolError(this.#host, this.#session, text)
    this.#session.refuse(protocolError(text))
  }
}

const isOfferedAgain = (outcome: Outcome): boolean => outcome === 'wait' || outcome === 'look'

/** A small piece of a large read is copied: it may wait for long, and would keep all of the read. */
function slice(chunk: Buffer, from: number, to: number): Buffer {
  // One command came alone, most often. A view costs as much as all that is done to find its end.
  if (from === 0 && to === chunk.length) return chunk
  const piece = chunk.subarray(from, to)
  return chunk.length > LARGE_READ_BYTES && piece.length * 8 < chunk.length ? Buffer.from(piece) : piece
}

// reader.ts — from the bytes of one client to requests, in their order.
//
//   chunk ─▶ scanner ─▶ run of plain commands ─▶ one request ─▶ session.submit
//               ├─────▶ MULTI with its EXEC ──▶ one request ─▶ session.submit
//               ├─────▶ anything else ────────▶ dispatch
//               └─────▶ no end in this chunk ─▶ unfinished, until the next chunk
//
// Owns: the scanner, the unfinished frame, which commands need no look. How the socket is paused is input.ts.
// Never: touches the socket, sees replies, knows lanes.
//
// Must stay true: commands leave in the order they came; a command that has to wait is offered again with all behind it.

import { type CommandSpec, Route } from '../../command/command-spec.ts'
import { lookupCommand } from '../../command/lookup.ts'
import { errors, protocolError } from '../../errors.ts'
import { createRun, createRunInParts, createUnit, type RequestOwner } from '../../relay/request.ts'
import { CommandScanner, FrameKind } from '../../resp/command-scanner.ts'
import { commandArgs } from '../../resp/decode.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { splitInline } from '../../resp/inline-command.ts'
import { dispatch } from '../commands/dispatch.ts'
import { rememberScript } from '../commands/script-bodies.ts'
import { ONE_READ, type Waiter } from '../flow/memory-budget.ts'
import { PartialCommand } from '../flow/partial-command.ts'
import type { ReplyWindow } from '../flow/reply-window.ts'
import type { SessionContext } from '../state/session-context.ts'
import { writes } from '../state/wait-truth.ts'
import { logFrameTooLarge } from './ended-for.ts'
import { inlineLine, isAttack, nameStartOf } from './frame-fields.ts'
import type { SessionHost } from './host.ts'
import { type Input, Pause } from './input.ts'
import { findTransaction } from './pipelined-transaction.ts'
import { nothingPlain, Plain, plainCommands } from './plain-commands.ts'

/** A command larger than this ends its session, as the server's client-query-buffer-limit does. */
const MAX_FRAME = 1024 * 1024 * 1024

/** A command of this size is not put together from its parts. */
const WORTH_PARTS = 32 * 1024

/** What reading needs of its session; implemented by session.ts alone. */
export interface ReadingSession extends SessionContext, RequestOwner, Waiter {
  readonly ending: boolean
  readonly pending: number
  /** Bytes of the commands without their last reply. */
  readonly pendingBytes: number
  /** The next command submitted may write, see wait-truth.ts. */
  wrote(): void
  /** The last reply, behind those of all commands before it, then the end. */
  refuse(reply: Buffer): void
}

export class Reader {
  readonly unfinished: PartialCommand
  readonly #session: ReadingSession
  readonly #host: SessionHost
  readonly #intake: Input
  readonly #unread: ReplyWindow
  readonly #scanner = new CommandScanner()
  /** The commands that need no look, see plain-commands.ts; none before the client has signed in. */
  #plain: Uint8Array

  constructor(session: ReadingSession, host: SessionHost, intake: Input, unread: ReplyWindow) {
    this.#session = session
    this.#host = host
    this.#intake = intake
    this.#unread = unread
    this.unfinished = new PartialCommand(host.counters)
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

  /** What the client has begun is thrown away, or whole. */
  clear(): void {
    this.unfinished.clear()
    this.#host.pressure.release(this.#session)
  }

  /** One chunk, whose first byte follows the last one looked at. */
  read(chunk: Buffer): void {
    if (this.unfinished.bytes === 0) {
      this.#readFrames(chunk, 0)
      return
    }
    const scanner = this.#scanner
    const end = scanner.next(chunk, 0)
    if (end < 0) {
      if (scanner.kind === FrameKind.error) this.#fail(scanner.error)
      else this.#keep(chunk, 0)
      return
    }
    const size = this.unfinished.bytes + end
    const parts = this.unfinished.finish(chunk, end)
    this.#host.pressure.release(this.#session)
    const goesOn =
      size >= WORTH_PARTS && this.#passParts(parts) ? this.#mayGoOn(chunk, end) : this.#readJoined(parts, chunk, end)
    if (goesOn) this.#readFrames(chunk, end)
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
    if (plain & Plain.writes) session.wrote()
    session.submit(createRunInParts(session.replyTo(), parts))
    ;(this.#host.counters.detail.calls[spec.index] as number)++
    return true
  }

  /** A frame that came in parts, put together. Answers false when what follows it has to wait. */
  #readJoined(parts: readonly Buffer[], chunk: Buffer, end: number): boolean {
    const kind = this.#scanner.kind
    if (kind === FrameKind.empty) return true
    const frame = Buffer.concat(parts)
    if (this.#take(kind, frame, nameStartOf(frame))) return this.#mayGoOn(chunk, end)
    this.#intake.stall(end === chunk.length ? frame : Buffer.concat([frame, chunk.subarray(end)]))
    return false
  }

  /** After a command that was taken: may what follows it in `chunk` be looked at now? If not, it is kept for later. */
  #mayGoOn(chunk: Buffer, end: number): boolean {
    const intake = this.#intake
    const { ending, gone } = this.#session
    if (!intake.mustWait && !ending && !gone && !(intake.paused & Pause.pending)) return true
    intake.stall(end === chunk.length ? null : chunk.subarray(end))
    return false
  }

  /** The hot loop: a run of plain commands becomes one request. */
  #readFrames(chunk: Buffer, from: number): void {
    const session = this.#session
    const intake = this.#intake
    const scanner = this.#scanner
    let plain = this.#plain
    const { calls } = this.#host.counters.detail
    let at = from
    let runStart = from
    let run = 0
    let seen = 0
    let room = this.#unread.window - session.pending
    let last: CommandSpec | null = null
    while (at < chunk.length) {
      const end = scanner.next(chunk, at)
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
          at = end
          if (run < room) continue
        }
      }
      if (run > 0) {
        this.#onRun(seen, last)
        seen = 0
        session.submit(createRun(session, slice(chunk, runStart, at), run))
        run = 0
        room = this.#unread.window - session.pending
        runStart = at
        if (intake.paused & Pause.pending) {
          intake.stall(at < chunk.length ? chunk.subarray(at) : null)
          return
        }
        if (at === end) continue
      }
      const whole = kind === FrameKind.command ? this.#wholeTransaction(chunk, at, end) : 0
      if (whole > 0) {
        at = whole
        runStart = at
        continue
      }
      if (!this.#take(kind, slice(chunk, at, end), scanner.nameStart - at) || session.gone) {
        intake.stall(chunk.subarray(at))
        return
      }
      plain = this.#plain
      at = end
      runStart = at
      if (session.ending) return
      if (intake.mustWait || intake.paused & Pause.pending) {
        intake.stall(at < chunk.length ? chunk.subarray(at) : null)
        return
      }
    }
    if (run > 0) {
      this.#onRun(seen, last)
      session.submit(createRun(session, slice(chunk, runStart, at), run))
    }
    if (scanner.kind === FrameKind.error) this.#fail(scanner.error)
    else if (at < chunk.length) this.#keep(chunk, at)
  }

  /** Of a run that is about to be submitted: its `Plain` bits together, and its last command. */
  #onRun(seen: number, last: CommandSpec | null): void {
    if (seen & Plain.writes) this.#session.wrote()
    if (last !== null) this.#session.lastCommand = last.name
  }

  /** The beginning of a command, or more of it; it may have to wait before it may grow on. */
  #keep(chunk: Buffer, from: number): void {
    this.unfinished.add(chunk, from)
    const { bytes } = this.unfinished
    if (bytes < ONE_READ) return
    const session = this.#session
    const host = this.#host
    if (bytes > MAX_FRAME) {
      logFrameTooLarge(host, session.id, MAX_FRAME)
      session.refuse(errors.frameTooLarge.reply)
    } else if (session.pending > 0 && session.pendingBytes + bytes >= host.maxSessionBytes)
      this.#intake.pause(Pause.pending)
    else if (!host.pressure.mayGrow(session)) session.holdBack()
  }

  /** MULTI with its EXEC in the same chunk goes out as one request, on the shared link; answers where it ends, or 0. */
  #wholeTransaction(chunk: Buffer, at: number, end: number): number {
    const session = this.#session
    if (session.isPrivate || session.transaction !== null || session.state.reply !== 'on' || !this.signedIn) return 0
    const spec = lookupCommand(chunk, this.#scanner.nameStart, this.#scanner.nameLength)
    if (spec.route !== Route.multi || this.#scanner.argc !== 1) return 0
    const found = findTransaction(chunk, end, this.#host.deny)
    if (found === null) return 0
    for (const script of found.scripts) rememberScript(session.scripts, script.spec, commandArgs(script.frame))
    const { calls } = this.#host.counters.detail
    ;(calls[spec.index] as number)++
    for (const index of found.indexes) (calls[index] as number)++
    if (found.indexes.some(index => writes[index] === 1)) session.wrote()
    const bytes = slice(chunk, at, found.end)
    session.submit(createUnit(session, bytes, found.commands + 1, found.commands + 1, null))
    return found.end
  }

  /** The frame just scanned, which is no plain command or came in parts. Answers false when it must be offered again later. */
  #take(kind: FrameKind, frame: Buffer, nameAt: number): boolean {
    if (kind === FrameKind.empty) return true
    let command = frame
    let nameStart = nameAt
    let { nameLength } = this.#scanner
    if (kind === FrameKind.inline) {
      const args = splitInline(inlineLine(frame))
      if (args === undefined) {
        this.#fail('unbalanced quotes in request')
        return true
      }
      const [name] = args
      if (name === undefined) return true
      command = encodeCommand(args)
      nameStart = nameStartOf(command)
      nameLength = name.length
    }
    const session = this.#session
    const spec = lookupCommand(command, nameStart, nameLength)
    if (!spec.known && isAttack(command, nameStart, nameLength)) {
      session.destroy()
      return true
    }
    session.lastCommand = spec.name
    const fast = this.#plain[spec.index] !== Plain.no
    if (writes[spec.index] === 1) session.wrote()
    const taken = !fast || session.transaction !== null ? dispatch(session, spec, command) : this.#pass(command)
    if (taken) (this.#host.counters.detail.calls[spec.index] as number)++
    return taken
  }

  #pass(command: Buffer): true {
    this.#session.submit(createRun(this.#session.replyTo(), command, 1))
    return true
  }

  /** The server's own error line. */
  #fail(text: string): void {
    this.#host.counters.protocolErrors++
    this.#session.refuse(protocolError(text))
  }
}

/** A small piece of a large read is copied: it may wait for long, and would keep all of the read. */
function slice(chunk: Buffer, from: number, to: number): Buffer {
  const piece = chunk.subarray(from, to)
  return chunk.length > 16 * 1024 && piece.length * 8 < chunk.length ? Buffer.from(piece) : piece
}

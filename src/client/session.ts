// session.ts — one accepted client connection: reads it, cuts the bytes into commands, sends them on, writes replies back.
//
//   socket ─▶ chunk ─▶ scanner ─▶ run of plain commands ─▶ one request ─▶ lane
//                         └─────▶ anything else ─▶ dispatch
//   lane ─▶ deliver ─▶ [out] ─ end of turn ─▶ one write ─▶ socket
//
// Owns: the socket, the unfinished frame, which lane is used; how it is read and paused is intake.ts.
// Never: knows about failovers, looks into replies.
//
// Must stay true: commands leave in the order they came; the socket is closed only for QUIT, a protocol error, the
// client's own end, a limit it crossed, or shutdown; a session that has too much unanswered or unread is not read from.
import type { Socket } from 'node:net'
import { lookupCommand } from '../command/lookup.ts'
import { Route } from '../command/spec.ts'
import { errors, frameTimeoutReply, protocolError } from '../errors.ts'
import type { Lane } from '../relay/lane.ts'
import { createLocal, createRun, createUnit, type Request, type RequestOwner } from '../relay/request.ts'
import { CommandScanner, FrameKind } from '../resp/command-scanner.ts'
import { commandArgs } from '../resp/decode.ts'
import { encodeCommand } from '../resp/encode.ts'
import { splitInline } from '../resp/inline.ts'
import { writeGathered } from '../upstream/link.ts'
import type { Flushable } from '../upstream/turn.ts'
import type { SessionContext } from './context.ts'
import { dispatch } from './dispatch.ts'
import { Intake, type IntakeOwner, Pause } from './intake.ts'
import { ONE_READ, type Waiter } from './pressure.ts'
import { scanMark } from './scanning.ts'
import { rememberScript } from './script-bodies.ts'
import type { SessionHost } from './session-host.ts'
import { SessionLane } from './session-lane.ts'
import { createState } from './state.ts'
import { Subscriptions } from './subscriptions.ts'
import { endTransaction } from './transaction.ts'
import { Unfinished } from './unfinished.ts'
import { Unread, WORTH_COUNTING } from './unread.ts'
import { findTransaction } from './whole-transaction.ts'

/** Bytes of replies the client has not taken; beyond, its commands wait. */
const MAX_UNREAD = 1024 * 1024

/** A client over its limit of unread bytes that takes nothing for this long is ended. */
const UNREAD_STALL_MS = 3000

/** How long a client may take to close its side after ours. */
const LINGER_MS = 1000

/** A command larger than this ends its session, as the server's client-query-buffer-limit does. */
const MAX_FRAME = 1024 * 1024 * 1024

/** Routes that are one request, one reply, and leave no state: the fast path. */
const isFast = new Uint8Array(32)
/** What is fast for a session that has not signed in: every command is looked at by dispatch. */
const isNever = new Uint8Array(32)
for (const route of [Route.shared, Route.evalsha]) isFast[route] = 1

/** "Forget everything", as the server says it when it has lost track: a RESP3 push, or a message to a RESP2 subscriber. */
const forgetAllPush = Buffer.from('>2\r\n$10\r\ninvalidate\r\n_\r\n')
const forgetAllMessage = Buffer.from('*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*-1\r\n')

export class Session implements SessionContext, RequestOwner, IntakeOwner, Flushable, Waiter {
  readonly id: number
  readonly state
  readonly subscriptions = new Subscriptions()
  transaction: SessionContext['transaction'] = null
  gone = false
  pending = 0
  /** Nothing more is read from the client: QUIT, a protocol error. */
  ending = false
  readonly #host: SessionHost
  readonly #socket: Socket
  readonly #scanner = new CommandScanner()
  readonly #unfinished: Unfinished
  readonly #unread: Unread
  #out: Buffer[] = []
  #outBytes = 0
  #pendingBytes = 0
  /** The client has sent all it will send, or all that will be read. */
  #inputEnded = false
  readonly #choice: SessionLane
  readonly #intake: Intake
  #stallWatched = false
  readonly #muted: RequestOwner
  /** The routes that need no look: `isFast`, or `isNever` before the client has signed in. */
  #fast = isFast

  constructor(id: number, socket: Socket, host: SessionHost) {
    this.id = id
    this.#host = host
    this.#socket = socket
    this.state = createState(host.defaultIdentity)
    this.#muted = mutedOwner(this)
    this.#intake = new Intake(this, socket, host)
    this.#unfinished = new Unfinished(host.counters)
    this.#unread = new Unread(host.counters)
    this.#choice = new SessionLane(this, host, this.#muted)
    if (host.login !== null) this.signOut()
    else if (host.links === 'private') this.takePrivate()
    socket
      .on('data', (chunk: Buffer) => {
        host.counters.clientBytesIn += chunk.length
        if (!this.#inputEnded) this.#intake.onData(chunk)
      })
      .on('drain', () => this.#onDrain())
      .on('end', () => this.#onEnd())
      .on('error', () => this.#close())
      .on('close', () => this.#close())
  }

  // ---- what dispatch asks of a session ----

  get deny(): SessionHost['deny'] {
    return this.#host.deny
  }
  get counters(): SessionHost['counters'] {
    return this.#host.counters
  }
  get log(): SessionHost['log'] {
    return this.#host.log
  }
  get limitLog(): SessionHost['limitLog'] {
    return this.#host.limitLog
  }
  get maxTransactionBytes(): number {
    return this.#host.highWater
  }
  get defaultIdentity(): SessionHost['defaultIdentity'] {
    return this.#host.defaultIdentity
  }
  get login(): SessionContext['login'] {
    return this.#host.login
  }
  get signedIn(): boolean {
    return this.#fast === isFast
  }
  get peer(): string {
    return this.#socket.remoteAddress ?? 'socket'
  }
  get unread(): number {
    return this.#outBytes + this.#socket.writableLength
  }
  get learned(): SessionContext['learned'] {
    return this.#host.lanes.learned
  }
  get scripts(): SessionContext['scripts'] {
    return this.#host.lanes.scripts
  }
  readonly scanMark = (): number => scanMark(this.#host.lanes.moves)
  findSession(id: number): SessionContext | undefined {
    return this.#host.findSession(id)
  }
  redirectTo(session: number | undefined): void {
    if (session === undefined) this.#host.redirects.delete(this.id)
    else this.#host.redirects.set(this.id, session)
  }
  get isPrivate(): boolean {
    return this.#choice.isPrivate
  }
  get lane(): Lane {
    return this.#choice.lane
  }

  signIn(): void {
    if (this.signedIn) return
    this.#fast = isFast
    this.#scanner.limit('ordinary')
    if (this.#host.links === 'private') this.takePrivate()
  }

  signOut(): void {
    if (this.#host.login === null) return
    this.#fast = isNever
    this.#scanner.limit('signed-out')
  }

  replyTo(): RequestOwner {
    if (this.state.reply === 'on') return this
    if (this.state.reply === 'skip-next') this.state.reply = 'on'
    return this.#muted
  }

  submit(request: Request): void {
    this.pending += request.commands
    this.#pendingBytes += request.weight
    this.#host.counters.pendingBytes += request.weight
    this.#host.counters.commands += request.commands
    this.#choice.lane.submit(request)
    if (this.pending >= this.#unread.window || this.#pendingBytes >= this.#host.maxSessionBytes)
      this.#intake.pause(Pause.pending)
    else if (this.#host.counters.pendingBytes >= this.#host.highWater && this.#host.pressure.isHigh) this.holdBack()
  }

  answer(reply: Buffer): void {
    const owner = this.replyTo()
    if (this.pending === 0) owner.deliver(reply)
    else this.submit(createLocal(owner, reply))
  }

  push(bytes: Buffer): void {
    this.deliver(bytes)
  }

  takePrivate(): boolean {
    return this.#takeLink(() => this.#choice.takePrivate())
  }

  takeForLogin(): boolean {
    return this.#takeLink(() => this.#choice.takeForLogin())
  }

  #takeLink(open: () => void): boolean {
    if (this.#choice.isPrivate) return true
    if (this.pending > 0) {
      this.#intake.mustWait = true
      return false
    }
    open()
    return true
  }

  waitForReplies(): void {
    this.#intake.mustWait = true
  }

  identityChanged(): void {
    this.#choice.identityChanged()
  }

  renewLink(): void {
    this.#choice.renew()
  }

  trackAgain(): void {
    this.#choice.trackAgain()
  }

  forgetAll(): void {
    this.push(this.state.identity.protocol === 3 ? forgetAllPush : forgetAllMessage)
  }

  closeAfterReplies(): void {
    this.ending = true
    this.#endIfDone()
  }

  // ---- replies ----

  deliver(bytes: Buffer): void {
    if (this.gone || bytes.length === 0) return
    if (this.#out.length === 0) this.#host.turn.markSession(this)
    this.#out.push(bytes)
    this.#outBytes += bytes.length
  }

  onAnswered(commands: number, weight: number): void {
    this.pending -= commands
    this.#pendingBytes -= weight
    this.#unread.answered += commands
    if (this.gone) return
    if (this.#intake.paused !== 0 || this.pending === 0) this.#afterReply()
  }

  flush(): void {
    const out = this.#out
    const total = this.#outBytes
    this.#out = []
    this.#outBytes = 0
    if (this.gone || total === 0) return
    this.#host.counters.clientBytesOut += total
    const socket = this.#socket
    // What waits in the socket must not keep the whole read that it is a small part of.
    const [first] = out
    if (first !== undefined && out.length === 1 && total < ONE_READ && socket.writableLength > 0)
      socket.write(Buffer.from(first))
    else writeGathered(socket, out, total)
    const left = socket.writableLength
    this.#unread.onWritten(total, left, this.pending === 0 && this.#intake.empty)
    if (left > WORTH_COUNTING) this.#onUnread(left)
    this.#endIfDone()
  }

  /** The client takes less than it gets. */
  #onUnread(left: number): void {
    const host = this.#host
    if (left > MAX_UNREAD) {
      this.#intake.pause(Pause.unread)
      if (this.#choice.isPrivate) this.#choice.lane.link?.pause()
      else {
        this.#unread.heavy = true
        // Node's own timer: it counts what the client takes as life. Our commands wait meanwhile, so no more comes.
        if (this.#unread.isOver(host.maxUnreadBytes)) this.#mustRead(true)
      }
    }
    if (host.counters.unreadBytes > host.maxHeldBytes) host.turn.defer(host.relieve)
  }

  readonly #onStalled = (): void => {
    if (!this.gone && !this.ending) this.endUnread('one')
  }

  #mustRead(is: boolean): void {
    if (this.#stallWatched === is || this.ending) return
    this.#stallWatched = is
    if (is) this.#socket.setTimeout(UNREAD_STALL_MS, this.#onStalled)
    else this.#socket.setTimeout(0, this.#onStalled)
  }

  #onDrain(): void {
    this.#unread.onDrain()
    this.#mustRead(false)
    if (this.#choice.isPrivate) this.#choice.lane.link?.resume()
    this.#intake.unpause(Pause.unread)
  }

  #afterReply(): void {
    if (
      this.#intake.paused & Pause.pending &&
      (this.pending === 0 ||
        (this.pending * 2 < this.#unread.window &&
          this.#pendingBytes + this.#unfinished.bytes < this.#host.maxSessionBytes))
    )
      this.#intake.unpause(Pause.pending)
    if (this.pending > 0) return
    if (this.#unread.heavy && !this.#choice.isPrivate) this.#host.turn.defer(this.#takeOwnLink)
    if (this.#choice.trackingDue) this.trackAgain()
    if (this.#choice.isPrivate && this.#choice.canShare) this.#host.turn.defer(this.#leaveIfIdle)
    if (this.#intake.paused & Pause.stalled) this.#intake.unpause(Pause.stalled)
    this.#endIfDone()
  }

  /** In a later step: the link has still to finish with the reply that made the session idle. */
  readonly #leaveIfIdle = (): void => {
    const choice = this.#choice
    if (choice.isPrivate && this.pending === 0 && choice.canShare && !this.gone) choice.leavePrivate()
  }

  /** Its replies are large or it is slow to take them: on a link of its own it can be left to its own pace. */
  readonly #takeOwnLink = (): void => {
    if (this.heavy && this.pending === 0 && !this.gone && !this.ending) this.takePrivate()
  }

  // ---- limits ----

  get heavy(): boolean {
    return this.#unread.heavy
  }
  get unreadBytes(): number {
    return this.#unread.bytes
  }
  get unfinishedBytes(): number {
    return this.#unfinished.bytes
  }
  /** Node reads on into a paused socket until that holds a read's worth: nothing there means nothing was sent. */
  get hasMore(): boolean {
    return this.#socket.readableLength > 0
  }

  holdBack(): void {
    this.#intake.pause(Pause.pressure)
    this.#host.pressure.wait(this)
  }

  goOn(): void {
    this.#intake.unpause(Pause.pressure)
  }

  /** By the sweep: a command must be finished within `limitMs`. */
  checkUnfinished(now: number, limitMs: number, sweepMs: number): void {
    if (this.ending || this.gone || this.#unfinished.bytes === 0) return
    if (!this.#unfinished.isLate(now, limitMs, { waitsForUs: this.hasMore, sweepMs })) return
    const { counters, limitLog } = this.#host
    counters.frameTimeouts++
    limitLog.warn(
      'session.frame_timeout',
      { session: this.id, limitMs, bytes: this.#unfinished.bytes },
      'a command was begun and not finished in time: the session is ended (--frame-timeout)',
    )
    this.#refuse(frameTimeoutReply(limitMs))
  }

  /** Too much is unread, by this client alone or by all together: its replies cannot be kept for it. */
  endUnread(by: 'one' | 'all'): void {
    const { counters, limitLog, maxUnreadBytes, maxHeldBytes } = this.#host
    counters.unreadEnded++
    const unreadBytes = this.#unread.bytes
    if (by === 'one')
      limitLog.warn(
        'session.unread',
        { session: this.id, unreadBytes, limit: maxUnreadBytes },
        'the client does not read its replies: the session is ended (--max-unread-bytes)',
      )
    else
      limitLog.warn(
        'session.unread_in_all',
        { session: this.id, unreadBytes, limit: maxHeldBytes },
        'all clients together leave too much unread, this one most: the session is ended (--max-held-bytes)',
      )
    this.destroy()
  }

  // ---- reading ----

  /** One chunk, whose first byte follows the last one looked at. */
  read(chunk: Buffer): void {
    const scanner = this.#scanner
    let at = 0
    if (this.#unfinished.bytes > 0) {
      const end = scanner.next(chunk, 0)
      if (end < 0) {
        if (scanner.kind === FrameKind.error) this.#fail(scanner.error)
        else this.#keep(chunk, 0)
        return
      }
      const frame = this.#unfinished.finish(chunk, end)
      this.#host.pressure.release(this)
      if (!this.#readJoined(frame, chunk.subarray(end))) return
      at = end
    }
    this.#readFrames(chunk, at)
  }

  /** A frame that came in parts, put together; scanned again to find its name. */
  #readJoined(frame: Buffer, after: Buffer): boolean {
    const kind = this.#scanner.kind
    if (kind === FrameKind.empty) return true
    const taken = this.#take(kind, frame)
    if (taken && !this.#intake.mustWait && !this.ending && !this.gone && !(this.#intake.paused & Pause.pending))
      return true
    if (taken) this.#intake.stall(after.length === 0 ? null : after)
    else this.#intake.stall(after.length === 0 ? frame : Buffer.concat([frame, after]))
    return false
  }

  /** The hot loop: a run of plain commands becomes one request. */
  #readFrames(chunk: Buffer, from: number): void {
    const scanner = this.#scanner
    const hot = this.#host.deny.hot
    let fast = this.#fast
    const { calls } = this.#host.counters.detail
    let at = from
    let runStart = from
    let run = 0
    let room = this.#unread.window - this.pending
    while (at < chunk.length) {
      const end = scanner.next(chunk, at)
      if (end < 0) break
      const kind = scanner.kind
      if (kind === FrameKind.command && this.transaction === null && this.state.reply === 'on') {
        const spec = lookupCommand(chunk, scanner.nameStart, scanner.nameLength)
        if (fast[spec.route] === 1 && hot[spec.index] === 0 && spec.known) {
          // The slot is within the array by construction; the cast costs nothing.
          ;(calls[spec.index] as number)++
          run++
          at = end
          if (run < room) continue
        }
      }
      if (run > 0) {
        this.submit(createRun(this, slice(chunk, runStart, at), run))
        run = 0
        room = this.#unread.window - this.pending
        runStart = at
        if (this.#intake.paused & Pause.pending) {
          this.#intake.stall(at < chunk.length ? chunk.subarray(at) : null)
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
      if (!this.#take(kind, slice(chunk, at, end)) || this.gone) {
        this.#intake.stall(chunk.subarray(at))
        return
      }
      fast = this.#fast
      at = end
      runStart = at
      if (this.ending) return
      if (this.#intake.mustWait || this.#intake.paused & Pause.pending) {
        this.#intake.stall(at < chunk.length ? chunk.subarray(at) : null)
        return
      }
    }
    if (run > 0) this.submit(createRun(this, slice(chunk, runStart, at), run))
    if (scanner.kind === FrameKind.error) this.#fail(scanner.error)
    else if (at < chunk.length) this.#keep(chunk, at)
  }

  /** The beginning of a command, or more of it; it may have to wait before it may grow on. */
  #keep(chunk: Buffer, from: number): void {
    this.#unfinished.add(chunk, from)
    const { bytes } = this.#unfinished
    if (bytes < ONE_READ) return
    const host = this.#host
    if (bytes > MAX_FRAME) {
      host.counters.framesTooLarge++
      host.limitLog.warn(
        'session.frame_too_large',
        { session: this.id, limit: MAX_FRAME },
        'a command is larger than 1 GB: the session is ended',
      )
      this.#refuse(errors.frameTooLarge.reply)
    } else if (this.pending > 0 && this.#pendingBytes + bytes >= host.maxSessionBytes) this.#intake.pause(Pause.pending)
    else if (!host.pressure.mayGrow(this)) this.holdBack()
  }

  /** MULTI with its EXEC in the same chunk goes out as one request, on the shared link; answers where it ends, or 0. */
  #wholeTransaction(chunk: Buffer, at: number, end: number): number {
    if (this.#choice.isPrivate || this.transaction !== null || this.state.reply !== 'on' || !this.signedIn) return 0
    const spec = lookupCommand(chunk, this.#scanner.nameStart, this.#scanner.nameLength)
    if (spec.route !== Route.multi || this.#scanner.argc !== 1) return 0
    const found = findTransaction(chunk, end, this.#host.deny)
    if (found === null) return 0
    for (const script of found.scripts) rememberScript(this.scripts, script.spec, commandArgs(script.frame))
    const { calls } = this.counters.detail
    ;(calls[spec.index] as number)++
    for (const index of found.indexes) (calls[index] as number)++
    const bytes = slice(chunk, at, found.end)
    this.submit(createUnit(this, bytes, found.commands + 1, found.commands + 1, null))
    return found.end
  }

  /** One frame that is no plain command. Answers false when it must be offered again later. */
  #take(kind: FrameKind, frame: Buffer): boolean {
    if (kind === FrameKind.empty) return true
    let command = frame
    if (kind === FrameKind.inline) {
      const args = splitInline(inlineLine(frame))
      if (args === undefined) {
        this.#fail('unbalanced quotes in request')
        return true
      }
      if (args.length === 0) return true
      command = encodeCommand(args)
    }
    const scanner = new CommandScanner()
    scanner.next(command, 0)
    const spec = lookupCommand(command, scanner.nameStart, scanner.nameLength)
    if (!spec.known && isAttack(command, scanner.nameStart, scanner.nameLength)) {
      this.destroy()
      return true
    }
    const fast = spec.known && this.#fast[spec.route] === 1 && this.#host.deny.hot[spec.index] === 0
    const taken = !fast || this.transaction !== null ? dispatch(this, spec, command) : this.#pass(command)
    if (taken) (this.counters.detail.calls[spec.index] as number)++
    return taken
  }

  #pass(command: Buffer): true {
    this.submit(createRun(this.replyTo(), command, 1))
    return true
  }

  /** The server's own error line, behind the replies of all commands before it, then the end. */
  #fail(text: string): void {
    this.#host.counters.protocolErrors++
    this.#refuse(protocolError(text))
  }

  #refuse(reply: Buffer): void {
    this.#unfinished.clear()
    this.#host.pressure.release(this)
    this.#socket.pause()
    this.answer(reply)
    this.closeAfterReplies()
  }

  // ---- the end ----

  /** The client has finished sending: what it sent is still answered, unless it waits for something that may never come. */
  #onEnd(): void {
    const waitsForever =
      this.subscriptions.size > 0 || this.state.monitoring || this.#choice.lane.link?.head?.patient === true
    if (this.#choice.isPrivate && waitsForever) {
      this.destroy()
      return
    }
    this.#inputEnded = true
    this.#endIfDone()
  }

  #endIfDone(): void {
    const noMore = this.ending || (this.#inputEnded && this.#intake.empty)
    if (!noMore || this.pending > 0 || this.#outBytes > 0 || this.gone) return
    this.ending = true
    this.#unfinished.clear()
    hangUp(this.#socket)
  }

  /** Shutdown: as if the client had sent all it will send. What was read is answered; what comes now is not read. */
  leave(): void {
    if (!this.gone) this.#onEnd()
  }

  /** Shutdown: everything that is unanswered ends here. */
  destroy(): void {
    this.#socket.destroy()
    this.#close()
  }

  #close(): void {
    if (this.gone) return
    this.gone = true
    this.#out = []
    this.#outBytes = 0
    this.#unfinished.clear()
    this.#unread.onDrain()
    this.#host.pressure.release(this)
    endTransaction(this)
    this.#intake.clear()
    this.#choice.close()
    this.#host.onClosed(this)
  }
}

/**
 * Ends our side, then reads what the client still sends for a moment and throws it away: closing with it in the kernel's
 * would be a reset, and the reset would take the last reply with it. While the last reply is not out yet nothing is read, so
 * that only its progress counts as progress.
 */
export function hangUp(socket: Socket): void {
  socket.pause()
  socket.setTimeout(LINGER_MS, () => socket.destroy())
  socket.end(() => {
    socket.resume()
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(timer))
  })
}

/** A small piece of a large read is copied: it may wait for long, and would keep all of the read. */
function slice(chunk: Buffer, from: number, to: number): Buffer {
  const piece = chunk.subarray(from, to)
  return chunk.length > 16 * 1024 && piece.length * 8 < chunk.length ? Buffer.from(piece) : piece
}

/** A browser tricked into talking to the port begins like this; the server hangs up on it (server.c, processCommand). */
function isAttack(command: Buffer, start: number, length: number): boolean {
  return length <= 5 && /^(?:post|host:)$/i.test(command.toString('latin1', start, start + length))
}

/** Without its line end: '\n', and a '\r' before it. */
function inlineLine(frame: Buffer): Buffer {
  const end = frame.length - 1
  return frame.subarray(0, frame[end - 1] === 13 ? end - 1 : end)
}

/** CLIENT REPLY OFF: replies are counted, not heard. */
function mutedOwner(session: Session): RequestOwner {
  return {
    get gone(): boolean {
      return session.gone
    },
    get pending(): number {
      return session.pending
    },
    deliver(): void {},
    onAnswered(commands, weight): void {
      session.onAnswered(commands, weight)
    },
  }
}

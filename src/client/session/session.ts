// session.ts: one accepted client connection, put together from its parts.
//
//   socket ─▶ input ─▶ reader ─▶ submit ─▶ lane
//   lane ─▶ deliver ─▶ [out] ─ end of turn ─▶ one write ─▶ socket (reply-window.ts counts what stays there)
//
// Owns: the socket, what is unanswered, what is to be written, its end. Its parts: socket-input.ts (read and paused),
// reader.ts (bytes to requests), lane-choice.ts (which lane), slow-reader.ts (a client that does not take its replies).
// Never: knows about failovers, looks into commands or replies.
//
// Must stay true: commands leave in the order they came. A session that has too much unanswered or unread is not read
// from. The socket is closed only for one of these:
// - the client: its own end, QUIT, a protocol error, words of HTTP in place of a command;
// - others: CLIENT KILL, or the server closed the link of a subscriber that does not read;
// - a limit: --frame-timeout, the size of a command, --max-unread-bytes, --max-held-bytes, replies before it signs in;
// - this process: shutdown, or work for this session threw (onBug).
// It is longer than other files: half of it is one line a member, by which its parts and the relay reach one another.
import type { Socket } from 'node:net'
import { frameTimeoutReply } from '../../errors.ts'
import type { Lane } from '../../relay/lane.ts'
import { createLocal, type Request, type RequestOwner } from '../../relay/request.ts'
import type { SocketWriter } from '../../transport/socket-writer.ts'
import type { FlushableSession } from '../../upstream/turn.ts'
import { writeGathered } from '../../upstream/write-gather.ts'
import { closeGracefully, LAST_STALL_MS } from '../flow/graceful-close.ts'
import { ONE_READ_BYTES } from '../flow/memory-budget.ts'
import type { Sweep } from '../flow/partial-command.ts'
import { ReplyWindow, WORTH_COUNTING_BYTES } from '../flow/reply-window.ts'
import type { SessionContext, SessionHost } from '../state/session-context.ts'
import { SessionState } from '../state/session-state.ts'
import { endsOf } from '../state/socket-addresses.ts'
import { Subscriptions } from '../state/subscriptions.ts'
import { endTransaction, forgetLink } from '../state/transaction.ts'
import { WaitAnswers } from '../state/wait-answers.ts'
import { discardingOwner } from './discard-replies.ts'
import { logFrameTimeout, logKilled, logUnread, type UnreadEnd } from './end-causes.ts'
import { HalfClosed } from './half-closed.ts'
import { LaneChoice } from './lane-choice.ts'
import { ReadSplit } from './read-split.ts'
import { Reader, type ReadingSession } from './reader.ts'
import { SlowReader } from './slow-reader.ts'
import { Input, type InputOwner, Pause } from './socket-input.ts'

/** How far a session is. It never goes back. */
const Phase = {
  open: 0,
  /** The client has sent all it will send, or all that will be read. */
  inputEnded: 1,
  /** Nothing more is read: QUIT, a protocol error, the last reply is on its way. */
  ending: 2,
  /** Its last reply is on its way, and it has no lane any more. */
  over: 3,
  gone: 4,
} as const

/** Of a session that has nothing to write; nothing is ever put into it. */
const NOTHING: Buffer[] = []

export class Session implements ReadingSession, InputOwner, FlushableSession {
  readonly id: number
  readonly host: SessionHost
  readonly clientId: number
  readonly choice: LaneChoice
  readonly replies: ReplyWindow
  readonly openedAt = performance.now()
  lastCommand = 'NULL'
  readonly state
  readonly subscriptions = new Subscriptions()
  readonly waits = new WaitAnswers()
  place = 0
  transaction: SessionContext['transaction'] = null
  pending = 0
  pendingBytes = 0
  block: RequestOwner['block'] = null
  #phase: number = Phase.open
  readonly #socket: Socket
  readonly #reader: Reader
  #out: Buffer[] = NOTHING
  #outBytes = 0
  readonly #writer: SocketWriter
  readonly #input: Input
  readonly #slow: SlowReader
  /** Some of its commands go to a replica (--read-split); null: none does. */
  readonly #split: ReadSplit | null
  readonly #halfClosed = new HalfClosed(this)
  /** Stands for the session in requests whose replies its client does not want. */
  readonly #discarding: RequestOwner

  constructor(id: number, socket: Socket, host: SessionHost) {
    this.id = id
    this.host = host
    this.clientId = host.ids.of(id)
    this.#socket = socket
    this.#writer = host.lanes.sockets.lastWriter(socket)
    this.state = new SessionState(host.defaultIdentity)
    this.#discarding = discardingOwner(this)
    this.replies = new ReplyWindow(host.counters)
    this.#reader = new Reader(this, host, this.replies)
    this.#input = new Input(this, socket, host, this.#reader)
    this.choice = new LaneChoice(this, this.#discarding)
    this.#slow = new SlowReader(this, socket, this.#writer, this.#input, this.replies)
    const places = host.places?.() ?? null
    this.#split = places === null ? null : new ReadSplit(this, places)
    if (host.login !== null) this.signOut()
    else if (host.links === 'private') this.choice.takePrivate()
    socket
      .on('drain', () => this.#guard(() => this.#slow.onDrain()))
      .on('end', () => this.#guard(() => this.#onEnd()))
      .on('error', () => host.bugs.guard('end of a session', () => this.#close()))
      .on('close', () => host.bugs.guard('end of a session', () => this.#close()))
  }

  get gone(): boolean {
    return this.#phase === Phase.gone
  }
  get ending(): boolean {
    return this.#phase >= Phase.ending
  }
  get inputEnded(): boolean {
    return this.#phase >= Phase.inputEnded
  }

  #advance(phase: number): void {
    if (phase > this.#phase) this.#phase = phase
  }

  // ---- what dispatch asks of a session ----

  get signedIn(): boolean {
    return this.#reader.signedIn
  }
  get lastReadAt(): number {
    return this.#input.lastReadAt
  }
  get unread(): number {
    return this.#outBytes + this.#writer.left
  }
  get ends(): SessionContext['ends'] {
    return endsOf(this.#socket)
  }
  get isPrivate(): boolean {
    return this.choice.isPrivate
  }
  get lane(): Lane {
    return this.choice.lane
  }

  signIn(): void {
    if (this.signedIn) return
    this.#reader.signIn()
    if (this.host.links === 'private') this.choice.takePrivate()
  }

  signOut(): void {
    if (this.host.login !== null) this.#reader.signOut()
  }

  replyTo(): RequestOwner {
    if (this.state.reply === 'on') return this
    if (this.state.reply === 'skip-next') this.state.reply = 'on'
    return this.#discarding
  }

  submit(request: Request): void {
    if (this.pending === 0 && this.choice.lane.retired) this.choice.follow()
    this.place += request.commands
    this.pending += request.commands
    this.pendingBytes += request.weight
    this.host.counters.pendingBytes += request.weight
    this.host.counters.commands += request.commands
    if (this.#split === null) this.choice.lane.submit(request)
    else this.#split.submit(request)
    if (this.pending >= this.replies.window) {
      this.replies.filled = true
      this.#input.pause(Pause.pending)
    } else if (this.pendingBytes >= this.host.maxSessionBytes) this.#input.pause(Pause.pending)
    else if (this.host.counters.pendingBytes >= this.host.highWater && this.host.pressure.isHigh) this.holdBack()
  }

  get isFull(): boolean {
    return (this.#input.paused & Pause.pending) !== 0
  }

  answer(reply: Buffer): void {
    const owner = this.replyTo()
    if (this.pending === 0) {
      this.replies.answered++
      owner.deliver(reply)
    } else this.submit(createLocal(owner, reply))
  }

  hasLooked(): boolean {
    return this.#input.hasLooked()
  }

  closeAfterReplies(): void {
    this.#advance(Phase.ending)
    this.#endIfDone()
  }

  // ---- replies ----

  deliver(bytes: Buffer): void {
    if (this.gone || bytes.length === 0) return
    if (this.#out.length > 0) this.#out.push(bytes)
    else {
      this.host.turn.markSession(this)
      // An empty array that grows takes room for sixteen more, and most sessions get one reply at a time.
      this.#out = [bytes]
    }
    this.#outBytes += bytes.length
  }

  onAnswered(commands: number, weight: number): void {
    this.pending -= commands
    this.pendingBytes -= weight
    this.replies.answered += commands
    if (this.gone) return
    if (this.#input.paused !== 0 || this.pending === 0) {
      // Caught here and not by the link, which must go on with the others' replies; it ends when the link is done with
      // this one.
      try {
        this.#afterReply()
      } catch (error) {
        this.host.turn.defer(() => this.onBug(error), this)
      }
    }
  }

  follow(): void {
    this.choice.follow()
  }

  flush(): boolean {
    const out = this.#out
    const total = this.#outBytes
    this.#out = NOTHING
    this.#outBytes = 0
    if (this.gone || total === 0) return true
    this.host.counters.clientBytesOut += total
    const writer = this.#writer
    const first = out[0]
    if (first !== undefined && out.length === 1 && total < ONE_READ_BYTES && writer.left > 0)
      writer.write(this.#withoutOthers(first))
    else writeGathered(writer, out, total)
    const { left } = writer
    this.replies.onWritten(total, left, this.pending === 0 && this.#input.empty)
    if (left > WORTH_COUNTING_BYTES) this.#slow.onLeft(left)
    this.#endIfDone()
    return left === 0
  }

  /** A small reply that waits in the socket must not keep the large read that it came in with those of others. */
  #withoutOthers(reply: Buffer): Buffer {
    if (this.choice.isPrivate) return reply
    const { memory } = this.host.lanes.sockets
    const copy = memory.copy(reply, reply.length)
    memory.giveBack(reply)
    return copy
  }

  #afterReply(): void {
    if (
      this.#input.paused & Pause.pending &&
      (this.pending === 0 ||
        (this.pending * 2 < this.replies.window &&
          this.pendingBytes + this.unfinishedBytes < this.host.maxSessionBytes))
    )
      this.#input.unpause(Pause.pending)
    if (this.pending > 0) return
    if (this.replies.heavy && !this.choice.isPrivate) this.host.turn.defer(this.#slow.move, this)
    if (this.choice.isPrivate) this.choice.onIdle()
    if (this.#input.paused & Pause.stalled) this.#input.unpause(Pause.stalled)
    // The write of the reply ends it. Where none is wanted (CLIENT REPLY OFF), the link has to finish with this one first.
    if (this.inputEnded && this.#outBytes === 0) this.host.turn.defer(() => this.#endIfDone(), this)
  }

  // ---- limits ----

  get unfinishedBytes(): number {
    return this.#reader.partial.bytes
  }
  get hasMore(): boolean {
    return this.#input.hasMore
  }

  /** Its private link may owe a reply to what was said for it, which is no command of its client. */
  get owedNothing(): boolean {
    return this.pending === 0 && (!this.choice.isPrivate || this.choice.lane.idle)
  }

  holdBack(): void {
    // One read may bring several commands behind the first that is too much.
    if ((this.#input.paused & Pause.pressure) !== 0) return
    this.#input.pause(Pause.pressure)
    this.host.pressure.wait(this)
  }

  goOn(): void {
    this.#input.unpause(Pause.pressure)
  }

  /** Called by the sweep: a command must be finished within `limitMs`. */
  checkUnfinished(limitMs: number, { now, passedMs, lateMs }: Sweep): void {
    if (this.ending) return
    // The client has sent more that Holdfast has not read: all of the time is ours.
    if (!this.#reader.partial.isLate(now, limitMs, this.hasMore ? passedMs : lateMs)) return
    logFrameTimeout(this.host, this, limitMs, this.unfinishedBytes)
    this.refuse(frameTimeoutReply(limitMs))
  }

  /** Replies wait for the client, or a command waits for a push that may never come. */
  get readsAhead(): boolean {
    return this.choice.isPrivate && (this.#slow.leavesReplies || this.choice.lane.blocks)
  }

  onAllRead(): void {
    this.#endIfDone()
  }

  onAheadFull(): void {
    this.#slow.onAheadFull()
  }

  /** Only the client can free its commands, by reading. */
  get leavesUnanswered(): boolean {
    return this.pendingBytes >= this.host.maxSessionBytes && this.#slow.leavesReplies
  }

  endUnread(why: UnreadEnd): void {
    logUnread(this.host, why, this)
    this.destroy()
  }

  // ---- the end ----

  refuse(reply: Buffer): void {
    this.#reader.clear()
    this.#socket.pause()
    this.answer(reply)
    this.closeAfterReplies()
  }

  /**
   * The client has finished sending: what it sent is still answered, unless it waits for something that may never come.
   */
  #onEnd(): void {
    this.#advance(Phase.inputEnded)
    const { isPrivate, lane } = this.choice
    if (isPrivate && !this.ending && (this.subscriptions.size > 0 || this.state.monitoring)) {
      this.destroy()
      return
    }
    if (isPrivate) this.#halfClosed.begin(lane)
    this.#endIfDone()
  }

  dropInput(): void {
    this.#advance(Phase.ending)
    this.#reader.clear()
    this.#input.clear()
  }

  /** The server closed the link of a client that has sent its last byte: no more replies come. */
  onLinkLost(): void {
    if (this.transaction !== null) forgetLink(this.transaction)
    if (!this.#halfClosed.endsWith(this.choice.lane)) return
    this.flush()
    this.#input.discard()
    closeGracefully(this.#socket)
    this.#close()
  }

  #endIfDone(): void {
    const noMore = this.ending || (this.inputEnded && this.#input.empty)
    if (!noMore || this.pending > 0 || this.#outBytes > 0 || this.#phase >= Phase.over) return
    this.#advance(Phase.over)
    this.#reader.partial.clear()
    this.#input.discard()
    closeGracefully(this.#socket, LAST_STALL_MS)
    // The client may take its time to close its side. At the server it is gone with its last reply.
    this.#split?.close()
    this.choice.close()
  }

  /** A server still answers a client that kills itself. */
  kill(by: number): void {
    logKilled(this.host, this, this.clientId, by)
    if (by !== this.clientId) {
      this.destroy()
      return
    }
    this.dropInput() // what it sent behind
    this.#endIfDone()
  }

  /** Shutdown: as if the client had finished sending. What was read is answered; what comes now is not read. */
  leave(): void {
    if (!this.gone) this.#guard(() => this.#onEnd())
  }

  /** Work for this session threw: the session ends, and nothing else. */
  onBug(error: unknown): void {
    if (this.gone) return
    this.host.bugs.ofSession(error, this.id)
    this.host.bugs.guard('end of a session', () => this.destroy())
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.onBug(error)
    }
  }

  /** Ends the session at once, with everything that is unanswered. */
  destroy(): void {
    this.#socket.destroy()
    this.#close()
  }

  #close(): void {
    if (this.gone) return
    this.#phase = Phase.gone
    this.#halfClosed.clear()
    this.#out = NOTHING
    this.#outBytes = 0
    try {
      this.#reader.clear()
      this.replies.onDrain()
      endTransaction(this)
      this.#input.clear()
      this.#split?.close()
      this.choice.close()
    } finally {
      this.host.onClosed(this)
    }
  }
}

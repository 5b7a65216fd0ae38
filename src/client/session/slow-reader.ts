// slow-reader.ts: what happens when a client takes its replies more slowly than they come.
//
// Its commands are read all the same, as by a server: a client may write a whole pipeline before it reads a byte.
//
//   unread > 1 MB, shared link:     send nothing more; when everything is answered, move to a link of its own
//   unread > 1 MB, its own link:    stop reading the link, so the replies wait at the server; read commands ahead
//     read ahead to the limit:      take replies after all, up to --max-unread-bytes
//       no room for replies:        send commands on without a window and keep them, up to half of --max-held-bytes
//         no room for commands:     end the session
//
// Owns: pausing the session's own link; the timer of a client that must read. Never: counts what is unread
// (reply-window.ts does), picks who ends when all sessions hold too much (session-sweep.ts does).
//
// Must stay true: while the session waits for replies and its link is paused, its client can write on.
import type { Socket } from 'node:net'
import type { Blamed } from '../../ops/bugs.ts'
import type { SocketWriter } from '../../transport/socket-writer.ts'
import type { ReplyWindow } from '../flow/reply-window.ts'
import type { SessionHost } from '../state/session-context.ts'
import type { LaneChoice } from './lane-choice.ts'
import { type Input, Pause } from './socket-input.ts'

/** Beyond this many unread bytes, replies wait at the server, while there is room for the commands. */
const MAX_UNREAD_BYTES = 1024 * 1024
/** A link may deliver this much after it is paused: one read, and what its socket holds. */
const LAST_READS_BYTES = 256 * 1024
/** Replies are taken while less than this share of all bytes that may lie unread is in use. */
const GIVEN_OUT_SHARE = 0.75

/** A client over its limit of unread bytes that takes nothing for this long is ended. */
const UNREAD_STALL_MS = 3_000

/** The session waits for replies. */
const WAITING = Pause.pending | Pause.stalled

export interface SlowSession extends Blamed {
  readonly host: SessionHost
  readonly choice: LaneChoice
  readonly gone: boolean
  readonly ending: boolean
  readonly pending: number
  readonly signedIn: boolean
  /** The client has read nothing for too long, has not signed in, or there is no room for its commands. */
  endUnread(why: 'one' | 'unanswered' | 'signed-out'): void
}

export class SlowReader {
  readonly #session: SlowSession
  readonly #socket: Socket
  readonly #writer: SocketWriter
  readonly #input: Input
  readonly #replies: ReplyWindow
  #watched = false

  constructor(session: SlowSession, socket: Socket, writer: SocketWriter, input: Input, replies: ReplyWindow) {
    this.#session = session
    this.#socket = socket
    this.#writer = writer
    this.#input = input
    this.#replies = replies
  }

  /** After a write: `left` bytes are still in the socket. */
  onLeft(left: number): void {
    const host = this.#session.host
    if (left > MAX_UNREAD_BYTES) {
      // It was signed in until its RESET. With its next command it would end too, see proxy-auth.ts.
      if (!this.#session.signedIn) {
        this.#session.endUnread('signed-out')
        return
      }
      this.#replies.becomeHeavy()
      if (this.#session.choice.isPrivate) this.#onOwnLink(left)
      else {
        this.#input.pause(Pause.unread)
        if (this.#session.pending === 0) host.turn.defer(this.move, this.#session)
      }
      if (this.#replies.isOver(host.maxUnreadBytes)) this.#mustRead(true)
    }
    if (host.counters.unreadBytes > host.maxHeldBytes) host.turn.defer(host.relieve, this.#session)
  }

  /** Moves the session to a link of its own, as soon as everything is answered. Runs in a turn step of its own. */
  readonly move = (): void => {
    const { ending, pending } = this.#session
    if (ending) return
    if (this.#replies.heavy && !this.#session.choice.isPrivate) {
      if (pending > 0) return
      this.#session.choice.takePrivate()
    }
    if (!this.#watched) this.#input.unpause(Pause.unread)
  }

  /**
   * The session waits for replies, and its client may be unable to write on until somebody reads. So Holdfast takes
   * replies, or sends more commands; when it can do neither, waiting would last for ever.
   */
  onAheadFull(): void {
    const { link } = this.#session.choice.lane
    if (link === null || !this.leavesReplies) return
    if (this.#mayTake(this.#writer.left)) {
      link.resume()
      return
    }
    this.#sendOn()
  }

  /** Its replies wait at the server until its client reads. */
  get leavesReplies(): boolean {
    return this.#session.choice.isPrivate && this.#session.choice.lane.link?.pauses.ofSession === true
  }

  /** The client has taken everything. */
  onDrain(): void {
    this.#replies.onDrain()
    this.#mustRead(false)
    if (this.#session.choice.isPrivate) this.#session.choice.lane.link?.resume()
    this.#input.unpause(Pause.unread)
  }

  #onOwnLink(left: number): void {
    const isStuck = (this.#input.paused & WAITING) !== 0 && this.#input.full
    if (isStuck && this.#mayTake(left)) return
    this.#session.choice.lane.link?.pause()
    if (isStuck) this.#sendOn()
    else this.#input.flow()
  }

  /** Sends without a window: the replies wait at the server. */
  #sendOn(): void {
    const { counters, highWater, turn, relieve } = this.#session.host
    if (this.#input.paused & Pause.stalled) {
      // The next command needs the replies of those before it, for which there is no room.
      turn.defer(() => this.#session.gone || this.#session.endUnread('unanswered'), this.#session)
      return
    }
    this.#replies.liftWindow()
    this.#input.unpause(Pause.pending)
    if (counters.pendingBytes + counters.unfinishedBytes >= highWater) turn.defer(relieve, this.#session)
  }

  /** Is there room for replies, which free commands? While the gate is shut, the old master's replies come first. */
  #mayTake(left: number): boolean {
    const { counters, maxHeldBytes, maxUnreadBytes, lanes } = this.#session.host
    if (counters.unreadBytes >= maxHeldBytes * GIVEN_OUT_SHARE) return false
    return left < maxUnreadBytes - LAST_READS_BYTES || !lanes.sendable
  }

  /** Node's socket timer takes reads and writes for life. Commands wait meanwhile, so that they do not count. */
  #mustRead(is: boolean): void {
    if (is) this.#input.pause(Pause.unread)
    if (this.#watched === is || this.#session.ending) return
    this.#watched = is
    if (is) this.#socket.setTimeout(UNREAD_STALL_MS, this.#onStalled)
    else this.#socket.setTimeout(0, this.#onStalled)
  }

  readonly #onStalled = (): void => {
    if (!this.#session.ending) this.#session.endUnread('one')
  }
}

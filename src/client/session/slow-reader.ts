// slow-reader.ts — a client that takes less than it gets. Its commands are read all the same, as a server does: a client
// may write its whole pipeline before it reads a byte.
//
//   unread > 1 MB, shared link:  nothing more is sent, what is under way comes, then ─▶ a link of its own
//   unread > 1 MB, own link:     the link is not read from: the replies wait at the server; commands are read ahead
//     as many as may be:         replies are taken after all, up to --max-unread-bytes
//       no room for them:        commands are sent on without a window, and kept, up to half of --max-held-bytes
//         no room for those:     the session ends
//
// Owns: pausing the session's own link, the timer of a client that must read. Never: counts what is unread (reply-window.ts
// does), picks who ends when all hold too much (session-sweep.ts does).
//
// Must stay true: while the session waits for replies and its link is paused, its client can write on.
import type { Socket } from 'node:net'
import type { Blamed } from '../../ops/bugs.ts'
import type { ReplyWindow } from '../flow/reply-window.ts'
import type { SessionHost } from '../state/session-context.ts'
import { type Input, Pause } from './input.ts'
import type { LaneChoice } from './lane-choice.ts'

/** Bytes of replies the client has not taken; beyond, they wait at the server, if there is room for the commands. */
const MAX_UNREAD = 1024 * 1024
/** What may come of a link after it is paused: one read, and what its socket holds already. */
const LAST_READS = 256 * 1024
/** Of all bytes that may lie unread this share is given out; beyond it those who leave most are ended. */
const GIVEN_OUT = 0.75

/** A client over its limit of unread bytes that takes nothing for this long is ended. */
const UNREAD_STALL_MS = 3000

/** Waiting for replies. */
const WAITING = Pause.pending | Pause.stalled

export interface SlowSession extends Blamed {
  readonly gone: boolean
  readonly ending: boolean
  readonly pending: number
  readonly signedIn: boolean
  takePrivate(): boolean
  /** It has read nothing for too long. */
  endUnread(why: 'one' | 'unanswered'): void
}

export class SlowReader {
  readonly #session: SlowSession
  readonly #socket: Socket
  readonly #host: SessionHost
  readonly #input: Input
  readonly #replies: ReplyWindow
  readonly #choice: LaneChoice
  #watched = false

  constructor(
    session: SlowSession,
    socket: Socket,
    host: SessionHost,
    parts: { readonly input: Input; readonly replies: ReplyWindow; readonly choice: LaneChoice },
  ) {
    this.#session = session
    this.#socket = socket
    this.#host = host
    this.#input = parts.input
    this.#replies = parts.replies
    this.#choice = parts.choice
  }

  /** After a write: `left` bytes of it, and of earlier ones, are still in the socket. */
  onLeft(left: number): void {
    const host = this.#host
    if (left > MAX_UNREAD) {
      // A server ends a client that has not signed in long before (checkClientOutputBufferLimits in networking.c).
      if (!this.#session.signedIn) {
        this.#session.endUnread('one')
        return
      }
      this.#replies.heavy = true
      if (this.#choice.isPrivate) this.#onOwnLink(left)
      else {
        this.#input.pause(Pause.unread)
        if (this.#session.pending === 0) host.turn.defer(this.move, this.#session)
      }
      if (this.#replies.isOver(host.maxUnreadBytes)) this.#mustRead(true)
    }
    if (host.counters.unreadBytes > host.maxHeldBytes) host.turn.defer(host.relieve, this.#session)
  }

  /** Onto a link of its own, as soon as everything is answered. In a turn step of its own. */
  readonly move = (): void => {
    const { ending, pending } = this.#session
    if (ending) return
    if (this.#replies.heavy && !this.#choice.isPrivate) {
      if (pending > 0) return
      this.#session.takePrivate()
    }
    if (!this.#watched) this.#input.unpause(Pause.unread)
  }

  /**
   * The session waits for replies, and its client may be unable to write on: it has to read first, or to be read from. So
   * replies are taken, or more commands sent; if neither can be, waiting would be for ever.
   */
  onAheadFull(): void {
    const { link } = this.#choice.lane
    if (link === null || !this.leavesReplies) return
    if (this.#mayTake(this.#socket.writableLength)) {
      link.resume()
      return
    }
    this.#sendOn()
  }

  /** Its replies wait at the server until its client reads. */
  get leavesReplies(): boolean {
    return this.#choice.isPrivate && this.#choice.lane.link?.leftUnread === true
  }

  /** The client has taken everything. */
  onDrain(): void {
    this.#replies.onDrain()
    this.#mustRead(false)
    if (this.#choice.isPrivate) this.#choice.lane.link?.resume()
    this.#input.unpause(Pause.unread)
  }

  #onOwnLink(left: number): void {
    const isStuck = (this.#input.paused & WAITING) !== 0 && this.#input.full
    if (isStuck && this.#mayTake(left)) return
    this.#choice.lane.link?.pause()
    if (isStuck) this.#sendOn()
    else this.#input.flow()
  }

  /** Without a window: what comes of it waits at the server. */
  #sendOn(): void {
    const { counters, highWater, turn, relieve } = this.#host
    if (this.#input.paused & Pause.stalled) {
      // The next command needs the replies to those before, for which there is no room.
      turn.defer(() => this.#session.gone || this.#session.endUnread('unanswered'), this.#session)
      return
    }
    this.#replies.liftWindow()
    this.#input.unpause(Pause.pending)
    if (counters.pendingBytes + counters.unfinishedBytes >= highWater) turn.defer(relieve, this.#session)
  }

  /** Is there room for replies that would free commands? While the gate is shut, what the old master owes comes first. */
  #mayTake(left: number): boolean {
    const { counters, maxHeldBytes, maxUnreadBytes, lanes } = this.#host
    if (counters.unreadBytes >= maxHeldBytes * GIVEN_OUT) return false
    return left < maxUnreadBytes - LAST_READS || !lanes.sendable
  }

  /** Node's own timer: it counts what the client takes as life. Its commands wait meanwhile, so that they do not count. */
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

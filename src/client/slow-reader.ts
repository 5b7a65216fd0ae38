// slow-reader.ts — what is done about a client that takes less than it gets: its commands wait, its own link is not read
// from, and on a shared link, which others need, it must go on reading or is ended.
//
// Owns: the timer of a client that must read. Never: counts what is unread (unread.ts does).
import type { Socket } from 'node:net'
import type { Blamed } from '../ops/bugs.ts'
import { type Intake, Pause } from './intake.ts'
import type { SessionHost } from './session-host.ts'
import type { SessionLane } from './session-lane.ts'
import type { Unread } from './unread.ts'

/** Bytes of replies the client has not taken; beyond, its commands wait. */
const MAX_UNREAD = 1024 * 1024

/** A client over its limit of unread bytes that takes nothing for this long is ended. */
const UNREAD_STALL_MS = 3000

export interface SlowSession extends Blamed {
  readonly gone: boolean
  readonly ending: boolean
  /** It has read nothing for too long. */
  endUnread(by: 'one'): void
}

export class SlowReader {
  readonly #session: SlowSession
  readonly #socket: Socket
  readonly #host: SessionHost
  readonly #intake: Intake
  readonly #unread: Unread
  readonly #choice: SessionLane
  #watched = false

  constructor(
    session: SlowSession,
    socket: Socket,
    host: SessionHost,
    parts: { readonly intake: Intake; readonly unread: Unread; readonly choice: SessionLane },
  ) {
    this.#session = session
    this.#socket = socket
    this.#host = host
    this.#intake = parts.intake
    this.#unread = parts.unread
    this.#choice = parts.choice
  }

  /** After a write: `left` bytes of it, and of earlier ones, are still in the socket. */
  onLeft(left: number): void {
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
    if (host.counters.unreadBytes > host.maxHeldBytes) host.turn.defer(host.relieve, this.#session)
  }

  /** The client has taken everything. */
  onDrain(): void {
    this.#unread.onDrain()
    this.#mustRead(false)
    if (this.#choice.isPrivate) this.#choice.lane.link?.resume()
    this.#intake.unpause(Pause.unread)
  }

  #mustRead(is: boolean): void {
    if (this.#watched === is || this.#session.ending) return
    this.#watched = is
    if (is) this.#socket.setTimeout(UNREAD_STALL_MS, this.#onStalled)
    else this.#socket.setTimeout(0, this.#onStalled)
  }

  readonly #onStalled = (): void => {
    if (!this.#session.gone && !this.#session.ending) this.#session.endUnread('one')
  }
}

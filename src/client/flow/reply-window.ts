// reply-window.ts: how many commands of one client may be under way, and how many bytes of replies it has left unread.
//
//   replies ─▶ [socket: unread] ─▶ client        over 1 MB: heavy; over the limit: the client must read, or is ended
//
// The size of a reply is known only when it comes. So a session begins with a small window. The window doubles after a
// burst that filled it, while replies stay small; the next burst begins with what was needed before, within bounds. A
// session with large replies gets a few at a time. A heavy session moves to a link of its own: others would wait behind
// its large values. That link is not read while the client does not read. If that client writes on, the window is
// lifted.
//
// Must stay true: a client that reads, however slowly, is not ended while all clients together are within their limit.
import type { Counters } from '../../ops/counters.ts'

/**
 * Commands under way: when a session begins, when a burst begins at most, and at most. In between the window doubles.
 * So a pipeline of a hundred is cut in a session's first burst only, and a session that sent one command at a time so
 * far gets only a few large replies at first.
 */
const FIRST_WINDOW = 16
const BURST_WINDOW = 128
const MAX_WINDOW = 1024
/** More than a session ever has under way. A small integer: the hot path subtracts from it. */
const NO_WINDOW = 2 ** 30
/** The window shrinks until the estimated replies of all its commands fit in this. */
const WINDOW_BYTES = 8 * 1024 * 1024
/** Below this, what a socket keeps is not counted. Node's stream announces 'drain' only above it. */
export const WORTH_COUNTING_BYTES = 64 * 1024
/**
 * Bytes that a client may leave unread before it has signed in: a server's static buffer and 1 KB
 * (checkClientOutputBufferLimits in networking.c).
 */
export const MAX_UNREAD_SIGNED_OUT = 17 * 1024
/** A command or a reply of this size makes a session heavy: others wait behind it on a link they share. */
export const HEAVY_BYTES = 128 * 1024
/** Replies below this size make a session light again, after so many bursts without a heavy command. */
const LIGHT_BYTES = 16 * 1024
const LIGHT_BURSTS = 32

export class ReplyWindow {
  /** Bytes of replies that the client has not taken. */
  bytes = 0
  /** Commands that may be under way. */
  window = FIRST_WINDOW
  /** This burst filled the window. */
  filled = false
  /** Its commands or replies are large, or its client takes none: the session should have a link of its own. */
  heavy = false
  /** Bursts that it is heavy for yet, however small its replies are. */
  #heavyBursts = 0
  #lifted = false
  /** Commands answered since the last write. */
  answered = 0
  readonly #counters: Counters
  /** A moving estimate of the bytes of one reply. */
  #size = 0
  /** Bytes written since the last command was answered. */
  #open = 0
  /** The largest reply among what is unread. */
  #largest = 0

  constructor(counters: Counters) {
    this.#counters = counters
  }

  /** `written` bytes went to the socket, which now holds `left`. `isOver`: the burst is answered. */
  onWritten(written: number, left: number, isOver: boolean): void {
    this.#open += written
    if (left > WORTH_COUNTING_BYTES || this.bytes > 0) this.#count(left)
    if (this.answered > 0) this.#learn()
    if (!isOver) return
    this.filled = false
    if (this.window > BURST_WINDOW && !this.#lifted) this.window = BURST_WINDOW
  }

  becomeHeavy(): void {
    this.heavy = true
    this.#heavyBursts = LIGHT_BURSTS
  }

  /** Lifts the window until the client has taken its replies. */
  liftWindow(): void {
    this.#lifted = true
    this.window = NO_WINDOW
  }

  onDrain(): void {
    if (this.#lifted) {
      this.#lifted = false
      this.window = FIRST_WINDOW
    }
    this.#count(0)
  }

  /** The largest reply comes on top of the limit: a single one may have any size. */
  isOver(limit: number): boolean {
    return this.bytes > limit + Math.max(this.#largest, this.#open)
  }

  /** A large reply raises the estimate at once; small ones lower it over time. */
  #learn(): void {
    const size = this.#open / this.answered
    this.#open = 0
    this.answered = 0
    this.#size = size > this.#size ? size : this.#size + (size - this.#size) / 8
    if (size > this.#largest && this.bytes > 0) this.#largest = size
    const fitting = Math.max(1, Math.floor(WINDOW_BYTES / Math.max(this.#size, 1)))
    const wanted = this.filled ? this.window * 2 : this.window
    if (size >= HEAVY_BYTES) this.becomeHeavy()
    else if (this.heavy && --this.#heavyBursts <= 0 && this.#size < LIGHT_BYTES && this.bytes === 0) this.heavy = false
    if (!this.#lifted) this.window = Math.min(fitting, MAX_WINDOW, Math.max(wanted, FIRST_WINDOW))
  }

  #count(left: number): void {
    const bytes = left > WORTH_COUNTING_BYTES ? left : 0
    this.#counters.unreadBytes += bytes - this.bytes
    this.bytes = bytes
    if (bytes === 0) this.#largest = 0
  }
}

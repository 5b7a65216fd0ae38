// reply-window.ts — replies that one client has not taken yet, and how many of its commands may be under way at a time.
//
//   replies ─▶ [socket: unread] ─▶ client        over 1 MB: heavy; over the limit: it must read, or is ended
//
// The size of replies is known only when they come. So a session begins with a few commands under way, and as long as bursts
// that need more have small replies, they get more; later bursts begin with what was needed so far, within bounds.
// A session whose replies are large gets a few at a time. Being `heavy` it moves to a link of its own, which is not read from
// while the client does not read; if the client writes on all the while, what is under way there has no window.
//
// Must stay true: a client that reads, however slowly, is not ended while all clients together are within their limit.
import type { Counters } from '../../ops/counters.ts'

/**
 * Commands under way: at the beginning of a session, at most at the beginning of a burst, at most at all. In between it
 * doubles with each answer to a burst that has filled it, so a pipeline of a hundred is cut in a session's first burst alone,
 * and one that has never sent more than one command at a time gets no more than a few large replies at first.
 */
const FIRST_WINDOW = 16
const BURST_WINDOW = 128
const MAX_WINDOW = 1024
/** More than one session ever has under way; a small integer, because the hot path subtracts from it. */
const NO_WINDOW = 2 ** 30
/** What the replies to the commands under way should come to at most, by the estimate. */
const WINDOW_BYTES = 8 * 1024 * 1024
/** Up to this a socket always keeps something; it is not worth counting. Node's stream announces 'drain' above it. */
export const WORTH_COUNTING = 64 * 1024
/** Replies of at most this size make a session light again. */
const LIGHT = 16 * 1024

export class ReplyWindow {
  /** Bytes that the client has not taken. */
  bytes = 0
  /** Commands that may be under way. */
  window = FIRST_WINDOW
  /** This burst had to wait for want of window. */
  filled = false
  /** Its replies are large or it does not take them: it should have a link of its own. */
  heavy = false
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

  /** `written` more have been given to the socket, which now holds `left`; `isOver`: no command is left of this burst. */
  onWritten(written: number, left: number, isOver: boolean): void {
    this.#open += written
    if (left > WORTH_COUNTING || this.bytes > 0) this.#count(left)
    if (this.answered > 0) this.#learn()
    if (!isOver) return
    this.filled = false
    if (this.window > BURST_WINDOW && !this.#lifted) this.window = BURST_WINDOW
  }

  /** Any number of commands may be under way, until the client has taken its replies. */
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

  /** One reply may be as large as it likes, so it comes on top of the limit. */
  isOver(limit: number): boolean {
    return this.bytes > limit + Math.max(this.#largest, this.#open)
  }

  /** Large replies count at once, small ones over time. */
  #learn(): void {
    const size = this.#open / this.answered
    this.#open = 0
    this.answered = 0
    this.#size = size > this.#size ? size : this.#size + (size - this.#size) / 8
    if (size > this.#largest && this.bytes > 0) this.#largest = size
    const fitting = Math.max(1, Math.floor(WINDOW_BYTES / Math.max(this.#size, 1)))
    const wanted = this.filled ? this.window * 2 : this.window
    if (this.heavy && this.#size < LIGHT && this.bytes === 0) {
      this.heavy = false
    }
    if (!this.#lifted) this.window = Math.min(fitting, MAX_WINDOW, Math.max(wanted, FIRST_WINDOW))
  }

  #count(left: number): void {
    const bytes = left > WORTH_COUNTING ? left : 0
    this.#counters.unreadBytes += bytes - this.bytes
    this.bytes = bytes
    if (bytes === 0) this.#largest = 0
  }
}

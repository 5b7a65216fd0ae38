// unread.ts — replies that one client has not taken yet, and how many of its commands may be under way at a time.
//
//   replies ─▶ [socket: unread] ─▶ client        over 1 MB: its commands wait; over the limit: the session is ended
//
// The size of a client's replies is known only when they come. So a new session may have a few commands under way, and as its
// replies prove small, many; one whose replies are large gets a few at a time and, being `heavy`, a link of its own, which
// can be paused without holding up others.
//
// Must stay true: a client that reads, however slowly, is not ended for replies it has asked for with few commands under way.
import type { Counters } from '../ops/counters.ts'

/** Commands under way at most, and before anything is known of the size of replies. */
export const MAX_WINDOW = 1024
const FIRST_WINDOW = 32
/** What the replies to the commands under way should come to at most, by the estimate. */
const WINDOW_BYTES = 8 * 1024 * 1024
/** Up to this a socket always keeps something; it is not worth counting. Node's stream announces 'drain' above it. */
export const WORTH_COUNTING = 64 * 1024
/** Replies of at most this size make a session light again. */
const LIGHT = 16 * 1024

export class Unread {
  /** Bytes that the client has not taken. */
  bytes = 0
  /** Commands that may be under way. */
  window = FIRST_WINDOW
  /** Its replies are large or it does not take them: it should have a link of its own. */
  heavy = false
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

  /** `written` more have been given to the socket, which now holds `left`. */
  onWritten(written: number, left: number): void {
    this.#open += written
    if (this.answered > 0) this.#learn()
    if (left > WORTH_COUNTING || this.bytes > 0) this.#count(left)
  }

  onDrain(): void {
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
    this.window =
      this.#size * MAX_WINDOW <= WINDOW_BYTES ? MAX_WINDOW : Math.max(1, Math.floor(WINDOW_BYTES / this.#size))
    if (this.heavy && this.#size < LIGHT && this.bytes === 0) this.heavy = false
  }

  #count(left: number): void {
    const bytes = left > WORTH_COUNTING ? left : 0
    this.#counters.unreadBytes += bytes - this.bytes
    this.bytes = bytes
    if (bytes === 0) this.#largest = 0
  }
}

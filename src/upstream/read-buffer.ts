// read-buffer.ts — the memory that the reads of one connection land in, used again as long as nobody keeps a part of it.
//
//   socket ──read──▶ [bytes] ─ filled(n) ─▶ frames ─▶ written to clients in the same turn ─▶ the same bytes again
//                                              └─ some are kept: keep() ─▶ the next read has other bytes
//
// Without it Node allocates 64 KB for every read. With replies of 16 KB that made a quarter of the process's CPU time go
// into collecting garbage, and doubled its resident memory.
//
// Must stay true: bytes that anybody may still look at after the read are never read into again.

/** What Node reads at a time by itself. */
const FIRST_BYTES = 64 * 1024
/** Fewer, larger reads where the server sends faster than it is read; more than this bought nothing. */
const MOST_BYTES = 256 * 1024

/** For one socket: its `onread` option, as net.connect takes it. */
export class ReadBuffer {
  #bytes: Buffer | null = null
  #size = FIRST_BYTES
  #kept = false

  /** Where the next read goes; nothing is allocated before a connection is there to be read from. */
  readonly next = (): Buffer => {
    if (this.#bytes === null || this.#kept) this.#bytes = Buffer.allocUnsafeSlow(this.#size)
    this.#kept = false
    return this.#bytes
  }

  /** The first `count` bytes, which the last read has brought; good until the reader returns, unless kept. */
  filled(count: number): Buffer {
    const bytes = this.#bytes ?? this.next()
    if (count === bytes.length && this.#size < MOST_BYTES) {
      this.#size *= 2
      this.#kept = true
    }
    return bytes.subarray(0, count)
  }

  /** A part of what was read is still needed after the read. */
  keep(): void {
    this.#kept = true
  }

  /** What remains of a read, to be kept: a copy while that is less than what it would hold on to. */
  rest(bytes: Buffer): Buffer {
    if (bytes.length <= this.#size / 2) return Buffer.from(bytes)
    this.#kept = true
    return bytes
  }
}

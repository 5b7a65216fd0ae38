// read-buffer.ts: the memory that one connection's reads land in, used again while nobody keeps a part of it.
//
//   socket ──read──▶ [bytes] ─ filled(n) ─▶ frames ─▶ written to clients in the same turn ─▶ the same bytes again
//                                              └─ some are kept: copied, or keep() ─▶ the next read has other bytes
//
// Without it Node allocates 64 KB for every read. With replies of 16 KB the process then spent a quarter of its CPU
// time on garbage, and its resident memory doubled.
//
// Must stay true: bytes that anybody may still look at after the read are never read into again. What is kept for long
// does not hold on to much more than itself.
import type { ReadMemory } from '../transport/read-memory.ts'

/** What Node reads at a time by itself; four times as much bought nothing and would be held by whoever keeps a part. */
const BYTES = 64 * 1024

export class ReadBuffer {
  readonly #copies: ReadMemory
  #bytes: Buffer | null = null
  #kept = false

  constructor(copies: ReadMemory) {
    this.#copies = copies
  }

  /** Where the next read goes; nothing is allocated before a connection is there to be read from. */
  readonly next = (): Buffer => {
    if (this.#bytes === null || this.#kept) this.#bytes = Buffer.allocUnsafeSlow(BYTES)
    this.#kept = false
    return this.#bytes
  }

  /** The first `count` bytes, which the last read has brought; good until its reader returns, unless kept. */
  filled(count: number): Buffer {
    return (this.#bytes ?? this.next()).subarray(0, count)
  }

  /** A part of what was read is needed for longer, for as long as its own reader says. */
  keep(): void {
    this.#kept = true
  }

  /** `part` of what was read, to be kept. */
  kept(part: Buffer): Buffer {
    return this.#copies.copy(part, part.length)
  }
}

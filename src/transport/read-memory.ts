// read-memory.ts: memory for what was read from sockets, used again when nobody needs it any more.
//
//   copy ─▶ [a chunk: commands or replies] ─ cut into pieces ─▶ each piece: giveBack ─▶ all its bytes are back: free
//
// Left to the collector, each chunk is garbage outside V8's heap. At 200 MB/s V8 then makes several full collections a
// second, of 15 to 25 ms each, and everybody waits. Docs: docs/decisions/0010-memory-used-again.md
//
// Must stay true: a byte is given back once, by the only one who has it. What is never given back costs a collection,
// and nothing else. So whoever is not sure gives nothing back.

/** Below this a chunk or a piece comes from Node's own pool, and is left to the collector. */
export const WORTH_BYTES = 2048
/** Sizes are multiples of this: what waits for long holds on to little more than itself. */
const STEP_BYTES = 4096
/** Larger than any read. */
const MAX_BYTES = 64 * 1024
/** So much at most is kept free. */
const MAX_FREE_BYTES = 16 * 1024 * 1024
/** Loads come in bursts. What a shorter time gives back is allocated again, and is garbage until a full collection. */
const TRIM_MS = 10_000

interface Slab {
  readonly bytes: Buffer
  /** Bytes that somebody has; 0: it is free. */
  lent: number
}

export class ReadMemory {
  /** Bytes that nobody has. */
  freeBytes = 0
  /** The least of it since the last trim. */
  #leastFree = 0
  #trimmedAt = 0
  /** Free slabs by their size in steps. */
  readonly #free: Slab[][] = Array.from({ length: MAX_BYTES / STEP_BYTES + 1 }, () => [])
  readonly #slabs = new WeakMap<ArrayBufferLike, Slab>()

  /** A copy of the first `count` bytes of `from`, at most 64 KB. */
  copy(from: Buffer, count: number): Buffer {
    if (count < WORTH_BYTES) {
      const chunk = Buffer.allocUnsafe(count)
      from.copy(chunk, 0, 0, count)
      return chunk
    }
    const { bytes } = this.#take(count)
    from.copy(bytes, 0, 0, count)
    return count === bytes.length ? bytes : bytes.subarray(0, count)
  }

  #take(count: number): Slab {
    const steps = Math.ceil(count / STEP_BYTES)
    let slab = this.#free[steps]?.pop()
    if (slab === undefined) {
      slab = { bytes: Buffer.allocUnsafeSlow(steps * STEP_BYTES), lent: 0 }
      this.#slabs.set(slab.bytes.buffer, slab)
    } else {
      this.freeBytes -= slab.bytes.length
      if (this.freeBytes < this.#leastFree) this.#leastFree = this.freeBytes
    }
    slab.lent = count
    return slab
  }

  /** Nobody needs `piece` any more. It may be of any memory; that of others is left alone. */
  giveBack(piece: Buffer): void {
    this.giveBackPart(piece, piece.length)
  }

  /** The same of `count` bytes of `piece`, which somebody has copied, say. */
  giveBackPart(piece: Buffer, count: number): void {
    if (piece.length < WORTH_BYTES) return
    const slab = this.#slabs.get(piece.buffer)
    if (slab === undefined || slab.lent === 0) return
    slab.lent -= count
    if (slab.lent > 0) return
    slab.lent = 0
    const size = slab.bytes.length
    if (this.freeBytes + size > MAX_FREE_BYTES) return
    this.freeBytes += size
    this.#free[size / STEP_BYTES]?.push(slab)
  }

  /** `piece` of `chunk`. A small one is copied, and its bytes are back: nobody gives back what is small. */
  apart(piece: Buffer, chunk: Buffer): Buffer {
    if (piece.length >= WORTH_BYTES || chunk.length < WORTH_BYTES) return piece
    const own = this.copy(piece, piece.length)
    this.giveBackPart(chunk, piece.length)
    return own
  }

  giveBackAll(pieces: readonly Buffer[]): void {
    for (const piece of pieces) this.giveBack(piece)
  }

  /** Copies `parts` of `count` bytes in all together, and gives them back. */
  join(parts: readonly Buffer[], count: number): Buffer {
    if (count < WORTH_BYTES || count > MAX_BYTES) return Buffer.concat(parts, count)
    const { bytes } = this.#take(count)
    let at = 0
    for (const part of parts) {
      part.copy(bytes, at)
      at += part.length
      this.giveBack(part)
    }
    return bytes.subarray(0, count)
  }

  /** To be called now and then with a clock in ms: what nobody needed for ten seconds goes back to the system. */
  trim(now: number): void {
    if (now - this.#trimmedAt < TRIM_MS) return
    this.#trimmedAt = now
    let surplus = this.#leastFree
    for (const slabs of this.#free)
      while (surplus > 0 && slabs.length > 0) {
        const size = slabs.pop()?.bytes.length ?? 0
        this.freeBytes -= size
        surplus -= size
      }
    this.#leastFree = this.freeBytes
  }
}

// partial-command.ts: the part of one command that a client has sent so far, and how long the rest has been missing.
//
// Owns: the parts, their bytes in the counters, the clock of --frame-timeout: it says who is late, when
// session-sweep.ts asks. Never: finds frames, reads a clock, ends anybody.
//
// Must stay true: what it holds costs about what it counts. A small part of a large read is copied, so that it does not
// keep the whole read. Parts of a few bytes are joined, so that single bytes cost no object each.
import type { Counters } from '../../ops/counters.ts'
import type { ReadMemory } from '../../transport/read-memory.ts'

/** Parts below this size are joined. */
const SMALL_BYTES = 4096
/** The buffer for small parts grows up to this. */
const MAX_TAIL_BYTES = 64 * 1024
/** The clock starts again with every so many bytes: a large command that keeps coming is not late. */
const PROGRESS_BYTES = 1024 * 1024

/** One look of the sweep (session-sweep.ts) at all sessions. */
export interface Sweep {
  /** performance.now() */
  readonly now: number
  /** Since the last look. */
  readonly passedMs: number
  /** The part of it by which this look comes too late: Holdfast did not run, and read nothing. */
  readonly lateMs: number
}

export class PartialCommand {
  /** Bytes of the command so far; 0: there is none. */
  bytes = 0
  readonly #counters: Counters
  readonly #memory: ReadMemory
  #parts: Buffer[] = []
  #tail: Buffer | null = null
  #tailUsed = 0
  /** When the sweep first saw it (0: not yet), and its bytes then. */
  #since = 0
  #bytesThen = 0

  /** `memory`: of the chunks. */
  constructor(counters: Counters, memory: ReadMemory) {
    this.#counters = counters
    this.#memory = memory
  }

  /** Keeps `chunk` from `from` on. */
  add(chunk: Buffer, from: number): void {
    const length = chunk.length - from
    if (this.bytes === 0) this.#since = 0
    this.bytes += length
    this.#counters.unfinishedBytes += length
    if (length < SMALL_BYTES || length * 2 < chunk.length) this.#copy(chunk, from, length)
    else {
      this.#seal()
      this.#parts.push(from === 0 ? chunk : chunk.subarray(from))
    }
  }

  /** Answers the parts of the whole command, which ends in `chunk` at `end`, and keeps nothing. */
  finish(chunk: Buffer, end: number): Buffer[] {
    this.#seal()
    const parts = this.#parts
    const last = end === chunk.length ? chunk : chunk.subarray(0, end)
    const isSmall = end * 2 < chunk.length
    parts.push(isSmall ? Buffer.from(last) : last)
    if (isSmall) this.#memory.giveBackPart(chunk, end)
    this.clear()
    return parts
  }

  clear(): void {
    if (this.bytes === 0) return
    this.#counters.unfinishedBytes -= this.bytes
    this.bytes = 0
    this.#parts = []
    this.#tail = null
    this.#tailUsed = 0
  }

  /**
   * For the sweep: has it been partial for `limitMs` without a megabyte of progress? `oursMs`: so much of the time since
   * the last sweep does not count, because the rest may have been there for Holdfast to read.
   */
  isLate(now: number, limitMs: number, oursMs: number): boolean {
    if (this.bytes === 0) return false
    if (this.#since === 0 || this.bytes - this.#bytesThen >= PROGRESS_BYTES) {
      this.#since = now
      this.#bytesThen = this.bytes
      return false
    }
    this.#since += oursMs
    return now - this.#since >= limitMs
  }

  #copy(chunk: Buffer, from: number, length: number): void {
    let tail = this.#tail
    if (tail === null || tail.length - this.#tailUsed < length) {
      const before = tail?.length ?? 64
      this.#seal()
      tail = Buffer.allocUnsafe(Math.max(length, Math.min(MAX_TAIL_BYTES, before * 2)))
      this.#tail = tail
    }
    chunk.copy(tail, this.#tailUsed, from)
    this.#tailUsed += length
    this.#memory.giveBackPart(chunk, length)
  }

  #seal(): void {
    if (this.#tail !== null) this.#parts.push(this.#tail.subarray(0, this.#tailUsed))
    this.#tail = null
    this.#tailUsed = 0
  }
}

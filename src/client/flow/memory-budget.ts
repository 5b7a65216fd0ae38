// memory-budget.ts — sessions that are not read from because all of them together hold too many bytes, and who goes on when.
//
//   0 ────────────────── half ─────────────────── limit
//   unfinished commands ──▶│ (then one at a time)
//   requests without their reply ──────────────────▶│ (half of the limit is theirs in any case)
//
// Unfinished commands free memory only by being finished, so when they have filled their half, everybody waits but one: the
// one that has waited longest and whose client is sending. It is read until its command is whole, or until it dawdles; those
// who dawdled may together hold a quarter of the limit, then nobody has a turn before the frame timeout has ended some. So
// what is held exceeds the limit by that quarter, one command and one read per session at most, a command of any size gets
// through, and while large commands wait small ones do not.
import type { Counters } from '../../ops/counters.ts'

/** One read of a socket: a session with less than this in an unfinished command is never stopped for it. */
export const ONE_READ = 64 * 1024
/** The favourite must bring this much in this time, and something in any shorter one, or the next one has its turn. */
const TURN_BYTES = 1024 * 1024
const TURN_MS = 1000
const SILENT_MS = 100

export interface Waiter {
  readonly gone: boolean
  readonly unfinishedBytes: number
  /** Its client has sent more than was read. */
  readonly hasMore: boolean
  goOn(): void
  /** Not read from until `goOn`; it calls `wait`. */
  holdBack(): void
}

export class MemoryBudget {
  readonly #counters: Counters
  readonly #limit: number
  #waiting: Waiter[] = []
  #favourite: Waiter | null = null
  #favouredAt = 0
  #favouredBytes = 0
  #broughtFrom = 0
  /** Favourites that had their turn and did not finish: what they brought in it. */
  readonly #dawdlers = new Map<Waiter, number>()
  #heardAt = 0
  #heardBytes = 0

  constructor(counters: Counters, limit: number) {
    this.#counters = counters
    this.#limit = limit
  }

  /** Too many bytes of requests for anybody to send more. */
  get isHigh(): boolean {
    const { pendingBytes, unfinishedBytes } = this.#counters
    return pendingBytes + unfinishedBytes >= this.#limit && pendingBytes * 2 >= this.#limit
  }

  /** May this session's unfinished command grow by another read? */
  mayGrow(waiter: Waiter): boolean {
    if (waiter === this.#favourite || waiter.unfinishedBytes < ONE_READ) return true
    const { pendingBytes, unfinishedBytes } = this.#counters
    return unfinishedBytes * 2 < this.#limit && pendingBytes + unfinishedBytes < this.#limit
  }

  /** Calls `goOn` once there is room. */
  wait(waiter: Waiter): void {
    this.#counters.pressurePauses++
    this.#waiting.push(waiter)
  }

  /** Its command is whole, or it is gone. */
  release(waiter: Waiter): void {
    if (this.#dawdlers.size > 0) this.#dawdlers.delete(waiter)
    if (waiter !== this.#favourite) return
    this.#favourite = null
    this.#elect(performance.now())
  }

  /** To be called now and then; cheap while nobody waits. */
  check(): void {
    if (this.#waiting.length === 0) return
    const now = performance.now()
    const { pendingBytes, unfinishedBytes } = this.#counters
    if (pendingBytes * 4 <= this.#limit) {
      const all = unfinishedBytes * 4 <= this.#limit
      this.#let(waiter => all || waiter.unfinishedBytes < ONE_READ)
    }
    this.#rotate(now)
    this.#elect(now)
  }

  #let(may: (waiter: Waiter) => boolean): void {
    const before = this.#waiting
    this.#waiting = []
    for (const waiter of before) {
      if (waiter.gone) continue
      if (may(waiter)) waiter.goOn()
      else this.#waiting.push(waiter)
    }
  }

  #rotate(now: number): void {
    const favourite = this.#favourite
    if (favourite === null) return
    const bytes = favourite.unfinishedBytes
    if (bytes !== this.#heardBytes) {
      this.#heardBytes = bytes
      this.#heardAt = now
    }
    if (now - this.#heardAt < SILENT_MS) {
      if (now - this.#favouredAt < TURN_MS) return
      const brought = bytes - this.#favouredBytes
      this.#favouredAt = now
      this.#favouredBytes = bytes
      if (brought >= TURN_BYTES) return
    }
    this.#favourite = null
    if (favourite.gone) return
    this.#dawdlers.set(favourite, (this.#dawdlers.get(favourite) ?? 0) + bytes - this.#broughtFrom)
    favourite.holdBack()
  }

  #dawdledBytes(): number {
    let sum = 0
    for (const bytes of this.#dawdlers.values()) sum += bytes
    return sum
  }

  #elect(now: number): void {
    if (this.#favourite !== null || this.#waiting.length === 0) return
    if (this.isHigh || this.#dawdledBytes() * 4 >= this.#limit) return
    const at = this.#waiting.findIndex(waiter => waiter.hasMore && !waiter.gone)
    const [next] = at < 0 ? [] : this.#waiting.splice(at, 1)
    if (next === undefined) return
    this.#favourite = next
    this.#favouredAt = now
    this.#favouredBytes = next.unfinishedBytes
    this.#broughtFrom = next.unfinishedBytes
    this.#heardAt = now
    this.#heardBytes = next.unfinishedBytes
    next.goOn()
  }
}

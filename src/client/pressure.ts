// pressure.ts — sessions that are not read from because all of them together hold too many bytes, and who goes on when.
//
//   0 ────────────────── half ─────────────────── limit
//   unfinished commands ──▶│ (then one at a time)
//   requests without their reply ──────────────────▶│ (half of the limit is theirs in any case)
//
// Unfinished commands free memory only by being finished, so when they have filled their half, everybody waits but one: the
// one that has waited longest and whose client is sending. It is read until its command is whole, or until it dawdles. So
// what is held never exceeds the limit by more than that one command and one read per session, and a command of any size
// gets through.
import type { Counters } from '../ops/counters.ts'

/** One read of a socket: a session with less than this in an unfinished command is never stopped for it. */
export const ONE_READ = 64 * 1024
/** The favourite must bring this much in this time, or the next one has its turn. */
const TURN_BYTES = 1024 * 1024
const TURN_MS = 1000

export interface Waiter {
  readonly gone: boolean
  readonly unfinishedBytes: number
  /** Its client has sent more than was read. */
  readonly hasMore: boolean
  goOn(): void
  /** Not read from until `goOn`; it calls `wait`. */
  holdBack(): void
}

export class Pressure {
  readonly #counters: Counters
  readonly #limit: number
  #waiting: Waiter[] = []
  #favourite: Waiter | null = null
  #favouredAt = 0
  #favouredBytes = 0

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
    if (favourite === null || now - this.#favouredAt < TURN_MS) return
    const brought = favourite.unfinishedBytes - this.#favouredBytes
    this.#favouredAt = now
    this.#favouredBytes = favourite.unfinishedBytes
    if (brought >= TURN_BYTES) return
    this.#favourite = null
    if (!favourite.gone) favourite.holdBack()
  }

  #elect(now: number): void {
    if (this.#favourite !== null || this.#waiting.length === 0 || this.isHigh) return
    const at = this.#waiting.findIndex(waiter => waiter.hasMore && !waiter.gone)
    const [next] = at < 0 ? [] : this.#waiting.splice(at, 1)
    if (next === undefined) return
    this.#favourite = next
    this.#favouredAt = now
    this.#favouredBytes = next.unfinishedBytes
    next.goOn()
  }
}

// memory-budget.ts: which sessions wait because all of them together hold too many bytes, and who goes on when.
//
//   0 ────────────────── half ─────────────────── limit
//   partial commands ──────▶│ (then one at a time)
//   requests without their reply ──────────────────▶│ (half of the limit is theirs in any case)
//
// A partial command frees memory only when it is finished. So when partial commands fill their half, everybody waits
// but the favourite: the session that has waited longest and whose client is sending. It is read until its command is
// whole, or until it is too slow and loses its turn. Slow uploaders together may hold a quarter of the limit; then
// nobody has a turn until the frame timeout ends some. So the limit is exceeded by at most that quarter, one command,
// and one read per session; a command of any size gets through; small commands do not wait for large ones.
import type { Bugs } from '../../ops/bugs.ts'
import type { Counters } from '../../ops/counters.ts'

/** One read of a socket. A session with less than this in a partial command is never stopped for it. */
export const ONE_READ_BYTES = 64 * 1024
/** The favourite must bring this many bytes in this time, and never be silent for longer than `SILENT_MS`. */
const TURN_BYTES = 1024 * 1024
const TURN_MS = 1_000
const SILENT_MS = 100
/** While sessions wait, it looks this often whether they may go on. */
const CHECK_MS = 10

export interface Waiter {
  readonly gone: boolean
  readonly unfinishedBytes: number
  /** Its client has sent more than was read. */
  readonly hasMore: boolean
  goOn(): void
  /** Stops reading its client until `goOn`; calls `wait`. */
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
  /** Favourites that lost their turn: the bytes that each brought in it. */
  readonly #slow = new Map<Waiter, number>()
  #heardAt = 0
  #heardBytes = 0
  /** Runs only while sessions wait: nearly always nobody does, and an idle process should sleep. */
  #timer: NodeJS.Timeout | null = null
  readonly #bugs: Bugs

  constructor(counters: Counters, limit: number, bugs: Bugs) {
    this.#counters = counters
    this.#limit = limit
    this.#bugs = bugs
  }

  /** Requests hold so many bytes that nobody may send more. */
  get isHigh(): boolean {
    const { pendingBytes, unfinishedBytes } = this.#counters
    return pendingBytes + unfinishedBytes >= this.#limit && pendingBytes * 2 >= this.#limit
  }

  /** May this session's partial command grow by another read? */
  mayGrow(waiter: Waiter): boolean {
    if (waiter === this.#favourite || waiter.unfinishedBytes < ONE_READ_BYTES) return true
    const { pendingBytes, unfinishedBytes } = this.#counters
    return unfinishedBytes * 2 < this.#limit && pendingBytes + unfinishedBytes < this.#limit
  }

  /** Calls `goOn` when there is room. */
  wait(waiter: Waiter): void {
    this.#counters.pressurePauses++
    this.#waiting.push(waiter)
    this.#timer ??= setInterval(() => this.#bugs.guard('pressure', () => this.#check()), CHECK_MS)
  }

  /** The session's command is whole, or the session is gone. */
  release(waiter: Waiter): void {
    if (this.#slow.size > 0) this.#slow.delete(waiter)
    if (waiter !== this.#favourite) return
    this.#favourite = null
    this.#elect(performance.now())
  }

  #check(): void {
    const now = performance.now()
    const { pendingBytes, unfinishedBytes } = this.#counters
    if (pendingBytes * 4 <= this.#limit) {
      const all = unfinishedBytes * 4 <= this.#limit
      this.#let(waiter => all || waiter.unfinishedBytes < ONE_READ_BYTES)
    }
    this.#rotate(now)
    this.#elect(now)
    if (this.#waiting.length === 0) this.#sleep()
  }

  #sleep(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
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
    this.#slow.set(favourite, (this.#slow.get(favourite) ?? 0) + bytes - this.#broughtFrom)
    favourite.holdBack()
  }

  #elect(now: number): void {
    if (this.#favourite !== null || this.#waiting.length === 0) return
    const slowBytes = this.#slow.values().reduce((sum, bytes) => sum + bytes, 0)
    if (this.isHigh || slowBytes * 4 >= this.#limit) return
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

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
/** While sessions wait, it looks this often whether they may go on. */
const CHECK_MS = 10
/**
 * The favourite must bring this many bytes in so many looks, a second, and bring something in any `SILENT_LOOKS`.
 * Looks are counted, not the time: while Holdfast stands still it reads nothing, and no client is slow for that.
 */
const TURN_BYTES = 1024 * 1024
const TURN_LOOKS = 100
const SILENT_LOOKS = 10

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
  #favouredLooks = 0
  #favouredBytes = 0
  #broughtFrom = 0
  /** Favourites that lost their turn: the bytes that each brought in it. */
  readonly #slow = new Map<Waiter, number>()
  #silentLooks = 0
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
    this.#elect()
  }

  #check(): void {
    const { pendingBytes, unfinishedBytes } = this.#counters
    if (pendingBytes * 4 <= this.#limit) {
      const all = unfinishedBytes * 4 <= this.#limit
      this.#let(waiter => all || waiter.unfinishedBytes < ONE_READ_BYTES)
    }
    this.#rotate()
    this.#elect()
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

  #rotate(): void {
    const favourite = this.#favourite
    if (favourite === null) return
    const bytes = favourite.unfinishedBytes
    this.#favouredLooks++
    this.#silentLooks = bytes === this.#heardBytes ? this.#silentLooks + 1 : 0
    this.#heardBytes = bytes
    if (this.#silentLooks < SILENT_LOOKS) {
      if (this.#favouredLooks < TURN_LOOKS) return
      const brought = bytes - this.#favouredBytes
      this.#favouredLooks = 0
      this.#favouredBytes = bytes
      if (brought >= TURN_BYTES) return
    }
    this.#favourite = null
    if (favourite.gone) return
    this.#slow.set(favourite, (this.#slow.get(favourite) ?? 0) + bytes - this.#broughtFrom)
    favourite.holdBack()
  }

  #elect(): void {
    if (this.#favourite !== null || this.#waiting.length === 0) return
    const slowBytes = this.#slow.values().reduce((sum, bytes) => sum + bytes, 0)
    if (this.isHigh || slowBytes * 4 >= this.#limit) return
    const at = this.#waiting.findIndex(waiter => waiter.hasMore && !waiter.gone)
    const [next] = at < 0 ? [] : this.#waiting.splice(at, 1)
    if (next === undefined) return
    this.#favourite = next
    this.#favouredLooks = 0
    this.#favouredBytes = next.unfinishedBytes
    this.#broughtFrom = next.unfinishedBytes
    this.#silentLooks = 0
    this.#heardBytes = next.unfinishedBytes
    next.goOn()
  }
}

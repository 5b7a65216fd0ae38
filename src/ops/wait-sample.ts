// wait-sample.ts: how long the commands waited that one pause held. A histogram is too coarse for a report of one pause:
// its bounds stand half a second apart where it matters.
//
// Owns: a random sample of bounded size (Vitter's algorithm R), so that a pause with a million commands costs what one
// with ten thousand does; of each session that waited one small record, which goes with the session. Never: is touched
// by a command that does not wait.

export interface WaitSummary {
  readonly commands: number
  /** All in milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** What one session met. */
export interface OwnWaits {
  /** The longest wait of a command of it, ms; 0: none waited. */
  waitedMs: number
  /** Commands that gave up or failed, and those whose outcome is unknown. */
  failed: number
  unknown: number
}

const MAX_VALUES = 10_000

export class WaitSample {
  /** performance.now() of the end of the pause: what begins to wait later is none of it. */
  #endedAt = Number.POSITIVE_INFINITY
  #count = 0
  #max = 0
  readonly #values: number[] = []
  readonly #byOwner = new WeakMap<object, OwnWaits>()

  end(now: number): void {
    this.#endedAt = now
  }

  /** A request that has waited `seconds` until now. `owner`: its session. */
  add(seconds: number, owner: object): void {
    const ms = seconds * 1000
    if (performance.now() - ms > this.#endedAt) return
    const own = this.#ownOf(owner)
    if (ms > own.waitedMs) own.waitedMs = ms
    this.#count++
    if (ms > this.#max) this.#max = ms
    if (this.#values.length < MAX_VALUES) {
      this.#values.push(ms)
      return
    }
    const at = Math.floor(Math.random() * this.#count)
    if (at < MAX_VALUES) this.#values[at] = ms
  }

  /** A request of this session ended without its reply. */
  note(owner: object, end: 'failed' | 'unknown'): void {
    this.#ownOf(owner)[end]++
  }

  /** Null: nothing of this session waited or failed. */
  of(owner: object): Readonly<OwnWaits> | null {
    const own = this.#byOwner.get(owner)
    return own === undefined ? null : { ...own, waitedMs: Math.round(own.waitedMs) }
  }

  #ownOf(owner: object): OwnWaits {
    const known = this.#byOwner.get(owner)
    if (known !== undefined) return known
    const own = { waitedMs: 0, failed: 0, unknown: 0 }
    this.#byOwner.set(owner, own)
    return own
  }

  summary(): WaitSummary {
    const sorted = this.#values.toSorted((a, b) => a - b)
    const at = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0)
    return { commands: this.#count, p50: at(0.5), p99: at(0.99), max: Math.round(this.#max) }
  }
}

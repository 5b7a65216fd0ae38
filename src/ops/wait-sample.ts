// wait-sample.ts: how long the commands waited that one pause held. A histogram is too coarse for a report of one pause:
// its bounds stand half a second apart where it matters.
//
// Owns: a random sample of bounded size (Vitter's algorithm R), so that a pause with a million commands costs what one
// with ten thousand does. Never: is touched by a command that does not wait.

export interface WaitSummary {
  readonly commands: number
  /** All in milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly max: number
}

const MAX_VALUES = 10_000

export class WaitSample {
  /** performance.now() of the end of the pause: what begins to wait later is none of it. */
  #endedAt = Number.POSITIVE_INFINITY
  #count = 0
  #max = 0
  readonly #values: number[] = []

  end(now: number): void {
    this.#endedAt = now
  }

  /** A request that has waited `seconds` until now. */
  add(seconds: number): void {
    const ms = seconds * 1000
    if (performance.now() - ms > this.#endedAt) return
    this.#count++
    if (ms > this.#max) this.#max = ms
    if (this.#values.length < MAX_VALUES) {
      this.#values.push(ms)
      return
    }
    const at = Math.floor(Math.random() * this.#count)
    if (at < MAX_VALUES) this.#values[at] = ms
  }

  summary(): WaitSummary {
    const sorted = this.#values.toSorted((a, b) => a - b)
    const at = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0)
    return { commands: this.#count, p50: at(0.5), p99: at(0.99), max: Math.round(this.#max) }
  }
}

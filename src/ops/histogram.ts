// histogram.ts: counts how long something took, in buckets: a Float64Array and two additions per value, read at scrape.
// Never: knows names, labels or formats.
import type { WaitSample } from './wait-sample.ts'

/** Upper bounds in seconds, from the pause nobody notices to the default hold time. */
export const secondsBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const

export class Histogram {
  readonly bounds: readonly number[]
  sum = 0
  count = 0
  /** The largest value since somebody last set this to 0, as for the report of one hold. */
  max = 0
  /** Hears each value while somebody wants them exactly; null: nobody does. */
  sample: WaitSample | null = null
  readonly #counts: Float64Array

  constructor(bounds: readonly number[] = secondsBounds) {
    this.bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  /** `of`: whose value it is, for the sample. */
  observe(value: number, of: object | null = null): void {
    const { bounds } = this
    let at = 0
    while (at < bounds.length && value > (bounds[at] as number)) at++
    ;(this.#counts[at] as number)++
    this.sum += value
    this.count++
    if (value > this.max) this.max = value
    if (this.sample !== null && of !== null) this.sample.add(value, of)
  }

  /** For each bound, how many values are not above it; the last entry counts all. */
  cumulative(): number[] {
    let total = 0
    return [...this.#counts].map(count => {
      total += count
      return total
    })
  }
}

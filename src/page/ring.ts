// ring.ts: the last ten minutes as numbers, in memory that does not grow. Never: knows what the numbers mean.

/** One sample a second for ten minutes. */
export const RING_SAMPLES = 600

/** Rows of numbers by the time they were taken, the oldest first. NaN: there is no such number. */
export class Ring {
  /** All that this ring will ever take. */
  readonly bytes: number
  readonly #columns: number
  /** Date.now() of each row. */
  readonly #times: Float64Array
  readonly #values: Float32Array
  /** Rows written since the start, or since the clock went back. */
  #written = 0

  constructor(columns: number, samples = RING_SAMPLES) {
    this.#columns = columns
    this.#times = new Float64Array(samples)
    this.#values = new Float32Array(samples * columns)
    this.bytes = this.#times.byteLength + this.#values.byteLength
  }

  get size(): number {
    return Math.min(this.#written, this.#times.length)
  }

  /** A clock that was set back would put new rows before old ones: then the old ones are of no use. */
  push(time: number, row: readonly number[]): void {
    const slots = this.#times.length
    if (this.#written > 0 && time <= (this.#times[(this.#written - 1) % slots] as number)) this.#written = 0
    const slot = this.#written++ % slots
    this.#times[slot] = time
    for (let i = 0; i < this.#columns; i++) this.#values[slot * this.#columns + i] = row[i] ?? Number.NaN
  }

  times(): number[] {
    return this.#slots().map(slot => this.#times[slot] as number)
  }

  column(column: number): number[] {
    return this.#slots().map(slot => this.#values[slot * this.#columns + column] as number)
  }

  #slots(): number[] {
    const slots = this.#times.length
    const first = Math.max(0, this.#written - slots)
    return Array.from({ length: this.size }, (_, i) => (first + i) % slots)
  }
}

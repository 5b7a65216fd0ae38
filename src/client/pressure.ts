// pressure.ts — sessions that are not read from because all sessions together hold too many bytes; they go on, in the
// order they stopped, when half of the limit is free again.
import type { Counters } from '../ops/counters.ts'

export class Pressure {
  readonly #counters: Counters
  readonly #limit: number
  #waiting: (() => void)[] = []

  constructor(counters: Counters, limit: number) {
    this.#counters = counters
    this.#limit = limit
  }

  /** Calls `resume` once there is room. */
  wait(resume: () => void): void {
    this.#waiting.push(resume)
  }

  /** To be called now and then; cheap while nobody waits. */
  check(): void {
    if (this.#waiting.length === 0 || this.#counters.pendingBytes > this.#limit / 2) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }
}

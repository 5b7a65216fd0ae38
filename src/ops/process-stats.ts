// process-stats.ts: measures the process: memory, CPU, descriptors, lateness of the event loop.
//
// Owns: a sampler of the event loop and a timer. Both cost something, so they run only while somebody can ask.
// Never: throws. What the system does not say is NaN.
import { readdirSync, readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Each sample wakes the process: at 20 ms an idle one took twice the CPU. A standstill is a sample, however long. */
const RESOLUTION_MS = 100
/** Delays are those of the present window and the one before: a reset at each scrape would show each scraper a part. */
const WINDOW_MS = 15_000
const statistics = ['p50', 'p99', 'max'] as const
type Statistic = (typeof statistics)[number]

export class ProcessStats {
  readonly startTime = Math.round(Date.now() / 1000 - process.uptime())
  #delay: ReturnType<typeof monitorEventLoopDelay> | null = null
  #timer: NodeJS.Timeout | null = null
  #last: Readonly<Record<Statistic, number>> = { p50: 0, p99: 0, max: 0 }

  start(): void {
    this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    this.#delay.enable()
    this.#timer = setInterval(() => {
      this.#last = this.#current()
      this.#delay?.reset()
    }, WINDOW_MS)
    this.#timer.unref()
  }

  stop(): void {
    this.#delay?.disable()
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  /** Seconds, the worse of two windows; 0 while the sampler does not run. */
  eventLoopDelay(): [Statistic, number][] {
    const now = this.#current()
    return statistics.map(statistic => [statistic, Math.max(now[statistic], this.#last[statistic])])
  }

  cpuSeconds(): number {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  }

  openFds(): number {
    try {
      return readdirSync('/proc/self/fd').length - 1
    } catch {
      return Number.NaN
    }
  }

  maxFds(): number {
    try {
      const limits = readFileSync('/proc/self/limits', 'utf8')
      return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.NaN)
    } catch {
      return Number.NaN
    }
  }

  /** Node measures the time between two ticks of the sampler; the delay is what exceeds its resolution. */
  #current(): Record<Statistic, number> {
    const delay = this.#delay
    const seconds = (percentile: number): number =>
      delay === null || delay.count === 0 ? 0 : Math.max(0, (delay.percentile(percentile) / 1e6 - RESOLUTION_MS) / 1000)
    return { p50: seconds(50), p99: seconds(99), max: seconds(100) }
  }
}

// process-stats.ts: measures the process: memory, CPU, descriptors, lateness of the event loop.
//
// Whoever has a timer says how late it was (relay/watchdog.ts). A sampler of its own would wake an idle process.
//
// Owns: what was said of the present window and the one before it. Never: throws. What the system does not say is NaN.
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { openFiles, openFilesLimit } from './descriptors.ts'

/** Delays are those of the present window and the one before: a reset at each scrape would show each scraper a part. */
const WINDOW_MS = 15_000

/** In microseconds, up to an hour; two digits are enough. */
const createDelays = (): RecordableHistogram => createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 2 })

export class ProcessStats {
  readonly startTime = Math.round(Date.now() / 1000 - process.uptime())
  #now = createDelays()
  #last = createDelays()
  #since = performance.now()

  /** The event loop was so many milliseconds behind its time; `now` in ms of the monotonic clock. */
  noteDelay(ms: number, now = performance.now()): void {
    if (now - this.#since >= WINDOW_MS) this.#turnWindow(now)
    this.#now.record(Math.max(1, Math.round(ms * 1000)))
  }

  #turnWindow(now: number): void {
    const oldest = this.#last
    this.#last = this.#now
    this.#now = oldest
    oldest.reset()
    this.#since = now
  }

  /** Seconds, the worse of two windows; 0 while nothing was said. */
  eventLoopDelay(): ['p50' | 'p99' | 'max', number][] {
    const worst = (of: (delays: RecordableHistogram) => number): number =>
      Math.max(...[this.#now, this.#last].map(delays => (delays.count === 0 ? 0 : of(delays) / 1e6)))
    return [
      ['p50', worst(delays => delays.percentile(50))],
      ['p99', worst(delays => delays.percentile(99))],
      ['max', worst(delays => delays.max)],
    ]
  }

  cpuSeconds(): number {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  }

  /** Bytes of one kind. NaN where it cannot be told: Node reads a file for it, and no descriptor may be left. */
  memory(kind: 'rss' | 'heapUsed' | 'heapTotal' | 'external'): number {
    try {
      return process.memoryUsage()[kind]
    } catch {
      return Number.NaN
    }
  }

  openFds(): number {
    return openFiles()
  }

  maxFds(): number {
    return openFilesLimit()
  }
}

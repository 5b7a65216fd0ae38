// elections.ts — why the Sentinels took long to elect a master, from their own logs.
//
// A set with one Sentinel dead needs both of the others to agree. When both notice the dead master in the same moment, each
// votes for itself; the election ends after at most 10 s, and the next begins only when twice failover-timeout (here 20 s)
// has passed since the last one began (sentinel.c, sentinelStartFailoverIfNeeded). Three seconds become 23, or 43 when it
// happens twice. That is Sentinel's time, not the proxy's: a soak waits for it and says so.
import { existsSync, readFileSync } from 'node:fs'
import type { SentinelSet } from '../support/sentinel-set.ts'

const telling =
  /\+sdown master|\+odown|\+try-failover|\+vote-for-leader|voted for|-failover-abort|\+elected-leader|\+switch-master|Next failover delay/

/** Reads the Sentinels' logs onwards from where it is. Never: keeps what it has read. */
export class Elections {
  readonly #set: SentinelSet
  readonly #read = new Map<string, number>()

  constructor(set: SentinelSet) {
    this.#set = set
    this.news()
  }

  /** What has been logged since the last call. */
  news(): string[] {
    return this.#set.sentinels.flatMap(({ name, logFile }) => {
      const text = existsSync(logFile) ? readFileSync(logFile, 'latin1') : ''
      const from = this.#read.get(logFile) ?? 0
      this.#read.set(logFile, text.length)
      const lines = text.slice(from).split('\n')
      return lines.filter(line => telling.test(line)).map(line => `${name}: ${line.trim()}`)
    })
  }
}

/** How many elections ended without a leader. Each that stood in one says so: the Sentinel that says it most often has seen most. */
export function undecided(lines: readonly string[]): number {
  const times = new Map<string, number>()
  for (const line of lines) {
    const [name = ''] = line.split(':', 1)
    if (line.includes('-failover-abort-not-elected')) times.set(name, (times.get(name) ?? 0) + 1)
  }
  return Math.max(0, ...times.values())
}

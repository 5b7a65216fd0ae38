// elections.ts: why the Sentinels took long to elect a master, from their own logs.
//
// Two ways were seen, both Sentinel's own time and not the proxy's (sentinel.c); a soak waits for them and says so.
// - A set with one Sentinel dead needs both of the others to agree. When both notice the dead master in the same
// moment, each
//   votes for itself: `-failover-abort-not-elected`. The next election begins only when twice failover-timeout (here 20 s) has passed
//   since the last one began, so that three seconds become 23, or 43 when it happens twice.
// - A Sentinel that was frozen wakes up in TILT and acts on nothing for 30 s. A master and another Sentinel that die
// meanwhile leave
//   one that acts, which is no quorum. Out of TILT it may win with a picture of the replicas that is too old
//   (`-failover-abort-no-good-slave`) and wait 20 s for the next election: 48 s were measured.
import { existsSync, readFileSync } from 'node:fs'
import type { SentinelSet } from '../support/sentinel-set.ts'

const telling =
  /[+-]tilt|\+sdown master|\+odown|\+try-failover|\+vote-for-leader|voted for|-failover-abort|\+elected-leader|\+switch-master|Next failover delay/

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

/**
 * How many elections led to no new master. Each that stood in one says so: the Sentinel that says it most often has
 * seen most.
 */
export function abortedElections(lines: readonly string[]): number {
  const times = new Map<string, number>()
  for (const line of lines) {
    const [name = ''] = line.split(':', 1)
    if (/-failover-abort-(?:not-elected|no-good-slave)/.test(line)) times.set(name, (times.get(name) ?? 0) + 1)
  }
  return Math.max(0, ...times.values())
}

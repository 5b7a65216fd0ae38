// outage-page.ts: the result of a long outage as a page a person can read. Pure.
import type { Look } from './proxy-child.ts'
import type { Slope } from './slope.ts'

export interface OutageTrend {
  /** After warm-up. */
  readonly slope: Slope
  readonly first: number
  readonly last: number
  readonly peak: number
  /** After warm-up. */
  readonly median: number
}

export interface OutageResult {
  readonly minutes: number
  /** Long enough for its growth to be judged. */
  readonly isSteady: boolean
  readonly clients: number
  readonly holdTimeout: string
  readonly startedAt: Date
  readonly versions: string
  /** Rounds during the outage (with an error), and before and during it (without). */
  readonly failed: number
  readonly served: number
  readonly errors: ReadonlyMap<string, number>
  /** Milliseconds until an error came, ascending. */
  readonly times: readonly number[]
  /** Milliseconds from the start of the old master until each client was served, ascending. */
  readonly returned: readonly number[]
  readonly lost: readonly string[]
  readonly before: Look
  readonly after: Look
  readonly end: Look
  readonly rss: OutageTrend
  /** After forced collections. */
  readonly heap: OutageTrend
  readonly external: OutageTrend
  /** Share of one core. */
  readonly cpu: OutageTrend
  readonly descriptors: OutageTrend
  readonly events: ReadonlyMap<string, number>
  /** What broke a promise; empty: nothing did. */
  readonly wrong: readonly string[]
}

const mib = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1)
const mib3 = (bytes: number): string => (bytes / 1024 / 1024).toFixed(3)
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
const at = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0

function memoryRow(name: string, { first, last, peak, slope }: OutageTrend, limit: string): string {
  const ends = `95 %: ${mib3(slope.low)} to ${mib3(slope.high)}`
  return `| ${name}, MiB | first ${mib(first)}, last ${mib(last)}, peak ${mib(peak)} | |
| its slope after the first third, MiB per minute | ${mib3(slope.perMinute)} (${ends}) | ${limit} |`
}

function errorRows(errors: ReadonlyMap<string, number>): string {
  return [...errors].map(([text, n]) => `| \`${text}\` | ${n} |`).join('\n')
}

export function outagePage(result: OutageResult): string {
  const { minutes, clients, times, returned, end, after, before, cpu, wrong } = result
  const verdict = wrong.length === 0 ? 'nothing broke' : `${wrong.length} broken promises`
  const judged = result.isSteady ? '' : ' (not judged: too short)'
  const ms = (value: number): string => value.toFixed(value < 10 ? 1 : 0)
  return `# A long outage

Master and replica are killed and stay dead; the Sentinels live. The proxy is a process of its own with a hold time of
${result.holdTimeout}; ${clients} clients (plain commands, BLPOP, transactions in one write and command by command, SUBSCRIBE, and some that
connect anew each time) try again 100 ms after each error. At the end the old master is started again. Written by
\`npm run outage -- --minutes ${minutes} --clients ${clients}\`. Resident memory and processor time are sampled each second, the heap after
a forced collection every fifth; slopes are least squares through the means of 16 blocks.

**${verdict}**: ${minutes} minutes, begun ${result.startedAt.toISOString()}, ${result.versions}.

| what | found | allowed |
|---|---|---|
| rounds that ended with an error | ${result.failed} | |
| time until the error, ms (the last ${times.length}) | median ${ms(at(times, 0.5))}, 99 % ${ms(at(times, 0.99))}, longest ${ms(at(times, 1))} | |
| sessions that ended | ${result.lost.length} | 0 |
| clients served again | ${returned.length} of ${clients}; the first ${ms(at(returned, 0))} ms after the server was started, the last ${ms(at(returned, 1))} ms | all within 60 s |
${memoryRow('resident memory', result.rss, `lower end at most 0.5${judged}`)}
${memoryRow('heap after a forced collection', result.heap, `lower end at most 0.1${judged}`)}
${memoryRow('buffers outside the heap', result.external, '')}
| heap before the outage and at its end, MiB | ${mib(before.heapUsed)}, ${mib(after.heapUsed)} | |
| processor time, share of one core | median ${percent(cpu.median)}, peak ${percent(cpu.peak)} | |
| open descriptors | first ${result.descriptors.first}, last ${result.descriptors.last}, peak ${result.descriptors.peak} | |
| times the breaker opened | ${end.counters.trips} | |
| refused by the breaker; expired | ${after.counters.refusedByBreaker}; ${after.counters.expired} | |
| counters | held ${end.counters.held} = drained ${end.counters.drained} + expired ${end.counters.expired} + timed out ${end.counters.timedOut} + failed ${end.counters.failed} + gone ${end.counters.gone} + waiting ${end.counters.waiting} | equal |
| log lines | ${[...result.events.values()].reduce((a, b) => a + b, 0)} | |

| error | replies |
|---|---|
${errorRows(result.errors)}
${wrong.length === 0 ? '' : `\n## Broken\n\n${wrong.map(what => `- ${what}`).join('\n')}\n`}`
}

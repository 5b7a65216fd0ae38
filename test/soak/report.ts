// report.ts: the result of a soak as a page a person can read. Pure.
import type { Report } from '../support/ledger.ts'
import type { Losses } from './losses.ts'
import type { Resident } from './mappings.ts'
import type { Look } from './proxy-child.ts'
import type { Slope } from './slope.ts'

export interface Trend {
  readonly slope: Slope
  readonly first: number
  readonly last: number
  readonly peak: number
}

export interface SoakResult {
  readonly seed: number
  readonly policy: string
  readonly minutes: number
  readonly startedAt: Date
  readonly versions: string
  readonly faults: ReadonlyMap<string, number>
  readonly unplanned: number
  readonly done: ReadonlyMap<string, number>
  readonly report: Report
  readonly losses: Losses
  readonly look: Look
  /** Elections of the Sentinels that led to no new master. */
  readonly abortedElections: number
  readonly rss: Trend
  /** What it was made of, in the order of time. */
  readonly resident: readonly Resident[]
  /** Whether the soak was long enough for the slope of resident memory to be judged. */
  readonly judgesResident: boolean
  /** Of the heap after forced collections. */
  readonly heap: Trend
  /** Buffers outside the heap, then as well. */
  readonly external: Trend
  readonly descriptors: { readonly idle: number; readonly peak: number; readonly after: number }
  readonly holds: readonly number[]
  /** What broke a promise; empty: the soak is clean. */
  readonly wrong: readonly string[]
}

const mib = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1)
const mib3 = (bytes: number): string => (bytes / 1024 / 1024).toFixed(3)
const listed = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([name, n]) => `| ${name} | ${n} |`).join('\n')

const slopeText = ({ slope }: Trend): string =>
  `${mib3(slope.perMinute)} (95 %: ${mib3(slope.low)} to ${mib3(slope.high)})`

function partOf({ resident }: SoakResult, part: keyof Resident): string {
  const chosen = [resident[0], resident[Math.floor(resident.length / 2)], resident.at(-1)]
  return chosen.map(found => (found === undefined ? '-' : mib(found[part]))).join(', ')
}

export function soakPage(result: SoakResult): string {
  const { report, losses, look, rss, heap, external, descriptors, holds } = result
  const held = [...holds].sort((a, b) => a - b)
  const at = (q: number): number => held[Math.min(held.length - 1, Math.floor(q * held.length))] ?? 0
  const { counters } = look
  const verdict = result.wrong.length === 0 ? 'clean' : `${result.wrong.length} broken promises`
  return `# Soak

Random faults from a seed against a master, two replicas and three Sentinels, under mixed load; the proxy is a process of
its own. Written by \`npm run soak -- --minutes ${Math.round(result.minutes)} --seed ${result.seed}\`; the same seed gives the same faults in
the same order.

**${verdict}**: seed ${result.seed}, policy ${result.policy}, ${result.minutes.toFixed(1)} minutes, begun ${result.startedAt.toISOString()}, ${result.versions}.

| what | found | allowed |
|---|---|---|
| operations in the ledger | ${report.operations}, ${report.ok} of them ok | |
| connection errors | ${report.connectionErrors.length} | 0 |
| replies out of order or to something else | ${report.reordered.length} | 0 |
| applied twice | ${report.doubled.length} | ${result.policy === 'safe' ? '0' : 'any (policy always: at least once)'} |
| acknowledged writes lost, a crash explains them | ${losses.explained} | any (asynchronous replication) |
| acknowledged writes lost, nothing explains them | ${losses.unexplained.length} | 0 |
| without a reply at the end | ${report.pending} | 0 |
| error replies | ${
    Object.entries(report.errors)
      .map(([text, n]) => `${n} × ${text}`)
      .join('; ') || 'none'
  } | UNKNOWN under safe |
| longest wait of one client | ${(report.longestPause.ms / 1000).toFixed(1)} s | |
| holds | ${held.length}; median ${at(0.5)} ms, 90 % ${at(0.9)} ms, longest ${at(1)} ms | |
| failovers nobody asked for | ${result.unplanned} | |
| elections that led to no new master, each tried again by the Sentinels after 20 s | ${result.abortedElections} | |
| counters | held ${counters.held} = drained ${counters.drained} + expired ${counters.expired} + timed out ${counters.timedOut} + failed ${counters.failed} + gone ${counters.gone} + waiting ${counters.waiting} | equal |
| replayed; errors kept from clients | ${counters.replayed}; ${counters.absorbed} | |
| links opened; lost | ${counters.linksOpened}; ${counters.linksLost} | |
| sessions | ${counters.sessionsTotal} in all, ${counters.sessions} left | 0 left |
| resident memory, MiB | first ${mib(rss.first)}, last ${mib(rss.last)}, peak ${mib(rss.peak)} | |
| of it at first, halfway and last: files of the program | ${partOf(result, 'files')} | |
| malloc's heaps | ${partOf(result, 'malloc')} | |
| V8's pages, stacks, large blocks | ${partOf(result, 'rest')} | |
| slope of resident memory in the second half, MiB per minute | ${slopeText(rss)} | ${result.judgesResident ? 'lower end at most 0.5' : 'not judged: too short to settle'} |
| heap after a forced collection, MiB | first ${mib(heap.first)}, last ${mib(heap.last)}, peak ${mib(heap.peak)} | |
| its slope after the first third, MiB per minute | ${slopeText(heap)} | lower end at most 0.1 |
| buffers outside the heap, MiB | first ${mib(external.first)}, last ${mib(external.last)}, peak ${mib(external.peak)} | |
| their slope after the first third, MiB per minute | ${slopeText(external)} | lower end at most 0.5 |
| open descriptors | before the load ${descriptors.idle}, peak ${descriptors.peak}, after the load ${descriptors.after} | after = before, give or take 3 |
| processor time | ${(look.cpuMicros / 1e6).toFixed(0)} s | |

${result.wrong.length === 0 ? '' : `## Broken\n\n${result.wrong.map(what => `- ${what}`).join('\n')}\n`}
## Faults

| kind | times |
|---|---|
${listed(result.faults)}

## Load besides the steady pipelines

| client | rounds |
|---|---|
${listed(result.done)}
`
}

// report.ts: the samples of a row of the tail as figures, and as text for people. Pure.

import { alignTable, disturbance, ratioText } from '../report.ts'
import { median } from '../statistics.ts'
import { type Ratios, ratiosOf } from '../summary.ts'
import type { TailResult, TailSample } from './tail.ts'

export interface TailSummary {
  readonly target: string
  /** Medians over the rounds, microseconds. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** The generator's own lateness. */
  readonly lateP99: number
  /** Of p99, within each round; less is better. */
  readonly ratio: Ratios
  readonly largePerSecond: number
  readonly megabytesPerSecond: number
  /** Share of one core; null for no proxy. */
  readonly proxyCore: number | null
  readonly peakBytes: number | null
  /** Of all rounds together; null where they are not counted. */
  readonly collections: { readonly full: number; readonly longestMs: number } | null
}

export interface RowSummary {
  readonly name: string
  readonly title: string
  readonly targets: readonly TailSummary[]
  readonly leftOut: Readonly<Record<string, string>>
  /** Medians: what else took of the machine (0..1). */
  readonly elsewhereShare: number
  readonly stolenShare: number
}

export function summarizeRow({ row, samples, leftOut }: TailResult): RowSummary {
  const byTarget = Map.groupBy(samples, sample => sample.target)
  const p99Of = (target: string): Map<number, number> =>
    new Map(byTarget.get(target)?.map(sample => [sample.round, sample.small.latency.p99]))
  const targets = [...byTarget].map(([target, own]) => ({
    ...summarizeTarget(target, own, row.valueBytes),
    ratio: ratiosOf(p99Of(target), p99Of),
  }))
  return {
    ...{ name: row.name, title: row.title, targets, leftOut: Object.fromEntries(leftOut) },
    elsewhereShare: median(samples.map(({ cpu }) => cpu.elsewhereShare)),
    stolenShare: median(samples.map(({ cpu }) => cpu.stolenShare)),
  }
}

function summarizeTarget(target: string, samples: readonly TailSample[], bytes: number): Omit<TailSummary, 'ratio'> {
  const of = (pick: (sample: TailSample) => number): number => median(samples.map(pick))
  const largePerSecond = of(({ large }) => large.commands / large.seconds)
  const hasProxy = samples.some(({ peakBytes }) => peakBytes !== null)
  const counted = samples.flatMap(({ collections }) => collections ?? [])
  return {
    target,
    p50: of(({ small }) => small.latency.p50),
    p99: of(({ small }) => small.latency.p99),
    max: of(({ small }) => small.latency.max),
    lateP99: of(({ small }) => small.lateness.p99),
    largePerSecond,
    megabytesPerSecond: (largePerSecond * bytes) / 1e6,
    proxyCore: hasProxy ? of(({ cpu, large }) => (cpu.proxySeconds ?? 0) / large.seconds) : null,
    peakBytes: hasProxy ? Math.max(...samples.map(({ peakBytes }) => peakBytes ?? 0)) : null,
    collections:
      counted.length === 0
        ? null
        : {
            full: counted.reduce((sum, { full }) => sum + full, 0),
            longestMs: Math.max(...counted.map(({ longestMs }) => longestMs)),
          },
  }
}

export function tailLegend(): string {
  return [
    'fifty clients send 2,000 GETs of 64 B a second in all, each due at its time; latencies from then on.',
    'p50, p99, max: microseconds, medians of the rounds. late: p99 of what the generator itself was late by.',
    'x direct, x haproxy: ratio of p99 within each round, median [min..max]. large/s, MB/s: what the large clients moved.',
    'core: share of a core that the proxy used. RSS: its peak, MB. full GC: full collections of all rounds, the longest.',
  ].join('\n')
}

const columns = ['target', 'p50', 'p99', 'max', 'late', 'x direct', 'x haproxy', 'large/s', 'MB/s', 'core', 'RSS']

/** One table; rows in the order of `targetOrder`. */
export function tailTable(result: TailResult, targetOrder: readonly string[]): string {
  const { name, title, targets, leftOut, ...shares } = summarizeRow(result)
  const inOrder = [...targets].sort((a, b) => targetOrder.indexOf(a.target) - targetOrder.indexOf(b.target))
  const counts = inOrder.some(one => one.collections !== null)
  const head = counts ? [...columns, 'full GC'] : columns
  const lines = [`${name}  beside ${title}`, ...alignTable([head, ...inOrder.map(one => cells(one, counts))])]
  for (const [target, why] of Object.entries(leftOut)) lines.push(`  ${target} left out: ${why}`)
  const lost = result.samples.reduce((sum, { small }) => sum + small.unanswered, 0)
  if (lost > 0) lines.push(`  ${lost} small commands were never answered`)
  lines.push(...disturbance(shares))
  return lines.join('\n')
}

function cells(one: TailSummary, counts: boolean): string[] {
  const { collections } = one
  const figures = [
    one.target,
    count(one.p50),
    count(one.p99),
    count(one.max),
    count(one.lateP99),
    ratioText(one.ratio.direct),
    ratioText(one.ratio.haproxy),
    count(one.largePerSecond),
    count(one.megabytesPerSecond),
    one.proxyCore === null ? '-' : one.proxyCore.toFixed(2),
    one.peakBytes === null ? '-' : count(one.peakBytes / 1e6),
  ]
  if (!counts) return figures
  return [...figures, collections === null ? '-' : `${collections.full} (${collections.longestMs.toFixed(0)} ms)`]
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}

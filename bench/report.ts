// report.ts: the figures as text for people. Pure: gives strings, prints nothing.

import type { Spread } from './statistics.ts'
import { type CaseSummary, type TargetSummary, yardsticks } from './summary.ts'

// Above this share of the machine in other hands a case is marked: its absolute figures say little.
const disturbedShare = 0.1

const columns = ['target', 'ops/s', 'p50', 'p99', 'p99.9', 'proxy', 'user + sys', 'redis', 'load', 'RSS']

export function legend(): string {
  return [
    'ops/s and latencies (ms): medians of the rounds. proxy, redis, load: CPU seconds for a million commands; user + sys:',
    "the proxy's in its parts. RSS: its peak, MB. Below: ratios within each round, median [min..max]; of ops/s in closed",
    "loops, of p99 in open ones. CPU x echo: the proxy's CPU for a command beside that of a plain echo in Node.",
  ].join('\n')
}

/** Two tables, of figures and of ratios; rows in the order of `targetOrder`. */
export function caseTable(summary: CaseSummary, targetOrder: readonly string[]): string {
  const inOrder = [...summary.targets].sort((a, b) => targetOrder.indexOf(a.target) - targetOrder.indexOf(b.target))
  const of = summary.ratioOf === 'p99' ? ' (ratios of p99)' : ''
  const lines = [`${summary.name}  ${summary.title}${of}`, ...alignTable([columns, ...inOrder.map(row)])]
  lines.push(...ratioTable(inOrder))
  for (const one of inOrder) {
    if (one.extra === null) continue
    lines.push(`  ${one.target}: ${one.extra.label} p50 ${ms(one.extra.p50Ms)} ms, p99 ${ms(one.extra.p99Ms)} ms`)
  }
  for (const [target, why] of Object.entries(summary.leftOut)) lines.push(`  ${target} left out: ${why}`)
  lines.push(...disturbance(summary))
  return lines.join('\n')
}

/** A line where other work was beside a measurement. */
export function disturbance(shares: { elsewhereShare: number; stolenShare: number }): string[] {
  const { elsewhereShare, stolenShare } = shares
  if (elsewhereShare + stolenShare <= disturbedShare) return []
  return [`  disturbed: ${percent(elsewhereShare)} of the machine did other work, ${percent(stolenShare)} was stolen`]
}

/** Columns for what was measured alone; no table where nothing was that others are compared with. */
function ratioTable(targets: readonly TargetSummary[]): string[] {
  const beside = yardsticks.filter(name => targets.some(one => one.target === name))
  const hasEcho = targets.some(one => one.ofEcho !== undefined)
  if (beside.length === 0 && !hasEcho) return []
  const head = ['', ...beside.map(name => `x ${name}`), ...(hasEcho ? ['CPU x echo'] : [])]
  const rows = targets.map(one => {
    const ratios = beside.map(name => (name === one.target ? '1' : ratioText(one.ratio[name])))
    return [one.target, ...ratios, ...(hasEcho ? [ratioText(one.ofEcho)] : [])]
  })
  return alignTable([head, ...rows])
}

function row(one: TargetSummary): string[] {
  return [
    one.target,
    Math.round(one.opsPerSecond).toLocaleString('en'),
    ms(one.latencyMs.p50),
    ms(one.latencyMs.p99),
    ms(one.latencyMs.p999),
    one.proxyCpuPerMillion === null ? '-' : cpu(one.proxyCpuPerMillion),
    one.proxyPartsPerMillion === null ? '-' : parts(one.proxyPartsPerMillion),
    cpu(one.serverCpuPerMillion),
    cpu(one.loadCpuPerMillion),
    one.peakBytes === null ? '-' : String(Math.round(one.peakBytes / 1e6)),
  ]
}

export function ratioText(value: Spread | undefined): string {
  if (value === undefined) return '-'
  return `${value.median.toFixed(2)} [${value.min.toFixed(2)}..${value.max.toFixed(2)}]`
}

function ms(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(0)
}

/** Two digits that count, whatever the size: a pipelined command costs a fiftieth of a single one. */
function cpu(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0)
}

function parts({ user, system }: { user: number; system: number }): string {
  return `${cpu(user)} + ${cpu(system)}`
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** Pads every column to its widest cell: the first to the right, figures to the left. */
export function alignTable(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const cells of rows) {
    for (const [n, cell] of cells.entries()) widths[n] = Math.max(widths[n] ?? 0, cell.length)
  }
  return rows.map(cells => {
    const padded = cells.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0)))
    return `  ${padded.join('  ').trimEnd()}`
  })
}

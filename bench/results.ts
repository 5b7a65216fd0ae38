// results.ts: keeps a run: everything in one JSON file, and with --keep one line of figures in history.jsonl.

import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { dirname, join } from 'node:path'
import type { CaseResult } from './rounds.ts'
import type { CaseSummary } from './summary.ts'

export interface RunFacts {
  startedAt: string
  /** Commit of the checkout, and whether files differ from it. null outside a repository. */
  commit: string | null
  dirty: boolean
  node: string
  redis: string
  haproxy: string
  machine: string
  rounds: number
  seconds: number
}

export function runFacts(startedAt: Date, options: { rounds: number; seconds: number }): RunFacts {
  const processors = cpus()
  return {
    startedAt: startedAt.toISOString(),
    commit: firstLine('git', ['rev-parse', '--short', 'HEAD']),
    dirty: firstLine('git', ['status', '--porcelain']) !== null,
    node: process.version,
    redis: firstLine('redis-server', ['--version']) ?? 'none',
    haproxy: firstLine('haproxy', ['-v']) ?? 'none',
    machine: `${processors.length} x ${processors[0]?.model ?? 'unknown'}, Linux ${release().split('.', 2).join('.')}`,
    rounds: options.rounds,
    seconds: options.seconds,
  }
}

/** What a reader must know of a run, as text for its head. */
export function factsText({ commit, dirty, node, redis, haproxy, machine }: RunFacts): string {
  return `commit ${commit ?? 'none'}${dirty ? ' (changed)' : ''}, node ${node}, ${redis}, ${haproxy}\n${machine}`
}

/** First line of what a program prints; null when it prints nothing or cannot be run. */
function firstLine(command: string, args: readonly string[]): string | null {
  try {
    const text = execFileSync(command, args, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'ignore'] })
    return text.toString().split('\n')[0]?.trim() || null
  } catch {
    return null
  }
}

/** Writes all samples and summaries; returns the path. */
export function writeResults(
  file: string | undefined,
  facts: RunFacts,
  results: readonly CaseResult[],
  summaries: readonly CaseSummary[],
): string {
  const cases = summaries.map((summary, n) => ({ ...summary, samples: results[n]?.samples ?? [] }))
  return writeRun(file, facts, { cases })
}

/** Writes what a run gave, with the facts of the run in front; returns the path. */
export function writeRun(file: string | undefined, facts: RunFacts, content: object): string {
  const stamp = facts.startedAt.replaceAll(/[:.]/g, '-')
  const path = file ?? join(import.meta.dirname, 'results', `${stamp}.json`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify({ ...facts, ...content }, null, 1)}\n`)
  return path
}

/** Appends one line: the facts, and for each case and target ops/s, p99 and the ratios. */
export function keepInHistory(facts: RunFacts, summaries: readonly CaseSummary[]): string {
  const path = join(import.meta.dirname, 'history.jsonl')
  const cases = Object.fromEntries(summaries.map(summary => [summary.name, figures(summary)]))
  appendFileSync(path, `${JSON.stringify({ ...facts, cases })}\n`)
  return path
}

function figures(summary: CaseSummary): Record<string, object> {
  const entries = summary.targets.map(one => {
    const ratios = { direct: rounded(one.ratio.direct?.median), haproxy: rounded(one.ratio.haproxy?.median) }
    return [one.target, { ops: Math.round(one.opsPerSecond), p99Ms: one.latencyMs.p99, ...ratios }] as const
  })
  return Object.fromEntries(entries)
}

function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 1_000) / 1_000
}

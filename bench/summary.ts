// summary.ts: from the samples of a case to the figures of each target. Pure.

import type { CaseResult, Sample } from './rounds.ts'
import { median, ratiosByRound, type Spread, spread } from './statistics.ts'

/** What every target is compared with, where it was measured. */
export const yardsticks = ['direct', 'haproxy', 'twemproxy', 'predixy', 'base'] as const
export type Ratios = Partial<Record<(typeof yardsticks)[number], Spread>>

/** Of one measure by round, to each yardstick by round. */
export function ratiosOf(
  own: ReadonlyMap<number, number>,
  of: (target: string) => ReadonlyMap<number, number>,
): Ratios {
  const all = yardsticks.map(name => [name, spread(ratiosByRound(own, of(name)))] as const)
  return Object.fromEntries(all.filter(([, ratio]) => ratio !== undefined))
}

export interface TargetSummary {
  target: string
  rounds: number
  opsPerSecond: number
  /** Medians over the rounds, milliseconds. */
  latencyMs: { p50: number; p99: number; p999: number; max: number }
  extra: { label: string; p50Ms: number; p99Ms: number } | null
  /** Of ops/s in a closed loop (more is better), of p99 in an open one (less is better), within each round. */
  ratio: Ratios
  /** CPU of the proxy for a command beside that of a plain Node echo, within each round: less is better. */
  ofEcho: Spread | undefined
  /** CPU seconds for a million commands; null for no proxy. */
  proxyCpuPerMillion: number | null
  /** Its two parts, from all rounds together. */
  proxyPartsPerMillion: { user: number; system: number } | null
  serverCpuPerMillion: number
  loadCpuPerMillion: number
  /** Greatest peak of resident memory; null for no proxy. */
  peakBytes: number | null
}

export interface CaseSummary {
  name: string
  title: string
  ratioOf: 'ops/s' | 'p99'
  targets: TargetSummary[]
  leftOut: Record<string, string>
  /** Medians: what else took of the machine (0..1). */
  elsewhereShare: number
  stolenShare: number
}

export function summarizeCase(result: CaseResult): CaseSummary {
  const ratioOf = result.case.kind === 'open' ? 'p99' : 'ops/s'
  const measure = (sample: Sample): number => (ratioOf === 'p99' ? sample.load.latencyMs.p99 : sample.load.opsPerSecond)
  const byTarget = Map.groupBy(result.samples, sample => sample.target)
  const measuresOf = (target: string): Map<number, number> =>
    new Map(byTarget.get(target)?.map(sample => [sample.round, measure(sample)]))
  return {
    name: result.case.name,
    title: result.case.title,
    ratioOf,
    targets: [...byTarget].map(([target, samples]) => ({
      ...summarizeTarget(target, samples),
      ratio: ratiosOf(measuresOf(target), measuresOf),
      ofEcho: cpuOfEcho(samples, byTarget.get('echo-node') ?? []),
    })),
    leftOut: Object.fromEntries(result.leftOut),
    elsewhereShare: median(result.samples.map(sample => sample.cpu.elsewhereShare)),
    stolenShare: median(result.samples.map(sample => sample.cpu.stolenShare)),
  }
}

function cpuOfEcho(samples: readonly Sample[], echo: readonly Sample[]): Spread | undefined {
  const perCommand = (all: readonly Sample[]): Map<number, number> =>
    new Map(
      all.flatMap(({ round, cpu, load }) =>
        cpu.proxySeconds === null ? [] : [[round, cpu.proxySeconds / load.commands]],
      ),
    )
  return spread(ratiosByRound(perCommand(samples), perCommand(echo)))
}

/** The parts of the median, shared out as the ticks of all rounds are. */
function partsOf(samples: readonly Sample[], perMillion: number): { user: number; system: number } | null {
  const sum = (pick: (parts: { user: number; system: number }) => number): number =>
    samples.reduce((total, { cpu }) => total + (cpu.proxyParts === null ? 0 : pick(cpu.proxyParts)), 0)
  const [user, system] = [sum(parts => parts.user), sum(parts => parts.system)]
  if (user + system === 0) return null
  return { user: (perMillion * user) / (user + system), system: (perMillion * system) / (user + system) }
}

function summarizeTarget(target: string, samples: readonly Sample[]): Omit<TargetSummary, 'ratio' | 'ofEcho'> {
  const of = (pick: (sample: Sample) => number): number => median(samples.map(pick))
  const perMillion = (pick: (sample: Sample) => number): number =>
    of(sample => (pick(sample) / sample.load.commands) * 1e6)
  const extra = samples[0]?.load.extra ?? null
  const hasProxy = samples.some(sample => sample.cpu.proxySeconds !== null)
  const proxyCpuPerMillion = hasProxy ? perMillion(sample => sample.cpu.proxySeconds ?? 0) : null
  return {
    target,
    rounds: samples.length,
    opsPerSecond: of(sample => sample.load.opsPerSecond),
    latencyMs: {
      p50: of(sample => sample.load.latencyMs.p50),
      p99: of(sample => sample.load.latencyMs.p99),
      p999: of(sample => sample.load.latencyMs.p999),
      max: of(sample => sample.load.latencyMs.max),
    },
    extra: extra && {
      label: extra.label,
      p50Ms: of(sample => sample.load.extra?.latencyMs.p50 ?? Number.NaN),
      p99Ms: of(sample => sample.load.extra?.latencyMs.p99 ?? Number.NaN),
    },
    proxyCpuPerMillion,
    proxyPartsPerMillion: proxyCpuPerMillion === null ? null : partsOf(samples, proxyCpuPerMillion),
    serverCpuPerMillion: perMillion(sample => sample.cpu.serverSeconds),
    loadCpuPerMillion: perMillion(sample => sample.cpu.loadSeconds),
    peakBytes: hasProxy ? Math.max(...samples.map(sample => sample.peakBytes ?? 0)) : null,
  }
}

// rounds.ts: the interleaving. In each round every target is measured once, a second apart, in an order that changes.
//
// Why: a shared machine drifts (other work, clock rates, the hypervisor). What drifts over seconds hits all targets of
// a round alike and falls out of the ratios; what favours a place in the order falls out over the rounds.

import type { Backend } from './backend.ts'
import type { Case } from './cases.ts'
import { preload } from './load/preload.ts'
import { calibrate, measureLoad, type Size } from './load/run-case.ts'
import type { LoadResult } from './load/sample.ts'
import { type CpuUse, memory, resetPeak, startMeasuring } from './measure.ts'
import type { Target } from './targets.ts'

export interface Sample {
  target: string
  round: number
  load: LoadResult
  cpu: CpuUse
  /** Peak resident bytes of the proxy during this sample; null for none. */
  peakBytes: number | null
}

export interface CaseResult {
  case: Case
  samples: Sample[]
  /** Targets that could not be measured, and why. */
  leftOut: Map<string, string>
}

export interface RoundOptions {
  rounds: number
  /** Length of one measurement. */
  seconds: number
}

export async function runCase(
  one: Case,
  targets: readonly Target[],
  backend: Backend,
  options: RoundOptions,
): Promise<CaseResult> {
  const result: CaseResult = { case: one, samples: [], leftOut: new Map() }
  const ready: { target: Target; size: Size }[] = []
  await preload(backend.port, one.preload)
  for (const target of targets) {
    const missing = one.needs.filter(feature => target.lacks.includes(feature))
    if (missing.length > 0) result.leftOut.set(target.name, `it has no ${missing.join(', ')}`)
    else if (target.process?.alive === false) result.leftOut.set(target.name, endedWhy(target))
    else {
      const size = await orLeaveOut(result, target, () => calibrate(one, target.port, options.seconds))
      if (size !== undefined) ready.push({ target, size })
    }
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const { target, size } of orderOfRound(ready, round)) {
      if (result.leftOut.has(target.name)) continue
      const sample = await orLeaveOut(result, target, () => measureOnce(one, target, backend, size))
      if (sample !== undefined) result.samples.push({ ...sample, round })
    }
  }
  return result
}

/** Pairs of rounds, there and back, so that a steady drift cancels; each pair starts one place further. */
export function orderOfRound<T>(items: readonly T[], round: number): T[] {
  const shift = items.length === 0 ? 0 : (round >> 1) % items.length
  const rotated = [...items.slice(shift), ...items.slice(0, shift)]
  return round % 2 === 0 ? rotated : rotated.reverse()
}

async function measureOnce(one: Case, target: Target, backend: Backend, size: Size): Promise<Omit<Sample, 'round'>> {
  const pid = target.process?.pid ?? null
  if (pid !== null) resetPeak(pid)
  const stop = startMeasuring({ proxyPid: pid, serverPid: backend.pid })
  const load = await measureLoad(one, target.port, size)
  const cpu = stop()
  return { target: target.name, load, cpu, peakBytes: pid === null ? null : memory(pid).peakBytes }
}

/** One failure takes the target out of this case: a target that fails now and then has no figure worth printing. */
async function orLeaveOut<T>(result: CaseResult, target: Target, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    result.leftOut.set(target.name, target.process?.alive === false ? `${why}; ${endedWhy(target)}` : why)
    return undefined
  }
}

function endedWhy(target: Target): string {
  return `the process ended: ${target.process?.output.trim().split('\n').slice(-2).join(' | ')}`
}

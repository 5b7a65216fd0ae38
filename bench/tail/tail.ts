// tail.ts: small commands on a fixed timetable beside large values, every target once a round.
//
//   fifty clients, 2,000 GETs of 64 B a second ──▶ target ◀── one client or a few with large values
//
// Owns: one sample, and the rounds. The generators are processes of their own (generators.ts).

import type { Backend } from '../backend.ts'
import { ask } from '../load/client.ts'
import { preload } from '../load/preload.ts'
import { type CpuUse, memory, resetPeak, startMeasuring } from '../measure.ts'
import { orderOfRound } from '../rounds.ts'
import type { Stage } from '../stage.ts'
import { isHoldfast, type Target } from '../targets.ts'
import { type Collections, countCollections } from './collections.ts'
import { type BothFigures, type Programs, runBoth } from './generators.ts'
import type { TailRow } from './rows.ts'

export interface TailSample extends BothFigures {
  readonly target: string
  readonly round: number
  readonly cpu: CpuUse
  /** Greatest resident bytes of the proxy meanwhile; null for no proxy. */
  readonly peakBytes: number | null
  /** null where they are not counted. */
  readonly collections: Collections | null
}

export interface TailResult {
  readonly row: TailRow
  readonly samples: readonly TailSample[]
  readonly leftOut: ReadonlyMap<string, string>
}

export interface TailOptions {
  readonly rounds: number
  readonly seconds: number
  readonly traceGc: boolean
  readonly programs: Programs
}

const small = { clients: 50, ratePerSecond: 2_000, valueBytes: 64 } as const
/** Few keys: the server's memory is not what is measured. */
const keysBytes = 16 * 1_024 * 1_024
const mostKeys = 64
const warmUpSeconds = 1
const smallKey = 'small'

/** Measures the rows one after the other; `onRow` is told of each when it is done. */
export async function runTail(
  rows: readonly TailRow[],
  stage: Stage,
  backend: Backend,
  targets: readonly Target[],
  options: TailOptions,
  onRow: (result: TailResult) => void,
): Promise<TailResult[]> {
  const counters = new Map<string, () => Collections>()
  for (const { name, process: running } of targets) {
    if (running !== null && options.traceGc && isHoldfast(name)) counters.set(name, countCollections(running))
  }
  const results: TailResult[] = []
  for (const row of rows) {
    const result = await runRow(row, stage, backend, targets, options, counters)
    results.push(result)
    onRow(result)
  }
  return results
}

async function runRow(
  row: TailRow,
  stage: Stage,
  backend: Backend,
  targets: readonly Target[],
  options: TailOptions,
  counters: ReadonlyMap<string, () => Collections>,
): Promise<TailResult> {
  const samples: TailSample[] = []
  const leftOut = new Map<string, string>()
  const keys = Math.min(mostKeys, Math.floor(keysBytes / row.valueBytes))
  await preload(backend.port, { keys, valueBytes: row.valueBytes, listElements: 0 })
  await ask(backend.port, [['SET', smallKey, 'x'.repeat(small.valueBytes)]])

  async function measure(target: Target, round: number, seconds: number): Promise<TailSample> {
    const pid = target.process?.pid ?? null
    const { command, valueBytes, clients } = row
    const ratePerSecond = row.ratePerSecond ?? 0
    const counter = counters.get(target.name)
    if (pid !== null) resetPeak(pid)
    counter?.()
    const stop = startMeasuring({ proxyPid: pid, serverPid: backend.pid })
    const both = await runBoth(
      stage,
      options.programs,
      { ...small, port: target.port, seconds, key: smallKey },
      { port: target.port, command, keys, valueBytes, clients, ratePerSecond },
    )
    const cpu = stop()
    const peakBytes = pid === null ? null : memory(pid).peakBytes
    return { target: target.name, round, ...both, cpu, peakBytes, collections: counter?.() ?? null }
  }

  for (let round = -1; round < options.rounds; round++) {
    for (const target of orderOfRound(targets, Math.max(0, round))) {
      if (leftOut.has(target.name)) continue
      try {
        // The first round is not counted: a process of Node compiles its code in it.
        const sample = await measure(target, round, round < 0 ? warmUpSeconds : options.seconds)
        if (round >= 0) samples.push(sample)
      } catch (error) {
        leftOut.set(target.name, error instanceof Error ? error.message : String(error))
      }
    }
  }
  return { row, samples, leftOut }
}

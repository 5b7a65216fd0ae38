// run.ts: `--syscalls`: how many system calls each proxy makes for a command, by kind.

import type { Case } from '../cases.ts'
import { preload } from '../load/preload.ts'
import { calibrate, measureLoad, type Size } from '../load/run-case.ts'
import type { Options } from '../options.ts'
import { prepare } from '../prepare.ts'
import { alignTable } from '../report.ts'
import { factsText, runFacts, writeRun } from '../results.ts'
import { orderOfRound } from '../rounds.ts'
import type { Stage } from '../stage.ts'
import { median } from '../statistics.ts'
import type { Target } from '../targets.ts'
import { type Counter, findCounter } from './counter.ts'
import { type CallsPerCommand, perCommand } from './kinds.ts'

export interface CallsSample {
  readonly target: string
  readonly round: number
  readonly calls: CallsPerCommand
  /** While they were counted. */
  readonly opsPerSecond: number
}

export async function reportSyscalls(options: Options, stage: Stage): Promise<void> {
  const facts = runFacts(new Date(), options)
  const counter = await findCounter(stage)
  const { backend, targets } = await prepare(options, stage)
  console.log(factsText(facts))
  console.log(`system calls for a command, counted by ${counter.program}; medians of ${options.rounds} rounds\n`)
  const cases: { name: string; samples: CallsSample[] }[] = []
  for (const one of options.cases) {
    await preload(backend.port, one.preload)
    const samples = await countCase(one, targets, counter, options)
    console.log(`${callsTable(one, samples, options.targets)}\n`)
    cases.push({ name: one.name, samples })
  }
  console.log(`all samples: ${writeRun(options.json, facts, { counter: counter.program, cases })}`)
}

async function countCase(
  one: Case,
  targets: readonly Target[],
  counter: Counter,
  options: { rounds: number; seconds: number },
): Promise<CallsSample[]> {
  const ready: { target: Target; pid: number; size: Size }[] = []
  for (const target of targets) {
    if (target.process === null || one.needs.some(feature => target.lacks.includes(feature))) continue
    const size = await calibrate(one, target.port, options.seconds)
    ready.push({ target, pid: target.process.pid, size })
  }
  const samples: CallsSample[] = []
  for (let round = 0; round < options.rounds; round++) {
    for (const { target, pid, size } of orderOfRound(ready, round)) {
      const stop = await counter.start(pid)
      const { commands, opsPerSecond } = await measureLoad(one, target.port, size)
      samples.push({ target: target.name, round, calls: perCommand(await stop(), commands), opsPerSecond })
    }
  }
  return samples
}

export function callsTable(one: Case, samples: readonly CallsSample[], targetOrder: readonly string[]): string {
  const rows = [['target', 'reads', 'writes', 'waits', 'others', 'all', 'ops/s meanwhile']]
  for (const target of targetOrder) {
    const own = samples.filter(sample => sample.target === target)
    if (own.length === 0) continue
    const of = (pick: (calls: CallsPerCommand) => number): number => median(own.map(({ calls }) => pick(calls)))
    const figures = [
      of(calls => calls.reads),
      of(calls => calls.writes),
      of(calls => calls.waits),
      of(calls => calls.others),
      of(({ reads, writes, waits, others }) => reads + writes + waits + others),
    ]
    const speed = Math.round(median(own.map(({ opsPerSecond }) => opsPerSecond))).toLocaleString('en')
    rows.push([target, ...figures.map(figure => figure.toFixed(3)), speed])
  }
  return [`${one.name}  ${one.title}`, ...alignTable(rows)].join('\n')
}

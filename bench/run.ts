// run.ts: the benchmark's process edge: options in, tables out, everything that was started ended again.

import { type DrainTrial, type FailoverTrial, runDrainTrial, runFailoverTrial } from './failover.ts'
import { drainLine, failoverLine, failoverTable } from './failover-report.ts'
import { measureIdle } from './idle.ts'
import { heldCosts, sessionCosts } from './memory.ts'
import { help, type Options, readOptions } from './options.ts'
import { prepare } from './prepare.ts'
import { alignTable, caseTable, legend } from './report.ts'
import { reportRest } from './rest/run.ts'
import { factsText, keepInHistory, runFacts, writeResults, writeRun } from './results.ts'
import { type CaseResult, runCase } from './rounds.ts'
import { createStage, type Stage } from './stage.ts'
import { measureSteady } from './steady.ts'
import { type CaseSummary, summarizeCase } from './summary.ts'
import { reportSyscalls } from './syscalls/run.ts'
import { reportTail } from './tail/run.ts'
import { ownCheckout, type Target } from './targets.ts'

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if (options.mode === 'help') return console.log(help)
  const stage = await createStage()
  try {
    if (options.mode === 'idle') await reportIdle(options, stage)
    else if (options.mode === 'memory') await reportMemory(options, stage)
    else if (options.mode === 'steady') await reportSteady(options, stage)
    else if (options.mode === 'failover') await reportFailover(options, stage)
    else if (options.mode === 'tail') await reportTail(options, stage)
    else if (options.mode === 'rest') await reportRest(options, stage)
    else if (options.mode === 'syscalls') await reportSyscalls(options, stage)
    else await compare(options, stage)
  } finally {
    await stage.close()
  }
}

async function compare(options: Options, stage: Stage): Promise<void> {
  const startedAt = new Date()
  const { backend, targets } = await prepare(options, stage)
  const facts = runFacts(startedAt, options)
  console.log(factsText(facts))
  console.log(
    `${options.rounds} rounds of ${options.seconds} s for each of ${options.cases.length} cases\n${legend()}\n`,
  )
  const results: CaseResult[] = []
  const summaries: CaseSummary[] = []
  for (const one of options.cases) {
    const result = await runCase(one, targets, backend, options)
    const summary = summarizeCase(result)
    results.push(result)
    summaries.push(summary)
    console.log(`${caseTable(summary, options.targets)}\n`)
  }
  console.log(`all samples: ${writeResults(options.json, facts, results, summaries)}`)
  if (options.keep) console.log(`kept in ${keepInHistory(facts, summaries)}`)
}

async function reportIdle(options: Options, stage: Stage): Promise<void> {
  const { targets } = await prepare(options, stage)
  const rows = [['target', 'sessions', 'RSS before, MB', 'RSS after, MB', 'bytes a session']]
  for (const target of targets.filter((one: Target) => one.process !== null)) {
    const idle = await measureIdle(target, options.idleSessions)
    const megabytes = [idle.beforeBytes, idle.afterBytes].map(bytes => (bytes / 1e6).toFixed(1))
    rows.push([idle.target, String(idle.sessions), ...megabytes, String(Math.round(idle.bytesPerSession))])
  }
  console.log(alignTable(rows).join('\n'))
}

const memorySessions = 5_000

async function reportMemory(options: Options, stage: Stage): Promise<void> {
  const { targets } = await prepare({ ...options, targets: ['holdfast'] }, stage)
  const rows = [['what', 'how many', 'bytes each']]
  for (const target of targets) {
    const costs = [...(await sessionCosts(target, memorySessions)), ...(await heldCosts(stage, ownCheckout))]
    rows.push(...costs.map(({ what, count, bytesEach }) => [what, String(count), String(Math.round(bytesEach))]))
  }
  console.log(alignTable(rows).join('\n'))
}

async function reportSteady(options: Options, stage: Stage): Promise<void> {
  const { targets } = await prepare({ ...options, targets: ['holdfast'] }, stage, { snapshotFolder: stage.folder })
  for (const target of targets) {
    const { minutes, commands, startBytes, endBytes, slope, heap } = await measureSteady(
      target,
      options.steadyMinutes,
      stage.folder,
    )
    const mb = (bytes: number): string => (bytes / 1e6).toFixed(2)
    console.log(
      `${minutes} minutes, ${commands} commands; RSS at half time ${mb(startBytes)} MB, at the end ${mb(endBytes)} MB`,
    )
    console.log(`slope over the second half: ${mb(slope.slope)} MB an hour, standard error ${mb(slope.error)}`)
    console.log(`heap after a quarter ${mb(heap.beforeBytes)} MB, at the end ${mb(heap.afterBytes)} MB; grown most:`)
    for (const { kind, bytes, count } of heap.most) console.log(`  ${kind}: ${bytes} bytes, ${count} objects`)
  }
}

const failoverClients = [1, 50, 1_000]
const heldCommands = 100_000

async function reportFailover(options: Options, stage: Stage): Promise<void> {
  const trials: FailoverTrial[] = []
  const drains: DrainTrial[] = []
  const subject = { name: 'holdfast', checkout: options.base ?? ownCheckout, profileFolder: options.profile }
  console.log(`${subject.checkout}: milliseconds after a majority of the Sentinels named the new master`)
  for (let round = 0; round < options.rounds; round++) {
    for (const trigger of ['killed', 'planned'] as const) {
      for (const clients of failoverClients) {
        const trial = await runFailoverTrial(stage, subject, trigger, clients)
        console.log(failoverLine(trial))
        trials.push(trial)
      }
    }
    const drain = await runDrainTrial(stage, subject, heldCommands)
    console.log(drainLine(drain))
    drains.push(drain)
  }
  console.log(failoverTable(trials, drains))
  console.log(`all trials: ${writeRun(options.json, runFacts(new Date(), options), { trials, drains })}`)
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

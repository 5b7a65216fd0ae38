// run.ts: the benchmark's process edge: options in, tables out, everything that was started ended again.

import { startBackend } from './backend.ts'
import { type DrainTrial, type FailoverTrial, runDrainTrial, runFailoverTrial } from './failover.ts'
import { drainLine, failoverLine, failoverTable } from './failover-report.ts'
import { measureIdle } from './idle.ts'
import { help, type Options, readOptions } from './options.ts'
import { alignTable, caseTable, legend } from './report.ts'
import { keepInHistory, runFacts, writeResults, writeRun } from './results.ts'
import { type CaseResult, runCase } from './rounds.ts'
import { createStage, type Stage } from './stage.ts'
import { type CaseSummary, summarizeCase } from './summary.ts'
import { needsSentinels, ownCheckout, startTargets, type Target } from './targets.ts'

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if (options.mode === 'help') return console.log(help)
  const stage = await createStage()
  try {
    if (options.mode === 'idle') await reportIdle(options, stage)
    else if (options.mode === 'failover') await reportFailover(options, stage)
    else await compare(options, stage)
  } finally {
    await stage.close()
  }
}

async function prepare(options: Options, stage: Stage) {
  const backend = await startBackend(stage, { sentinels: needsSentinels(options.targets) })
  const targetOptions = { profileFolder: options.profile, baseCheckout: options.base }
  const targets = await startTargets(options.targets, stage, backend, targetOptions, (name, why) => {
    console.log(`${name} left out: ${why}`)
  })
  if (targets.length === 0) throw new Error('no target could be started')
  return { backend, targets }
}

async function compare(options: Options, stage: Stage): Promise<void> {
  const startedAt = new Date()
  const { backend, targets } = await prepare(options, stage)
  const facts = runFacts(startedAt, options)
  const { commit, dirty, node, redis, haproxy, machine } = facts
  console.log(`commit ${commit ?? 'none'}${dirty ? ' (changed)' : ''}, node ${node}, ${redis}, ${haproxy}\n${machine}`)
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

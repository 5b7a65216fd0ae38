// run.ts: `npm run switchovers -- [--count 100] [--plain-every 1] [--flavour redis|valkey] [--record FILE]`: many
// switchovers under load, beside plain SENTINEL FAILOVERs of the same set (one behind each n-th), and what clients saw of
// both. A ledger judges every command.
//
// With --record, each round is a line of FILE, and the report is of all lines there: a long run can be made in parts.
// Exit code: 1 where a command failed, a write was lost, or a switchover did not come to its end.
import { appendFileSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startHoldfastProcess } from '../support/holdfast.ts'
import { nowMs, type Operation } from '../support/ledger.ts'
import { hurry } from '../support/sentinel-pace.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import type { Flavour } from '../support/servers.ts'
import { runSwitchover } from '../support/switchover.ts'
import { waitUntil } from '../support/wait-until.ts'
import { readBack, startWorkload } from '../support/workload.ts'
import { type Round, reportOf } from './report.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100' },
    'plain-every': { type: 'string', default: '1' },
    flavour: { type: 'string', default: 'redis' },
    record: { type: 'string' },
  },
})
const count = Number(values.count)
const flavour = values.flavour as Flavour
if (!Number.isInteger(count) || count < 1 || !['redis', 'valkey'].includes(flavour))
  throw new Error('--count takes a number from 1, --flavour redis or valkey')

const ends: (() => unknown)[] = []
const teardown = { teardown: (end: () => unknown): void => void ends.unshift(end) }
const set = await SentinelSet.start({ flavour })
ends.push(() => set.stopAll())
const path = `${set.dir}/control.sock`
const rounds: Round[] = []
try {
  const holdfast = await startHoldfastProcess(teardown, {
    sentinels: set.sentinelAddresses(),
    options: { 'control-socket': path },
  })
  await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 10_000 })
  for (let i = 1; i <= count; i++) {
    const isBoth = (i - 1) % Number(values['plain-every']) === 0
    for (const kind of isBoth ? (['switchover', 'plain'] as const) : (['switchover'] as const)) {
      const round = await oneRound(kind, holdfast.port)
      rounds.push(round)
      if (values.record !== undefined) appendFileSync(values.record, `${JSON.stringify(round)}\n`)
      process.stdout.write(`${i} ${kind}: clients waited ${round.medianMs} ms ${round.trouble}\n`)
    }
  }
} finally {
  for (const end of ends) await end()
}
const all = values.record === undefined ? rounds : readRounds(values.record)
const { text, clean } = reportOf(all.filter(round => round.flavour === flavour))
process.stdout.write(text)
process.exitCode = clean ? 0 : 1

async function oneRound(kind: Round['kind'], port: number): Promise<Round> {
  await set.settle()
  // A switchover waits for an INFO and for the demotion, each up to ten seconds at the usual pace. What it takes while
  // clients wait is the same.
  if (kind === 'switchover') await hurry(set.sentinels)
  const before = await set.currentMaster()
  const load = startWorkload({
    port,
    rawClients: 6,
    ioredisClients: 2,
    prefix: `${kind}-${process.pid}-${rounds.length}`,
  })
  const work = load.ledger.operations
  await waitUntil('all clients work', () => work.filter(({ outcome }) => outcome.kind === 'ok').length > 100, {
    withinMs: 20_000,
  })
  const from = nowMs()
  let trouble = ''
  if (kind === 'switchover') {
    const { code, report } = await runSwitchover(teardown, { set, path })
    if (code !== 0) trouble = `exit code ${code}: ${JSON.stringify(report.outcome ?? report.findings)}`
  } else await set.failover()
  if (trouble === '') await set.waitForNewMaster(before, { withinMs: 20_000 })
  const done = work.length
  await waitUntil('clients are served on', () => work.length > done + 100, { withinMs: 30_000 })
  await load.stop()
  const report = load.ledger.report(await readBack(load.ledger, await set.currentMaster()))
  return {
    flavour,
    kind,
    ...longestOf(work.filter(({ startedAt, endedAt }) => endedAt > from && startedAt > 0)),
    commands: report.operations,
    lost: report.lostWrites.length,
    failed: report.operations - report.ok + report.connectionErrors.length,
    wrong: report.doubled.length + report.reordered.length,
    trouble,
  }
}

/** The longest wait of each client for one reply: the median and the highest, ms. */
function longestOf(operations: readonly Operation[]): { medianMs: number; longestMs: number } {
  const byClient = new Map<string, number>()
  for (const { client, startedAt, endedAt } of operations) {
    byClient.set(client, Math.max(byClient.get(client) ?? 0, endedAt - startedAt))
  }
  const waits = [...byClient.values()].sort((a, b) => a - b)
  const median = waits[Math.floor(waits.length / 2)] ?? 0
  return { medianMs: Math.round(median), longestMs: Math.round(waits.at(-1) ?? 0) }
}

function readRounds(file: string): Round[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as Round)
}

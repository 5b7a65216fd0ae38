// run.ts: `npm run prove`: clients write through Holdfast while the master is killed or links are cut, and what the
// servers hold in the end is judged against what the clients were told.
//
//   npm run prove -- --kills 20 --policy once --flavour redis
//   npm run prove -- --cuts 200 --policy always          the control arm: it must show doubled effects
//
// Exit code 1: something that the policy promises was broken, or a control arm shows nothing.
import { parseArgs } from 'node:util'
import { startHoldfast } from '../support/holdfast.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import type { Flavour, Node } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import type { Verdict } from './judge.ts'
import { judgeLoad, startLoad } from './load.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '0' },
    cuts: { type: 'string', default: '0' },
    policy: { type: 'string', default: 'once' },
    flavour: { type: 'string', default: 'redis' },
    clients: { type: 'string', default: '24' },
    'io-threads': { type: 'string', default: '1' },
  },
})
const policy = values.policy
const flavour: Flavour = values.flavour === 'valkey' ? 'valkey' : 'redis'

const total = {
  rounds: 0,
  operations: 0,
  doubled: 0,
  wrong: 0,
  order: 0,
  lost: 0,
  applied: 0,
  unknown: 0,
  notRun: 0,
  withApplied: 0,
}

function add(verdict: Verdict, what: string): void {
  total.rounds++
  total.operations += verdict.operations
  total.doubled += verdict.doubled.length
  total.wrong += verdict.wrong.length
  total.order += verdict.order.length
  total.lost += verdict.lost
  total.applied += verdict.applied
  total.unknown += verdict.unknown
  total.notRun += verdict.notRun
  if (verdict.applied > 0) total.withApplied++
  const { operations, lost, applied, unknown, notRun } = verdict
  const found = [...verdict.doubled, ...verdict.wrong, ...verdict.order]
  console.log(
    `${what}: ${operations} operations, doubled ${verdict.doubled.length}, wrong ${verdict.wrong.length}, ` +
      `order ${verdict.order.length}, lost ${lost}, applied ${applied}, unknown ${unknown}, not run ${notRun}`,
  )
  for (const line of found.slice(0, 5)) console.log(`  ${line}`)
}

async function waitForReplies(load: { readonly lastOk: number }, after: number): Promise<void> {
  await waitUntil('clients have replies again', () => load.lastOk > after, { withinMs: 60_000 })
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

async function main(): Promise<void> {
  const ends: (() => unknown)[] = []
  const scope = { teardown: (end: () => unknown) => void ends.unshift(end) }
  try {
    const set = await SentinelSet.start({
      ...{ flavour, downAfterMs: 1000, failoverTimeoutMs: 6000 },
      dataConfig: [`io-threads ${values['io-threads']}`],
    })
    scope.teardown(() => set.stopAll())
    const holdfast = await startHoldfast(scope, {
      sentinels: set.sentinelAddresses(),
      options: { 'retry-policy': policy },
    })
    await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 20_000 })
    const round = async (name: string, what: string, act: (master: Node) => Promise<void>): Promise<void> => {
      const load = await startLoad(holdfast.port, Number(values.clients), name)
      // Not always at the same moment of the load.
      await pause(200 + Math.random() * 200)
      await act(await set.currentMaster())
      const acted = performance.now()
      await waitForReplies(load, acted)
      await pause(100)
      await load.stop()
      const master = await set.currentMaster()
      add(await judgeLoad(load.history, name, (...command) => set.command(master, ...command)), what)
      await set.command(master, 'FLUSHALL').catch(() => undefined)
    }
    for (let i = 1; i <= Number(values.cuts); i++)
      await round(`cut${i}`, `cut ${i}`, async master => {
        for (let n = 0; n < 15; n++) {
          await set.command(master, 'CLIENT', 'KILL', 'TYPE', 'normal').catch(() => undefined)
          await pause(15 + Math.random() * 45)
        }
      })
    for (let i = 1; i <= Number(values.kills); i++) {
      let killed: Node | undefined
      await round(`kill${i}`, `kill ${i}`, async master => {
        killed = master
        await set.kill(master)
        await set.waitForNewMaster(master, { withinMs: 60_000 })
      })
      if (killed !== undefined) await set.restart(killed)
      await set.settle({ withinMs: 120_000 })
    }
    const { blocks, blockCommands, unmarkedWrites, blocksAborted } = holdfast.counters
    console.log(`blocks ${blocks} with ${blockCommands} commands, aborted ${blocksAborted}, unmarked ${unmarkedWrites}`)
  } finally {
    for (const end of ends) await end()
  }
  console.log(`${flavour}, ${policy}: ${JSON.stringify(total)}`)
  const broken =
    total.wrong + total.order + (policy === 'always' ? 0 : total.doubled) + (policy === 'once' ? total.unknown : 0)
  if (broken > 0) process.exitCode = 1
  if (policy === 'always' && total.doubled === 0) {
    console.log('the control arm shows no doubled effect: this run proves nothing')
    process.exitCode = 1
  }
}

await main()

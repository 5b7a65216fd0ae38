// Several masters, each with a port for its replicas: what happens to one master's nodes is nothing to the readers of
// another one.
import t, { type Test } from 'tap'
import { ask } from '../support/admin.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { addMaster } from '../support/more-masters.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { startLedger } from './ledger.ts'

const CONFIG = `
sentinels: [SENTINELS]
replica-max-lag: 20s
masters:
  cache: { listen: 127.0.0.1:0, replica-listen: 127.0.0.1:0 }
  queue: { listen: 127.0.0.1:0, replica-listen: 127.0.0.1:0 }
`

async function open(t: Test) {
  // One replica each, of which one is killed: it cannot confirm writes, whatever the policy.
  const set = await SentinelSet.start({ masterName: 'cache', replicas: 1, isExact: true })
  t.teardown(() => set.stopAll())
  const queue = await addMaster(t, set, 'queue', { isExact: true })
  const text = CONFIG.replace('SENTINELS', set.sentinelAddresses().join(', '))
  const config = `${t.testdir({ 'holdfast.yaml': text })}/holdfast.yaml`
  const options = { config, 'admin-listen': '127.0.0.1:0', ack: 'master', reads: 'plain' }
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), masterName: '', options })
  const start = async (name: string) => {
    const { port = 0, replicaPort = 0 } = holdfast.masters.get(name) ?? {}
    const ledger = await startLedger({ master: port, replicas: replicaPort }, { key: `ledger-${name}` })
    t.teardown(() => ledger.stop())
    return ledger
  }
  return { set, queue, holdfast, ledgers: { cache: await start('cache'), queue: await start('queue') } }
}

t.test(
  'the replica and then the master of one — its readers are delayed — and those of another see nothing',
  async t => {
    const { set, queue, holdfast, ledgers } = await open(t)
    const from = holdfast.log.length
    const ofMaster = (name: string) => holdfast.log.slice(from).filter(line => line['masterName'] === name)

    await set.kill(queue.replica)
    const atMaster = async (): Promise<boolean> => {
      const { masters } = JSON.parse((await ask(holdfast.admin, '/status')).body)
      return masters[1].replicas.groups.every(({ reads }: { reads: string }) => reads === 'master')
    }
    await waitUntil('readers of the queue read from its master', atMaster, { withinMs: 20_000 })
    await ledgers.queue.goOn('readers of the queue read on')
    await ledgers.cache.goOn('readers of the cache read on')
    await set.restart(queue.replica)
    const isBack = () => ofMaster('queue').some(line => line.event === 'replicas.move' && line.cause === 'replica-back')
    await waitUntil('readers of the queue are back at its replica', isBack, { withinMs: 30_000 })

    const isKnown = async (): Promise<boolean> => {
      const replicas = await Promise.all(set.sentinels.map(one => set.command(one, 'SENTINEL', 'REPLICAS', 'queue')))
      return replicas.every(
        one => /slave-priority/.test(JSON.stringify(one)) && !/s_down|disconnected/.test(JSON.stringify(one)),
      )
    }
    await waitUntil('the Sentinels see that the replica is well', isKnown, { withinMs: 30_000 })
    await set.kill(queue.master)
    const isServed = () =>
      ofMaster('queue').find(({ event, group, master }) => {
        return event === 'hold.end' && group === undefined && master === `127.0.0.1:${queue.replica.port}`
      })
    await waitUntil('the queue has a new master', isServed, { withinMs: 30_000 })
    await ledgers.queue.goOn('readers of the queue read on')
    await ledgers.cache.goOn('readers of the cache read on')

    const ofCache = ofMaster('cache').filter(({ event }) => event === 'replicas.move' || event === 'hold.start')
    t.strictSame(
      ofCache.filter(({ cause }) => cause !== 'stood-still'),
      [],
      'nothing is held, and nobody moves',
    )
    for (const [name, ledger] of Object.entries(ledgers)) {
      const verdict = await ledger.stop()
      t.comment(name, JSON.stringify({ ...verdict, errors: verdict.errors.length }))
      t.strictSame(verdict.errors, [], `${name}: no error`)
      t.strictSame(verdict.backwards, [], `${name}: nothing goes back in time`)
      t.ok(verdict.oldestMs <= 20_000, `${name}: nothing is older than the bound`)
    }
    await holdfast.stop()
  },
)

// Three masters under the same three Sentinels, through one Holdfast: each has its own failover, and nothing of another's.
import t from 'tap'
import { ask, scrape, sumOf } from '../support/admin.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { addMaster } from '../support/more-masters.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { saysReplyLost } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'
import { startWorkload } from '../support/workload.ts'

const names = ['cache', 'queue', 'session'] as const
const options = { 'admin-listen': '127.0.0.1:0', 'sentinel-listen': '127.0.0.1:0' }

t.test('kill -9 of one of three masters — holds its clients — and the others notice nothing', async t => {
  const set = await SentinelSet.start({ masterName: 'cache', replicas: 1 })
  t.teardown(() => set.stopAll())
  const queue = await addMaster(t, set, 'queue')
  await addMaster(t, set, 'session')
  const masterName = names.map(name => `${name}=127.0.0.1:0`).join()
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), masterName, options })
  const { admin, masters } = holdfast
  await waitUntil('all have started', async () => (await ask(admin, '/startup')).status === 200, { withinMs: 10_000 })

  for (const sentinel of set.sentinels) {
    const clients = String(await set.command(sentinel, 'CLIENT', 'LIST'))
    t.equal(clients.match(/ name=holdfast /g)?.length, 1, `${sentinel.name} has one connection of ours`)
  }

  const asker = await RespClient.connect(holdfast.sentinelPort)
  t.teardown(() => asker.close())
  for (const name of names) {
    const told = await asker.send('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)
    t.strictSame(told, ['127.0.0.1', String(masters.get(name)?.port)], `${name}: the Sentinel port tells its own port`)
  }
  t.match(await asker.send('INFO', 'sentinel'), /sentinel_masters:3\r\n.*master2:name=session/s)

  const loads = names.map(name => {
    const workload = startWorkload({ port: masters.get(name)?.port ?? 0, rawClients: 3, prefix: name })
    t.teardown(() => workload.stop({ withinMs: 0 }))
    return workload
  })
  const isOn = () => loads.every(({ ledger }) => ledger.operations.length > 100)
  await waitUntil('the loads are on', isOn, { withinMs: 10_000 })
  const heldBefore = names.map(name => masters.get(name)?.counters.held)

  const from = holdfast.log.length
  await set.kill(queue.master)
  const end = await waitUntil(
    'the hold of the queue is over',
    () => holdfast.log.slice(from).find(line => line.event === 'hold.end' && line['masterName'] === 'queue'),
    { withinMs: 30_000 },
  )
  t.match(end, { masterName: 'queue', master: `127.0.0.1:${queue.replica.port}` })
  const done = loads.map(({ ledger }) => ledger.operations.length)
  await waitUntil(
    'the loads go on',
    () => loads.every(({ ledger }, i) => ledger.operations.length > (done[i] ?? 0) + 50),
    { withinMs: 10_000 },
  )
  await Promise.all(loads.map(load => load.stop()))

  for (const [i, name] of names.entries()) {
    const { operations = [], connectionErrors = [] } = loads[i]?.ledger ?? {}
    // Under `once` and `safe` clients are told of replies that were lost with the master that was killed.
    const isTold = (message: string): boolean => name === 'queue' && saysReplyLost(message)
    const failed = operations.filter(
      ({ outcome }) => outcome.kind !== 'ok' && !(outcome.kind === 'error' && isTold(outcome.message)),
    )
    t.strictSame({ failed, connectionErrors }, { failed: [], connectionErrors: [] }, `${name}: no error`)
  }
  const holds = holdfast.log.slice(from).filter(line => line.event === 'hold.start' && line.cause !== 'stood-still')
  t.strictSame([...new Set(holds.map(line => line['masterName']))], ['queue'])
  t.ok((masters.get('queue')?.counters.held ?? 0) > (heldBefore[1] ?? 0))

  const series = await scrape(admin)
  for (const name of names) {
    t.equal(series.get(`holdfast_sessions_accepted_total{master="${name}"}`), 3)
    const ended = [...series].filter(([key]) => key.startsWith(`holdfast_held_ended_total{master="${name}"`))
    const sum = ended.reduce((total, [, value]) => total + value, 0)
    const waiting = series.get(`holdfast_held_requests{master="${name}"}`) ?? Number.NaN
    t.equal(series.get(`holdfast_held_total{master="${name}"}`), sum + waiting, `${name}: the counters add up`)
  }
  t.equal(series.get('holdfast_failovers_total{master="queue",cause="master-unreachable"}'), 1)
  t.equal(sumOf(series, 'holdfast_failovers_total'), 1)
  t.equal(series.get('holdfast_stopping'), 0)
  const status: unknown = JSON.parse((await ask(admin, '/status')).body)
  t.match(status, {
    masters: [
      { masterName: 'cache', required: true, gate: { state: 'open' }, failovers: [] },
      { masterName: 'queue', master: { address: `127.0.0.1:${queue.replica.port}` }, failovers: [{}] },
      { masterName: 'session', gate: { state: 'open' }, failovers: [] },
    ],
  })
})

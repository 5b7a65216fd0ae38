// SIGTERM while clients work: they are served until they leave, none of their commands fails, and the process ends with
// 0.
import { Redis } from 'ioredis'
import t from 'tap'
import { startHoldfastProcess } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { readBack, startWorkload } from '../support/workload.ts'

t.test('SIGTERM — no command fails and the exit code is 0 — with clients that leave within the grace', async t => {
  const set = await SentinelSet.start({ replicas: 1 })
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfastProcess(t, {
    sentinels: set.sentinelAddresses(),
    options: { 'shutdown-grace': '60s' },
  })
  await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 10_000 })
  const workload = startWorkload({ port: holdfast.port, rawClients: 10, ioredisClients: 10 })
  t.teardown(() => workload.stop({ withinMs: 0 }))
  const done = (): number => workload.ledger.report(new Map()).ok
  await waitUntil('all clients work', () => done() > 300, { withinMs: 20_000 })

  holdfast.signal('SIGTERM')
  await waitUntil('no new clients', () => holdfast.find('proxy.draining'), { withinMs: 10_000 })
  const before = done()
  await waitUntil('the clients are served on', () => done() > before + 300, { withinMs: 20_000 })
  await t.rejects(RespClient.connect(holdfast.port), /ECONNREFUSED/, 'and a new one is not let in')
  await workload.stop()

  t.equal(await holdfast.ended, 0, 'it ends when the last client has left')
  t.equal(holdfast.find('proxy.grace_over'), undefined, 'long before the grace is over')
  const master = await set.currentMaster()
  const report = workload.ledger.report(await readBack(workload.ledger, master))
  t.comment(`${report.ok} of ${report.operations} commands, ${done() - before} of them after SIGTERM`)
  t.strictSame(report.connectionErrors, [], 'connection errors')
  t.strictSame(report.errors, {}, 'error replies')
  t.equal(report.ok, report.operations, 'every command has its reply')
  await holdfast.stop()
})

t.test('SIGTERM — changes nothing for clients, old or new — during the delay', async t => {
  const set = await SentinelSet.start({ replicas: 1 })
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfastProcess(t, {
    sentinels: set.sentinelAddresses(),
    options: { 'shutdown-delay': '3s', 'shutdown-grace': '60s' },
  })
  const old = await RespClient.connect(holdfast.port)
  t.teardown(() => old.close())
  t.equal(await old.send('SET', 'k', 'v'), 'OK')
  holdfast.signal('SIGTERM')
  await waitUntil('it is stopping', () => holdfast.find('proxy.stopping'), { withinMs: 10_000 })
  const redis = new Redis({ port: holdfast.port, retryStrategy: () => null, lazyConnect: true })
  t.teardown(() => redis.disconnect())
  await redis.connect()
  t.equal(await redis.get('k'), 'v', 'a new client is served')
  t.equal(await old.send('GET', 'k'), 'v')
  t.equal(holdfast.find('proxy.draining'), undefined, 'all of it within the delay')
  await waitUntil('the delay is over', () => holdfast.find('proxy.draining'), { withinMs: 10_000 })
  t.equal(await redis.incr('n'), 1, 'the client that came in the delay is served on')
  await redis.quit()
  await old.close()
  t.equal(await holdfast.ended, 0)
  await holdfast.stop()
})

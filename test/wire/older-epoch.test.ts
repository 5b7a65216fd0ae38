// The Sentinels begin anew (SENTINEL REMOVE and MONITOR, or all restarted without their files) and say epoch 0 of the
// same master. Nothing has happened to it, so nothing happens to its clients.
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('the same master under epoch 0 — keeps its links — and what clients have told it', async t => {
  const { holdfast, sentinel } = await startSingle(t, { options: { 'retry-policy': 'safe' } })
  const connect = async (): Promise<RespClient> => {
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    return client
  }
  const [watcher, worker, subscriber, plain] = [await connect(), await connect(), await connect(), await connect()]
  await watcher.send('WATCH', 'k')
  await subscriber.send('SUBSCRIBE', 'news')
  const job = worker.send('BLPOP', 'jobs', '0')
  await plain.send('SET', 'k2', 'v')
  const from = holdfast.log.length
  const { master } = sentinel
  sentinel.configEpoch = 0
  if (master) sentinel.publish('+monitor', `master mymaster ${master.host} ${master.port} quorum 1`)
  await waitUntil('the older epoch is taken', () => holdfast.find('master.epoch_lowered', from), { withinMs: 10_000 })
  const isServed = (): boolean => holdfast.log.slice(from).some(line => line.event === 'master.confirmed')
  await waitUntil('the master is served under it', isServed, { withinMs: 10_000 })
  await watcher.send('MULTI')
  await watcher.send('SET', 'k', '1')
  t.strictSame(await watcher.send('EXEC'), ['OK'], 'the WATCH is whole')
  await plain.send('RPUSH', 'jobs', 'one')
  t.strictSame(await job, ['jobs', 'one'], 'who waits goes on waiting')
  await plain.send('PUBLISH', 'news', 'hello')
  await waitUntil('the message is heard', () => subscriber.pushes.length > 0, { withinMs: 5_000 })
  t.notOk(holdfast.find('session.resubscribed', from))
  t.strictSame(
    holdfast.log.slice(from).filter(line => line.event === 'link.lost'),
    [],
  )
})

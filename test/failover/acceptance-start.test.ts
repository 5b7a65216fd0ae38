// The proxy starts before the world does: clients connect, wait, and are served as soon as there is something to serve.
import t from 'tap'
import { startHoldfast } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('a client — is held and then served — when no Sentinel can be reached at the start', async t => {
  const set = await SentinelSet.start({ replicas: 1 })
  t.teardown(() => set.stopAll())
  await Promise.all(set.sentinels.map(node => set.kill(node)))
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses() })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  let answered = false
  const reply = client
    .pipeline([
      ['SET', 'early', '1'],
      ['INCR', 'early'],
      ['GET', 'early'],
    ])
    .finally(() => {
      answered = true
    })
  await waitUntil('it is held', () => holdfast.counters.waiting > 0, { withinMs: 2000 })
  await waitUntil('all Sentinels were tried', () => set.sentinels.every(({ port }) => mentions(holdfast.log, port)), {
    withinMs: 5000,
  })
  t.notOk(answered, 'no answer without a master')
  await Promise.all(set.sentinels.map(node => set.restart(node)))
  const backAt = performance.now()
  t.strictSame(await reply, ['OK', 2, '2'])
  t.comment(`served ${(performance.now() - backAt).toFixed(0)} ms after the Sentinels answered`)
  await client.close()
  await holdfast.stop()
})

t.test('a client — is held, and the log says what is missing — when no Sentinel knows the name', async t => {
  const set = await SentinelSet.start({ replicas: 0 })
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), masterName: 'other' })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  let answered = false
  const reply = client.send('SET', 'k', 'v').finally(() => {
    answered = true
  })
  const said = await waitUntil(
    'the log names what is missing',
    () => holdfast.log.find(line => ['warn', 'error'].includes(line.level) && JSON.stringify(line).includes('other')),
    { withinMs: 5000 },
  )
  t.comment(JSON.stringify(said))
  t.equal(holdfast.counters.waiting, 1)
  t.notOk(answered, 'no answer without a master')
  const [master] = set.nodes
  for (const sentinel of set.sentinels) {
    t.equal(await set.command(sentinel, 'SENTINEL', 'MONITOR', 'other', '127.0.0.1', master?.port ?? 0, 2), 'OK')
  }
  t.equal(await reply, 'OK', 'served once a majority knows it')
  await client.close()
  await holdfast.stop()
})

function mentions(log: readonly object[], port: number): boolean {
  return log.some(line => JSON.stringify(line).includes(`127.0.0.1:${port}`))
}

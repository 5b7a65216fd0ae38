// The port for replicas while Holdfast stops: what was sent is answered, in its order.
import t, { type Test } from 'tap'
import { scrape } from '../support/admin.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { RespClient, RespError, type Value } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

/** A client whose commands wait at the one replica, which is frozen: it cannot confirm writes, whatever the policy. */
async function open(t: Test, options: Record<string, string>) {
  const set = await SentinelSet.start({ replicas: 1, isExact: true, failoverTimeoutMs: 60_000 })
  t.teardown(() => set.stopAll())
  const [master, replica] = set.nodes
  if (master === undefined || replica === undefined) throw new Error('not two nodes')
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    options: {
      'admin-listen': '127.0.0.1:0',
      'replica-listen': '127.0.0.1:0',
      ack: 'master',
      reads: 'plain',
      ...options,
    },
  })
  await set.command(master, 'SET', 'k', 'v')
  const isThere = async (): Promise<boolean> => (await set.command(replica, 'GET', 'k')) === 'v'
  await waitUntil('the replica has it', isThere, { withinMs: 10_000 })
  const client = await RespClient.connect(holdfast.replicaPort)
  t.teardown(() => client.close())
  t.equal(await client.send('GET', 'k'), 'v')
  await set.stop(replica)
  const replies: Promise<Value>[] = [client.send('GET', 'k'), client.send('SET', 'k', 'w'), client.send('STRLEN', 'k')]
  const unanswered = async (): Promise<boolean> =>
    ((await scrape(holdfast.admin)).get('holdfast_replica_commands_total') ?? 0) >= 4
  await waitUntil('they are read', unanswered, { withinMs: 10_000 })
  return { set, holdfast, replica, client, replies }
}

const said = async (replies: readonly Promise<Value>[]): Promise<unknown[]> =>
  (await Promise.all(replies)).map(reply => (reply instanceof RespError ? reply.message : reply))

const readOnly = "READONLY You can't write against a read only replica."

const moments: readonly (readonly [string, Record<string, string>, string, boolean])[] = [
  ['within its delay', { 'shutdown-delay': '2s' }, 'proxy.stopping', true],
  ['within the grace period', { 'shutdown-grace': '20s' }, 'proxy.draining', true],
  ['without a grace period', { 'shutdown-grace': '0s' }, 'proxy.draining', false],
]

for (const [when, options, event, goesOn] of moments) {
  t.test(`shutdown — the replica goes on ${when} — nothing is lost`, async t => {
    const { set, holdfast, replica, client, replies } = await open(t, { 'replica-fallback': 'hold', ...options })
    const stopping = holdfast.stop()
    await waitUntil(event, () => holdfast.find(event), { withinMs: 10_000 })
    await set.resume(replica)
    t.strictSame(await said(replies), ['v', readOnly, 1])
    if (goesOn) {
      t.equal(await client.send('GET', 'k'), 'v', 'the session goes on')
      await client.close()
    }
    t.equal((await client.closed).error, null)
    await stopping
  })
}

t.test('shutdown — no replica is there — each command gets an error, and then the end', async t => {
  const options = { 'replica-fallback': 'hold', 'shutdown-grace': '3s', 'hold-timeout': '30s' }
  const { set, holdfast, replica, client, replies } = await open(t, options)
  await set.kill(replica)
  const stopping = holdfast.stop()
  for (const text of await said(replies)) t.match(text, /^TRYAGAIN holdfast/)
  t.equal((await client.closed).error, null)
  await stopping
})

t.test('shutdown — a client waits to be told its replica — it is answered', async t => {
  const set = await SentinelSet.start({ replicas: 1, isExact: true, failoverTimeoutMs: 60_000 })
  t.teardown(() => set.stopAll())
  const [, replica] = set.nodes
  if (replica === undefined) throw new Error('no replica')
  await set.stop(replica)
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    options: { 'replica-listen': '127.0.0.1:0', 'replica-fallback': 'hold', 'shutdown-grace': '20s' },
  })
  const client = await RespClient.connect(holdfast.replicaPort)
  t.teardown(() => client.close())
  const reply = client.send('GET', 'k')
  const stopping = holdfast.stop()
  await waitUntil('it drains', () => holdfast.find('proxy.draining'), { withinMs: 10_000 })
  await set.resume(replica)
  t.equal(await reply, null)
  await client.close()
  await stopping
})

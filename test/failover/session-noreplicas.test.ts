// min-replicas-to-write: a new master refuses writes for about a second, until replicas have attached. An open
// transaction is held through that, and runs whole.
import t from 'tap'
import { startHoldfast } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('an open MULTI — runs whole, once — when the new master has no replicas yet', async t => {
  const set = await SentinelSet.start()
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), masterName: set.masterName })
  const [split, piped, plain] = await Promise.all([1, 2, 3].map(() => RespClient.connect(holdfast.port)))
  if (!split || !piped || !plain) throw new Error('no client')
  t.teardown(() => Promise.all([split, piped, plain].map(client => client.close())))
  t.equal(await split.send('MULTI'), 'OK')
  t.equal(await split.send('INCR', 'split'), 'QUEUED')

  const old = await set.currentMaster()
  const others = set.nodes.filter(node => node !== old)
  // A Sentinel that gives a node another master ends the connections there, ours among them.
  const takes = async (node: Node, replicas: string): Promise<boolean> =>
    (await set.command(node, 'CONFIG', 'SET', 'min-replicas-to-write', replicas)) === 'OK'
  const demand = (replicas: string): Promise<unknown> =>
    Promise.all(
      others.map(node => waitUntil(`${node.name} takes it`, () => takes(node, replicas), { withinMs: 10_000 })),
    )
  await demand('5')
  const from = holdfast.log.length
  await set.kill(old)
  // In the middle of the failover: the rest of one transaction, all of another in two writes, and plain writes.
  const rest = [split.send('INCR', 'split'), split.send('EXEC')]
  const whole = [piped.send('MULTI')]
  await waitUntil('the gate is shut', () => holdfast.find('hold.start', from), { withinMs: 10_000 })
  whole.push(piped.send('INCR', 'piped'), piped.send('INCR', 'piped'), piped.send('EXEC'))
  const single = plain.send('INCR', 'plain')
  // The new master asks for more replicas than there are, and refuses. Nobody sees that; then it asks for none.
  await waitUntil('the new master has refused', () => holdfast.counters.absorbed > 2, { withinMs: 20_000 })
  await demand('0')

  t.strictSame(await Promise.all(rest), ['QUEUED', [1, 2]])
  t.strictSame(await Promise.all(whole), ['OK', 'QUEUED', 'QUEUED', [1, 2]])
  t.equal(await single, 1)
  t.strictSame(await plain.send('MGET', 'split', 'piped', 'plain'), ['2', '2', '1'])
})

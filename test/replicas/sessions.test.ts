// Sessions of the port for replicas that have told the server something, or wait for something, through what happens to
// replicas: they listen on, wait on, and those that keep a cache are told to forget all of it.
import t, { type Test } from 'tap'
import { itemsOf, later, pushed } from '../failover/session-scenes.ts'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { RespClient, type Value } from '../support/resp-client.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { left, places, replicasAreGood, sessionsLeave } from './scene.ts'

interface World {
  readonly set: SentinelSet
  readonly holdfast: InProcess
  readonly replicas: readonly [Node, Node]
}

async function open(t: Test, options: Record<string, string> = {}): Promise<World> {
  const set = await SentinelSet.start({ replicas: 2 })
  t.teardown(() => set.stopAll())
  const ports = { 'admin-listen': '127.0.0.1:0', 'replica-listen': '127.0.0.1:0' }
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    options: { ...ports, 'hold-timeout': '60s', ...options },
  })
  const [, first, second] = set.nodes
  if (first === undefined || second === undefined) throw new Error('not three nodes')
  const writer = await RespClient.connect(holdfast.port)
  await writer.send('XADD', 'stream', '1-1', 'f', 'v')
  await writer.send('SET', 'key', '0')
  await writer.send('WAIT', '2', '5000')
  await writer.close()
  await replicasAreGood(holdfast, 2)
  return { set, holdfast, replicas: [first, second] }
}

/** As many sessions of each kind as there are replicas: some of each kind read from each. */
async function settle(t: Test, { holdfast }: World) {
  const connect = async (): Promise<RespClient> => {
    const client = await RespClient.connect(holdfast.replicaPort)
    t.teardown(() => client.close())
    return client
  }
  const pair = async (): Promise<[RespClient, RespClient]> => [await connect(), await connect()]
  const kinds = { listening: await pair(), waiting: await pair(), caching: await pair(), inTransaction: await pair() }
  for (const client of kinds.listening) await client.send('SUBSCRIBE', 'news')
  const waiting = kinds.waiting.map(client => later(client.send('XREAD', 'BLOCK', '0', 'STREAMS', 'stream', '1-1')))
  for (const client of kinds.caching) {
    await client.send('HELLO', '3')
    t.equal(await client.send('CLIENT', 'TRACKING', 'ON'), 'OK')
    await client.send('GET', 'key')
  }
  for (const client of kinds.inTransaction) {
    t.equal(await client.send('MULTI'), 'OK')
    t.equal(await client.send('GET', 'key'), 'QUEUED')
  }
  const at = (await places(holdfast)).map(({ sessions }) => sessions)
  t.strictSame(at, [4, 4], 'each replica has one of each kind')
  return { ...kinds, blocked: waiting }
}

type Sessions = Awaited<ReturnType<typeof settle>>

/** `moved`: how many of two sessions must have been told to forget what they know. */
async function judge(t: Test, { set, holdfast }: World, sessions: Sessions, moved: number): Promise<void> {
  const { listening, blocked, caching, inTransaction } = sessions
  // Not through Holdfast: with --ack replicated a write waits there while no replica is left.
  const writer = await RespClient.connect((await set.currentMaster()).port)
  t.teardown(() => writer.close())
  const isForgotten = ({ pushes }: RespClient): boolean =>
    pushes.some(push => JSON.stringify(itemsOf(push)) === '["invalidate",null]')
  await waitUntil('caches are forgotten', () => caching.filter(isForgotten).length >= moved, { withinMs: 20_000 })
  for (const [i, client] of listening.entries()) {
    const isHeard = async (): Promise<boolean> => {
      await writer.send('PUBLISH', 'news', 'hello')
      return client.pushes.some(push => itemsOf(push).at(-1) === 'hello')
    }
    await waitUntil(`listener ${i} hears what is published`, isHeard, { withinMs: 20_000 })
  }
  for (const client of inTransaction) t.strictSame(await client.send('EXEC'), ['0'], 'the transaction goes on')
  for (const client of caching) {
    t.equal(await client.send('GET', 'key'), '0')
    client.pushes.length = 0
  }
  await writer.send('SET', 'key', '1')
  for (const client of caching) await pushed(client, ['invalidate', ['key']])
  await writer.send('XADD', 'stream', '2-1', 'f', 'w')
  const streams: Value[] = await Promise.all(blocked)
  for (const reply of streams) t.match(JSON.stringify(reply), /2-1/, 'the one that waits has its entry')
  const all = [...listening, ...sessions.waiting, ...caching, ...inTransaction]
  t.ok(all.every(client => client.isOpen))
  await holdfast.stop()
}

t.test('a replica is killed — its sessions go on at the other one', async t => {
  const world = await open(t)
  const sessions = await settle(t, world)
  await world.set.kill(world.replicas[0])
  await sessionsLeave(world, world.replicas[0])
  await judge(t, world, sessions, 1)
})

t.test('a replica is frozen — its sessions go on at the other one', async t => {
  const world = await open(t)
  const sessions = await settle(t, world)
  await world.set.stop(world.replicas[0])
  await sessionsLeave(world, world.replicas[0])
  await judge(t, world, sessions, 1)
})

t.test('a replica is promoted — its sessions leave it', async t => {
  const world = await open(t)
  const sessions = await settle(t, world)
  const old = await world.set.currentMaster()
  await world.set.failover()
  const { node } = await world.set.waitForNewMaster(old, { withinMs: 20_000 })
  await sessionsLeave(world, node)
  await judge(t, world, sessions, 1)
})

t.test('all replicas are killed — their sessions go on at the master', async t => {
  const world = await open(t)
  const sessions = await settle(t, world)
  await Promise.all(world.replicas.map(node => world.set.kill(node)))
  await sessionsLeave(world, ...world.replicas)
  await judge(t, world, sessions, 2)
})

t.test('all replicas are killed and come back — with --replica-fallback hold — everything waits for them', async t => {
  const world = await open(t, { 'replica-fallback': 'hold' })
  const sessions = await settle(t, world)
  await Promise.all(world.replicas.map(node => world.set.kill(node)))
  await sessionsLeave(world, ...world.replicas)
  await Promise.all(world.replicas.map(node => world.set.restart(node)))
  await judge(t, world, sessions, 2)
  t.ok(left(world) >= 2)
})

// A pause of the master, and those who read at the port for replicas: at a replica they read on, at the master they are
// held with everybody.
import t, { type Test } from 'tap'
import { later } from '../failover/session-scenes.ts'
import { controlPath, openControl } from '../support/control.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { places, sessionsLeave } from './scene.ts'

async function open(t: Test, options: Record<string, string> = {}) {
  // One replica, which most of these tests kill: it cannot confirm writes, whatever the policy.
  const set = await SentinelSet.start({ replicas: 1, isExact: true })
  t.teardown(() => set.stopAll())
  const [master, replica] = set.nodes
  if (master === undefined || replica === undefined) throw new Error('not two nodes')
  const path = await controlPath(t)
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    options: {
      'admin-listen': '127.0.0.1:0',
      'replica-listen': '127.0.0.1:0',
      'control-socket': path,
      ack: 'master',
      reads: 'plain',
      ...options,
    },
  })
  const connect = async (port: number): Promise<RespClient> => {
    const client = await RespClient.connect(port)
    t.teardown(() => client.close())
    return client
  }
  const [writer, reader] = [await connect(holdfast.port), await connect(holdfast.replicaPort)]
  await writer.send('SET', 'key', 'v')
  await writer.send('WAIT', '1', '5000')
  t.equal(await reader.send('GET', 'key'), 'v')
  const control = await openControl(t, path)
  const direct = await connect(master.port)
  return {
    set,
    master,
    replica,
    holdfast,
    writer,
    reader,
    control,
    direct,
    connect: () => connect(holdfast.replicaPort),
  }
}

type World = Awaited<ReturnType<typeof open>>

async function toMaster({ set, replica, holdfast, reader }: World): Promise<void> {
  await set.kill(replica)
  await sessionsLeave({ holdfast }, replica)
  await reader.send('PING')
  const [group] = await places(holdfast)
  if (group?.reads !== 'master') throw new Error(`they read from ${group?.reads}`)
}

async function gets({ direct }: World): Promise<number> {
  const stats = String(await direct.send('INFO', 'commandstats'))
  return Number(/cmdstat_get:calls=(\d+)/.exec(stats)?.[1] ?? 0)
}

t.test('pause — sessions at a replica read on — while those of the master wait', async t => {
  const { control, writer, reader, holdfast } = await open(t)
  await control.ask('pause', { maxMs: 20_000 })
  const written = writer.send('SET', 'key', 'w')
  await waitUntil('the write waits', () => holdfast.counters.waiting === 1, { withinMs: 5_000 })
  t.equal(await reader.send('GET', 'key'), 'v')
  await control.ask('resume')
  t.equal(await written, 'OK')
})

t.test('pause — sessions that read from the master wait, too — until the resume', async t => {
  const world = await open(t)
  const { control, reader, writer, holdfast } = world
  const [listener, blocked] = [await world.connect(), await world.connect()]
  await listener.send('SUBSCRIBE', 'news')
  await toMaster(world)
  const entry = later(blocked.send('XREAD', 'BLOCK', '0', 'STREAMS', 'stream', '0-0'))
  const isBlocked = async () => /blocked_clients:1/.test(String(await world.direct.send('INFO', 'clients')))
  await waitUntil('one is blocked', isBlocked, { withinMs: 10_000 })

  const refused = await control.ask('pause', { maxMs: 20_000, emptyMs: 50 }).catch(error => error.failure)
  t.match(refused, { code: 'in-flight', masters: [{ blocked: 1, sessions: [{ command: 'xread', blocked: true }] }] })
  await control.ask('pause', { maxMs: 20_000, ignoreBlocked: true })
  const before = await gets(world)
  const reads = [reader.send('GET', 'key'), (await world.connect()).send('GET', 'key')]
  const waiting = async () => {
    const { replicas } = (await control.ask('status')) as { replicas?: { groups: { reads: string }[] } }
    return replicas?.groups[0]?.reads
  }
  const heard = async () => {
    await world.direct.send('PUBLISH', 'news', 'hello')
    return listener.pushes.length > 0
  }
  await waitUntil('messages come', heard, { withinMs: 5_000 })
  t.equal(await waiting(), 'master')
  t.equal(await gets(world), before, 'the master is sent nothing')
  await control.ask('resume')
  t.strictSame(await Promise.all(reads), ['v', 'v'])
  await writer.send('XADD', 'stream', '1-1', 'f', 'v')
  t.match(JSON.stringify(await entry), /1-1/)
  await holdfast.stop()
})

t.test('pause — a replica is back meanwhile — those who wait read there', async t => {
  const world = await open(t)
  const { control, reader, set, replica, holdfast } = world
  await toMaster(world)
  await control.ask('pause', { maxMs: 55_000 })
  const read = reader.send('GET', 'key')
  await set.restart(replica)
  t.equal(await read, 'v')
  t.match(await control.ask('status'), { pause: { state: 'paused' } })
  t.equal((await places(holdfast))[0]?.reads, `127.0.0.1:${replica.port}`)
  t.equal(await reader.send('GET', 'key'), 'v')
  await control.ask('resume')
})

t.test('pause — the replica dies meanwhile — nothing is sent to the master either', async t => {
  const world = await open(t)
  const { control, reader, set, replica, holdfast } = world
  await control.ask('pause', { maxMs: 55_000 })
  const before = await gets(world)
  await set.kill(replica)
  await sessionsLeave({ holdfast }, replica)
  const read = reader.send('GET', 'key')
  const atMaster = async () => (await places(holdfast))[0]?.reads === 'master'
  await waitUntil('the master is to answer', atMaster, { withinMs: 20_000 })
  t.equal(await gets(world), before, 'the master is sent nothing')
  await control.ask('resume')
  t.equal(await read, 'v')
})

t.test('pause — a read has waited almost as long as it may — the pause ends, and the read is answered', async t => {
  const world = await open(t, { 'hold-timeout': '4s' })
  const { control, reader, holdfast } = world
  await toMaster(world)
  await control.ask('pause', { maxMs: 55_000 })
  t.equal(await reader.send('GET', 'key'), 'v')
  const end = holdfast.log.find(({ event, group }) => event === 'pause.end' && group === undefined)
  t.match(end, { why: 'hold-time' })
})

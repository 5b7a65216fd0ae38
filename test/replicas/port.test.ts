// The port for replicas, with all well: sessions are spread, read from replicas, and cannot write.
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import t from 'tap'
import { ask } from '../support/admin.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { RespClient, RespError } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { makeFolder, removeFolder } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { replicasAreGood } from './scene.ts'

const readOnly = "READONLY You can't write against a read only replica."

t.test('replica port — spreads sessions over replicas — that answer reads, and writes in their own words', async t => {
  const set = await SentinelSet.start({ replicas: 2 })
  t.teardown(() => set.stopAll())
  const [master] = set.nodes
  if (master === undefined) throw new Error('no master')
  const options = { 'admin-listen': '127.0.0.1:0', 'replica-listen': '127.0.0.1:0' }
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
  const writer = await RespClient.connect(holdfast.port)
  t.teardown(() => writer.close())
  await writer.send('SET', 'k', 'v')
  t.equal(await writer.send('WAIT', '2', '2000'), 2)
  await replicasAreGood(holdfast, 2)

  const readers = await Promise.all(Array.from({ length: 6 }, () => RespClient.connect(holdfast.replicaPort)))
  for (const reader of readers) t.teardown(() => reader.close())
  const ports: string[] = []
  for (const reader of readers) {
    t.equal(await reader.send('GET', 'k'), 'v')
    ports.push(/tcp_port:(\d+)/.exec(String(await reader.send('INFO', 'server')))?.[1] ?? '')
    t.match(await reader.send('INFO', 'replication'), /role:slave/)
  }
  const replicas = set.nodes.slice(1).map(node => String(node.port))
  t.strictSame(new Set(ports), new Set(replicas), 'both replicas are used')
  for (const port of replicas) t.equal(ports.filter(one => one === port).length, 3, 'each by half of the sessions')

  const [reader, other] = readers
  if (reader === undefined || other === undefined) throw new Error('no reader')
  const said = async (...words: string[]): Promise<unknown> => {
    const reply = await reader.send(...words)
    return reply instanceof RespError ? reply.message : reply
  }
  t.equal(await said('SET', 'k', 'w'), readOnly)
  t.equal(await said('DEL', 'k'), readOnly)
  t.match(await said('EVAL', "return redis.call('SET', KEYS[1], 'w')", '1', 'k'), /^READONLY .* script/)
  t.equal(await said('EVAL', "return redis.call('GET', KEYS[1])", '1', 'k'), 'v')
  t.equal(await said('GET', 'k'), 'v', 'the session goes on')
  t.equal(await said('MULTI'), 'OK')
  t.equal(await said('GET', 'k'), 'QUEUED')
  t.strictSame(await said('EXEC'), ['v'])
  t.equal(await said('MULTI'), 'OK')
  t.equal(await said('SET', 'k', 'w'), readOnly)
  t.match(await said('EXEC'), /^EXECABORT/)

  await waitUntil(
    'a message comes through',
    async () => {
      await reader.send('SUBSCRIBE', 'news')
      await writer.send('PUBLISH', 'news', 'hello')
      return reader.pushes.length > 0
    },
    { withinMs: 5_000 },
  )

  const hello = await other.send('HELLO', '3')
  t.equal(hello instanceof Map ? hello.get('role') : hello, 'replica')
  t.equal(await other.send('CLIENT', 'TRACKING', 'ON'), 'OK')
  t.equal(await other.send('GET', 'k'), 'v')
  await writer.send('SET', 'k', 'new')
  await waitUntil('the invalidation comes', () => other.pushes.length > 0, { withinMs: 5_000 })
  await writer.send('XADD', 's', '1-1', 'f', 'v')
  const blocked = other.send('XREAD', 'BLOCK', '10000', 'STREAMS', 's', '1-1')
  await writer.send('XADD', 's', '2-1', 'f', 'v')
  const streams = await blocked
  t.match(JSON.stringify(streams instanceof Map ? [...streams] : streams), /2-1/)

  // A process that stood still takes them for behind until they have answered.
  await replicasAreGood(holdfast, 2)
  const isSpread = async (): Promise<boolean> => {
    const { nodes, groups } = JSON.parse((await ask(holdfast.admin, '/status')).body).replicas
    return [...nodes, ...groups].map(({ sessions }) => sessions).join() === '3,3,3,3'
  }
  await waitUntil('the status says who reads where', isSpread, { withinMs: 30_000, everyMs: 50 })
})

t.test('replica port — a client that speaks before replicas are known — is answered', async t => {
  const set = await SentinelSet.start({ replicas: 1 })
  t.teardown(() => set.stopAll())
  const options = { 'replica-listen': '127.0.0.1:0', 'replica-fallback': 'hold' }
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
  const reader = await RespClient.connect(holdfast.replicaPort)
  t.teardown(() => reader.close())
  t.equal(await Promise.race([reader.send('GET', 'nothing'), giveUp(10_000)]), null)
})

t.test('replica port — while the master answers — refuses writes, and scripts only read', async t => {
  const set = await SentinelSet.start({ replicas: 1, isExact: true })
  t.teardown(() => set.stopAll())
  const [master, replica] = set.nodes
  if (master === undefined || replica === undefined) throw new Error('not two nodes')
  const options = { 'replica-listen': '127.0.0.1:0', ack: 'master', reads: 'plain' }
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
  await set.command(master, 'SET', 'k', 'v')
  const reader = await RespClient.connect(holdfast.replicaPort)
  t.teardown(() => reader.close())
  const said = async (...words: string[]): Promise<unknown> => {
    const reply = await reader.send(...words)
    return reply instanceof RespError ? reply.message : reply
  }
  await reader.send('GET', 'k')
  await set.kill(replica)
  t.match(await said('INFO', 'replication'), /role:master/)
  t.equal(await said('GET', 'k'), 'v')
  t.equal(await said('SET', 'k', 'w'), readOnly)
  t.equal(await said('EVAL', "return redis.call('GET', KEYS[1])", '1', 'k'), 'v')
  t.match(await said('EVAL', "return redis.call('SET', KEYS[1], 'w')", '1', 'k'), /^ERR Write commands are not allowed/)
  t.equal(await said('MULTI'), 'OK')
  t.equal(await said('SET', 'k', 'w'), readOnly)
  t.match(await said('EXEC'), /^EXECABORT/)
  const whole = ['MULTI', 'GET k', 'INCR k', 'EXEC'].map(line => reader.send(...line.split(' ')))
  const replies = await Promise.all(whole)
  t.strictSame(
    replies.map(reply => (reply instanceof RespError ? reply.message.split(' ')[0] : reply)),
    ['OK', 'QUEUED', 'READONLY', 'EXECABORT'],
  )
  t.equal(await set.command(master, 'GET', 'k'), 'v', 'nothing was written')
})

t.test('replica socket — instead of a port — gives clients a replica, and goes with the process', async t => {
  const set = await SentinelSet.start({ replicas: 1 })
  t.teardown(() => set.stopAll())
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const path = join(dir, 'r.sock')
  const options = { 'replica-listen-socket': path, 'listen-socket-mode': '0600', 'admin-listen': '127.0.0.1:0' }
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
  t.equal(statSync(path).mode & 0o777, 0o600, 'its rights are those of --listen-socket')
  const client = new Redis({ path, lazyConnect: true, retryStrategy: () => null })
  t.teardown(() => client.disconnect())
  await client.connect()
  t.match(await client.info('replication'), /role:slave/)
  await t.rejects(client.set('k', 'v'), { message: readOnly })
  const status = JSON.parse((await ask(holdfast.admin, '/status')).body)
  t.match(status, { listening: [/^127/, path], replicas: { groups: [{ sessions: 1 }] } })
  client.disconnect()
  await holdfast.stop()
  t.notOk(existsSync(path))
})

t.test('replica port — --max-sessions counts the sessions of all replicas together', async t => {
  const set = await SentinelSet.start({ replicas: 2 })
  t.teardown(() => set.stopAll())
  const options = { 'replica-listen': '127.0.0.1:0', 'max-sessions': '3' }
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
  const connect = async (): Promise<RespClient> => {
    const client = await RespClient.connect(holdfast.replicaPort)
    t.teardown(() => client.close())
    return client
  }
  const sessions = [await connect(), await connect(), await connect()]
  for (const client of sessions) t.equal(await client.send('GET', 'k'), null)
  const refused = await connect()
  await waitUntil('the fourth is refused', () => refused.pushes.length > 0, { withinMs: 10_000 })
  t.match(refused.pushes, [{ message: /max/ }])
  await sessions[0]?.close()
  const isIn = async (): Promise<boolean> => (await (await connect()).send('GET', 'k').catch(() => 'refused')) === null
  await waitUntil('one that comes in place of another is let in', isIn, { withinMs: 10_000 })
})

function giveUp(ms: number): Promise<string> {
  return new Promise(resolve => setTimeout(resolve, ms, 'no answer').unref())
}

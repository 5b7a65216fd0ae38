// Clients that write their whole pipeline before they read a byte: all of it is read, and every reply arrives, as
// directly.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openSocket, repeated, writeThenRead } from '../support/blocking-client.ts'
import { startBystander } from '../support/bystander.ts'
import { startSingle, startSingleProcess } from '../support/holdfast.ts'
import { MB, watchResident } from '../support/resident.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import { makeFolder, removeFolder } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { command } from './bytes.ts'

const bulk = (value: Buffer): Buffer => Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')])

/** SET at the proxy, by a client that is gone afterwards. */
async function set(port: number, key: string, value: Buffer): Promise<void> {
  const client = await RespClient.connect(port)
  await client.send('SET', key, value)
  await client.close()
}

/** The same pipeline by each way in and protocol. */
async function reads(
  t: Test,
  name: string,
  pipeline: { times: number; value: Buffer; hello?: string },
  where: number | string,
): Promise<void> {
  const socket = await openSocket(typeof where === 'number' ? { port: where } : { path: where })
  t.teardown(() => socket.destroy())
  if (pipeline.hello !== undefined) {
    socket.write(command('HELLO', pipeline.hello))
    await new Promise(resolve => socket.once('data', resolve))
  }
  const { right, bytes } = await writeThenRead(socket, {
    chunks: repeated(command('GET', 'k'), pipeline.times),
    reply: bulk(pipeline.value),
    times: pipeline.times,
  })
  t.ok(right, `${name}: every reply, as it was (${bytes} bytes)`)
  socket.destroy()
}

t.test('a pipeline that is written before anything is read — is answered whole — by every way in', async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const path = join(dir, 'clients.sock')
  const { holdfast } = await startSingle(t, { options: { 'listen-socket': path } })
  const value = Buffer.alloc(500, 'v')
  await set(holdfast.port, 'k', value)
  const bystander = await startBystander(holdfast.port)
  await reads(t, 'TCP', { times: 60_000, value }, holdfast.port)
  await reads(t, 'RESP3', { times: 60_000, value, hello: '3' }, holdfast.port)
  await reads(t, 'Unix socket', { times: 60_000, value }, path)
  t.equal((await bystander.stop()).wrong, 0)
  await waitUntil('nothing is left', () => holdfast.counters.pendingBytes + holdfast.counters.unreadBytes === 0, {
    withinMs: 10_000,
  })
  t.equal(holdfast.counters.unreadEnded, 0)
  await holdfast.stop()
})

t.test(
  'a pipeline with more replies than may lie in memory — is answered whole — the rest waits at the server',
  async t => {
    const { holdfast } = await startSingleProcess(t, {
      options: { 'max-unread-bytes': '8mb', 'max-held-bytes': '64mb' },
    })
    const value = Buffer.alloc(1000, 'v')
    await set(holdfast.port, 'k', value)
    const watched = watchResident(holdfast.pid)
    const before = watched.now()
    await reads(t, '100 MB', { times: 100_000, value }, holdfast.port)
    const most = watched.stop()
    t.comment(`RSS ${(before / MB).toFixed(0)} MB before, ${(most / MB).toFixed(0)} MB at most`)
    t.ok(most < before + 150 * MB, `${((most - before) / MB).toFixed(0)} MB more`)
    t.equal(holdfast.find('session.unread'), undefined)
    await holdfast.stop()
  },
)

t.test('a pipeline of large commands and small replies — is answered whole — with little memory', async t => {
  const { holdfast } = await startSingleProcess(t, { options: { 'max-held-bytes': '16mb' } })
  const watched = watchResident(holdfast.pid)
  const before = watched.now()
  const times = 300_000
  const socket = await openSocket({ port: holdfast.port })
  t.teardown(() => socket.destroy())
  const { right } = await writeThenRead(socket, {
    chunks: repeated(command('SET', 'k', 'x'.repeat(500)), times),
    reply: Buffer.from('+OK\r\n'),
    times,
  })
  t.ok(right)
  const most = watched.stop()
  t.ok(most < before + 150 * MB, `${((most - before) / MB).toFixed(0)} MB more`)
  socket.destroy()
  await holdfast.stop()
})

t.test(
  'a client that sends on and on and never reads — is ended with its cause — before it holds up others',
  async t => {
    const { holdfast } = await startSingle(t, { options: { 'max-unread-bytes': '2mb', 'max-held-bytes': '8mb' } })
    const value = Buffer.alloc(200, 'v')
    await set(holdfast.port, 'k', value)
    const bystander = await startBystander(holdfast.port)
    const socket = await openSocket({ port: holdfast.port })
    t.teardown(() => socket.destroy())
    await writeThenRead(socket, {
      chunks: repeated(command('GET', 'k'), 1_000_000),
      reply: bulk(value),
      times: 1,
      onWritten: () => void socket.destroy(),
    })
    await waitUntil('it is ended', () => holdfast.counters.unansweredEnded === 1, { withinMs: 20_000 })
    const line = holdfast.find('session.unanswered')
    t.equal(line?.level, 'warn')
    t.match(line?.msg, /--max-held-bytes/)
    const { wrong, longestMs } = await bystander.stop()
    t.equal(wrong, 0)
    t.comment(`the bystander waited ${longestMs.toFixed(0)} ms at most`)
    await waitUntil('nothing is left', () => holdfast.counters.pendingBytes === 0, { withinMs: 10_000 })
    await holdfast.stop()
  },
)

t.test('what stands behind a command that blocks — is sent when that is answered — and not before', async t => {
  const { holdfast, node } = await startSingle(t)
  for (const { blocking, end, reply } of [
    { blocking: 'BLPOP q 0', end: () => 'RPUSH q v', reply: /v$/ },
    { blocking: 'XREAD BLOCK 0 STREAMS s 0-0', end: () => 'XADD s 1-1 f v', reply: /v$/ },
    // Before Redis 7 it is an error.
    { blocking: 'WAIT 9 0', end: (id: string) => `CLIENT UNBLOCK ${id}`, reply: /^(:\d|-ERR .*)$/ },
  ]) {
    const socket = await openSocket({ port: holdfast.port })
    t.teardown(() => socket.destroy())
    socket.write(Buffer.concat([command(...blocking.split(' ')), command('INCR', 'n'), command('ECHO', 'end')]))
    const waits = async (): Promise<string | undefined> =>
      String(await ask(node, ['CLIENT', 'LIST']))
        .split('\n')
        .find(line => / flags=b /.test(line))
    await waitUntil('it waits at the server', async () => (await waits()) !== undefined, { withinMs: 20_000 })
    t.match(await waits(), / qbuf=0 /, 'the server has nothing more of this client')
    const read = new Promise<string>(resolve => {
      let text = ''
      socket.on('data', bytes => {
        text += bytes.toString('latin1')
        if (text.endsWith('end\r\n')) resolve(text)
      })
    })
    const id = /^id=(\d+)/.exec((await waits()) ?? '')?.[1] ?? ''
    await ask(node, end(id).split(' '))
    const [first = '', behind = ''] = (await read).split(/\r\n(?=:\d\r\n\$3\r\nend)/)
    t.match(first, reply, `${blocking}: it has its reply`)
    t.match(behind, /^:\d\r\n\$3\r\nend\r\n$/, 'then all is answered, in its order')
  }
})

// Replies that clients do not read, or read slowly: bytes stay exact, memory stays bounded, nobody else waits.
import t, { type Test } from 'tap'
import { startBystander } from '../support/bystander.ts'
import { startSingle, startSingleProcess } from '../support/holdfast.ts'
import { judgeOnce } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { MB, watchResident } from '../support/resident.ts'
import { RespClient } from '../support/resp-client.ts'
import { randomFrom } from '../support/seeded-random.ts'
import { waitUntil } from '../support/wait-until.ts'
import { command, payload, seed } from './bytes.ts'

async function connect(t: Test, port: number): Promise<RespClient> {
  const client = await RespClient.connect(port)
  t.teardown(() => client.close())
  return client
}

/** Takes what comes on the socket with pauses, and compares it with `wanted`, over and over. */
function readSlowly(client: RespClient, wanted: Buffer, total: number): Promise<{ right: boolean }> {
  const { socket } = client
  socket.removeAllListeners('data')
  let at = 0
  let reads = 0
  let right = true
  return new Promise(resolve => {
    const end = (): void => resolve({ right: right && at === total })
    socket.on('data', (chunk: Buffer) => {
      for (let from = 0; from < chunk.length; ) {
        const place = (at + from) % wanted.length
        const length = Math.min(chunk.length - from, wanted.length - place)
        if (chunk.compare(wanted, place, place + length, from, from + length) !== 0) right = false
        from += length
      }
      at += chunk.length
      if (at >= total) end()
      // About a tenth of what a reader of all its bytes would take.
      if (++reads % 8 !== 0) return
      socket.pause()
      setTimeout(() => socket.resume(), 1)
    })
    socket.once('close', end)
    socket.resume()
  })
}

t.test('a slow reader of 1,024 pipelined replies of 1 MB — gets every byte — with little memory', async t => {
  const { holdfast } = await startSingleProcess(t)
  const client = await connect(t, holdfast.port)
  const value = payload(randomFrom(seed), MB)
  t.equal(await client.send('SET', 'large', value), 'OK')
  const reply = Buffer.concat([Buffer.from(`$${MB}\r\n`), value, Buffer.from('\r\n')])
  const watched = watchResident(holdfast.pid)
  const before = watched.now()
  const bystander = await startBystander(holdfast.port)
  client.socket.write(Buffer.concat(new Array(1024).fill(command('GET', 'large'))))
  const readPace = openWindow()
  const { right } = await readSlowly(client, reply, 1024 * reply.length)
  t.ok(right, 'all bytes, in order')
  const { wrong, longestMs } = await bystander.stop()
  const most = watched.stop()
  t.comment(
    `RSS ${(before / MB).toFixed(0)} MB before, ${(most / MB).toFixed(0)} MB at most; bystander ${longestMs.toFixed(0)} ms`,
  )
  t.equal(wrong, 0)
  await judgeOnce(t, 'the longest wait of a bystander', 3000, longestMs, readPace())
  t.ok(most < before + 200 * MB, `${((most - before) / MB).toFixed(0)} MB more`)
  await client.close()
  await holdfast.stop()
})

t.test('a client that never reads — is ended — when more is unread than it may leave', async t => {
  const { holdfast } = await startSingle(t, { options: { 'max-unread-bytes': '8mb' } })
  const client = await connect(t, holdfast.port)
  t.equal(await client.send('SET', 'large', Buffer.alloc(MB)), 'OK')
  const bystander = await startBystander(holdfast.port)
  const deaf = await connect(t, holdfast.port)
  deaf.socket.pause()
  deaf.socket.write(Buffer.concat(new Array(1024).fill(command('GET', 'large'))))
  await waitUntil('it is ended', () => holdfast.counters.unreadEnded === 1, { withinMs: 20_000 })
  const line = holdfast.find('session.unread')
  t.equal(line?.level, 'warn')
  t.match(line?.msg, /--max-unread-bytes/)
  t.equal((await bystander.stop()).wrong, 0)
  t.equal(await client.send('PING'), 'PONG')
  await Promise.all([client.close(), deaf.close()])
  await waitUntil('nothing is left', () => holdfast.counters.unreadBytes === 0, { withinMs: 5000 })
  await holdfast.stop()
})

t.test('a single reply larger than the limit — reaches a client that reads — whole', async t => {
  const { holdfast } = await startSingle(t, { options: { 'max-unread-bytes': '1mb' } })
  const client = await connect(t, holdfast.port)
  const value = payload(randomFrom(seed), 32 * MB)
  t.equal(await client.send('SET', 'huge', value), 'OK')
  const reply = Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')])
  client.socket.write(command('GET', 'huge'))
  t.ok((await readSlowly(client, reply, reply.length)).right)
  t.equal(holdfast.counters.unreadEnded, 0)
  await client.close()
  await holdfast.stop()
})

t.test(
  'a subscriber that reads nothing for a while — misses nothing and holds up nobody — within the server limit',
  async t => {
    const { holdfast } = await startSingle(t)
    const listener = await connect(t, holdfast.port)
    await listener.send('SUBSCRIBE', 'news')
    listener.socket.pause()
    const sender = await connect(t, holdfast.port)
    const text = 'n'.repeat(100_000)
    let most = 0
    for (let i = 0; i < 200; i++) {
      t.equal(await sender.send('PUBLISH', 'news', `${i} ${text}`), 1)
      most = Math.max(most, holdfast.counters.unreadBytes)
    }
    t.ok(most <= 2 * MB, `${(most / MB).toFixed(1)} MB were kept for it at most, of 20`)
    listener.socket.resume()
    await waitUntil('all messages', () => listener.pushes.length === 200, { withinMs: 20_000 })
    const numbers = listener.pushes.map(push => (Array.isArray(push) ? Number.parseInt(String(push[2]), 10) : -1))
    t.strictSame(
      numbers,
      Array.from({ length: 200 }, (_, i) => i),
    )
    await Promise.all([listener.close(), sender.close()])
    await holdfast.stop()
  },
)

t.test('clients that never read — those who leave most are ended — when together they leave too much', async t => {
  const { holdfast } = await startSingle(t, { options: { 'max-held-bytes': '16mb' } })
  const client = await connect(t, holdfast.port)
  t.equal(await client.send('SET', 'large', Buffer.alloc(5 * MB)), 'OK')
  const deaf = await Promise.all(Array.from({ length: 12 }, () => connect(t, holdfast.port)))
  for (const one of deaf) {
    one.socket.pause()
    one.socket.write(Buffer.concat([command('GET', 'large'), command('GET', 'large')]))
  }
  await waitUntil('some are ended', () => holdfast.counters.unreadEnded > 0, { withinMs: 20_000 })
  await waitUntil('the rest fits', () => holdfast.counters.unreadBytes <= 16 * MB, { withinMs: 20_000 })
  t.match(holdfast.find('session.unread_in_all')?.msg, /--max-held-bytes/)
  t.equal(await client.send('PING'), 'PONG')
  await Promise.all([client, ...deaf].map(one => one.close()))
  await holdfast.stop()
})

// All ask on the link they share at first, then each on its own.
t.test('clients that read — wait for one another — when their replies are more than all may leave unread', async t => {
  const { holdfast } = await startSingle(t, { options: { 'max-held-bytes': '64mb' } })
  const client = await connect(t, holdfast.port)
  t.equal(await client.send('SET', 'large', Buffer.alloc(12 * MB)), 'OK')
  const readers = await Promise.all(Array.from({ length: 12 }, () => connect(t, holdfast.port)))
  for (let round = 0; round < 2; round++) {
    // However fast they are, there is too much before they begin to read.
    for (const one of readers) one.socket.pause()
    const replies = readers.map(one => one.send('GET', 'large'))
    await waitUntil('it is too much', () => holdfast.counters.unreadBytes > 64 * MB, { withinMs: 20_000, everyMs: 1 })
    for (const one of readers) one.socket.resume()
    const values = await Promise.all(replies)
    t.ok(values.every(value => String(value).length === 12 * MB))
  }
  t.equal(holdfast.counters.unreadEnded, 0)
  await Promise.all([client, ...readers].map(one => one.close()))
  await holdfast.stop()
})

t.test('many clients that never read — are not waited for — when their small replies fill more and more', async t => {
  const { holdfast } = await startSingle(t, { options: { 'max-held-bytes': '16mb' } })
  const client = await connect(t, holdfast.port)
  t.equal(await client.send('SET', 'small', Buffer.alloc(8_000)), 'OK')
  const deaf = await Promise.all(Array.from({ length: 60 }, () => connect(t, holdfast.port)))
  const pipeline = Buffer.concat(Array.from({ length: 1500 }, () => command('GET', 'small')))
  for (const one of deaf) {
    one.socket.pause()
    one.socket.write(pipeline)
  }
  let most = 0
  const isOver = (): boolean => {
    most = Math.max(most, holdfast.counters.unreadBytes)
    return holdfast.find('session.unread_in_all') !== undefined
  }
  await waitUntil('some are ended', isOver, { withinMs: 20_000, everyMs: 1 })
  t.ok(most <= 24 * MB, `${(most / MB).toFixed(1)} MB`)
  t.equal(await client.send('PING'), 'PONG')
  await Promise.all([client, ...deaf].map(one => one.close()))
  await holdfast.stop()
})

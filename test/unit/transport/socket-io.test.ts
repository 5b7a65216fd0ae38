import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { ReadMemory } from '../../../src/transport/read-memory.ts'
import type { SocketInternals } from '../../../src/transport/socket-internals.ts'
import { type Below, readSocket } from '../../../src/transport/socket-reader.ts'
import { tryInternals } from '../../../src/transport/socket-self-test.ts'
import { writerOf } from '../../../src/transport/socket-writer.ts'
import { waitUntil } from '../../support/wait-until.ts'

const MORE_THAN_SOCKETS_HOLD = 32 * 1024 * 1024

/** A client and the accepted side of its connection, which is what is tested. */
async function connectPair(t: Test): Promise<{ client: Socket; accepted: Socket }> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const client = createConnection({ port: address.port, host: '127.0.0.1', allowHalfOpen: true })
  const [accepted]: Socket[] = await once(server, 'connection')
  if (accepted === undefined) throw new Error('no connection')
  for (const socket of [client, accepted]) socket.on('error', () => {})
  t.teardown(async () => {
    client.destroy()
    accepted.destroy()
    server.close()
    await once(server, 'close')
  })
  return { client, accepted }
}

function collect(socket: Socket): { readonly bytes: Buffer } {
  const chunks: Buffer[] = []
  socket.on('data', chunk => void chunks.push(chunk))
  return {
    get bytes() {
      return Buffer.concat(chunks)
    },
  }
}

/** Bytes of which each place is known. */
function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(at, at)
  return bytes
}

const found = await tryInternals()
t.equal(typeof found, 'object', `the self-test passes on this Node: ${typeof found === 'string' ? found : 'yes'}`)
const internals = typeof found === 'string' ? null : found

const below = (given: SocketInternals | null): Below | null => given && { internals: given, memory: new ReadMemory() }

const ways: readonly [string, SocketInternals | null][] = [
  ['from below', internals],
  ['the public way', null],
]
for (const [way, given] of ways) {
  t.test(`${way}: chunks — stay as they were — when more is read`, async t => {
    const { client, accepted } = await connectPair(t)
    const chunks: Buffer[] = []
    readSocket(accepted, below(given), chunk => void chunks.push(chunk))
    for (const text of ['first', 'second', 'third']) {
      client.write(text)
      await waitUntil(`${text} is read`, () => Buffer.concat(chunks).toString().endsWith(text), { withinMs: 5_000 })
    }
    t.equal(Buffer.concat(chunks).toString(), 'firstsecondthird')
    const sent = pattern(4 * 1024 * 1024)
    client.write(sent)
    await waitUntil('all is read', () => Buffer.concat(chunks).length === sent.length + 16, { withinMs: 10_000 })
    t.ok(Buffer.concat(chunks).subarray(16).equals(sent))
  })

  t.test(`${way}: pause — takes one more read at most — and resume goes on in order, the end last`, async t => {
    const { client, accepted } = await connectPair(t)
    const chunks: Buffer[] = []
    const reader = readSocket(accepted, below(given), chunk => void chunks.push(chunk))
    let ended = false
    accepted.on('end', () => {
      ended = true
    })
    reader.pause()
    reader.pause()
    t.equal(reader.waiting, 0)
    const sent = pattern(1024 * 1024)
    client.end(sent)
    await waitUntil('one read waits', () => reader.waiting > 0, { withinMs: 5_000 })
    t.ok(reader.waiting <= 128 * 1024, `${reader.waiting} bytes`)
    t.equal(chunks.length, 0)
    reader.resume()
    reader.pause()
    reader.resume()
    await waitUntil('the end', () => ended, { withinMs: 10_000 })
    t.ok(Buffer.concat(chunks).equals(sent))
  })

  t.test(`${way}: discard — drops what waits and what comes — and the end is seen`, async t => {
    const { client, accepted } = await connectPair(t)
    const chunks: Buffer[] = []
    const reader = readSocket(accepted, below(given), chunk => void chunks.push(chunk))
    reader.pause()
    client.write('unwanted')
    await waitUntil('it waits', () => reader.waiting > 0, { withinMs: 5_000 })
    reader.discard()
    client.end(pattern(1024 * 1024))
    await once(accepted, 'end')
    t.equal(chunks.length, 0)
  })

  t.test(`${way}: writes — arrive in the order of the calls — while the reader is slow`, async t => {
    const { client, accepted } = await connectPair(t)
    const writer = writerOf(accepted, given)
    t.equal(writer.write(Buffer.from('small')), true)
    t.equal(writer.left, 0)
    const large = pattern(MORE_THAN_SOCKETS_HOLD)
    let drained = 0
    accepted.on('drain', () => {
      drained++
    })
    t.equal(writer.writeAll([large.subarray(0, 100_000), large.subarray(100_000)]), false)
    t.ok(writer.left > 0)
    writer.write(Buffer.from('behind'))
    writer.writeAll([Buffer.from('it'), Buffer.from('all')])
    const got = collect(client)
    await waitUntil('drain', () => drained > 0, { withinMs: 20_000 })
    t.equal(writer.left, 0)
    t.equal(writer.write(Buffer.from('the end')), true)
    accepted.end()
    await once(client, 'end')
    const { bytes } = got
    t.equal(bytes.subarray(0, 5).toString(), 'small')
    t.ok(bytes.subarray(5, 5 + large.length).equals(large))
    t.equal(bytes.subarray(5 + large.length).toString(), 'behinditallthe end')
  })

  t.test(
    `${way}: a write — leaves behind what the socket itself was given — also what it has not passed on`,
    async t => {
      const { client, accepted } = await connectPair(t)
      const large = pattern(MORE_THAN_SOCKETS_HOLD)
      accepted.write(large)
      accepted.write('second')
      writerOf(accepted, given).write(Buffer.from('third'))
      accepted.end()
      const got = collect(client)
      await once(client, 'end')
      t.equal(got.bytes.subarray(large.length).toString(), 'secondthird')
    },
  )

  t.test(`${way}: end() — behind a write that is not taken yet — loses none of it`, async t => {
    const { client, accepted } = await connectPair(t)
    const large = pattern(MORE_THAN_SOCKETS_HOLD)
    writerOf(accepted, given).write(large)
    accepted.end()
    const got = collect(client)
    await once(client, 'end')
    t.ok(got.bytes.equals(large))
  })

  t.test(
    `${way}: end() — behind a write that is not taken yet and others behind that — loses none of them`,
    async t => {
      const { client, accepted } = await connectPair(t)
      const large = pattern(MORE_THAN_SOCKETS_HOLD)
      const writer = writerOf(accepted, given)
      writer.write(large)
      writer.write(large)
      writer.write(Buffer.from('the last'))
      accepted.end()
      const got = collect(client)
      await once(client, 'end')
      t.equal(got.bytes.length, 2 * large.length + 8)
      t.ok(got.bytes.equals(Buffer.concat([large, large, Buffer.from('the last')])))
    },
  )

  t.test(`${way}: a client that vanishes — ends the socket — with an error or without`, async t => {
    const { client, accepted } = await connectPair(t)
    const writer = writerOf(accepted, given)
    readSocket(accepted, below(given), () => {})
    writer.write(pattern(MORE_THAN_SOCKETS_HOLD))
    client.resetAndDestroy()
    await waitUntil('it is closed', () => accepted.closed, { withinMs: 5_000 })
    t.equal(writer.write(Buffer.from('late')), false)
  })

  t.test(`${way}: the socket's own timer — does not end a write — that the client takes slowly`, async t => {
    const { client, accepted } = await connectPair(t)
    const writer = writerOf(accepted, given)
    writer.write(pattern(MORE_THAN_SOCKETS_HOLD))
    let stalled = 0
    accepted.setTimeout(400, () => {
      stalled++
    })
    // It reads a little now and then, for longer than the timer.
    const until = performance.now() + 1200
    client.pause()
    while (performance.now() < until) {
      const before = writer.left
      client.resume()
      await waitUntil('some is taken', () => writer.left < before || writer.left === 0, { withinMs: 5_000 })
      client.pause()
    }
    t.equal(stalled, 0)
  })
}

t.test('a TLS socket, or one without a handle — goes the public way', async t => {
  const { accepted } = await connectPair(t)
  accepted.destroy()
  const writer = writerOf(accepted, internals)
  t.equal(writer.left, 0)
})

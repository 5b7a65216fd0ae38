import { connect, createServer, type Socket } from 'node:net'
import t from 'tap'
import { FaultyLink } from '../../support/faulty-link.ts'
import { waitUntil } from '../../support/wait-until.ts'

interface End {
  readonly socket: Socket
  readonly chunks: Buffer[]
  text(): string
  ended: boolean
  closed: boolean
  error: string
}

function watch(socket: Socket): End {
  const chunks: Buffer[] = []
  const end: End = {
    socket,
    chunks,
    text: () => Buffer.concat(chunks).toString(),
    ended: false,
    closed: false,
    error: '',
  }
  socket.on('data', chunk => chunks.push(chunk))
  socket.on('end', () => {
    end.ended = true
  })
  socket.on('close', () => {
    end.closed = true
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    end.error = error.code ?? error.message
  })
  return end
}

/** A link to a listener, and a function that gives both ends of a new connection through it. */
async function arrange(t: { teardown(fn: () => unknown): void }) {
  const accepted: End[] = []
  const server = createServer({ allowHalfOpen: true, noDelay: true }, socket => accepted.push(watch(socket)))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const link = await FaultyLink.start(null, { port })
  const opened: Socket[] = []
  t.teardown(async () => {
    for (const socket of [...opened, ...accepted.map(end => end.socket)]) socket.destroy()
    await link.close()
    await new Promise(resolve => server.close(resolve))
  })
  const open = async (): Promise<{ client: End; target: End }> => {
    const before = accepted.length
    const socket = connect({ port: link.port, host: link.host, allowHalfOpen: true, noDelay: true })
    opened.push(socket)
    const client = watch(socket)
    const target = await soon('the target accepts', () => accepted[before])
    return { client, target }
  }
  return { link, open, opened }
}

function soon<T>(what: string, fn: () => T | Promise<T>) {
  return waitUntil(what, fn, { withinMs: 5000, everyMs: 2 })
}

t.test('link — forwards both ways and counts — without faults', async t => {
  const { link, open } = await arrange(t)
  const { client, target } = await open()
  client.socket.write('question')
  await soon('up', () => target.text() === 'question')
  target.socket.write('the answer')
  await soon('down', () => client.text() === 'the answer')
  t.strictSame([link.accepted, link.live, link.bytes('up'), link.bytes('down')], [1, 1, 8, 10])
})

t.test('link — passes a half close — and the bytes that come back after it', async t => {
  const { open } = await arrange(t)
  const { client, target } = await open()
  client.socket.end('last')
  await soon('FIN', () => target.ended)
  t.equal(target.text(), 'last')
  target.socket.end('reply')
  await soon('FIN back', () => client.ended)
  t.equal(client.text(), 'reply')
})

t.test('link — passes nothing on open connections and everything on new ones — when they are stranded', async t => {
  const { link, open } = await arrange(t)
  const { client, target } = await open()
  link.strand()
  client.socket.write('lost')
  target.socket.end('lost too')
  const next = await open()
  next.client.socket.write('new')
  await soon('up', () => next.target.text() === 'new')
  t.strictSame([client.text(), target.text(), client.ended], ['', '', false])
})

t.test('link — ends in order — when cut', async t => {
  const { link, open } = await arrange(t)
  const { client, target } = await open()
  link.cut()
  await soon('both see FIN', () => client.ended && target.ended)
  t.strictSame([client.error, target.error], ['', ''])
})

t.test('link — ends with RST both ways — when reset', async t => {
  const { link, open } = await arrange(t)
  const { client, target } = await open()
  link.reset()
  await soon('both are closed', () => client.closed && target.closed)
  t.strictSame([client.error, target.error], ['ECONNRESET', 'ECONNRESET'])
  await soon('forgotten', () => link.live === 0)
})

t.test('link — ends all the same — when it is reset right behind a cut', async t => {
  const { link, open } = await arrange(t)
  await open()
  link.cut()
  link.reset()
  await soon('it has no connection any more', () => link.live === 0)
})

t.test('link — passes a reset of one side — to the other', async t => {
  const { open } = await arrange(t)
  const { client, target } = await open()
  target.socket.resetAndDestroy()
  await soon('the client sees it', () => client.closed)
  t.equal(client.error, 'ECONNRESET')
})

t.test('link — holds bytes and FIN of a stalled direction only — until resumed', async t => {
  const { link, open } = await arrange(t)
  const { client, target } = await open()
  link.stall('up')
  client.socket.end('held')
  target.socket.write('free')
  await soon('the free direction works', () => client.text() === 'free')
  t.strictSame([target.text(), target.ended, link.bytes('up')], ['', false, 0])
  link.resume()
  await soon('FIN at last', () => target.ended)
  t.equal(target.text(), 'held')
})

t.test('link — makes the sender wait instead of taking everything — while stalled', async t => {
  const { link, open } = await arrange(t)
  const { client, target } = await open()
  link.stall('both')
  const size = 64 * 1024 * 1024
  client.socket.write(Buffer.alloc(size, 'x'))
  let before = -1
  await waitUntil(
    'the sender is stuck',
    () => {
      const stuck = client.socket.bytesWritten > 0 && client.socket.writableLength === before
      before = client.socket.writableLength
      return stuck
    },
    { withinMs: 5000, everyMs: 100 },
  )
  t.ok(client.socket.writableLength > 0, 'not all of it is taken')
  link.resume()
  await waitUntil('all arrives', () => link.bytes('up') === size, { withinMs: 20_000 })
  await soon('at the target too', () => target.chunks.reduce((sum, chunk) => sum + chunk.length, 0) === size)
})

t.test('link — is late by the delay and keeps order — each way', async t => {
  const { link, open } = await arrange(t)
  const { client, target } = await open()
  link.delay(80)
  const started = performance.now()
  client.socket.write('a')
  await soon('up', () => target.text() === 'a')
  const took = performance.now() - started
  t.ok(took >= 79, `took ${took} ms`)
  link.delay(0)
  client.socket.write('b')
  await soon('in order', () => target.text() === 'ab')
})

t.test('link — writes n bytes at a time — when sliced', async t => {
  const { link, open } = await arrange(t)
  const { client, target } = await open()
  link.slice(1)
  const text = 'abcdefghijklmnopqrstuvwxyz'.repeat(4)
  client.socket.write(text)
  await soon('all of it', () => target.text() === text)
  t.ok(target.chunks.length > text.length / 8, `${target.chunks.length} reads for ${text.length} writes`)
})

t.test('link — lets exactly n bytes through and cuts — in the direction asked for', async t => {
  for (const direction of ['up', 'down'] as const) {
    const { link, open } = await arrange(t)
    const { client, target } = await open()
    const [from, to] = direction === 'up' ? [client, target] : [target, client]
    from.socket.write('12')
    await soon('before the limit is set', () => to.text() === '12')
    link.cutAfterBytes(direction, 3)
    from.socket.write('34567')
    await soon('both ends', () => client.ended && target.ended)
    t.equal(to.text(), '12345')
    const again = await open()
    const [sender, receiver] = direction === 'up' ? [again.client, again.target] : [again.target, again.client]
    sender.socket.write('after the cut')
    await soon('works again', () => receiver.text() === 'after the cut')
  }
})

t.test('link — closes new connections at once, keeps old ones — while refusing', async t => {
  const { link, open, opened } = await arrange(t)
  const old = await open()
  link.refuse()
  const socket = connect({ port: link.port, host: link.host })
  opened.push(socket)
  const refused = watch(socket)
  await soon('closed', () => refused.closed)
  old.client.socket.write('still')
  await soon('the old one works', () => old.target.text() === 'still')
  link.accept()
  const { client, target } = await open()
  client.socket.write('new')
  await soon('accepted again', () => target.text() === 'new')
  t.equal(link.accepted, 3)
})

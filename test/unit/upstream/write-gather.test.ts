// Many pieces to one real socket: each byte once, in order, whatever the sizes and however slow the reader.
import { connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { createLog } from '../../../src/ops/log.ts'
import type { SocketWriter } from '../../../src/transport/socket-writer.ts'
import { Sockets } from '../../../src/transport/sockets.ts'
import { Gatherer, writeGathered } from '../../../src/upstream/write-gather.ts'
import { waitUntil } from '../../support/wait-until.ts'

const limits = { withinMs: 10_000 }

const below = new Sockets()
await below.goBelow(createLog('silent'))

/** Both ends of one connection; the reading end is paused until it is resumed. */
async function pair(t: Test, sockets: Sockets): Promise<{ writer: SocketWriter; reader: Socket }> {
  let accepted: Socket | null = null
  const server = createServer({ pauseOnConnect: true }, socket => {
    accepted = socket
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const socket = connect(address !== null && typeof address === 'object' ? address.port : 0, '127.0.0.1')
  const reader = await waitUntil('accepted', () => accepted, limits)
  t.teardown(() => {
    socket.destroy()
    reader.destroy()
    server.close()
  })
  await waitUntil('connected', () => !socket.connecting, limits)
  return { writer: sockets.writer(socket), reader }
}

async function received(reader: Socket, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let total = 0
  reader.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    total += chunk.length
  })
  reader.resume()
  await waitUntil('all bytes', () => total >= bytes, limits)
  return Buffer.concat(chunks)
}

/** `count` pieces of `size` bytes, each of another letter. */
function piecesOf(count: number, size: number, first = 0): Buffer[] {
  return Array.from({ length: count }, (_, i) => Buffer.alloc(size, 97 + ((first + i) % 26)))
}

const write = {
  'one copy or a vector': writeGathered,
  'memory of its own': (writer: SocketWriter, pieces: Buffer[], total: number) =>
    new Gatherer().write(writer, pieces, total),
}

for (const [way, sockets] of [
  ['from below', below],
  ['by the stream', new Sockets()],
] as const) {
  for (const [how, act] of Object.entries(write)) {
    t.test(`pieces — arrive once and in order — by ${how}, ${way}`, async t => {
      for (const [count, size] of [
        [1, 10],
        [50, 36],
        [50, 1_500],
        [200, 4_000],
        [8, 16_400],
        [100, 70_000],
      ] as const) {
        const { writer, reader } = await pair(t, sockets)
        const pieces = piecesOf(count, size)
        act(writer, pieces, count * size)
        const wanted = Buffer.concat(pieces)
        t.ok((await received(reader, wanted.length)).equals(wanted), `${count} of ${size}`)
      }
    })
  }

  t.test(`memory that is used again — is never written over — while the kernel has not taken it, ${way}`, async t => {
    const { writer, reader } = await pair(t, sockets)
    const gatherer = new Gatherer()
    const wanted: Buffer[] = []
    // The reader takes nothing: the kernel's buffers fill up, then Node's queue.
    for (let turn = 0; turn < 200; turn++) {
      const pieces = piecesOf(50, 2_000, turn)
      wanted.push(...pieces)
      gatherer.write(writer, pieces, 100_000)
    }
    t.ok(writer.left > 0, 'the kernel has not taken all')
    const all = Buffer.concat(wanted)
    t.ok((await received(reader, all.length)).equals(all))
    await waitUntil('all is written', () => writer.left === 0, limits)
  })
}

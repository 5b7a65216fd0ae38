import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { ReadMemory } from '../../../src/transport/read-memory.ts'
import { readSocket } from '../../../src/transport/socket-reader.ts'
import { tryInternals } from '../../../src/transport/socket-self-test.ts'
import { waitUntil } from '../../support/wait-until.ts'

const KB = 1024
const internals = await tryInternals()
if (typeof internals === 'string') throw new Error(internals)

/** `count` sockets whose other sides send what is written to `clients`. */
async function accept(t: Test, count: number): Promise<{ sockets: Socket[]; clients: Socket[] }> {
  const sockets: Socket[] = []
  const server = createServer(socket => void sockets.push(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const clients: Socket[] = []
  t.teardown(() => {
    for (const socket of [...clients, ...sockets]) socket.destroy()
    server.close()
  })
  for (let i = 0; i < count; i++) {
    clients.push(createConnection({ port: address.port, host: '127.0.0.1' }))
    await once(server, 'connection')
  }
  return { sockets, clients }
}

t.test('a socket that brings much — has its share of each turn — and loses nothing', async t => {
  const { sockets, clients } = await accept(t, 1)
  const [socket] = sockets
  const [client] = clients
  if (socket === undefined || client === undefined) throw new Error('no connection')

  const sent = Buffer.alloc(8 * KB * KB)
  for (let at = 0; at < sent.length; at += 4) sent.writeUInt32LE(at, at)
  const chunks: Buffer[] = []
  let turn = 0
  const turns = new Map<number, number>()
  let counting = true
  const count = (): void => {
    turn++
    if (counting) setImmediate(count)
  }
  count()
  readSocket(socket, { internals, memory: new ReadMemory() }, chunk => {
    chunks.push(chunk)
    turns.set(turn, (turns.get(turn) ?? 0) + chunk.length)
  })
  client.write(sent)
  const bytes = (): number => chunks.reduce((sum, { length }) => sum + length, 0)
  await waitUntil('all is read', () => bytes() === sent.length, { withinMs: 20_000 })
  counting = false
  t.ok(Buffer.concat(chunks).equals(sent))
  const most = Math.max(...turns.values())
  t.ok(most < 256 * KB, `${most} bytes in one turn`)
})

t.test('a socket that cannot be read from again — ends alone — and others have their turns', async t => {
  const { sockets, clients } = await accept(t, 2)
  const [stumbles, other] = sockets
  if (stumbles === undefined || other === undefined) throw new Error('no connection')
  const errors: Error[] = []
  stumbles.on('error', error => errors.push(error))
  const sent = Buffer.alloc(4 * KB * KB)
  let bytes = 0
  const below = { internals, memory: new ReadMemory() }
  readSocket(stumbles, below, () => {})
  readSocket(other, below, chunk => {
    bytes += chunk.length
  })
  stumbles.resume = () => {
    throw new Error('a bug')
  }
  // One of them is ended with bytes unread: its other side hears of that.
  for (const client of clients) client.on('error', () => {}).write(sent)
  await waitUntil('the other one is read', () => bytes === sent.length, { withinMs: 20_000 })
  await waitUntil('the first one ends', () => stumbles.destroyed, { withinMs: 20_000 })
  t.strictSame(
    errors.map(({ message }) => message),
    ['a bug'],
  )
})

import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import t from 'tap'
import { ReadMemory } from '../../../src/transport/read-memory.ts'
import { readSocket } from '../../../src/transport/socket-reader.ts'
import { tryInternals } from '../../../src/transport/socket-self-test.ts'
import { waitUntil } from '../../support/wait-until.ts'

const KB = 1024
const internals = await tryInternals()
if (typeof internals === 'string') throw new Error(internals)

t.test('a socket that brings much — has its share of each turn — and loses nothing', async t => {
  const accepted: Socket[] = []
  const server = createServer(socket => void accepted.push(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const client = createConnection({ port: address.port, host: '127.0.0.1' })
  t.teardown(() => {
    client.destroy()
    for (const socket of accepted) socket.destroy()
    server.close()
  })
  await once(server, 'connection')
  const [socket] = accepted
  if (socket === undefined) throw new Error('no connection')

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

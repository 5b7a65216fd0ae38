// Connections to a replica that is being promoted: dialled ahead, and a link's as soon as it asks for one.
import { type AddressInfo, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { dialPlain } from '../../../src/upstream/dial.ts'
import { DialAhead } from '../../../src/upstream/dial-ahead.ts'
import { FakeRedis } from '../../support/fake-redis.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { masterAt } from '../../wire/lane-world.ts'

const soon = { withinMs: 5_000, everyMs: 5 }

function start(t: Test): DialAhead {
  const ahead = new DialAhead(dialPlain)
  t.teardown(() => ahead.close())
  return ahead
}

t.test('dial ahead — gives a link a connection that is open already — ready in the next turn', async t => {
  const node = await FakeRedis.start(t)
  const ahead = start(t)
  ahead.expect(node, 1)
  await waitUntil('it is open', () => node.live().length === 1, soon)
  t.strictSame(node.received, [], 'nothing is said on it')
  const { socket, readyEvent } = ahead.dial(masterAt(node))
  t.teardown(() => socket.destroy())
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  await new Promise(resolve => socket.once(readyEvent, resolve))
  socket.write(encodeCommand(['PING']))
  await waitUntil('the answer', () => text === '+PONG\r\n', soon)
  t.equal(node.accepted, 1, 'none was dialled for the link')
})

t.test('dial ahead — gives nothing to a link — to another address, or that reads into memory of its own', async t => {
  const [node, other] = [await FakeRedis.start(t), await FakeRedis.start(t)]
  const ahead = start(t)
  ahead.expect(node, 1)
  await waitUntil('it is open', () => node.live().length === 1, soon)
  const reading = { buffer: () => Buffer.alloc(1024), callback: () => true }
  const dialled = [ahead.dial(masterAt(other)), ahead.dial(masterAt(node), reading)]
  t.teardown(() => {
    for (const { socket } of dialled) socket.destroy()
  })
  await waitUntil('both are dialled anew', () => node.accepted === 2 && other.accepted === 1, soon)
})

t.test('dial ahead — dials again — when the promotion ends its connection', async t => {
  const node = await FakeRedis.start(t)
  const ahead = start(t)
  ahead.expect(node, 1)
  await waitUntil('it is open', () => node.live().length === 1, soon)
  node.dropAll()
  await waitUntil('it is open again', () => node.accepted === 2 && node.live().length === 1, soon)
})

t.test('dial ahead — gives no connection to a link — on which the server has turned us away', async t => {
  const server = createServer(socket => void socket.on('error', () => {}).write('-ERR max number of clients reached'))
  const { port } = await new Promise<AddressInfo>(resolve =>
    server.listen(0, '127.0.0.1', () => resolve(server.address() as AddressInfo)),
  )
  const node = { host: '127.0.0.1', port, epoch: 1, runId: null }
  const sockets: Socket[] = []
  const ahead = new DialAhead((master, reading) => {
    const dialled = dialPlain(master, reading)
    sockets.push(dialled.socket)
    return dialled
  })
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  ahead.expect(node, 1)
  await waitUntil('it has spoken', () => sockets[0] !== undefined && sockets[0].bytesRead > 0, soon)
  t.equal(ahead.dial(node).readyEvent, 'connect', 'it is a new one')
  ahead.close()
})

t.test('dial ahead — ends what it has — when another node is the master after all', async t => {
  const [node, old] = [await FakeRedis.start(t), await FakeRedis.start(t)]
  const ahead = start(t)
  ahead.expect(node, 5)
  await waitUntil('all are open', () => node.live().length === 5, soon)
  ahead.settle(masterAt(old))
  await waitUntil('none is left', () => node.live().length === 0, soon)
  t.equal(node.accepted, 5)
})

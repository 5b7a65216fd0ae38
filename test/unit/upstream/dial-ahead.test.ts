// Connections to a replica that is being promoted: dialled ahead, and a link's as soon as it asks for one.
import { type AddressInfo, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { Master } from '../../../src/address.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { dialPlain, type Reading } from '../../../src/upstream/dial.ts'
import { DialAhead } from '../../../src/upstream/dial-ahead.ts'
import { FakeRedis } from '../../support/fake-redis.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { LaneWorld, masterAt, told } from '../../wire/lane-world.ts'

const soon = { withinMs: 5_000, everyMs: 5 }

function start(t: Test): DialAhead {
  const ahead = new DialAhead(dialPlain)
  t.teardown(() => ahead.close())
  return ahead
}

/** Collects what is read, in memory of a link's own. */
function reader(): Reading & { readonly text: () => string } {
  const memory = Buffer.alloc(64 * 1024)
  let text = ''
  return {
    buffer: () => memory,
    callback: (count, bytes) => {
      if (bytes !== memory) throw new Error('what was read lies elsewhere')
      text += memory.toString('latin1', 0, count)
      return true
    },
    text: () => text,
  }
}

for (const kind of ['shared', 'private'] as const) {
  t.test(`dial ahead — gives a link a connection that is open already — a ${kind} one`, async t => {
    const node = await FakeRedis.start(t)
    const ahead = start(t)
    ahead.expect(node, { shared: 0, private: 0, [kind]: 1 })
    await waitUntil('it is open', () => node.live().length === 1, soon)
    const reading = reader()
    const { socket, readyEvent } = ahead.dial(masterAt(node), kind === 'shared' ? reading : undefined)
    t.teardown(() => socket.destroy())
    let text = ''
    if (kind === 'private') socket.on('data', chunk => (text += chunk))
    await new Promise(resolve => socket.once(readyEvent, resolve))
    for (let i = 1; i <= 3; i++) {
      socket.write(encodeCommand(['PING']))
      await waitUntil(`answer ${i}`, () => (kind === 'shared' ? reading.text() : text) === '+PONG\r\n'.repeat(i), soon)
    }
    t.equal(node.accepted, 1, 'none was dialled for the link')
  })
}

t.test('dial ahead — gives nothing to a link — to another address, or of the other kind', async t => {
  const [node, other] = [await FakeRedis.start(t), await FakeRedis.start(t)]
  const ahead = start(t)
  ahead.expect(node, { shared: 1, private: 0 })
  await waitUntil('it is open', () => node.live().length === 1, soon)
  const dialled = [ahead.dial(masterAt(other), reader()), ahead.dial(masterAt(node))]
  t.teardown(() => {
    for (const { socket } of dialled) socket.destroy()
  })
  await waitUntil('both are dialled anew', () => node.accepted === 2 && other.accepted === 1, soon)
})

t.test('dial ahead — dials again — when the promotion ends its connection', async t => {
  const node = await FakeRedis.start(t)
  const ahead = start(t)
  ahead.expect(node, { shared: 1, private: 0 })
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
  ahead.expect(node, { shared: 1, private: 0 })
  await waitUntil('it has spoken', () => sockets[0] !== undefined && sockets[0].bytesRead > 0, soon)
  t.equal(ahead.dial(node, reader()).readyEvent, 'connect', 'it is a new one')
  ahead.close()
})

t.test('dial ahead — ends what it has — when another node is the master after all', async t => {
  const [node, old] = [await FakeRedis.start(t), await FakeRedis.start(t)]
  const ahead = start(t)
  ahead.expect(node, { shared: 2, private: 3 })
  await waitUntil('all are open', () => node.live().length === 5, soon)
  ahead.settle(masterAt(old))
  await waitUntil('none is left', () => node.live().length === 0, soon)
  t.equal(node.accepted, 5)
})

t.test('lanes — have links to a new master without a dial — where it was expected', async t => {
  const [first, second] = [await FakeRedis.start(t), await FakeRedis.start(t)]
  const ahead = start(t)
  const world = new LaneWorld(t, first, { dial: ahead.dial })
  world.send(['GET', 'a'])
  await world.replies(1)
  t.strictSame(world.lanes.needed, { shared: 1, private: 0 })
  ahead.expect(second, world.lanes.needed)
  await waitUntil('it is open', () => second.live().length === 1, soon)
  t.strictSame(second.received, [], 'nothing is said before the control plane confirms the node')
  const master: Master = masterAt(second, 2)
  world.master = master
  world.lanes.hold('failover-announced', 'a test')
  world.send(['GET', 'b'])
  world.lanes.serve(master)
  ahead.settle(master)
  t.equal((await world.replies(2)).length, 2)
  t.equal(second.accepted, 1)
  t.strictSame(told(second, 1), ['HELLO 2', 'PING', 'GET b'])
})

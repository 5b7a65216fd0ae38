// The links to the last master when another is confirmed: which are ended in that step, and which a moment later.
import type { Socket } from 'node:net'
import t from 'tap'
import { type Dial, dialPlain } from '../../src/upstream/dial.ts'
import { FakeRedis } from '../support/fake-redis.ts'
import { waitUntil } from '../support/wait-until.ts'
import { LaneWorld, masterAt, told } from './lane-world.ts'

const soon = { withinMs: 5_000, everyMs: 5 }

/** A lane with a link to the first of two nodes; `first.socket` is its socket. */
async function stage(t: Parameters<typeof FakeRedis.start>[0] & { teardown(fn: () => unknown): void }) {
  const isStuck = (argv: string[]): boolean => argv[1] === 'stuck'
  const [first, second] = [
    await FakeRedis.start(t, argv => (isStuck(argv) ? 'hang' : undefined)),
    await FakeRedis.start(t),
  ]
  const sockets: Socket[] = []
  const dial: Dial = (master, reading) => {
    const dialled = dialPlain(master, reading)
    sockets.push(dialled.socket)
    return dialled
  }
  const world = new LaneWorld(t, first, { dial })
  world.send(['GET', 'a'])
  await world.replies(1)
  const [socket] = sockets
  if (socket === undefined) throw new Error('nothing was dialled')
  const serve = (node: FakeRedis): void => {
    world.master = masterAt(node, 2, node === first ? 'run' : 'other')
    world.lanes.serve(world.master)
  }
  return { world, first, second, socket, serve }
}

t.test('link to the last master — is ended a moment later — where nothing is under way on it', async t => {
  const { world, first, second, socket, serve } = await stage(t)
  serve(second)
  t.equal(socket.destroyed, false, 'what clients wait for comes first')
  world.send(['GET', 'b'])
  await world.replies(2)
  first.sendTo(1, '+a byte that nobody asked for\r\n')
  await waitUntil('it is ended', () => first.live().length === 0, soon)
  t.equal(world.session.replies.length, 2, 'what it says meanwhile is delivered to nobody')
  t.strictSame(told(first, 1), ['HELLO 2', 'PING', 'GET a'], 'and nothing was sent on it')
})

t.test('link to the last master — is ended in the same step — where it owes a reply', async t => {
  const { world, first, second, socket, serve } = await stage(t)
  world.send(['GET', 'stuck'])
  await waitUntil('it is sent', () => told(first, 1).includes('GET stuck'), soon)
  serve(second)
  t.equal(socket.destroyed, true, 'a server that stands still must not find the command when it wakes up')
  await world.replies(2)
})

t.test('link to the same node — is ended in the same step — when it is served in a later epoch', async t => {
  const { world, first, socket, serve } = await stage(t)
  serve(first)
  t.equal(socket.destroyed, true)
  world.send(['GET', 'b'])
  await world.replies(2)
})

t.test('lanes — leave no socket open — when they stop', async t => {
  const { world, second, socket, serve } = await stage(t)
  serve(second)
  world.lanes.stop()
  t.equal(socket.destroyed, true)
})

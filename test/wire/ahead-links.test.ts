// Links to a replica that is being promoted: made ahead, used when the control plane confirms the node, and not before.
import t from 'tap'
import { FakeRedis } from '../support/fake-redis.ts'
import { waitUntil } from '../support/wait-until.ts'
import { LaneWorld, masterAt, told } from './lane-world.ts'

const soon = { withinMs: 5_000, everyMs: 5 }

/** Lanes with one shared lane in use, and a second node that is expected to be the next master. */
async function stage(t: Parameters<typeof FakeRedis.start>[0] & { teardown(fn: () => unknown): void }, role?: 'slave') {
  const [first, second] = [await FakeRedis.start(t), await FakeRedis.start(t, undefined, role ? { role } : {})]
  const world = new LaneWorld(t, first)
  world.send(['GET', 'a'])
  await world.replies(1)
  world.lanes.expect(second)
  const serve = (): void => {
    world.master = masterAt(second, 2)
    world.lanes.serve(world.master)
  }
  return { world, first, second, serve }
}

t.test('shared lane — has a link to a new master at once — where it was expected', async t => {
  const { world, second, serve } = await stage(t)
  await waitUntil('its handshake is done', () => told(second, 1).at(-1) === 'PING', soon)
  world.lanes.hold('failover-announced', 'a test')
  world.send(['GET', 'b'])
  t.strictSame(told(second, 1), ['HELLO 2', 'PING'], 'no command goes to a node that is not confirmed')
  serve()
  t.strictSame(world.lane.link?.master, masterAt(second, 2), 'the lane has it in the same step')
  await world.replies(2)
  t.strictSame(told(second, 1), ['HELLO 2', 'PING', 'GET b'])
  t.equal(second.accepted, 1, 'none was dialled')
  t.equal(world.counters.detail.linksOpened.get('shared'), 2)
})

t.test('link ahead — is made again — until the node says that it is a master', async t => {
  const { second, serve, world } = await stage(t, 'slave')
  await waitUntil('two have failed', () => second.accepted >= 2, soon)
  second.role = 'master'
  await waitUntil('one is up', () => second.live().some(one => told(second, one).at(-1) === 'PING'), soon)
  const before = second.accepted
  serve()
  world.send(['GET', 'b'])
  await world.replies(2)
  t.equal(second.accepted, before)
  t.equal(world.counters.detail.handshakesFailed.get('not-master'), 0, 'a replica is none of our failures')
})

t.test('link ahead — is made again — when the promotion ends it', async t => {
  const { second } = await stage(t)
  await waitUntil('it is open', () => second.live().length === 1, soon)
  second.dropAll()
  await waitUntil('it is open again', () => second.accepted === 2 && second.live().length === 1, soon)
})

t.test('link ahead — is ended — when another node is the master after all', async t => {
  const { world, first, second } = await stage(t)
  await waitUntil('it is open', () => second.live().length === 1, soon)
  world.lanes.hold('failover-announced', 'a test')
  world.lanes.serve(masterAt(first))
  await waitUntil('it is ended', () => second.live().length === 0, soon)
  world.send(['GET', 'b'])
  await world.replies(2)
  t.equal(second.accepted, 1)
})

t.test('link ahead — is left alone — by a lane whose link has more to say', async t => {
  const { world, second, serve } = await stage(t)
  await waitUntil('its handshake is done', () => told(second, 1).at(-1) === 'PING', soon)
  world.lanes.scripts.remember(Buffer.from('return 1'))
  serve()
  world.send(['GET', 'b'])
  await world.replies(2)
  t.strictSame(told(second, 1), ['HELLO 2', 'PING'])
  t.match(told(second, 2), ['HELLO 2', 'PING', /^SCRIPT LOAD/, 'GET b'])
})

// Links to a replica that is being promoted: made ahead, used when the control plane confirms the node, and not before.
import t from 'tap'
import { FakeRedis } from '../support/fake-redis.ts'
import { waitUntil } from '../support/wait-until.ts'
import { LaneWorld, masterAt, takesMarkers, told } from './lane-world.ts'

const soon = { withinMs: 5_000, everyMs: 5 }

interface StageOptions {
  readonly role?: 'slave'
  readonly marks?: boolean
}

/** Lanes with one shared lane in use, and a second node that is expected to be the next master. */
async function stage(
  t: Parameters<typeof FakeRedis.start>[0] & { teardown(fn: () => unknown): void },
  { role, marks = false }: StageOptions = {},
) {
  const handler = marks ? takesMarkers : undefined
  const [first, second] = [await FakeRedis.start(t, handler), await FakeRedis.start(t, handler, role ? { role } : {})]
  const world = new LaneWorld(t, first, { marks })
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

t.test('link ahead — says what proves writes when it is taken — and is not dialled again', async t => {
  const { world, second, serve } = await stage(t, { marks: true })
  await waitUntil('its handshake is answered', () => told(second, 1).at(-1) === 'PING', soon)
  world.lanes.hold('failover-announced', 'a test')
  world.send(['INCR', 'b'])
  t.strictSame(told(second, 1), ['HELLO 2', 'PING'], 'nothing is written or read before the node is confirmed')
  serve()
  await world.replies(2)
  t.match(told(second, 1).slice(2, 4), ['MULTI', /^HSET __holdfast:/], 'it shows that it may write markers')
  t.ok(
    told(second, 1).some(command => command.startsWith('HMGET __holdfast:')),
    'and read them',
  )
  t.match(told(second, 1).slice(-4), ['MULTI', 'INCR b', /^HSET __holdfast:/, 'EXEC'])
  t.equal(second.accepted, 1)
})

t.test('link ahead — is made again — until the node says that it is a master', async t => {
  const { second, serve, world } = await stage(t, { role: 'slave' })
  await waitUntil('two have failed', () => second.accepted >= 2, soon)
  second.role = 'master'
  const before = second.received.length
  // One that was told "slave" is not closed in the same moment.
  const isAsked = (one: number): boolean =>
    told(second, one).at(-1) === 'PING' && second.received.slice(before).some(({ connection }) => connection === one)
  await waitUntil('one is up', () => second.live().some(isAsked), soon)
  const { accepted } = second
  serve()
  world.send(['GET', 'b'])
  await world.replies(2)
  t.equal(second.accepted, accepted)
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

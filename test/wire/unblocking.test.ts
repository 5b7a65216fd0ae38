// A failover is announced while a client waits in the master to be given something: what the master's answers to that
// wait mean before it is known which node is the master.
import t, { type Test } from 'tap'
import { createUnit } from '../../src/relay/request.ts'
import { encodeCommand } from '../../src/resp/encode.ts'
import { type Answer, FakeRedis } from '../support/fake-redis.ts'
import { waitUntil } from '../support/wait-until.ts'
import { LaneWorld, masterAt, plainOwner, TestSession } from './lane-world.ts'

const soon = { withinMs: 20_000, everyMs: 5 }
const unblocked = '-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n'
const element = '*2\r\n$1\r\nk\r\n$1\r\nv\r\n'

/** A session that waits in BLPOP at the first of two nodes, with an idle link beside it. */
async function stage(t: Test, { policy = 'safe' as 'safe' | 'always', command = ['BLPOP', 'k', '0'] } = {}) {
  const [name] = command
  const nobody = (argv: string[]): Answer => (argv[0] === name || argv[1] === 'UNBLOCK' ? 'hang' : undefined)
  const [first, second] = [
    await FakeRedis.start(t, nobody),
    await FakeRedis.start(t, argv => (argv[0] === 'BLPOP' ? element : undefined)),
  ]
  const world = new LaneWorld(t, first, { policy, spares: 'warm' })
  world.send(['PING'])
  await world.replies(1)
  const session = new TestSession()
  const lane = world.lanes.openPrivate(world.lane.identity, plainOwner)
  const request = createUnit(session, encodeCommand(command), 1, 1, {
    onReply: (_, frame) => session.deliver(frame),
  })
  request.blocking = true
  session.pending = 1
  world.counters.pendingBytes += request.weight
  lane.submit(request)
  const has = (word: string): boolean => first.received.some(({ argv }) => argv.join(' ').includes(word))
  const at = (): number => first.received.find(({ argv }) => argv[0] === name)?.connection ?? 0
  await waitUntil('it waits', () => has(command.join(' ')), soon)
  await waitUntil('an idle link', () => world.lanes.census().some(({ idle }) => idle > 0), soon)
  world.master = null
  return { world, first, second, session, has, at }
}

t.test('a wait that the master has ended — has taken nothing — and goes on at the next one', async t => {
  for (const policy of ['safe', 'always'] as const) {
    const { world, first, second, session, has, at } = await stage(t, { policy })
    world.lanes.hold('failover-announced', 'a Sentinel announces a failover')
    await waitUntil(`${policy}: it is asked to end the wait`, () => has('CLIENT UNBLOCK'), soon)
    world.lanes.withhold()
    first.sendTo(at(), unblocked)
    await waitUntil('it is held', () => world.counters.waiting === 1, soon)
    t.strictSame(session.replies, [], 'the client does not hear of it')
    world.master = masterAt(second, 2, 'other')
    world.lanes.serve(world.master)
    await waitUntil('the reply', () => session.replies.length > 0, soon)
    t.strictSame(session.replies, ['k,v'])
    t.equal(world.counters.unknownOutcomes, 0)
  }
})

t.test(
  'no idle link at the announcement, as right behind another failover — one is dialled to end the wait',
  async t => {
    const { world, first, second, session, has, at } = await stage(t)
    world.lanes.makeRoom()
    world.lanes.hold('failover-announced', 'a Sentinel announces a failover')
    await waitUntil('it is asked to end the wait', () => has('CLIENT UNBLOCK'), soon)
    first.sendTo(at(), unblocked)
    await waitUntil('it is held', () => world.counters.waiting === 1, soon)
    world.lanes.withhold()
    world.master = masterAt(second, 2, 'other')
    world.lanes.serve(world.master)
    await waitUntil('the reply', () => session.replies.length > 0, soon)
    t.strictSame(session.replies, ['k,v'])
  },
)

t.test('what the wait is given before a replica is chosen — is told — under always too', async t => {
  const { world, first, second, session, has, at } = await stage(t, { policy: 'always' })
  world.lanes.hold('failover-announced', 'a Sentinel announces a failover')
  await waitUntil('it is asked to end the wait', () => has('CLIENT UNBLOCK'), soon)
  first.sendTo(at(), element)
  await waitUntil('the reply', () => session.replies.length > 0, soon)
  world.lanes.withhold()
  world.master = masterAt(second, 2, 'other')
  world.lanes.serve(world.master)
  t.strictSame(session.replies, ['k,v'])
  t.notOk(
    second.received.some(({ argv }) => argv[0] === 'BLPOP'),
    'and nothing is taken at the next master',
  )
})

t.test('an element that comes instead — is told — only if the master stays the master', async t => {
  for (const moves of [true, false]) {
    const { world, first, second, session, has, at } = await stage(t)
    world.lanes.hold('failover-announced', 'a Sentinel announces a failover')
    await waitUntil('it is asked to end the wait', () => has('CLIENT UNBLOCK'), soon)
    world.lanes.withhold()
    const { masterBytesIn } = world.counters
    first.sendTo(at(), element)
    await waitUntil('it is read', () => world.counters.masterBytesIn >= masterBytesIn + element.length, soon)
    t.strictSame(session.replies, [], 'nobody knows yet')
    world.master = moves ? masterAt(second, 2, 'other') : masterAt(first)
    world.lanes.serve(world.master)
    await waitUntil('the reply', () => session.replies.length > 0, soon)
    t.match(session.replies[0], moves ? /^-UNKNOWN/ : /^k,v$/)
  }
})

t.test('the same words of the next master — are a reply', async t => {
  const { world, first, second, session, has, at } = await stage(t)
  second.handler = argv => (argv[0] === 'BLPOP' ? 'hang' : undefined)
  world.lanes.hold('failover-announced', 'a Sentinel announces a failover')
  await waitUntil('it is asked to end the wait', () => has('CLIENT UNBLOCK'), soon)
  first.sendTo(at(), unblocked)
  await waitUntil('it is held', () => world.counters.waiting === 1, soon)
  world.master = masterAt(second, 2, 'other')
  world.lanes.serve(world.master)
  const there = () => second.received.find(({ argv }) => argv[0] === 'BLPOP')?.connection ?? 0
  await waitUntil('it waits there', () => there() > 0, soon)
  second.sendTo(there(), unblocked)
  await waitUntil('the reply', () => session.replies.length > 0, soon)
  t.match(session.replies[0], /^-UNBLOCKED client unblocked/)
})

t.test('the same words without our question — are a reply', async t => {
  const { first, session, at } = await stage(t)
  first.sendTo(at(), unblocked)
  await waitUntil('the reply', () => session.replies.length > 0, soon)
  t.match(session.replies[0], /^-UNBLOCKED client unblocked/)
})

t.test('XREAD from `$` — is not ended — for at the next master it would miss what was added meanwhile', async t => {
  const { world, first, session, at } = await stage(t, { command: ['XREAD', 'BLOCK', '0', 'STREAMS', 'k', '$'] })
  world.lanes.hold('failover-announced', 'a Sentinel announces a failover')
  first.sendTo(at(), unblocked)
  await waitUntil('the reply, of which nobody has asked', () => session.replies.length > 0, soon)
  t.match(session.replies[0], /^-UNBLOCKED client unblocked/)
})

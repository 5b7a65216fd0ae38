// What was about to be written when the gate shuts, or when the process has stood still, waits for the next confirmed
// master.
import t, { type Test } from 'tap'
import { scrape } from '../support/admin.ts'
import { FakeRedis } from '../support/fake-redis.ts'
import { startSingleProcess } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'
import { LaneWorld, masterAt, takesMarkers, told } from './lane-world.ts'

const counter = (): FakeRedis['handler'] => {
  let runs = 0
  return ([name]) => (name === 'INCR' ? `:${++runs}\r\n` : undefined)
}

async function readyWorld(t: Test, marks = false) {
  const fake = await FakeRedis.start(t, marks ? takesMarkers : counter())
  const world = new LaneWorld(t, fake, { marks })
  await waitUntil('a link', () => world.lane.link?.status === 'ready', { withinMs: 2000 })
  return { fake, world }
}

const increments = (fake: FakeRedis): number => told(fake, 1).filter(line => line.startsWith('INCR')).length

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

t.test('hold — takes back what this turn would have written — and sends it once a master is confirmed', async t => {
  const { fake, world } = await readyWorld(t)
  world.send(['INCR', 'n'], ['INCR', 'n'])
  world.sendUnit(['INCR', 'n'])
  world.lanes.hold('failover-announced', 'a test')
  world.send(['INCR', 'n'])
  await turns(20)
  t.equal(increments(fake), 0)
  world.lanes.serve(masterAt(fake))
  t.strictSame(await world.replies(4), ['1', '2', '3', '4'])
  t.equal(increments(fake), 4)
})

t.test(
  'standstill — sends nothing before the master is confirmed again — from a command that need not wait for others',
  async t => {
    const { fake, world } = await readyWorld(t)
    // After a command alone the next one that is alone is written at once, without waiting for the end of the turn.
    world.send(['INCR', 'n'])
    t.strictSame(await world.replies(1), ['1'])
    world.master = null
    const until = performance.now() + 600
    while (performance.now() < until);
    world.send(['INCR', 'n'])
    t.equal(world.lanes.gate.state.kind, 'holding')
    await turns(20)
    t.equal(increments(fake), 1)
    world.lanes.serve(masterAt(fake))
    t.strictSame(await world.replies(2), ['1', '2'])
  },
)

for (const marks of [false, true]) {
  const what = marks ? 'a block of one command' : 'a command that need not wait for others'
  t.test(`a late turn — reads what else came before it writes — ${what}`, async t => {
    const { fake, world } = await readyWorld(t, marks)
    world.send(['INCR', 'n'])
    t.equal((await world.replies(1)).length, 1)
    // Shorter than a standstill: nobody asks the Sentinels anew.
    const until = performance.now() + 100
    while (performance.now() < until);
    world.send(['INCR', 'n'])
    // The announcement, which was in its socket before the command.
    world.lanes.hold('failover-announced', 'a test')
    await turns(20)
    t.equal(increments(fake), 1)
    world.lanes.serve(masterAt(fake))
    t.equal((await world.replies(2)).length, 2)
    t.equal(increments(fake), 2)
  })
}

t.test('standstill — sends nothing before the master is confirmed again — when the event loop was blocked', async t => {
  const { fake, world } = await readyWorld(t)
  world.master = null
  const until = performance.now() + 600
  while (performance.now() < until);
  world.send(['INCR', 'n'])
  await waitUntil('the Sentinels are asked', () => world.observed.includes('stood still'), { withinMs: 2000 })
  await turns(20)
  t.equal(increments(fake), 0)
  t.equal(world.lanes.gate.state.kind, 'holding')
  const { holds } = world.lanes.counters.detail
  t.equal(holds.get('stood-still'), 1, 'counted by its own name')
  t.equal(holds.get('other'), 0)
  world.lanes.serve(masterAt(fake))
  t.strictSame(await world.replies(1), ['1'])
})

t.test(
  'standstill — sends nothing before the master is confirmed again — from a write that is large enough by itself',
  async t => {
    const { fake, world } = await readyWorld(t)
    world.master = null
    const until = performance.now() + 600
    while (performance.now() < until);
    world.send(['INCR', 'n'], ['SET', 'k', 'x'.repeat(40_000)], ['INCR', 'n'])
    t.equal(world.lanes.gate.state.kind, 'holding')
    await turns(20)
    t.equal(increments(fake), 0)
    world.lanes.serve(masterAt(fake))
    const [first, , last] = await world.replies(3)
    t.strictSame([first, last], ['1', '2'], 'in their order, once')
  },
)

t.test(
  'standstill — without a client — is no news, and the first command waits until the master is confirmed',
  async t => {
    const { holdfast } = await startSingleProcess(t, { options: { 'admin-listen': '127.0.0.1:0' } })
    const held = () =>
      holdfast.log.filter(({ event, cause }) => event === 'hold.start' && cause === 'stood-still').length
    holdfast.signal('SIGSTOP')
    const until = performance.now() + 1500
    await waitUntil('it has stood still', () => performance.now() > until, { withinMs: 30_000 })
    holdfast.signal('SIGCONT')
    const longest = 'holdfast_event_loop_delay_seconds{statistic="max"}'
    await waitUntil(
      'it has looked at the clock',
      async () => ((await scrape(holdfast.admin)).get(longest) ?? 0) > 0.5,
      {
        withinMs: 30_000,
      },
    )
    t.equal(held(), 0)
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    t.equal(await client.send('SET', 'k', 'v'), 'OK')
    await waitUntil('the hold is logged', () => held() > 0, { withinMs: 10_000 })
  },
)

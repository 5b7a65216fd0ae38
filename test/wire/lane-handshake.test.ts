import t from 'tap'
import { createIdentity } from '../../src/upstream/identity.ts'
import { FakeRedis, type Handler } from '../support/fake-redis.ts'
import { waitUntil } from '../support/wait-until.ts'
import { LaneWorld, masterAt, told } from './lane-world.ts'

const ok = '+OK\r\n'
/** Answers SET and GET; everything else as the fake does. */
const store: Handler = ([name]) => (name === 'SET' ? ok : name === 'GET' ? '$1\r\nv\r\n' : undefined)

t.test('lane — says who it is before anything else — in one order', async t => {
  const fake = await FakeRedis.start(t, store, { password: 'pw' })
  const world = new LaneWorld(t, fake, { identity: createIdentity('app', 'pw', 3, 3) })
  world.send(['SET', 'k', 'v'])
  t.strictSame(await world.replies(1), ['OK'])
  t.strictSame(told(fake, 1), ['SELECT 3', 'HELLO 3 AUTH app pw', 'SELECT 3', 'PING', 'SET k v'])
})

t.test('lane — ends its lost link first — on the same process, when something was unanswered', async t => {
  const fake = await FakeRedis.start(t, store)
  const world = new LaneWorld(t, fake)
  fake.handler = (argv, context) => (argv[0] === 'SET' && context.connection === 1 ? 'cut' : store(argv, context))
  world.send(['SET', 'k', 'v'])
  t.strictSame(await world.replies(1), ['OK'])
  t.equal(world.counters.linksLost, 1)
  t.strictSame(told(fake, 2), ['HELLO 2', 'CLIENT KILL ID 1', 'PING', 'SET k v'])
})

t.test('lane — ends nothing — where nothing was unanswered', async t => {
  const fake = await FakeRedis.start(t, store)
  const world = new LaneWorld(t, fake)
  world.send(['SET', 'k', 'v'])
  await world.replies(1)
  fake.dropAll()
  await waitUntil('a new link', () => fake.accepted === 2, { withinMs: 2000 })
  world.send(['GET', 'k'])
  t.strictSame(await world.replies(2), ['OK', 'v'])
  t.strictSame(told(fake, 2), ['HELLO 2', 'PING', 'GET k'])
})

for (const [what, change] of [
  ['another process at the same place', { epoch: 1, runId: 'another' }],
  ['a later configuration', { epoch: 2, runId: 'run' }],
] as const) {
  t.test(`lane — ends nothing — on ${what}`, async t => {
    const fake = await FakeRedis.start(t, store)
    const world = new LaneWorld(t, fake)
    world.master = null
    fake.handler = ([name]) => (name === 'SET' ? 'cut' : undefined)
    world.send(['SET', 'k', 'v'])
    await waitUntil('the loss', () => world.counters.linksLost === 1, { withinMs: 2000 })
    fake.handler = store
    world.master = masterAt(fake, change.epoch, change.runId)
    world.lanes.serve(world.master)
    t.strictSame(await world.replies(1), ['OK'])
    t.strictSame(told(fake, 2), ['HELLO 2', 'PING', 'SET k v'])
  })
}

t.test('lane — dials only a master confirmed since the loss — however long that takes', async t => {
  const fake = await FakeRedis.start(t, store)
  const world = new LaneWorld(t, fake)
  world.send(['GET', 'k'])
  await world.replies(1)
  world.master = null
  fake.dropAll()
  await waitUntil('the loss', () => world.counters.linksLost === 1, { withinMs: 2000 })
  world.send(['GET', 'k'])
  await waitUntil('a few sweeps', () => world.counters.waiting === 1 && world.observed.length > 0, { withinMs: 2000 })
  t.equal(fake.accepted, 1, 'nobody has been dialled')
  world.master = masterAt(fake)
  world.lanes.serve(world.master)
  t.strictSame(await world.replies(2), ['v', 'v'])
})

t.test('lane — asks again — while the node is loading', async t => {
  let loading = 3
  const fake = await FakeRedis.start(t, (argv, context) => {
    if (argv[0] !== 'PING' || loading-- <= 0) return store(argv, context)
    return '-LOADING Redis is loading the dataset in memory\r\n'
  })
  const world = new LaneWorld(t, fake)
  world.send(['GET', 'k'])
  t.strictSame(await world.replies(1), ['v'])
  t.equal(fake.accepted, 4)
  t.notOk(
    fake.received.some(({ connection, argv }) => connection < 4 && argv[0] === 'GET'),
    'nothing was sent to it meanwhile',
  )
})

t.test('lane — sends nothing to a node — that says it is a replica', async t => {
  const fake = await FakeRedis.start(t, store, { role: 'slave' })
  const world = new LaneWorld(t, fake)
  world.send(['GET', 'k'])
  await waitUntil('three refusals', () => fake.accepted >= 3, { withinMs: 3000 })
  t.strictSame(
    fake.commands().filter(([name]) => name !== 'PING'),
    [],
  )
  fake.role = 'master'
  t.strictSame(await world.replies(1), ['v'])
})

t.test('lane — gives the node’s own error for each command — when it refuses the user', async t => {
  const fake = await FakeRedis.start(t, store, { password: 'right' })
  const world = new LaneWorld(t, fake, { identity: createIdentity('app', 'wrong', 0, 2) })
  world.send(['SET', 'k', 'v'], ['GET', 'k'])
  const error = '-WRONGPASS invalid username-password pair or user is disabled.'
  t.strictSame(await world.replies(2), [error, error])
  t.equal(world.counters.failed, 1)
})

t.test('lane — backs off and comes back — when the node takes no more clients', async t => {
  let full = 4
  const fake = await FakeRedis.start(t, (argv, context) => {
    if (argv[0] !== 'HELLO' || full-- <= 0) return store(argv, context)
    return { send: '-ERR max number of clients reached\r\n', fault: 'cut' }
  })
  const started = performance.now()
  const world = new LaneWorld(t, fake)
  world.send(['GET', 'k'])
  t.strictSame(await world.replies(1), ['v'])
  t.equal(fake.accepted, 5)
  // At least half of 10, 20, 40 and 40 ms.
  t.ok(performance.now() - started >= 55, 'it has waited in between')
})

t.test('lane — gives up a dial — that is not answered in time', async t => {
  const fake = await FakeRedis.start(t, store)
  fake.mode = 'silent'
  const world = new LaneWorld(t, fake)
  world.send(['GET', 'k'])
  await waitUntil('a second dial', () => fake.accepted >= 2, { withinMs: 4000 })
  fake.mode = 'normal'
  t.strictSame(await world.replies(1), ['v'])
})

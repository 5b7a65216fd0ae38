// A link that the node has nothing of is dead, and replaced; one that the node is slow with is not.
import t from 'tap'
import type { Lane } from '../../src/relay/lane.ts'
import { createRun } from '../../src/relay/request.ts'
import { encodeCommand } from '../../src/resp/encode.ts'
import { FakeRedis, type Handler } from '../support/fake-redis.ts'
import { waitUntil } from '../support/wait-until.ts'
import { LaneWorld, TestSession, told } from './lane-world.ts'

const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`
const listed = (fields: string): string => bulk(`id=1 addr=a:1 ${fields} cmd=get\n`)

/** The first connection never answers a GET; `list` is what the node says of it, by how often it was asked. */
const silentFirst =
  (list: (time: number) => string): Handler =>
  ([name, sub], { connection }) => {
    if (name === 'CLIENT' && sub === 'LIST') return list(++asked)
    if (name === 'GET') return connection === 1 ? 'hang' : bulk('v')
    return undefined
  }
let asked = 0

/** A session that moves to the lane that takes the place of its own. */
class Following extends TestSession {
  readonly #world: LaneWorld
  #lane: Lane
  constructor(world: LaneWorld) {
    super()
    this.#world = world
    this.#lane = world.lanes.attachShared(world.lane.identity)
  }
  follow(): void {
    this.#lane = this.#world.lanes.attachShared(this.#world.lane.identity)
  }
  send(...commands: string[][]): void {
    const request = createRun(this, Buffer.concat(commands.map(encodeCommand)), commands.length)
    this.pending += commands.length
    this.#world.counters.pendingBytes += request.weight
    this.#lane.submit(request)
  }
}

t.beforeEach(() => {
  asked = 0
})

t.test('silence — ends a link — when the node says twice that it has nothing of it', async t => {
  const fake = await FakeRedis.start(
    t,
    silentFirst(() => listed('idle=9 flags=N qbuf=0')),
  )
  const world = new LaneWorld(t, fake, { spares: 'warm' })
  world.send(['GET', 'k'])
  await waitUntil('the reply', () => world.session.replies.length === 1, { withinMs: 60_000 })
  t.strictSame(await world.replies(1), ['v'])
  // A standstill of this machine begins the two anew.
  if (!world.observed.includes('stood still')) t.equal(asked, 2)
  t.equal(world.counters.linksLost, 1)
  t.ok(
    fake.received.some(({ argv }) => argv.join(' ') === 'CLIENT KILL ID 1'),
    'what it may still run is ended first',
  )
})

t.test('silence — ends a link — on a machine that stands still every few seconds', async t => {
  const fake = await FakeRedis.start(
    t,
    silentFirst(() => listed('idle=9 flags=N qbuf=0')),
  )
  const world = new LaneWorld(t, fake, { spares: 'warm' })
  world.send(['GET', 'k'])
  const standStill = (): void => {
    const until = performance.now() + 600
    while (performance.now() < until);
  }
  let next = performance.now() + 2500
  let times = 0
  const isOver = (): boolean => {
    if (performance.now() > next) {
      standStill()
      next = performance.now() + 2500
      times++
    }
    return world.session.replies.length === 1 || times >= 15
  }
  await waitUntil('the reply', isOver, { withinMs: 120_000 })
  t.strictSame(world.session.replies, ['v'], `after ${times} standstills`)
  t.ok(times >= 2)
  t.equal(world.counters.linksLost, 1)
})

t.test('silence — ends no link — that the node is busy with, or says once to know nothing of', async t => {
  const fake = await FakeRedis.start(
    t,
    silentFirst(time => (time % 2 === 0 ? listed('idle=9 flags=b qbuf=0') : listed('idle=9 flags=N qbuf=0'))),
  )
  const world = new LaneWorld(t, fake, { spares: 'warm' })
  world.send(['GET', 'k'])
  await waitUntil('it was asked four times', () => asked >= 4, { withinMs: 60_000 })
  t.equal(world.counters.linksLost, 0)
  t.equal(world.session.replies.length, 0)
  t.equal(world.counters.linksRetired, 1)
})

t.test('silence — moves others to the warm link — when the node lets no new one in', async t => {
  const fake = await FakeRedis.start(t, ([name], { connection }) => {
    if (connection > 2) return '-ERR max number of clients reached\r\n'
    if (name === 'GET') return connection === 1 ? 'hang' : bulk('v')
    return undefined
  })
  const world = new LaneWorld(t, fake, { spares: 'warm' })
  const other = new Following(world)
  const spares = (): unknown => world.counters.detail.linksOpened.get('spare')
  await waitUntil('a warm link', spares, { withinMs: 10_000 })
  world.send(['GET', 'head'])
  other.send(['GET', 'k'])
  await waitUntil('the reply', () => other.replies.length === 1, { withinMs: 20_000 })
  t.strictSame(other.replies, ['v'])
})

t.test('silence — moves those who wait for reads behind it — and drops what they are told too late', async t => {
  let release = (): void => {}
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  let runs = 0
  const fake = await FakeRedis.start(t, async ([name, key], { connection }) => {
    if (name === 'INCR') return `:${++runs}\r\n`
    if (name !== 'GET') return undefined
    if (connection === 1) await held
    return bulk(`${key} ${connection === 1 ? 'late' : 'fresh'}`)
  })
  const world = new LaneWorld(t, fake, { spares: 'warm' })
  const other = new Following(world)
  await waitUntil('a link', () => world.lane.link?.status === 'ready', { withinMs: 5000 })
  world.send(['GET', 'head'])
  other.send(['GET', 'a'], ['GET', 'b'])
  other.send(['GET', 'c'])
  await waitUntil('the replies', () => other.replies.length === 3, { withinMs: 20_000 })
  t.strictSame(other.replies, ['a fresh', 'b fresh', 'c fresh'])
  t.equal(other.pending, 0)
  other.send(['INCR', 'n'])
  await waitUntil('the write', () => other.replies.length === 4, { withinMs: 5000 })
  t.equal(world.session.replies.length, 0, 'the first one is still waited for')
  release()
  t.strictSame(await world.replies(1), ['head late'])
  await waitUntil('the silent link is closed', () => world.lane.link === null, { withinMs: 5000 })
  t.equal(other.replies.length, 4)
  t.equal(told(fake, 1).filter(line => line.startsWith('GET')).length, 4)
  t.equal(runs, 1)
})

t.test('silence — moves nobody — while the node answers nobody', async t => {
  let frozen = false
  const fake = await FakeRedis.start(t, () => (frozen ? 'hang' : undefined))
  const world = new LaneWorld(t, fake, { spares: 'warm' })
  await waitUntil('a warm link', () => world.counters.detail.linksOpened.get('spare') === 1, { withinMs: 5000 })
  frozen = true
  const before = fake.accepted
  world.send(['GET', 'k'])
  await waitUntil('an observation', () => world.observed.includes('link silent'), { withinMs: 10_000 })
  t.equal(world.counters.linksRetired, 0)
  // After a standstill of this machine a spare link takes the place of one that does not answer.
  if (!world.observed.includes('stood still')) t.equal(fake.accepted, before, 'nothing is dialled')
})

import type { Socket } from 'node:net'
import t from 'tap'
import { createIdentity } from '../../src/upstream/identity.ts'
import { FakeRedis } from '../support/fake-redis.ts'
import { judgeUnlessStill } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { waitUntil } from '../support/wait-until.ts'
import { LaneWorld, masterAt, plainOwner } from './lane-world.ts'

t.test('pressure — requests wait in the lane, not in the socket — while the server does not read', async t => {
  const readPace = openWindow()
  let taken = 0
  const paused: Socket[] = []
  const fake = await FakeRedis.start(t, ([name], { socket }) => {
    if (name !== 'SET') return undefined
    if (taken++ === 0) paused.push(socket.pause())
    return `:${taken}\r\n`
  })
  const world = new LaneWorld(t, fake)
  const value = 'x'.repeat(64 * 1024)
  for (let i = 0; i < 400; i++) world.send(['SET', 'k', value])
  await waitUntil('a full link', () => world.lane.link?.congested === true, { withinMs: 5000 })
  const { waiting } = world.counters
  t.ok(waiting > 100, `${waiting} wait`)
  world.send(['SET', 'k', 'small'])
  t.equal(world.counters.waiting, waiting + 1, 'a small one does not overtake')
  await waitUntil('the pause', () => taken > 0, { withinMs: 5000 })
  for (const socket of paused) socket.resume()
  t.strictSame(
    await world.replies(401),
    Array.from({ length: 401 }, (_, i) => String(i + 1)),
  )
  // What stands still for long takes a silent link for a dead one.
  judgeUnlessStill(t, 'no link is lost', world.counters.linksLost === 0, readPace())
})

t.test('pressure — an expired request keeps its place — behind those the server still owes', async t => {
  let release: (() => void) | undefined
  const stopped = new Promise<void>(resolve => {
    release = resolve
  })
  const fake = await FakeRedis.start(t, async ([name, key = ''], { socket }) => {
    if (name !== 'SET') return undefined
    if (key === '0') {
      socket.pause()
      await stopped
      socket.resume()
    }
    return `+${key}\r\n`
  })
  const world = new LaneWorld(t, fake, { holdTimeoutMs: 300 })
  // Else a slow machine lets the first ones expire before there is a link, and they are told at once.
  await waitUntil('the link is ready', () => world.lane.link?.status === 'ready', { withinMs: 20_000 })
  const value = 'x'.repeat(64 * 1024)
  const count = 200
  for (let i = 0; i < count; i++) world.send(['SET', String(i), value])
  await waitUntil('some have expired', () => world.counters.expired > 0, { withinMs: 5000 })
  t.strictSame(world.session.replies, [], 'none is told so before those ahead of it have their replies')
  release?.()
  const replies = await world.replies(count)
  const errors = replies.filter(reply => /^-TRYAGAIN .*not run$/.test(reply))
  t.ok(errors.length > 0 && errors.length < count, `${errors.length} expired`)
  t.strictSame(
    replies.filter((reply, i) => reply !== String(i) && !errors.includes(reply)),
    [],
    'each reply stands in its place',
  )
})

t.test('pressure — a large drain leaves in parts — and in order', async t => {
  let n = 0
  const fake = await FakeRedis.start(t, ([name]) => (name === 'SET' ? `:${++n}\r\n` : undefined))
  const world = new LaneWorld(t, fake)
  world.lanes.hold('failover-announced', 'a test')
  for (let i = 0; i < 1000; i++) world.send(['SET', 'k', 'x'.repeat(2000)])
  t.equal(world.counters.waiting, 1000)
  world.lanes.serve(masterAt(fake))
  t.ok(world.counters.waiting > 0, 'not all in one write')
  t.strictSame(
    await world.replies(1000),
    Array.from({ length: 1000 }, (_, i) => String(i + 1)),
  )
  t.equal(world.lanes.gate.state.kind, 'open')
})

const identity = createIdentity(null, null, 0, 2)

t.test('idle links — serve the next session of the same identity — without a dial', async t => {
  const fake = await FakeRedis.start(t)
  const world = new LaneWorld(t, fake)
  const ready = (lane: { link: { status: string } | null }): Promise<unknown> =>
    waitUntil('a link', () => lane.link?.status === 'ready', { withinMs: 2000 })
  const first = world.lanes.openPrivate(identity, plainOwner)
  await ready(first)
  const { link } = first
  world.lanes.closePrivate(first, true)
  const other = world.lanes.openPrivate(createIdentity(null, null, 1, 2), plainOwner)
  t.not(other.link, link, 'another database')
  const second = world.lanes.openPrivate(identity, plainOwner)
  t.equal(second.link, link)
  world.lanes.closePrivate(second, false)
  t.equal(link?.status, 'closed', 'what a session has used up is not kept')
  t.not(world.lanes.openPrivate(identity, plainOwner).link, link)
})

t.test('idle links — are given up — when the master moves, when they close, and beyond a number', async t => {
  const fake = await FakeRedis.start(t)
  const world = new LaneWorld(t, fake)
  const open = async (count: number): Promise<void> => {
    const lanes = Array.from({ length: count }, () => world.lanes.openPrivate(identity, plainOwner))
    await waitUntil('links', () => lanes.every(({ link }) => link?.status === 'ready'), { withinMs: 5000 })
    for (const lane of lanes) world.lanes.closePrivate(lane, true)
  }
  await open(70)
  await waitUntil('64 idle and one shared', () => fake.live().length === 65, { withinMs: 3000 })
  world.master = masterAt(fake, 2)
  world.lanes.serve(world.master)
  await waitUntil('the shared one alone', () => fake.live().length === 1, { withinMs: 3000 })
  await open(1)
  fake.dropAll()
  await waitUntil('the shared one again', () => world.counters.linksOpened >= 74, { withinMs: 3000 })
  const lane = world.lanes.openPrivate(identity, plainOwner)
  t.equal(lane.link?.status, 'dialing', 'a link that was closed is not handed out')
})

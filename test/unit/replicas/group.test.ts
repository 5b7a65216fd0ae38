// Where the sessions of a replica read: what makes them leave, and what they wait for.
import t from 'tap'
import type { Master } from '../../../src/address.ts'
import { conditionOf, createReplica, mustLeave, type Replica } from '../../../src/replicas/condition.ts'
import { type Fallback, Group, type GroupPlane, PATIENCE_MS, type Surroundings } from '../../../src/replicas/group.ts'
import { MasterOffsets } from '../../../src/replicas/offsets.ts'

const LAG = 1_000
const master: Master = { host: 'm', port: 1, epoch: 7, runId: 'run-m' }

function world(fallback: Fallback = 'hold', patienceMs = PATIENCE_MS) {
  const did: string[] = []
  const offsets = new MasterOffsets(10_000)
  const replicas = new Map<string, Replica>()
  const around = {
    replicas,
    offsets,
    maxLagMs: LAG,
    fallback,
    patienceMs,
    servedAt: Number.NEGATIVE_INFINITY as number,
    master: master as Master | null,
    isAsked: true,
    load: () => 0,
    moved: (_group: Group, cause: string) => void did.push(`moved ${cause}`),
    ask: () => {},
    soon: () => {},
  } satisfies Surroundings
  const plane: GroupPlane = {
    sessions: 1,
    serve: node => void did.push(`serve ${node.host} ${node.role ?? 'master'}`),
    leave: () => void did.push('leave'),
    pause: () => void did.push('pause'),
    refuse: () => void did.push('refuse'),
  }
  /** The master is asked, and then these replicas. */
  const poll = (now: number, offset: number, answers: Readonly<Record<string, number>>): void => {
    offsets.note({ askedAt: now, offset, replid: 'a', replid2: null, secondOffset: -1 })
    for (const [host, at] of Object.entries(answers)) answer(host, now, at)
  }
  const answer = (host: string, now: number, offset: number, more: object = {}): Replica => {
    const replica = replicas.get(`${host}:1`) ?? createReplica({ host, port: 1 })
    replicas.set(replica.key, replica)
    const report = { kind: 'report', role: 'replica', runId: `run-${host}`, replid: 'a', replid2: null } as const
    replica.answer = { ...report, offset, secondOffset: -1, linkUp: true, ...more }
    replica.askedAt = now
    replica.freshAt = offsets.freshAt({ replid: 'a', offset })
    replica.goodSince ??= now
    return replica
  }
  const group = new Group(1, { host: 'r1', port: 1 }, plane, around, 0)
  const take = (): string[] => did.splice(0)
  return { around, group, poll, answer, take, replicas, offsets }
}

t.test('condition — of one replica — by what it says and how old that is', async t => {
  const { poll, answer, offsets } = world()
  poll(0, 100, { r1: 100 })
  const bounds = (now: number) => ({ now, maxLagMs: LAG, replid: offsets.replid })
  const of = (now: number, more: object = {}) => conditionOf({ ...answer('r1', 0, 100), ...more }, bounds(now))
  t.equal(of(0), 'good')
  t.equal(of(LAG / 2), 'good')
  t.equal(of(LAG / 2 + 1), 'behind')
  t.equal(of(LAG), 'behind')
  t.equal(of(LAG + 1), 'replica-lagging')
  t.equal(of(0, { listed: false }), 'replica-unlisted')
  t.equal(of(0, { isChosen: true }), 'replica-promoted')
  t.equal(of(0, { answer: null }), 'unknown')
  t.equal(of(0, { answer: { kind: 'silent', why: '' } }), 'replica-unreachable')
  t.equal(of(0, { answer: { kind: 'no-data', why: '' } }), 'replica-loading')
  t.equal(conditionOf(answer('r1', 0, 100, { linkUp: false }), bounds(0)), 'replica-cut-off')
  t.equal(conditionOf(answer('r1', 0, 100, { role: 'master' }), bounds(0)), 'replica-promoted')
  t.equal(conditionOf({ ...answer('r1', 0, 100, { replid: 'b' }), freshAt: 0 }, bounds(0)), 'replica-cut-off')
  t.equal(mustLeave(answer('r1', 0, 100, { linkUp: false }), 'run-r1', bounds(0)), null, 'it may stay')
  t.equal(mustLeave(answer('r1', 0, 100), 'another', bounds(0)), 'replica-restarted')
})

t.test('group — begins at its home — and stays while that is good', async t => {
  const { group, poll, take } = world()
  poll(0, 100, { r1: 100, r2: 100 })
  group.review(0)
  t.strictSame(take(), ['serve r1 replica'])
  poll(400, 200, { r1: 200, r2: 200 })
  group.review(400)
  t.strictSame(take(), [])
})

t.test('group — that leaves — waits for the place that the master had then', async t => {
  const { group, poll, take, replicas, answer } = world()
  poll(0, 100, { r1: 100, r2: 100 })
  group.review(0)
  take()
  const r1 = replicas.get('r1:1')
  if (r1) r1.answer = { kind: 'silent', why: 'gone' }
  group.review(50)
  t.strictSame(take(), ['leave', 'moved replica-unreachable'], 'the master was not asked since: nobody serves')
  poll(60, 180, { r2: 179 })
  group.review(60)
  t.strictSame(take(), [], 'one byte is missing')
  answer('r2', 70, 180)
  group.review(70)
  t.strictSame(take(), ['serve r2 replica'])
})

t.test('group — whose bound is over — is shut at once, and leaves', async t => {
  const { group, poll, take } = world()
  poll(0, 100, { r1: 100 })
  group.review(0)
  take()
  group.checkBound(LAG)
  t.strictSame(take(), [])
  group.checkBound(LAG + 1)
  t.strictSame(take(), ['pause'])
  group.review(LAG + 1)
  t.strictSame(take(), ['leave', 'moved replica-lagging'])
})

t.test('group — that was shut for its bound — goes on when an answer was in the socket', async t => {
  const { group, poll, take } = world()
  poll(0, 100, { r1: 100 })
  group.review(0)
  group.checkBound(LAG + 1)
  take()
  poll(LAG + 2, 100, { r1: 100 })
  group.review(LAG + 2)
  t.strictSame(take(), ['serve r1 replica'])
})

t.test('group — without a good replica — falls back as it is told', async t => {
  const begin = (fallback: Fallback) => {
    const { group, poll, take } = world(fallback)
    poll(0, 100, { r1: 90 })
    group.review(0)
    return { group, poll, take }
  }
  t.strictSame(begin('hold').take(), [])
  t.strictSame(begin('error').take(), ['refuse'])
  const { group, poll, take } = begin('master')
  t.strictSame(take(), ['serve m master'])
  poll(100, 100, { r1: 100 })
  group.review(100)
  t.strictSame(take(), [], 'not before the replica has been good for a while')
  poll(2_200, 100, { r1: 100 })
  group.review(2_200)
  t.strictSame(take(), ['leave', 'moved replica-back', 'serve r1 replica'])
})

t.test('group — at the master — leaves when that is not served', async t => {
  const { group, poll, take, around } = world('master')
  poll(0, 100, { r1: 90 })
  group.review(0)
  take()
  around.master = null
  group.review(10)
  t.strictSame(take(), ['leave', 'moved master-not-served'])
})

t.test('group — away from home — goes back when that has been good for a while', async t => {
  const { group, poll, take, replicas } = world()
  poll(0, 100, { r2: 100 })
  group.review(0)
  t.strictSame(take(), ['serve r2 replica'])
  for (let now = 400; now <= 3_000; now += 400) {
    poll(now, 100, { r1: 100, r2: 100 })
    group.review(now)
  }
  t.ok(replicas.get('r1:1'))
  t.strictSame(take().slice(0, 2), ['leave', 'moved replica-back'])
})

t.test('group — whose replica has not answered in this round — leaves it to no other that has', async t => {
  const begin = () => {
    const { group, poll, take, answer } = world()
    for (const now of [0, 100]) poll(now, 100, { r1: 100, r2: 100 })
    group.review(100)
    t.strictSame(take(), ['serve r1 replica'])
    // Nobody was asked for so long that all look behind.
    for (let now = 500; now <= 2_500; now += 400) poll(now, 100, { r1: 100, r2: 100 })
    poll(3_200, 200, { r2: 200 })
    group.review(3_210)
    t.strictSame(take(), [])
    return { group, answer, take }
  }
  const quick = begin()
  quick.answer('r1', 3_205, 200)
  quick.group.review(3_220)
  t.strictSame(quick.take(), [], 'it is as good')
  const behind = begin()
  behind.answer('r1', 3_205, 100)
  behind.group.review(3_220)
  t.strictSame(behind.take().slice(0, 2), ['leave', 'moved replica-back'], 'it is behind')
  const late = begin()
  late.group.review(3_450)
  t.strictSame(late.take().slice(0, 2), ['leave', 'moved replica-back'], 'it does not answer')
})

t.test('group — of sessions that have the master, too — does not wait to hear that a replica is gone', async t => {
  const { group, poll, take } = world('master', 0)
  poll(0, 100, { r1: 100, r2: 100 })
  group.review(0)
  t.strictSame(take(), ['serve r1 replica'])
  group.doubt(50, true)
  group.review(50)
  const left = ['pause', 'leave', 'moved replica-unreachable', 'serve m master']
  t.strictSame(take(), left, 'another replica that is good does not have all that was seen yet')
  group.review(60)
  t.strictSame(take(), [], 'what the replica said before it was left counts no more')
  for (let now = 2_100; now <= 2_500; now += 100) poll(now, 100, { r1: 100, r2: 100 })
  group.review(2_501)
  t.strictSame(take(), ['leave', 'moved replica-back'], 'it waits for the better one: nothing drives it away')
  poll(2_502, 100, { r1: 100 })
  group.review(2_502)
  t.strictSame(take(), ['serve r1 replica'])
})

t.test('group — how fresh what it reads is — nobody knows before the present master was asked', async t => {
  const { group, poll, around } = world('master', 0)
  t.equal(group.freshAt, Number.NEGATIVE_INFINITY, 'it reads from nowhere')
  poll(100, 100, { r1: 100 })
  group.review(100)
  t.equal(group.freshAt, 100)
  poll(200, 150, { r1: 120 })
  t.equal(group.freshAt, 100, 'of the second question it has not all')
  around.servedAt = 300
  t.equal(group.freshAt, Number.NEGATIVE_INFINITY, 'another master is served now')
  poll(301, 160, { r1: 160 })
  t.equal(group.freshAt, 301)
  around.servedAt = 301
  t.equal(group.freshAt, Number.NEGATIVE_INFINITY)
})

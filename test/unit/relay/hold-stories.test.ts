// The story of a hold: its steps in order with what came just before, bounded in number and length.
import t from 'tap'
import type { Master } from '../../../src/address.ts'
import { HoldStories } from '../../../src/relay/hold-stories.ts'

const first: Master = { host: '10.0.0.1', port: 6379, epoch: 1, runId: 'a' }
const second: Master = { host: '10.0.0.2', port: 6379, epoch: 2, runId: 'b' }
const none = { drained: 0, longestMs: 0, resent: 0, expired: 0, timedOut: 0, unknownOutcomes: 0 }

t.test('hold story — has lost, announced, held, chosen, majority, confirmed, drained — each at its time', async t => {
  const one = new HoldStories()
  const started = performance.now()
  const at = (ms: number): number => started + ms
  one.onLinkLost(at(-20))
  one.begin('master-unreachable', 'connect ECONNREFUSED', first, at(0))
  one.onNote('master.held', { detail: 'connect ECONNREFUSED' }, at(0))
  one.onNote('failover.announced', { detail: 'S1 announces it' }, at(900))
  one.onNote('failover.replica', { replica: '10.0.0.2:6379', sentinel: 'S1' }, at(1000))
  one.onNote('sentinel.up', { sentinel: 'S2' }, at(1100))
  one.onNote('master.candidate', { address: '10.0.0.2:6379', votes: 2, known: 3, epoch: 2 }, at(1500))
  t.match(one.stories, [{ kind: 'hold', heldMs: null, counts: null }], 'it is told while it lasts')
  one.confirmed(second, 'failover', 40, at(1600))
  one.ended({ ...none, drained: 40, longestMs: 1620 }, at(1650))
  const [story] = one.stories
  t.strictSame(
    story?.steps.map(({ ms, kind }) => [ms, kind]),
    [
      [-20, 'link-lost'],
      [0, 'held'],
      [900, 'announced'],
      [1000, 'chosen'],
      [1500, 'majority'],
      [1600, 'confirmed'],
      [1650, 'drained'],
    ],
  )
  t.match(story, {
    kind: 'failover',
    cause: 'master-unreachable',
    from: '10.0.0.1:6379',
    to: '10.0.0.2:6379',
    epoch: 2,
    heldMs: 1600,
    drainMs: 50,
    linksLost: 1,
    counts: { drained: 40, longestMs: 1620 },
  })
  t.ok(Math.abs(Date.parse(story?.at ?? '') - Date.now()) < 60_000, 'at a time of the day')
})

t.test('hold story — is bounded — in steps and in number', async t => {
  const one = new HoldStories()
  for (let i = 0; i < 50; i++) {
    one.begin('no-majority', '', first, i * 10_000)
    for (let j = 0; j < 100; j++) one.step('cause', `Still held: ${j}`, i * 10_000 + j)
    one.confirmed(first, 'hold', 0, i * 10_000 + 200)
    one.ended(none, i * 10_000 + 200)
  }
  t.equal(one.stories.length, 20)
  t.ok(one.stories.every(({ steps }) => steps.length <= 32))
  t.match(one.stories[0], { kind: 'hold', drainMs: 0 })
  t.equal(one.stories[0]?.steps.at(-1)?.kind, 'drained', 'the end is told, however long it was')
})

t.test('hold story — forgets what came long before — and says when it is another', async t => {
  const one = new HoldStories()
  one.onLinkLost(0)
  one.begin('stood-still', '', first, 60_000)
  t.strictSame(
    one.stories[0]?.steps.map(({ kind }) => kind),
    ['held'],
  )
  const before = one.version
  one.onNote('failover.announced', { detail: 'x' }, 60_100)
  t.ok(one.version > before)
  const same = one.version
  one.onNote('failover.announced', { detail: 'x' }, 60_200)
  t.equal(one.version, same, 'the same again is no news')
})

// The story of a pause: who asked for it, when nothing was in flight, why it ended, what waited; and of a pause in which
// the master changes.
import t from 'tap'
import type { Master } from '../../../src/address.ts'
import { createCounters } from '../../../src/ops/counters.ts'
import { WaitSample } from '../../../src/ops/wait-sample.ts'
import { HoldStories } from '../../../src/relay/hold-stories.ts'
import { PauseStory } from '../../../src/relay/pause-story.ts'

const first: Master = { host: '10.0.0.1', port: 6379, epoch: 1, runId: 'a' }
const second: Master = { host: '10.0.0.2', port: 6379, epoch: 2, runId: 'b' }

function setUp() {
  const lanes = { counters: createCounters(), stories: new HoldStories(), term: first as Master | null }
  lanes.counters.drained = 1000
  return { lanes, story: new PauseStory(lanes), stories: lanes.stories }
}
const steps = ({ stories }: HoldStories, at = 0) => stories[at]?.steps.map(({ ms, kind }) => [ms, kind])

t.test('pause story — has paused, empty, resumed, drained — and is told while it lasts', async t => {
  const { lanes, story, stories } = setUp()
  const { version } = stories
  const sample = new WaitSample()
  story.begin('ctl', 30_000, sample, 5000)
  t.ok(stories.version > version, 'it is news at once')
  t.match(stories.stories, [{ kind: 'pause', cause: 'ctl', from: '10.0.0.1:6379', heldMs: null, counts: null }])
  t.match(stories.stories[0]?.steps[0]?.text, 'ctl pauses all sending, for 30 s at most')
  story.empty(2, 5003)
  t.match(stories.stories[0]?.steps[1]?.text, 'Nothing is in flight but for 2 blocking commands')
  story.drained(5500)
  t.equal(stories.stories[0]?.drainMs, null, 'nothing waits, but the pause lasts')
  lanes.counters.waiting = 40
  sample.add(0.9, {})
  story.over('lease', 6000)
  t.match(stories.stories[0]?.steps[2]?.text, 'The pause is over: who held it did not renew it; 40 requests held')
  t.equal(story.isTold, true)
  lanes.counters.drained += 39
  lanes.counters.expired += 1
  story.drained(6010)
  t.equal(story.isTold, false)
  t.strictSame(steps(stories), [
    [0, 'paused'],
    [3, 'empty'],
    [1000, 'resumed'],
    [1010, 'drained'],
  ])
  t.match(stories.stories[0], {
    to: '10.0.0.1:6379',
    heldMs: 1000,
    drainMs: 10,
    counts: { drained: 39, longestMs: 900, expired: 1, unknownOutcomes: 0 },
  })
  t.ok(Math.abs(Date.parse(stories.stories[0]?.at ?? '') - Date.now()) < 60_000, 'at a time of the day')
})

t.test('pause story — of a switchover — has both masters, and stands beside the failover', async t => {
  const { lanes, story, stories } = setUp()
  story.begin('switchover', 11_000, new WaitSample(), 0)
  stories.begin('failover-announced', 'S1 says so', first, 100)
  lanes.term = second
  stories.confirmed(second, 'failover', 5, 900)
  story.over('resume', 950)
  story.drained(951)
  stories.ended({ drained: 5, longestMs: 950, resent: 0, expired: 0, timedOut: 0, unknownOutcomes: 0 }, 951)
  t.match(stories.stories, [
    { kind: 'failover', cause: 'failover-announced' },
    { kind: 'pause', cause: 'switchover', from: '10.0.0.1:6379', to: '10.0.0.2:6379', epoch: 2, heldMs: 950 },
  ])
  t.strictSame(steps(stories)?.[0], [0, 'held'], 'neither has the steps of the other')
  t.strictSame(steps(stories, 1)?.length, 3)
})

t.test('pause story — that is followed by a pause before all was sent — has its end', async t => {
  const { story, stories } = setUp()
  story.begin('drill', 5000, new WaitSample(), 0)
  story.over('in-flight', 500)
  story.begin('ctl', 5000, new WaitSample(), 600)
  t.match(stories.stories, [
    { cause: 'ctl', heldMs: null },
    { cause: 'drill', heldMs: 500, drainMs: 100 },
  ])
  story.drained(700)
  t.equal(stories.stories[0]?.drainMs, null, 'it is not taken for the end of the second')
})

// When the watcher has to look at the clock: a rule of time is never late because nobody looked.
import t from 'tap'
import { dueAt, nextLookAt } from '../../../src/sentinel/due.ts'
import { Play } from './steps.ts'

/** How long until the clock alone may change something. */
const left = (play: Play): number => dueAt(play.topology, play.now) - play.now

t.test('due — is nothing — while the master is served', async t => {
  t.equal(left(Play.serving()), Number.POSITIVE_INFINITY)
})

t.test('due — is the next question to a node — that is out of reach', async t => {
  const play = Play.serving().confirm().later(1).all('A').probed('A', { kind: 'unreachable', why: 'x' })
  t.equal(left(play), 50)
})

t.test('due — is the end of an announced failover', async t => {
  t.equal(left(Play.serving().publish('s1', '+try-failover', 'A')), 2_000)
  const orphan = Play.serving().answer('s1', 'A', { failoverTimeoutMs: 180_000 }).publish('s1', '+selected-slave', 'A')
  t.equal(left(orphan.down('s1').later(2_000)), 8_000)
  t.equal(left(orphan.refused('s1')), 1_000)
})

t.test('due — are the times without a majority', async t => {
  t.equal(
    left(Play.serving().down('s2').down('s3').confirm()),
    2_000,
    'to answer, all have twice the time they may take',
  )
  t.equal(left(Play.with('s1', 's2', 's3').answer('s1', 'A')), 2_000)
  t.equal(left(Play.with('s1', 's2', 's3').later(2_500).answer('s1', 'A')), 500, 'a first master waits three seconds')
})

t.test('looking when something is due — is enough — to end an election that leads to nothing', async t => {
  const play = Play.serving().publish('s1', '+try-failover', 'A')
  play.later(left(play)).all('A').probed('A')
  t.strictSame(play.take(), ['hold failover-announced', 'probe A', 'serve A@1'])
})

t.test('the next look — is rare — only while all is well', async t => {
  const next = (play: Play): number => nextLookAt(play.topology, play.now) - play.now
  t.equal(next(Play.serving()), 5_000)
  t.equal(next(Play.serving().down('s1')), 1_000, 'a Sentinel is away')
  t.equal(next(Play.serving().publish('s1', '+odown', 'A')), 1_000, 'the master is in doubt')
  t.equal(next(Play.serving().answer('s1', 'B')), 1_000, 'one names another master')
  t.equal(next(Play.serving().answer('s1', null)), 1_000, 'one names none')
  t.equal(next(Play.serving().confirm().later(1).all('A').probed('A', { kind: 'unreachable', why: 'x' })), 50, 'due')
})

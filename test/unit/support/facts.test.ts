// What a failure tells besides itself: a log of one run may be all there is to find its cause.
import t from 'tap'
import { factsNow, type Teller, tellOnFailure } from '../../support/facts.ts'
import { type Judge, judgeOnce } from '../../support/judge-bound.ts'
import { waitUntil } from '../../support/wait-until.ts'

/** A test that has failed, or not; `end` runs its teardown. */
function fakeTest(passes: boolean) {
  const said: string[] = []
  const ends: (() => unknown)[] = []
  const teller: Teller = {
    teardown: fn => void ends.push(fn),
    passing: () => passes,
    comment: text => said.push(text),
  }
  return {
    teller,
    said,
    end: () => {
      for (const fn of ends) fn()
    },
  }
}

const calm = { elapsedMs: 50, stolenMs: 0, lagMs: 0, slowness: 1, calm: true } as const

t.test('a wait that fails — tells the last lines of what runs — without the texts for people', async t => {
  const { teller, end } = fakeTest(true)
  t.teardown(end)
  tellOnFailure(teller, [{ event: 'hold.begin', msg: 'commands are held' }, { event: 'master.held' }])
  const failure = await waitUntil('never', () => false, { withinMs: 1 }).catch((error: unknown) => error)
  t.match(failure, { facts: /^\{"event":"hold.begin"\}\n\{"event":"master.held"\}\nnow: \d+$/ })
})

t.test('a broken promise — tells them, too', async t => {
  const { teller, end } = fakeTest(true)
  t.teardown(end)
  tellOnFailure(teller, [{ event: 'hold.begin' }])
  const failed: unknown[] = []
  const judge: Judge = { pass: () => {}, fail: (_, extra) => failed.push(extra), comment: () => {} }
  await judgeOnce(judge, 'it is served', 10, 50, calm, async () => 1)
  t.match(failed, [{ facts: /hold\.begin/ }])
})

t.test('a test that fails otherwise — tells them at its end — and one that passes tells nothing', async t => {
  const [failed, passed, told] = [fakeTest(false), fakeTest(true), fakeTest(false)]
  tellOnFailure(told.teller, [{ event: 'c' }])
  factsNow()
  tellOnFailure(failed.teller, [{ event: 'a' }])
  tellOnFailure(passed.teller, [{ event: 'b' }])
  for (const { end } of [failed, passed, told]) end()
  t.match(failed.said, [/\{"event":"a"\}/])
  t.strictSame([passed.said, told.said], [[], []], 'nor what was told before')
  t.equal(factsNow(), '', 'later tests do not tell them')
})

t.test('many lines — are cut to the last — so that the end of a run has room for them', async t => {
  const { teller, end } = fakeTest(true)
  t.teardown(end)
  tellOnFailure(
    teller,
    Array.from({ length: 1_000 }, (_, n) => ({ n, text: 'x'.repeat(n) })),
  )
  const facts = factsNow()
  t.ok(facts.length < 2_600, `${facts.length} characters`)
  t.match(facts, /"n":999/)
})

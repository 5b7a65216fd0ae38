// When the Sentinels are asked while all is well: together, so that a process at rest wakes once for all of them.
import t from 'tap'
import { questionPace } from '../../src/sentinel/question-pace.ts'
import type { FakeSentinel } from '../support/fake-sentinel.ts'
import { waitUntil } from '../support/wait-until.ts'
import { intercept, makeWorld, Observed } from './watcher-world.ts'

const leastPauseMs = questionPace.hearing.settledMs / 2

/** When this Sentinel was asked because a pause was over: performance.now() of each such question, in order. */
function asksByTheClock(sentinel: FakeSentinel): readonly number[] {
  const asks: number[] = []
  let last = Number.POSITIVE_INFINITY
  intercept(sentinel.server, ([name, verb]) => {
    if (name?.toUpperCase() !== 'SENTINEL' || verb?.toUpperCase() !== 'MASTER') return undefined
    const now = performance.now()
    // The timer of a pause counts whole milliseconds.
    if (now - last > leastPauseMs - 10) asks.push(now)
    last = now
    return undefined
  })
  return asks
}

t.test('a pause — is over while all is well — and all Sentinels are asked in that moment', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  const asks = sentinels.map(asksByTheClock)
  const watcher = new Observed(t, { sentinels: seeds })
  await watcher.untilAllHeard(`serve ${a.port}@1`)

  // Three draws of a pause of its own for each lie so close together in one round of two hundred.
  const isTogether = (round: number): boolean => {
    const moments = asks.flatMap(of => of[round] ?? [])
    return moments.length === asks.length && Math.max(...moments) - Math.min(...moments) < 100
  }
  await waitUntil('one of the first three rounds in which all are asked together', () => [0, 1, 2].some(isTogether), {
    withinMs: 20_000,
  })
  t.strictSame(
    sentinels.map(({ server }) => server.accepted),
    [1, 1, 1],
    'over the connections that are there',
  )
})

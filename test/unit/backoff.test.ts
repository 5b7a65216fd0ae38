import fc from 'fast-check'
import t from 'tap'
import { backoffMs, holdLimitMs } from '../../src/backoff.ts'

const growing = { minMs: 100, maxMs: 1000 }
const fixed = { minMs: 5000, maxMs: 5000 }

t.test('backoff — doubles up to its most — with half of it random', async t => {
  const most = [1, 2, 3, 4, 5, 6].map(attempt => backoffMs(attempt, growing, () => 1))
  t.strictSame(most, [100, 200, 400, 800, 1000, 1000])
  const least = [1, 2, 3, 4, 5, 6].map(attempt => backoffMs(attempt, growing, () => 0))
  t.strictSame(least, [50, 100, 200, 400, 500, 500])
})

t.test('backoff — is what was written — when both limits are the same', async t => {
  for (const attempt of [1, 2, 50])
    for (const random of [0, 0.5, 1])
      t.equal(
        backoffMs(attempt, fixed, () => random),
        5000,
      )
})

t.test('backoff — stays between half its least and its most — for any attempt', async () => {
  const limits = fc.tuple(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 0, max: 50_000 }))
  fc.assert(
    fc.property(limits, fc.integer({ min: 1, max: 100_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (l, n, r) => {
      const [minMs, more] = l
      const ms = backoffMs(n, { minMs, maxMs: minMs + more }, () => r)
      return ms >= minMs / 2 && ms <= minMs + more
    }),
  )
})

const limits: readonly (readonly [
  what: string,
  holdMs: number,
  retries: number,
  limits: typeof growing,
  expected: number,
])[] = [
  ['the hold time alone', 10_000, 0, growing, 10_000],
  ['three retries, five seconds apart', 60_000, 3, fixed, 15_000],
  ['three retries, longer than the hold time', 12_000, 3, fixed, 12_000],
  ['one retry', 60_000, 1, growing, 100],
  ['four growing retries', 60_000, 4, growing, 1500],
  ['six growing retries', 60_000, 6, growing, 3500],
  ['a million retries', 60_000, 1_000_000, growing, 60_000],
]
for (const [what, holdMs, retries, backoff, expected] of limits) {
  t.test(`hold limit — is ${expected} ms — for ${what}`, async t => {
    t.equal(holdLimitMs(holdMs, retries, backoff), expected)
  })
}

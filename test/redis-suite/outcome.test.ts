import { readFileSync } from 'node:fs'
import t from 'tap'
import { compare, join, passes, readOutcome } from './outcome.ts'
import { reasons } from './reasons.ts'

const green = '\x1b[0;32;49m'
const plain = '\x1b[0m'

const whole = `[ready]: 12
Testing unit/pubsub
[${green}ok${plain}]: PUBLISH (3 ms)
[${green}ok${plain}]: twice (3 ms)
[${green}ok${plain}]: twice (4 ms)
[1/2 ${green}done${plain}]: unit/pubsub (1 seconds)
Testing unit/auth
[err]: AUTH in tests/unit/auth.tcl
Expected 'a' to match 'b'
    while executing
[ignore]: not this one: tags
[ok]: QUIT (0 ms)
[2/2 done]: unit/auth (0 seconds)

                   The End

[ok]: what is printed behind the end (1 ms)
`

t.test('what the suite printed is read, with the colours and the causes', async t => {
  const outcome = readOutcome(whole)
  t.strictSame(
    [...outcome.passed],
    [
      ['unit/pubsub: PUBLISH', 1],
      ['unit/pubsub: twice', 2],
      ['unit/auth: QUIT', 1],
    ],
  )
  t.equal(passes(outcome), 4)
  t.strictSame(outcome.failures, [
    { unit: 'unit/auth', test: 'AUTH', cause: "\nExpected 'a' to match 'b'\n    while executing" },
  ])
  t.strictSame(outcome.units, ['unit/pubsub', 'unit/auth'])
  t.strictSame(outcome.early, [])
})

t.test('an early end is told, by whichever sign', async t => {
  const exception = readOutcome('Testing unit/multi\n[exception]: Executing test client: BUSY.\n    while executing\n')
  t.strictSame(exception.early, [
    { unit: 'unit/multi', cause: 'exception: Executing test client: BUSY.\n    while executing\n' },
  ])
  const stuck = readOutcome('Testing unit/pubsub\n[TIMEOUT]: clients state report follows.\nsock1 => ???\n The End\n')
  t.match(stuck.early, [{ unit: 'unit/pubsub', cause: /^TIMEOUT: .*\nsock1/ }])
  t.strictSame(readOutcome('Testing unit/auth\n[ok]: AUTH (1 ms)\n').early, [
    { unit: 'unit/auth', cause: 'the suite ended without a word' },
  ])
})

t.test('a test is missing that passed more often directly, and each has its reason or none', async t => {
  const direct = readOutcome(whole)
  const through = readOutcome(`Testing unit/pubsub
[err]: PUBLISH in tests/unit/pubsub.tcl
nobody listened
[ok]: twice (1 ms)
Testing unit/auth
[ok]: QUIT (1 ms)
[ok]: AUTH (1 ms)
 The End
`)
  const reasons = [{ reason: 'because', tests: ['unit/pubsub: PUBLISH'] }]
  t.strictSame(compare(direct, through, reasons), [
    { test: 'unit/pubsub: PUBLISH', unit: 'unit/pubsub', reason: 'because', cause: 'nobody listened' },
    { test: 'unit/pubsub: twice', unit: 'unit/pubsub', reason: undefined, cause: 'it was not run, or not to its end' },
  ])
  t.strictSame(compare(direct, direct, []), [])
})

t.test('a run that was gone on with counts as one', async t => {
  const first = readOutcome('Testing unit/a\n[ok]: one (1 ms)\n[exception]: gone\n')
  const second = readOutcome('Testing unit/b\n[ok]: two (1 ms)\n The End\n')
  const both = join(first, second)
  t.equal(passes(both), 2)
  t.equal(both.early.length, 1)
})

t.test('docs/guarantees.md names each test that may be missing, with its reason, and no other', async t => {
  const page = readFileSync(new URL('../../docs/guarantees.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| ((?:unit|integration)\/.*?) \| (.*) \|$/gm)].map(([, test, why]) => [test, why])
  t.strictSame(
    rows,
    reasons.flatMap(({ reason, tests }) => tests.map(test => [test, reason])),
  )
})

// failures.test.ts: the summary of failures at the end of `npm test`: the right ones, once, with where they are.
import { Readable } from 'node:stream'
import t from 'tap'
import { readFailures } from '../../scripts/failures.mjs'

const run = `TAP version 14
# Subtest: a.test.ts
    # Subtest: outer
        ok 1 - fine
        not ok 2 - one is two
          ---
          diff: |
            -2
            +1
          at:
            fileName: a.test.ts
          ...
        not ok 3 - not yet # TODO
        1..3
    not ok 1 - outer # time=1ms
    # Subtest: slow
        1..0
    not ok 2 - slow # time=2ms
      ---
      expired: slow
      ...
    1..2
not ok 1 - a.test.ts # time=3ms
not ok 2 - b.test.ts # time=3ms
  ---
  signal: SIGKILL
  ...
1..2
`

t.test('failures of a run — are told once, with their test and report', async t => {
  // Cut at every 7 characters, as a pipe may.
  const failures = await readFailures(Readable.from(run.match(/.{1,7}/gs) ?? []))
  t.strictSame(failures, [
    'not ok: one is two\n#   in a.test.ts > outer\n#   diff: -2\n#   +1',
    'not ok: slow\n#   in a.test.ts\n#   expired: slow',
    'not ok: b.test.ts\n#   in no test\n#   signal: SIGKILL',
  ])
})

t.test('run without a failure — has nothing to tell', async t => {
  t.strictSame(await readFailures(Readable.from(['ok 1 - a\n1..1\n'])), [])
})

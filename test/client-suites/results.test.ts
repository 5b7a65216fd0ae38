import { readFileSync } from 'node:fs'
import t from 'tap'
import { reasons } from './reasons.ts'
import { readGo, readHiredis, readJunit, readPhpredis, readTap } from './results.ts'

t.test('an exercise — a cause belongs to the failure before it', async t => {
  const text = 'ok 1 - one\n# please: planned\nnot ok 2 - two: of three\n# Error: a\n# b\nok 3 - three\n1..3\n'
  t.strictSame(readTap(text), [
    { test: 'one', verdict: 'passed', cause: '' },
    { test: 'two: of three', verdict: 'failed', cause: 'Error: a\nb' },
    { test: 'three', verdict: 'passed', cause: '' },
  ])
})

t.test('hiredis — a test is named by how it connects, without its number', async t => {
  const text =
    '#01 Format: PASSED\nTesting against TCP connection (127.0.0.1:1):\n#02 Does: it: \x1b[0;32mPASSED\x1b[0;0m\n#03 No: FAILED\n#04 Skips: SKIPPED\n'
  t.strictSame(
    readHiredis(text).map(({ test, verdict }) => [test, verdict]),
    [
      ['Format', 'passed'],
      ['TCP connection: Does: it', 'passed'],
      ['TCP connection: No', 'failed'],
      ['TCP connection: Skips', 'skipped'],
    ],
  )
})

t.test('phpredis — a warning of PHP may stand between a test and its verdict', async t => {
  const text = `testPing           [PASSED]
testScan            PHP Deprecated:  Automatic conversion

Deprecated: Automatic conversion
[PASSED]
testWait            [FAILED]
testSkipped         [SKIPPED]
Assertion failed: testWait - 1 !== 2
`
  t.strictSame(readPhpredis(text), [
    { test: 'testPing', verdict: 'passed', cause: '' },
    { test: 'testScan', verdict: 'passed', cause: '' },
    { test: 'testWait', verdict: 'failed', cause: 'Assertion failed: testWait - 1 !== 2' },
    { test: 'testSkipped', verdict: 'skipped', cause: '' },
  ])
})

t.test('PHPUnit — its report has failures, errors and skipped tests, and entities', async t => {
  const text = `<testsuite name="a"><testcase name="testA with data set &quot;x&quot;" class="P\\Q\\A_Test" line="3"/>
<testcase name="testB" class="P\\A_Test"><failure type="F">&lt;b&gt; is
not c</failure></testcase>
<testcase name="testC" class="P\\A_Test"><error type="E">gone</error></testcase>
<testcase name="testD" class="P\\A_Test"><skipped/></testcase></testsuite>`
  t.strictSame(readJunit(text), [
    { test: 'A_Test::testA with data set "x"', verdict: 'passed', cause: '' },
    { test: 'A_Test::testB', verdict: 'failed', cause: '<b> is\nnot c' },
    { test: 'A_Test::testC', verdict: 'failed', cause: 'gone' },
    { test: 'A_Test::testD', verdict: 'skipped', cause: '' },
  ])
})

t.test('Go — subtests count, and what a test says behind its verdict is its cause', async t => {
  const text = `=== RUN   TestA
--- PASS: TestA (0.00s)
    --- SKIP: TestA/sub (0.00s)
--- FAIL: TestB (0.10s)
    conn_test.go:12: no
`
  t.strictSame(readGo(text), [
    { test: 'TestA', verdict: 'passed', cause: '' },
    { test: 'TestA/sub', verdict: 'skipped', cause: '' },
    { test: 'TestB', verdict: 'failed', cause: 'conn_test.go:12: no' },
  ])
})

t.test('docs/clients.md names each test that may be missing, with its reason, and no other', async t => {
  const page = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| ([\w-]+: .*?) \| (.*) \|$/gm)].map(([, test, why]) => [test, why])
  t.strictSame(
    rows,
    reasons.flatMap(({ reason, tests }) => tests.map(test => [test, reason])),
  )
})

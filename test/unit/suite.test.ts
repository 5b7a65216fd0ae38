// suite.test.ts: `npm test` starts its files longest first, and each once; it alone ends one that hangs.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { fileLimitMs, inOrder, longest } from '../../scripts/suite.mjs'
import { MOST_EXCUSED_MS } from '../support/wait-until.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

t.test('the files of the suite — begin with the longest — and each runs once', async t => {
  const [first = '', second = ''] = longest
  const files = ['test/unit/a.test.ts', 'test/wire/b.test.ts', second, 'test/failover/c.test.ts', first, first]
  const wanted = [first, second, 'test/failover/c.test.ts', 'test/wire/b.test.ts', 'test/unit/a.test.ts']
  t.strictSame(inOrder(files), wanted)
})

t.test('the list of the longest files — names files that exist', async t => {
  for (const file of longest) t.ok(existsSync(join(root, file)), file)
})

// A time on the clock is short on a slow machine. What a test waits for has a bound of its own, by the machine's pace.
t.test('tests — have no time limit of their own — but that of the suite', async t => {
  const tests = join(root, 'test')
  const files = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
  t.ok(files.length > 100, 'they were found')
  const limit = /\bt\.setTimeout\(\d|\btimeout: [\d_]+\b[^}]*\},\s*async/
  const limited = files.filter(file => limit.test(readFileSync(join(tests, file), 'utf8')))
  // Longer than that of the suite: many runs of other tests.
  t.strictSame(limited, [join('mutations', 'mutations.test.ts')])
})

t.test('a wait that is excused again and again — fails with its reason — before the suite ends its file', async t => {
  t.ok(2 * MOST_EXCUSED_MS < fileLimitMs)
})

// suite.test.ts: `npm test` starts its files longest first, and each once.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { inOrder, longest } from '../../scripts/suite.mjs'

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

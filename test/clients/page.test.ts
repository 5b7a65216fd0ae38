// The code of docs/clients.md is what the matrix runs.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { withPart } from '../support/page-part.ts'
import { codePart } from './page.ts'

const content = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8')

t.test('docs/clients.md — shows the code that is run — for every client', async t => {
  t.equal(withPart(content, 'code', codePart()), content, 'run: npm run clients -- --code')
  t.throws(() => withPart('nothing', 'code', ''), /expected <!-- code:start -->/)
})

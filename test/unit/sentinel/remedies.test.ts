// What the log tells people to allow is what docs/access.md asks for.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { sentinelRemedy } from '../../../src/sentinel/remedies.ts'

t.test('sentinelRemedy — names all rights of docs/access.md — where one is missing', async t => {
  const page = readFileSync(new URL('../../../docs/access.md', import.meta.url), 'utf8')
  const [, rules = ''] = /^ACL SETUSER watcher on >\S+ (.*)$/m.exec(page) ?? []
  const wanted = rules.split(' ').filter(rule => !['resetchannels', '-@all'].includes(rule))
  const [, named = ''] = /: (.*)$/.exec(sentinelRemedy('NOPERM', 'watcher') ?? '') ?? []
  t.strictSame(named.split(' ').sort(), wanted.sort())
})

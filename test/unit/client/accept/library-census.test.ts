// Who names which library: counted together, the most frequent first, and never more names than a page can bear.
import t from 'tap'
import { censusOf } from '../../../../src/client/accept/library-census.ts'
import { labelOf, libraryLabels } from '../../../../src/ops/client-libraries.ts'

const session = (id: number, libName: string, libVersion: string) => ({ id, state: { libName, libVersion } })

t.test('censusOf — counts by library and version — with those that are told of holds', async t => {
  const sessions = [
    session(1, 'jedis', '8.0.2'),
    session(2, 'node-redis', '6.3.1'),
    session(3, 'node-redis', '6.3.1'),
    session(4, 'node-redis', '5.0.0'),
    session(5, '', ''),
  ]
  t.strictSame(
    censusOf(sessions, id => id === 3),
    [
      { library: 'node-redis', version: '6.3.1', sessions: 2, toldOfHolds: 1 },
      { library: 'jedis', version: '8.0.2', sessions: 1, toldOfHolds: 0 },
      { library: 'node-redis', version: '5.0.0', sessions: 1, toldOfHolds: 0 },
      { library: '', version: '', sessions: 1, toldOfHolds: 0 },
    ],
  )
})

t.test('censusOf — keeps a hundred names — and counts the rest together', async t => {
  const sessions = Array.from({ length: 500 }, (_, n) => session(n, `name-${n}`, '1'))
  const census = censusOf([...sessions, session(501, 'name-1', '1')], () => false)
  t.equal(census.length, 101)
  t.strictSame(census[0], { library: 'other', version: '', sessions: 400, toldOfHolds: 0 })
  t.match(census[1], { library: 'name-1', sessions: 2 })
})

t.test('labelOf — answers a name of a fixed list — whatever a client calls itself', async t => {
  const names = { 'jedis(spring)': 'Jedis', GlideJS: 'valkey-glide', 'redis-py': 'redis-py', x: 'other', '': 'none' }
  for (const [name, label] of Object.entries(names)) t.equal(labelOf(name), label, name)
  for (const label of Object.values(names)) t.ok(libraryLabels.includes(label), label)
  t.equal(new Set(libraryLabels).size, libraryLabels.length, 'no series twice')
})

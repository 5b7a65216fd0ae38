import t from 'tap'
import { Ledger, type Operation } from '../../support/ledger.ts'

/** INCRs of one client: a number is the reply, 'lost' and 'error' an outcome that leaves it open whether it ran. */
function counted(outcomes: readonly (number | 'lost' | 'error')[]): Ledger {
  const ledger = new Ledger()
  for (const outcome of outcomes) {
    const operation = ledger.begin('c', 'incr', 'n')
    if (outcome === 'lost') ledger.lost(operation, 'gone')
    else if (outcome === 'error') ledger.error(operation, 'ERR')
    else ledger.ok(operation, outcome)
  }
  return ledger
}

const table: readonly {
  readonly name: string
  readonly replies: readonly (number | 'lost' | 'error')[]
  readonly final: number | null
  readonly lost: number
  readonly doubled: number
  readonly reordered: number
}[] = [
  { name: 'all in turn', replies: [1, 2, 3], final: 3, lost: 0, doubled: 0, reordered: 0 },
  { name: 'one without a reply that ran', replies: [1, 'lost', 3], final: 3, lost: 0, doubled: 0, reordered: 0 },
  {
    name: 'one without a reply that did not run',
    replies: [1, 'lost', 2],
    final: 2,
    lost: 0,
    doubled: 0,
    reordered: 0,
  },
  { name: 'an error at the end that ran', replies: [1, 'error'], final: 2, lost: 0, doubled: 0, reordered: 0 },
  {
    name: 'one without a reply that ran late',
    replies: ['lost', 1, 2, 4],
    final: 4,
    lost: 0,
    doubled: 0,
    reordered: 0,
  },
  { name: 'the last ones forgotten', replies: [1, 2, 3], final: 1, lost: 1, doubled: 0, reordered: 0 },
  { name: 'everything forgotten', replies: [1, 2], final: null, lost: 1, doubled: 0, reordered: 0 },
  { name: 'some forgotten in the middle', replies: [1, 2, 3, 3, 4], final: 4, lost: 1, doubled: 0, reordered: 0 },
  { name: 'one applied twice', replies: [1, 3, 4], final: 4, lost: 0, doubled: 1, reordered: 0 },
  { name: 'one applied twice at the end', replies: [1, 2], final: 3, lost: 0, doubled: 1, reordered: 0 },
  { name: 'one without a reply applied twice', replies: [1, 'lost', 4], final: 4, lost: 0, doubled: 1, reordered: 0 },
  {
    name: 'one applied twice before another lost its reply',
    replies: [1, 3, 'lost'],
    final: 3,
    lost: 0,
    doubled: 1,
    reordered: 0,
  },
  { name: 'one forgotten and one applied twice', replies: [1, 2, 2, 4], final: 4, lost: 1, doubled: 1, reordered: 0 },
  { name: 'two replies exchanged', replies: [1, 3, 2, 4], final: 4, lost: 0, doubled: 0, reordered: 1 },
]

for (const row of table) {
  t.test(`ledger — judges a counter — ${row.name}`, async t => {
    const report = counted(row.replies).report(new Map([['n', row.final === null ? null : String(row.final)]]))
    t.strictSame(
      { lost: report.lostWrites.length, doubled: report.doubled.length, reordered: report.reordered.length },
      { lost: row.lost, doubled: row.doubled, reordered: row.reordered },
    )
  })
}

t.test('ledger — finds each acknowledged SET that is missing or different — and no other', async t => {
  const ledger = new Ledger()
  const set = (key: string): Operation => ledger.begin('c', 'set', key, `v-${key}`)
  for (const key of ['kept', 'missing', 'different']) ledger.ok(set(key), 'OK')
  ledger.lost(set('open'), 'gone')
  ledger.error(set('refused'), 'ERR')
  const actual = new Map([
    ['kept', 'v-kept'],
    ['different', 'else'],
  ])
  t.strictSame(ledger.lostWrites(actual), [
    { key: 'missing', wanted: 'v-missing', found: null },
    { key: 'different', wanted: 'v-different', found: 'else' },
  ])
  t.strictSame(ledger.keys(), ['kept', 'missing', 'different', 'open', 'refused'])
})

t.test('ledger — finds replies of another request — in ECHO and SET', async t => {
  const ledger = new Ledger()
  ledger.ok(ledger.begin('c', 'echo', '', 'tag-1'), 'tag-2')
  ledger.ok(ledger.begin('c', 'echo', '', 'tag-2'), 'tag-2')
  ledger.ok(ledger.begin('c', 'set', 'k', 'v'), 7)
  t.match(ledger.reordered(), [{ id: 1, what: 'echo: tag-2 instead of tag-1' }, { id: 3 }])
  t.equal(ledger.reordered().length, 2)
})

t.test('ledger — refuses — a key of which nothing could be proven, and a second outcome', async t => {
  const ledger = new Ledger()
  const operation = ledger.begin('a', 'set', 'k', '1')
  t.throws(() => ledger.begin('b', 'set', 'k', '2'), /SET twice/)
  ledger.begin('a', 'incr', 'n')
  t.throws(() => ledger.begin('b', 'incr', 'n'), /INCRed by a and b/)
  ledger.ok(operation, 'OK')
  t.throws(() => ledger.lost(operation, 'x'), /ends twice/)
})

/** Operations of made-up times: [client, start, end, ok?]. */
function timed(rows: readonly (readonly [string, number, number, boolean])[]): Ledger {
  const ledger = new Ledger()
  for (const [client, startedAt, endedAt, ok] of rows) {
    const outcome = ok ? ({ kind: 'ok', value: 'x' } as const) : ({ kind: 'lost', message: 'gone' } as const)
    const id = ledger.operations.length + 1
    ledger.operations.push({ id, client, kind: 'echo', key: '', value: 'x', startedAt, endedAt, outcome })
  }
  return ledger
}

t.test('ledger — finds the longest pause per client and the silence of all — with their times', async t => {
  const ledger = timed([
    ['a', 1000, 1010, true],
    ['b', 1000, 1020, true],
    ['a', 1020, 3010, true],
    ['b', 1030, 2500, true],
    ['b', 2510, 2990, false],
  ])
  t.strictSame(ledger.longestPause('a'), { client: 'a', ms: 2000, from: 1010, to: 3010 })
  t.strictSame(ledger.longestPause('b'), { client: 'b', ms: 1480, from: 1020, to: 2500 })
  t.strictSame(ledger.longestPause(), { client: 'a', ms: 2000, from: 1010, to: 3010 })
  t.strictSame(ledger.report(new Map()).silence, { client: 'all', ms: 1480, from: 1020, to: 2500 })
})

t.test('ledger — counts the time after the last success as a pause — when the rest failed', async t => {
  const ledger = timed([
    ['a', 1000, 1010, true],
    ['a', 1020, 5000, false],
  ])
  t.strictSame(ledger.longestPause(), { client: 'a', ms: 3990, from: 1010, to: 5000 })
})

t.test('ledger — adds up — in its report', async t => {
  const ledger = counted([1, 'lost', 'error', 'error', 2])
  ledger.begin('c', 'incr', 'n')
  ledger.connectionError('c', 'refused')
  const report = ledger.report(new Map([['n', '2']]))
  t.match(report, { operations: 6, ok: 2, errors: { ERR: 2 }, connectionLost: 1, pending: 1 })
  t.match(report.connectionErrors, [{ client: 'c', message: 'refused' }])
})

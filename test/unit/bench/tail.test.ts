// tail.test.ts: the parts that decide what the figures of the tail mean: the timetable, the counting, the ratios.

import t from 'tap'
import { fullCollectionMs } from '../../../bench/tail/collections.ts'
import type { SmallFigures } from '../../../bench/tail/loads.ts'
import { bulkBytes, countReplies } from '../../../bench/tail/replies.ts'
import { summarizeRow, tailTable } from '../../../bench/tail/report.ts'
import { rowNames, selectRows } from '../../../bench/tail/rows.ts'
import type { TailSample } from '../../../bench/tail/tail.ts'
import { commandOf, connectionOf, createTimetable, dueAt, dueBy } from '../../../bench/tail/timetable.ts'

t.test('timetable — says how many commands are due at a time', async t => {
  const table = createTimetable(2_000, 1, 50)
  t.equal(table.total, 2_000)
  t.equal(dueBy(table, -0.1), 0, 'none before the start')
  t.equal(dueBy(table, 0), 1)
  t.equal(dueBy(table, 0.49), 1)
  t.equal(dueBy(table, 0.5), 2)
  t.equal(dueBy(table, 99_999), 2_000, 'no more than there are')
})

t.test('timetable — counts each command due at its own time, whatever the rate', async t => {
  for (const rate of [50, 800, 2_000, 3_200]) {
    const table = createTimetable(rate, 2, 50)
    const all = Array.from({ length: table.total }, (_, n) => n)
    const wrong = all.filter(n => dueBy(table, dueAt(table, n)) !== n + 1)
    t.strictSame(wrong, [], `${rate} a second`)
  }
})

t.test('timetable — finds the command of an answer by its place on the connection', async t => {
  const table = createTimetable(2_000, 1, 7)
  const answered = Array<number>(7).fill(0)
  for (let n = 0; n < 100; n++) {
    const connection = connectionOf(table, n)
    t.equal(commandOf(table, connection, answered[connection] ?? 0), n)
    answered[connection] = (answered[connection] ?? 0) + 1
  }
})

t.test('countReplies — counts whole replies, at every split', async t => {
  const reply = `$3\r\nabc\r\n`
  t.equal(bulkBytes(3), reply.length)
  const bytes = Buffer.from(reply.repeat(3))
  for (let split = 0; split <= bytes.length; split++) {
    const counter = { have: 0 }
    const first = countReplies(counter, bytes.subarray(0, split), split, reply.length)
    const rest = bytes.subarray(split)
    t.equal(first, Math.floor(split / reply.length))
    t.equal(first + countReplies(counter, rest, rest.length, reply.length), 3, `split at ${split}`)
    t.equal(counter.have, 0)
  }
})

t.test('countReplies — fails on an error reply, and not on a value that begins like one', async t => {
  const error = Buffer.from('-ERR no such thing\r\n')
  t.throws(() => countReplies({ have: 0 }, error, error.length, 9), /-ERR no such thing$/)
  const value = Buffer.from('-xx\r\n')
  t.equal(countReplies({ have: 4 }, value, value.length, 9), 1)
})

t.test('rows — are selected by name and by group', async t => {
  const namesOf = (names: string[]): string[] => selectRows(names).map(row => row.name)
  t.strictSame(namesOf([]), rowNames)
  t.strictSame(namesOf(['set16k', 'set1m']), ['set16k', 'set1m-50', 'set1m-200'])
  t.throws(() => selectRows(['set7']), /--tail: no row set7; there are get1m-50/)
})

t.test('fullCollectionMs — reads the pause of a full collection, and of no other', async t => {
  const full =
    '[12:0x1]     4321 ms: Mark-Compact 24.9 (40.1) -> 9.9 (38.0) MB, pooled: 0.0 MB, 15.20 / 0.10 ms  (average mu = 0.9'
  t.equal(fullCollectionMs(full), 15.2)
  t.equal(fullCollectionMs(full.replace('pooled: 0.0 MB, ', '')), 15.2, 'of an older V8')
  t.equal(fullCollectionMs(full.replace('Mark-Compact', 'Mark-Compact (reduce)')), 15.2)
  t.equal(
    fullCollectionMs('[12:0x1] 43 ms: Scavenge 6.6 (7.0) -> 6.4 (8.0) MB, pooled: 0.0 MB, 0.52 / 0.00 ms'),
    undefined,
  )
  t.equal(fullCollectionMs('{"level":40,"msg":"Mark-Compact"}'), undefined)
})

function sample(target: string, round: number, p99: number, full: number | null): TailSample {
  const latency = { p50: 100, p99, p999: p99, max: p99 }
  const small: SmallFigures = { commands: 8_000, unanswered: 0, latency, lateness: latency }
  return {
    ...{ target, round, small },
    large: { commands: 200, seconds: 4, underWay: 0 },
    cpu: { proxySeconds: 1, proxyParts: null, serverSeconds: 1, loadSeconds: 1, elsewhereShare: 0, stolenShare: 0 },
    peakBytes: target === 'direct' ? null : 80e6 + round,
    collections: full === null ? null : { full, longestMs: 5 + round },
  }
}

t.test('summary of a row — takes ratios within rounds and adds the collections of all', async t => {
  const [row] = selectRows(['get1m-50'])
  if (row === undefined) throw new Error('there is no such row')
  const samples = [
    sample('haproxy', 0, 1_000, null),
    sample('haproxy', 1, 4_000, null),
    sample('haproxy', 2, 1_000, null),
    sample('holdfast', 0, 2_000, 3),
    sample('holdfast', 1, 4_000, 0),
    sample('holdfast', 2, 2_000, 1),
  ]
  const result = { row, samples, leftOut: new Map([['twemproxy', 'nutcracker is not installed']]) }
  const holdfast = summarizeRow(result).targets.find(one => one.target === 'holdfast')
  t.strictSame(holdfast?.ratio.haproxy, { median: 2, min: 1, max: 2 })
  t.equal(holdfast?.p99, 2_000)
  t.equal(holdfast?.largePerSecond, 50)
  t.strictSame(holdfast?.collections, { full: 4, longestMs: 7 })
  const text = tailTable(result, ['haproxy', 'holdfast'])
  t.match(text, /holdfast +100 +2,000 .*2\.00 \[1\.00\.\.2\.00\].* 4 \(7 ms\)/)
  t.match(text, /twemproxy left out: nutcracker is not installed/)
})

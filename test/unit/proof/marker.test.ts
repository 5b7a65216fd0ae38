// The witness of a database: which series writes it, and which may rely on it.
import t from 'tap'
import { Markers } from '../../../src/proof/marker.ts'

const of = { database: 0, key: 'k' }
const writes = (markers: Markers, database = 0): string[] => {
  const series = markers.newSeries({ ...of, database }, 1)
  markers.proven(series)
  return series.baseline().map(command =>
    command
      .toString()
      .split('\r\n')
      .filter((_, i) => i % 2 === 0)
      .slice(3)
      .join(' '),
  )
}

t.test('marker — the first series of a database writes the witness, and no other', async t => {
  const markers = new Markers(0)
  t.strictSame(writes(markers), ['w 1', '1.0 0'])
  t.strictSame(writes(markers), ['2.0 0'])
  t.strictSame(writes(markers, 1), ['w 3', '3.0 0'])
})

t.test('marker — a series relies on a witness that was there before it — and else knows of none', async t => {
  const markers = new Markers(0)
  const first = markers.newSeries(of, 1)
  t.equal(markers.newSeries(of, 1).witness, null, 'knows of none while nobody has seen it')
  markers.proven(first)
  t.equal(first.witness, null, 'knows of none')
  t.equal(markers.newSeries(of, 1).witness, 1)
  t.equal(markers.newSeries({ ...of, database: 1 }, 1).witness, null, 'knows of none in another database')
})

t.test('marker — a witness that is gone is written again, with another value', async t => {
  for (const lose of [
    (markers: Markers) => markers.hurry(0),
    (markers: Markers) => markers.hasWitness(0, null),
    (markers: Markers) => markers.hasWitness(0, 7),
  ]) {
    const markers = new Markers(0)
    writes(markers)
    lose(markers)
    t.strictSame(writes(markers), ['w 2', '2.0 0'])
  }
  const kept = new Markers(0)
  writes(kept)
  kept.hasWitness(0, 1)
  t.strictSame(writes(kept), ['2.0 0'])
})

t.test('marker — a series that never came about bears no witness', async t => {
  const markers = new Markers(0)
  markers.end(markers.newSeries(of, 1))
  t.strictSame(writes(markers), ['w 2', '2.0 0'])
})

t.test('marker — is set back — when a field says less than what was answered', async t => {
  const series = new Markers(0).newSeries(of, 2)
  const [first, second] = [series.next(), series.next()]
  if (first === null || second === null) throw new Error('it has two fields')
  const w = series.number
  const values = (a: number | null, b: number | null): (number | null)[] => {
    const fields: (number | null)[] = []
    fields[first.slot] = a
    fields[second.slot] = b
    return [...fields, w]
  }
  t.notOk(series.isSetBack(values(0, 0)), 'nothing was answered')
  series.answered(second)
  t.notOk(series.isSetBack(values(0, 2)))
  t.notOk(series.isSetBack(values(1, 2)), 'the one in flight has run')
  t.ok(series.isSetBack(values(1, 0)), 'somebody has written the field of the other')
  t.notOk(series.isSetBack([null, null, null]), 'it is not there')
  series.wiped()
  t.notOk(series.isSetBack([0, null, null]), 'what was written behind a flush')
  t.ok(series.isSetBack(values(0, 2)), 'the witness that the flush took is there again')
})

t.test('marker — links come and go all the time — and what nobody asks for is removed', async t => {
  const fields = 4
  const links = 5_000
  for (const everyMs of [10, 1_000]) {
    const markers = new Markers(0)
    const up = { status: 'ready' }
    const kept = markers.newSeries(of, fields)
    markers.keep(up, kept)
    let removed = 0
    let most = 0
    for (let n = 1; n <= links; n++) {
      const now = performance.now() + n * everyMs
      markers.prolong(0, now)
      markers.keep({ status: 'closed' }, markers.newSeries(of, fields))
      if (markers.isDue(0, now)) for (const command of markers.refresh(0, now)) removed += removedBy(command)
      most = Math.max(most, n * fields - removed)
    }
    t.ok(most < 2_000, `a link each ${everyMs} ms: ${most} fields at most`)
    t.equal(markers.seriesOf(up), kept, 'those of a link that is up stay')
  }
})

const removedBy = (command: Buffer): number => {
  const [count, , name] = command.toString().split('\r\n')
  return name === 'HDEL' ? Number(count?.slice(1)) - 2 : 0
}

// Where the master was when: what makes an offset a time, and what a failover does to it.
import t from 'tap'
import { hasReached, MasterOffsets } from '../../../src/replicas/offsets.ts'

const place = (askedAt: number, offset: number, more: object = {}) => ({
  askedAt,
  offset,
  replid: 'a',
  replid2: null,
  secondOffset: -1,
  ...more,
})

t.test('offsets — a replica has what the master had — at the last sample that it has reached', async t => {
  const offsets = new MasterOffsets(10_000)
  t.equal(offsets.freshAt({ replid: 'a', offset: 500 }), Number.NEGATIVE_INFINITY, 'nobody knows')
  for (const [at, offset] of [
    [1000, 100],
    [2000, 100],
    [3000, 900],
  ] as const)
    offsets.note(place(at, offset))
  t.equal(offsets.freshAt({ replid: 'a', offset: 99 }), Number.NEGATIVE_INFINITY)
  t.equal(offsets.freshAt({ replid: 'a', offset: 100 }), 2000)
  t.equal(offsets.freshAt({ replid: 'a', offset: 899 }), 2000, 'one byte is missing')
  t.equal(offsets.freshAt({ replid: 'a', offset: 900 }), 3000)
  t.equal(offsets.freshAt({ replid: 'other', offset: 900 }), Number.NEGATIVE_INFINITY)
})

t.test('offsets — a new master — shares the last history up to the offset that it names', async t => {
  const offsets = new MasterOffsets(10_000)
  offsets.note(place(1000, 100))
  offsets.note(place(2000, 200))
  offsets.note(place(5000, 170, { replid: 'b', replid2: 'a', secondOffset: 151 }))
  t.equal(offsets.freshAt({ replid: 'b', offset: 149 }), 1000)
  t.equal(offsets.freshAt({ replid: 'b', offset: 150 }), 2000, 'all that is left of what was there')
  t.equal(offsets.freshAt({ replid: 'a', offset: 200 }), 2000, 'one that still follows the old history')
  t.strictSame(offsets.translate({ replid: 'a', offset: 200 }), { replid: 'b', offset: 150 })
  t.strictSame(offsets.translate({ replid: 'a', offset: 120 }), { replid: 'b', offset: 120 })
  t.strictSame(offsets.translate({ replid: 'b', offset: 160 }), { replid: 'b', offset: 160 })
})

t.test('offsets — a history that hangs together with none — carries nothing over', async t => {
  const offsets = new MasterOffsets(10_000)
  offsets.note(place(1000, 100))
  offsets.note(place(2000, 5, { replid: 'b' }))
  t.equal(offsets.freshAt({ replid: 'b', offset: 4 }), Number.NEGATIVE_INFINITY)
  t.equal(offsets.translate({ replid: 'a', offset: 100 }), null)
})

t.test('offsets — thinned out and aged — never say that a replica is fresher than it is', async t => {
  const full = Array.from({ length: 3000 }, (_, i) => [i * 10, i * 7] as const)
  const offsets = new MasterOffsets(5_000)
  for (const [at, offset] of full) offsets.note(place(at, offset))
  for (let offset = 0; offset < 3000 * 7; offset += 13) {
    const truth = full.findLast(([, one]) => one <= offset)?.[0] ?? Number.NEGATIVE_INFINITY
    t.ok(offsets.freshAt({ replid: 'a', offset }) <= truth) || t.fail(`offset ${offset}`)
  }
  t.equal(offsets.freshAt({ replid: 'a', offset: 1e9 }), 29_990, 'the newest is there')
})

t.test('hasReached — in the same history alone', async t => {
  t.ok(hasReached({ replid: 'a', offset: 5 }, { replid: 'a', offset: 5 }))
  t.notOk(hasReached({ replid: 'a', offset: 4 }, { replid: 'a', offset: 5 }))
  t.notOk(hasReached({ replid: 'b', offset: 9 }, { replid: 'a', offset: 5 }))
})

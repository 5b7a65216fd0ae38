// Where a median lies: bounds by ranks, as tables of the sign test have them.
import t from 'tap'
import { medianBounds } from '../../../bench/statistics.ts'

t.test('bounds of a median — are the ranks of the sign test — for any number of values', async t => {
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1).reverse()
  t.strictSame(medianBounds(upTo(5)), { low: 1, high: 5 }, 'too few for 95 of 100')
  t.strictSame(medianBounds(upTo(6)), { low: 1, high: 6 })
  t.strictSame(medianBounds(upTo(9)), { low: 2, high: 8 })
  t.strictSame(medianBounds(upTo(12)), { low: 3, high: 10 })
  t.strictSame(medianBounds(upTo(20)), { low: 6, high: 15 })
  t.strictSame(medianBounds([]), { low: Number.NaN, high: Number.NaN })
})

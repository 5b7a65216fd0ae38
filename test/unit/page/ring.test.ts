// The ring of samples: the newest stay, memory stays, time goes one way.
import t from 'tap'
import { RING_SAMPLES, Ring } from '../../../src/page/ring.ts'

t.test('ring — keeps the newest rows in their order — in memory that does not grow', async t => {
  const ring = new Ring(2, 4)
  const { bytes } = ring
  t.strictSame([ring.times(), ring.column(0)], [[], []])
  for (let i = 1; i <= 10; i++) {
    ring.push(i * 1000, [i, -i])
    t.equal(ring.size, Math.min(i, 4))
    t.equal(ring.bytes, bytes)
  }
  t.strictSame(ring.times(), [7000, 8000, 9000, 10_000])
  t.strictSame(
    [ring.column(0), ring.column(1)],
    [
      [7, 8, 9, 10],
      [-7, -8, -9, -10],
    ],
  )
})

t.test('ring — begins anew — when the clock was set back', async t => {
  const ring = new Ring(1, 4)
  for (const time of [1000, 2000, 3000, 1500, 2500]) ring.push(time, [time])
  t.strictSame(ring.times(), [1500, 2500])
  t.strictSame(ring.column(0), [1500, 2500])
})

t.test('ring — of ten minutes — is small', async t => {
  t.equal(RING_SAMPLES, 600)
  t.ok(new Ring(6).bytes < 20_000, `${new Ring(6).bytes} bytes for a master`)
})

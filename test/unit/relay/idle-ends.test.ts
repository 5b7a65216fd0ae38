import t from 'tap'
import { IdleEnds } from '../../../src/relay/idle-ends.ts'

t.test('ends of idle links — by the server’s `timeout` — are no reason for the end of another', async t => {
  const ends = new IdleEnds()
  ends.onIdle(1001, 10_000)
  t.equal(ends.onBusy(10_500), false)
  ends.onIdle(4000, 11_000)
  t.equal(ends.onBusy(11_200), false)
})

t.test('ends of all links — are told by one that had hardly been idle — for five seconds', async t => {
  const ends = new IdleEnds()
  ends.onIdle(300, 10_000)
  t.strictSame([ends.onBusy(10_500), ends.onBusy(15_000), ends.onBusy(15_001)], [true, true, false])
})

t.test('ends of all links — are told by one that comes in the same moment — whichever is read first', async t => {
  const idleFirst = new IdleEnds()
  idleFirst.onIdle(4000, 10_000)
  t.strictSame([idleFirst.onBusy(10_001), idleFirst.onBusy(14_000)], [true, true])
  const busyFirst = new IdleEnds()
  t.equal(busyFirst.onBusy(10_000), false)
  busyFirst.onIdle(4000, 10_001)
  t.equal(busyFirst.onBusy(14_000), true)
})

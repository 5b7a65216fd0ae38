// What of a time counts, when this process stood still meanwhile.
import t from 'tap'
import { Standstills } from '../../../src/relay/standstills.ts'

t.test('standstills — time counts — while the process runs, and behind one', async t => {
  const standstills = new Standstills()
  t.equal(standstills.ran(1000, 1500), 500)
  standstills.note(10_000, 5000)
  t.equal(standstills.ran(10_000, 12_000), 2000, 'what came behind it gains nothing')
  t.equal(standstills.ran(1000, Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY)
})

t.test('standstills — one — leaves time to ask and to read, however little was left', async t => {
  const standstills = new Standstills()
  standstills.note(10_000, 5000)
  t.equal(standstills.ran(1000, 10_000), 9000 - 5500)
})

t.test('standstills — one after the other — end waits, too', async t => {
  const standstills = new Standstills()
  let now = 0
  let stood = 0
  while (standstills.ran(0, now) < 10_000 && stood < 1000) {
    now += 650
    standstills.note(now, 600)
    stood++
  }
  t.ok(stood < 25, `${stood}`)
})

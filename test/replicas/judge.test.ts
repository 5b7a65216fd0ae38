// The judge of the ledger sees an old read, and one that goes back.
import t from 'tap'
import { judge } from './ledger.ts'

const read = (session: number, sentAt: number, version: number) => ({ session, sentAt, doneAt: sentAt + 5, version })
const written = { confirmedAt: [0, 100, 200, 300], errors: [], writes: 3 }

t.test('judge — measures from the first newer write — to when the read was sent', async t => {
  t.match(judge([read(1, 150, 1)], written), { oldestMs: 0, backwards: [], longestMs: 5 })
  t.match(judge([read(1, 1000, 1)], written), { oldestMs: 800 })
  t.match(judge([read(1, 1000, 3)], written), { oldestMs: 0 })
  t.match(judge([read(1, 1000, -1)], written), { oldestMs: 1000 }, 'nothing at all')
})

t.test('judge — sees what goes back — within one session alone', async t => {
  t.match(judge([read(1, 1, 2), read(2, 2, 1), read(1, 3, 2)], written), { backwards: [] })
  t.match(judge([read(1, 1, 2), read(1, 3, 1)], written), { backwards: ['session 1: 2, then 1'] })
})

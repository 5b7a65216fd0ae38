// What a crash would leave as APPLIED is found by what a replica holds.
import t from 'tap'
import { end, History } from './history.ts'
import { countUnanswered } from './unanswered.ts'

const nothing = { lists: new Map(), counters: new Map(), registers: new Map() }

t.test('unanswered — counts what is stored and has no reply — in lists, jobs and registers', async t => {
  const history = new History()
  end(history.begin('a', 'append', 'l', 'answered'), 1)
  history.begin('a', 'append', 'l', 'stored')
  history.begin('b', 'append', 'l', 'not yet')
  history.begin('c', 'move', 'move', 'job')
  history.begin('d', 'set', 'r', 'mine')
  history.begin('e', 'set', 'r', 'lost race')
  const lists = new Map([
    ['l', ['answered', 'stored']],
    ['taken', ['job']],
  ])
  t.equal(countUnanswered(history.operations, { ...nothing, lists, registers: new Map([['r', 'mine']]) }, 'taken'), 3)
})

t.test('unanswered — counts how far counters are ahead of what was told', async t => {
  const history = new History()
  end(history.begin('a', 'count', 'counter'), 4)
  history.begin('b', 'count', 'counter')
  end(history.begin('c', 'transfer', 'transfers'), [7, 1, 2])
  history.begin('c', 'transfer', 'transfers')
  const counters = new Map([
    ['counter', 5],
    ['transfers', 8],
    ['a', -300],
  ])
  t.equal(countUnanswered(history.operations, { ...nothing, counters }, 'taken'), 2)
})

t.test('unanswered — is nothing — where a replica lacks what was answered', async t => {
  const history = new History()
  end(history.begin('a', 'count', 'counter'), 4)
  t.equal(countUnanswered(history.operations, { ...nothing, counters: new Map([['counter', 3]]) }, 'taken'), 0)
})

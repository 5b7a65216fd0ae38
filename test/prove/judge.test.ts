// The judge finds what is planted, and nothing in a history that is true.
import t from 'tap'
import { RespError, type Value } from '../support/resp-client.ts'
import { end, History, lose, type Operation } from './history.ts'
import { type Final, judge } from './judge.ts'

let clock = 0
function done(history: History, client: string, element: string, value: Value): Operation {
  const operation = { ...history.begin(client, 'append', 'l', element), begun: ++clock }
  history.operations.pop()
  history.operations.push(operation)
  end(operation, value)
  operation.ended = ++clock
  return operation
}
const lists = (...l: string[]): Final => ({ lists: new Map([['l', l]]), counters: new Map() })
const error = (message: string): RespError => new RespError(message)

t.test('judge — finds nothing — in a history that is true', async t => {
  const history = new History()
  done(history, 'a', 'a1', 1)
  done(history, 'b', 'b1', 2)
  done(history, 'a', 'a2', error('APPLIED holdfast: took effect'))
  done(history, 'b', 'b2', error('TRYAGAIN holdfast: no master in time; the command was not run'))
  done(history, 'b', 'b3', error('UNKNOWN holdfast: it may have run'))
  lose(history.begin('c', 'append', 'l', 'c1'), 'gone')
  const verdict = judge(history.operations, lists('a1', 'b1', 'a2'))
  t.strictSame([verdict.doubled, verdict.wrong, verdict.order, verdict.lost], [[], [], [], 0])
  t.strictSame([verdict.applied, verdict.unknown, verdict.notRun], [1, 2, 1])
})

t.test('judge — finds a doubled append', async t => {
  const history = new History()
  done(history, 'a', 'a1', 1)
  t.equal(judge(history.operations, lists('a1', 'a1')).doubled.length, 1)
})

t.test('judge — finds an answer that is not true', async t => {
  const history = new History()
  done(history, 'a', 'a1', 2)
  done(history, 'a', 'a2', error('TRYAGAIN holdfast: the command was not run'))
  done(history, 'a', 'a3', error('ERR something of the server'))
  history.begin('a', 'append', 'l', 'a4')
  t.equal(judge(history.operations, lists('a1', 'a2')).wrong.length, 4)
})

t.test('judge — finds lost acknowledgements', async t => {
  const history = new History()
  done(history, 'a', 'a1', 1)
  done(history, 'a', 'a2', 2)
  done(history, 'a', 'a3', error('APPLIED holdfast'))
  t.equal(judge(history.operations, lists('a1')).lost, 2)
})

t.test('judge — finds effects in the wrong order — of one client, and of two', async t => {
  const one = new History()
  const first = one.begin('a', 'append', 'l', 'a1')
  const second = one.begin('a', 'append', 'l', 'a2')
  lose(first, '')
  lose(second, '')
  t.equal(judge(one.operations, lists('a2', 'a1')).order.length, 1)
  const two = new History()
  done(two, 'a', 'a1', error('APPLIED x'))
  done(two, 'b', 'b1', error('APPLIED x'))
  t.equal(judge(two.operations, lists('b1', 'a1')).order.length, 1)
})

t.test('judge — finds a read that was none of the list', async t => {
  const history = new History()
  done(history, 'a', 'a1', 1)
  done(history, 'a', 'a2', 2)
  end(history.begin('b', 'read', 'l'), ['a2', 'a1'])
  end(history.begin('b', 'read', 'l'), ['a1'])
  end(history.begin('b', 'read', 'l'), ['a1', 'a2', 'lost'])
  t.equal(judge(history.operations, lists('a1', 'a2')).order.length, 2)
})

t.test('judge — finds a counter that is too high, and one that is too low', async t => {
  const history = new History()
  for (const value of [1, 2, error('APPLIED x')]) end(history.begin('a', 'count', 'n'), value)
  end(history.begin('a', 'count', 'n'), error('UNKNOWN x may have run'))
  const at = (n: number) => judge(history.operations, { lists: new Map(), counters: new Map([['n', n]]) })
  t.equal(at(4).doubled.length, 0)
  t.equal(at(5).doubled.length, 1)
  t.equal(at(3).lost, 0)
  t.equal(at(2).lost, 1)
})

t.test('judge — finds a job that was moved twice', async t => {
  const final: Final = {
    lists: new Map([
      ['q', ['1', '2']],
      ['d', ['2', '3']],
    ]),
    counters: new Map(),
  }
  t.equal(judge([], final, [['q', 'd']]).doubled.length, 1)
})

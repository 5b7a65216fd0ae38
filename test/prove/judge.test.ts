// The judge finds what is planted, and nothing in a history that is true.
import t from 'tap'
import { RespError, type Value } from '../support/resp-client.ts'
import { end, History, type Kind, lose, type Operation } from './history.ts'
import { type Final, judge } from './judge.ts'

let clock = 0
function done(history: History, client: string, element: string, value: Value, kind: Kind = 'append'): Operation {
  const operation = { ...history.begin(client, kind, 'l', element), begun: ++clock }
  history.operations.pop()
  history.operations.push(operation)
  end(operation, value)
  operation.ended = ++clock
  return operation
}
const lists = (...l: string[]): Final => ({ lists: new Map([['l', l]]), counters: new Map() })
const nothing = { doubled: [], wrong: [], order: [], lost: 0, applied: 0, unknown: 0, notRun: 0, refused: 0 }
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

const exact = { mayLose: false }

t.test('judge — finds a read that has less than was known before — where nothing may be lost', async t => {
  const history = new History()
  done(history, 'a', 'a1', 1)
  done(history, 'b', '', [], 'read')
  done(history, 'a', 'a2', 2)
  done(history, 'b', '', ['a1', 'a2'], 'read')
  t.equal(judge(history.operations, lists('a1', 'a2'), [], exact).order.length, 1)
  t.equal(judge(history.operations, lists('a1', 'a2'), [], { ...exact, dirtyReads: true }).order.length, 0)
  t.equal(judge(history.operations, lists('a1', 'a2')).order.length, 0)
})

t.test('judge — finds what a refused command has done — and takes refusals that were announced', async t => {
  const history = new History()
  done(history, 'a', 'a1', error("OOM command not allowed when used memory > 'maxmemory'."))
  const refusals = /^OOM/
  t.equal(judge(history.operations, lists()).wrong.length, 1)
  t.equal(judge(history.operations, lists(), [], { refusals }).wrong.length, 0)
  t.equal(judge(history.operations, lists('a1'), [], { refusals }).wrong.length, 1)
})

t.test('judge — a wiped list — has other places, and the same order', async t => {
  const history = new History()
  done(history, 'a', 'a1', 1)
  done(history, 'a', 'a2', 1)
  done(history, 'a', 'a3', 2)
  const wiped = { mayLose: true, wiped: true }
  t.strictSame(judge(history.operations, lists('a2', 'a3'), [], wiped).wrong, [])
  t.equal(judge(history.operations, lists('a3', 'a2'), [], wiped).order.length, 2, 'of its client, and in time')
  t.equal(judge(history.operations, lists('a2', 'a2'), [], wiped).doubled.length, 1)
})

t.test('judge — a queue — each job is put once and taken once', async t => {
  const history = new History()
  done(history, 'a', '1', 1, 'put')
  done(history, 'a', '2', 2, 'put')
  done(history, 'a', '3', 3, 'put')
  done(history, 'b', '', '1', 'take')
  t.strictSame(judge(history.operations, lists('2', '3')), { ...nothing, operations: 4 })
  t.equal(judge(history.operations, lists('3')).lost, 1, 'one is nowhere')
  t.equal(judge(history.operations, lists('1', '2', '3')).lost, 1, 'one is there, and was taken')
  t.equal(judge(history.operations, lists('2', '2', '3')).doubled.length, 1)
  t.equal(judge(history.operations, lists('2', '3', '4')).wrong.length, 1, 'one that nobody put')
  done(history, 'b', '', error('APPLIED x'), 'take')
  t.equal(judge(history.operations, lists('3')).lost, 0, 'somebody took it and did not hear of it')
  done(history, 'b', '', '1', 'take')
  t.equal(judge(history.operations, lists('3')).lost, 1, 'taken twice')
})

t.test('judge — a register — has an order of all answers where nothing may be lost', async t => {
  const history = new History()
  const stored = (value: string | null): Final => {
    return { lists: new Map(), counters: new Map(), registers: new Map([['l', value]]) }
  }
  done(history, 'a', '1', 'OK', 'set')
  Object.assign(done(history, 'b', '2', ['OK'], 'cas'), { expected: '1' })
  done(history, 'a', '', '2', 'get')
  t.strictSame(judge(history.operations, stored('2'), [], exact).order, [])
  t.equal(judge(history.operations, stored('1'), [], exact).order.length, 1)
  t.equal(judge(history.operations, stored('1')).order.length, 0, 'a crash may take the last one')
  const repeats = { ...exact, repeatsSets: true }
  t.equal(judge(history.operations, stored('1'), [], repeats).order.length, 1, 'nothing brings back what has an answer')
  t.equal(judge(history.operations, stored('3'), [], repeats).wrong.length, 1, 'nobody wrote that')
  t.equal(judge(history.operations, stored('3')).wrong.length, 1, 'nobody wrote that')
  done(history, 'c', '4', error('TRYAGAIN holdfast: the command was not run'), 'set')
  t.equal(judge(history.operations, stored('4')).wrong.length, 1, 'it was not run')
  done(history, 'c', '5', error('UNKNOWN holdfast: it may have run'), 'set')
  t.strictSame(judge(history.operations, stored('5'), [], exact).order, [])
  t.strictSame(judge(history.operations, stored('2'), [], exact).order, [])
})

t.test(
  'judge — a register — a SET that may be sent again comes back until its answer — and no transaction does',
  async t => {
    const found = (kind: Kind, repeatsSets: boolean): number => {
      const history = new History()
      const first = history.begin('a', kind, 'l', '1')
      history.operations.pop()
      const begun = ++clock
      for (const seen of ['1', '2', '1']) {
        if (seen === '2') done(history, 'b', '2', 'OK', 'set')
        done(history, 'c', '', seen, 'get')
      }
      end(first, kind === 'set' ? 'OK' : ['OK'])
      history.operations.push({ ...first, begun, ended: ++clock })
      const final = { lists: new Map(), counters: new Map(), registers: new Map([['l', '1']]) }
      return judge(history.operations, final, [], { ...exact, repeatsSets }).order.length
    }
    t.equal(found('set', true), 0)
    t.equal(found('set', false), 1)
    t.equal(found('cas', true), 1)
  },
)

t.test('judge — finds a transfer that was made twice', async t => {
  const history = new History()
  done(history, 'a', '', [1, -5, 5], 'transfer')
  t.equal(judge(history.operations, { lists: new Map(), counters: new Map([['l', 2]]) }).doubled.length, 1)
})

// The judge of the other families finds what is planted, and nothing in a history that is true.
import t from 'tap'
import { RespError, type Value } from '../support/resp-client.ts'
import { judgeStored, type Stored } from './families.ts'
import { end, History, type Kind } from './history.ts'

/** What is stored when nothing was done. */
const nothing: Stored = { lists: new Map(), counters: new Map(), stream: [], pending: new Set() }
const lists = (entries: Readonly<Record<string, readonly string[]>>): Pick<Stored, 'lists'> => {
  return { lists: new Map(Object.entries(entries).map(([name, list]) => [`p:${name}`, list])) }
}
const judged = (history: History, stored: Partial<Stored>) =>
  judgeStored(history.operations, 'p', { mayLose: false }, { ...nothing, ...stored })

function told(...operations: readonly (readonly [kind: Kind, name: string, element: string, value: Value])[]): History {
  const history = new History()
  for (const [kind, name, element, value] of operations) end(history.begin('a', kind, `p:${name}`, element), value)
  return history
}

t.test('families — a stream — each entry has the id that its client was told', async t => {
  const history = told(['append', 'stream', 'a1', '1-1'], ['append', 'stream', 'a2', '2-1'])
  const stream = (...entries: [string, string][]): Partial<Stored> => {
    return { ...lists({ stream: entries.map(([, element]) => element) }), stream: entries }
  }
  const whole = judged(history, stream(['1-1', 'a1'], ['2-1', 'a2']))
  t.strictSame([whole.wrong, whole.order, whole.doubled, whole.lost], [[], [], [], 0])
  t.equal(judged(history, stream(['1-1', 'a1'], ['3-1', 'a2'])).wrong.length, 1, 'it has another one')
  t.equal(judged(history, stream(['1-1', 'a1'], ['2-1', 'a2'], ['3-1', 'a2'])).doubled.length, 1)
  t.equal(judged(history, stream(['1-1', 'a1'])).lost, 1)
})

t.test('families — a group — each task is given once, and stays confirmed', async t => {
  const history = told(
    ['put', 'tasks', 'a1', '1-1'],
    ['take', 'tasks', '', [['p:tasks', [['1-1', ['e', 'a1']]]]]],
    ['look', 'confirmed', '1-1', 1],
    ['take', 'tasks', '', null],
  )
  t.equal(judged(history, lists({ tasks: [] })).lost, 0)
  t.equal(judged(history, lists({ tasks: ['a1'] })).lost, 1, 'it is given once more')
  t.equal(judged(history, { ...lists({ tasks: [] }), pending: new Set(['1-1']) }).lost, 1, 'nobody confirmed it')
  end(history.begin('b', 'take', 'p:tasks'), [['p:tasks', [['1-1', ['e', 'a1']]]]])
  t.equal(judged(history, lists({ tasks: [] })).lost, 1, 'two were given it')
})

t.test('families — jobs — are in one of two lists, once', async t => {
  const history = told(['look', 'pushed', 'a1', 1], ['move', 'blmove', 'a1', 'a1'])
  t.equal(judged(history, lists({ from: [], to: ['a1'] })).lost, 0)
  t.equal(judged(history, lists({ from: [], to: [] })).lost, 1)
  t.equal(judged(history, lists({ from: ['a1'], to: ['a1'] })).doubled.length, 1)
})

t.test('families — a transaction — whose race is lost has done nothing — and none is half done', async t => {
  const history = told(['pair', 'watched', 'a1', null], ['pair', 'mixed', 'a2', [1, 1]])
  const stored = (watched: string[], mixes: number): Partial<Stored> => {
    const counters = new Map([
      ['p:mixes', mixes],
      ['p:watches', watched.length],
    ])
    return { ...lists({ watched, mixed: ['a2'] }), counters }
  }
  t.strictSame(judged(history, stored([], 1)).wrong, [])
  t.equal(judged(history, stored(['a1'], 1)).wrong.length, 1)
  t.equal(judged(history, stored([], 2)).wrong.length, 1)
})

t.test('families — UNKNOWN — is the truth for what blocks and takes, and for nothing else', async t => {
  const unknown = new RespError('UNKNOWN holdfast: it may have run')
  const history = told(
    ['move', 'blmove', 'a1', unknown],
    ['take', 'sorted', '', unknown],
    ['look', 'waits', '', unknown],
    ['put', 'sorted', 'a2', unknown],
    ['take', 'tasks', '', unknown],
  )
  t.equal(judged(history, lists({})).unknown, 2)
})

t.test('families — a large value — is whole', async t => {
  t.equal(judged(told(['look', 'larges', '', 'whole']), {}).wrong.length, 0)
  t.equal(judged(told(['look', 'larges', '', 'something else']), {}).wrong.length, 1)
})

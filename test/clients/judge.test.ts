// The judge: what it finds in a record, and what it lets pass.
import t from 'tap'
import { complaints, type Figures, judge, listed, unexpected, type Window } from './judge.ts'
import { addLine, emptyRecord } from './record.ts'

const window = (fault: Window['fault'], from: number, to: number, connections = 0): Window => {
  return { fault, from, to, connections, wentOn: true, heldMs: 0 }
}

const listsOf = (own: Readonly<Record<string, number[]>>): Map<string, number[]> =>
  new Map([...listed, 'queue'].map(name => [name, own[name] ?? []]))

t.test('judge — finds in a record — what is lost, doubled, late and said', async t => {
  const record = emptyRecord()
  const lines: [string, number][] = [
    ['ready commands', 1],
    ['done commands 1 5', 10],
    ['done commands 2 900', 20],
    ['failed commands 3 2000 Timeout: of 2 s', 30],
    ['wrong script 4 other', 31],
    ['done publish 1 3 1', 32],
    ['done publish 2 3 0', 33],
    ['done queue 1 3 1', 34],
    ['done queue 2 3 1', 35],
    ['done queue 3 3 1', 36],
    ['popped 2', 37],
    ['popped 2', 38],
    ['trouble close', 39],
    ['something else', 39],
    ['done pipeline 9 7', 60],
  ]
  for (const [line, at] of lines) addLine(record, line, at)
  const lists = listsOf({ commands: [2, 2, 3], pipeline: [9], queue: [3] })
  const [killed, planned] = judge(record, lists, [window('killed', 0, 50, 2), window('planned', 50, 100)])
  if (killed === undefined || planned === undefined) throw new Error('a figure for each window')
  t.equal(killed.lost, 3, 'commands 1, the message that one had and nobody heard, queue 1')
  t.equal(killed.doubled, 2, 'commands 2, queue 2')
  t.equal(killed.ranAnyway, 1, 'commands 3')
  t.equal(killed.pauseMs, 2000)
  t.strictSame(complaints(killed), [
    '1 x commands: Timeout: of 2 s',
    'close',
    'something else',
    'wrong: script 4 other',
    '2 new connections',
  ])
  t.match(planned, { done: 1, lost: 0, doubled: 0, ranAnyway: 0, pauseMs: 7 })
  t.strictSame(complaints(planned), [])
  t.strictSame(complaints({ ...planned, wentOn: false }), ['not every step went on'])
})

t.test('judge — lets pass under once what its page names — of the faults that lose replies', async t => {
  const figures = (fault: Figures['fault'], ...texts: string[]): Figures => ({
    ...{
      fault,
      done: 9,
      errors: texts.map(text => [text, 1] as const),
      warnings: [],
      wrong: [],
      pauseMs: 1,
      heldMs: 1,
    },
    ...{ reconnects: 0, lost: 0, doubled: 0, ranAnyway: 0, wentOn: true },
  })
  const once = { policy: 'once', isReplicated: false } as const
  const replicated = { policy: 'once', isReplicated: true } as const
  const popped = 'pop: Error UNKNOWN holdfast: the connection was lost after the command was sent without a marker'
  const applied = 'publish: Error APPLIED holdfast: the command has run'
  t.strictSame(unexpected(figures('killed', popped, applied), once), [])
  t.strictSame(unexpected(figures('frozen', popped, applied.replace('APPLIED', 'APPLIED:')), replicated), [])
  t.equal(unexpected(figures('killed', popped, applied), { policy: null, isReplicated: false }).length, 2)
  t.equal(unexpected(figures('planned', popped, applied), once).length, 2, 'a planned failover loses no reply')
  t.strictSame(unexpected(figures('planned', popped, applied), replicated), [`1 x ${applied}`])
  t.equal(unexpected(figures('killed', popped.replace('pop', 'commands')), once).length, 1, 'what can have a marker')
  t.equal(unexpected(figures('killed', 'commands: Error Timeout'), once).length, 1)
  const logged = {
    ...figures('killed'),
    warnings: [`WARN received error - ${popped.slice('pop: Error '.length)}`, 'x'],
  }
  t.strictSame(unexpected(logged, once), ['x'])
})

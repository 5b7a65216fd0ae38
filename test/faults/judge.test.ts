// The judge must find what it is there to find: each fault of a proxy, made up.
import t from 'tap'
import { Ledger } from '../support/ledger.ts'
import { faults } from './faults.ts'
import { figuresOf, strayWrites, violationsOf } from './judge.ts'
import { judgeChannel, judgeQueue, judgeStream } from './judge-lists.ts'
import { nothing } from './load-client.ts'
import type { Look } from './observe.ts'
import type { Cell, Fault, Figures } from './types.ts'

const whole: Figures = {
  done: 1,
  connectionErrors: 0,
  errors: {},
  lost: 0,
  lostOutside: 0,
  doubled: 0,
  reordered: 0,
  untrue: 0,
  stray: 0,
  unanswered: 0,
  pauseMs: 0,
  afterMajorityMs: null,
  examples: [],
}

const fault: Fault = {
  name: 'made-up',
  group: 'master',
  what: 'nothing',
  failsOver: false,
  strike: async () => {},
  allowed: [
    { figure: 'doubled', policies: ['always'], loads: ['single'], reason: 'it may' },
    { figure: 'errors', code: 'UNKNOWN', policies: ['safe'], reason: 'it may' },
  ],
}

function cell(change: Partial<Figures>, where: Partial<Cell> = {}): Cell {
  return {
    fault: 'made-up',
    server: 'redis',
    policy: 'always',
    load: 'single',
    ...where,
    figures: { ...whole, ...change },
  }
}

t.test('violations — allow what is declared — for its loads, policies and codes alone', async t => {
  const count = (change: Partial<Figures>, where?: Partial<Cell>): number =>
    violationsOf(fault, cell(change, where)).length
  t.equal(count({}), 0)
  t.equal(count({ doubled: 1 }), 0)
  t.equal(count({ doubled: 1 }, { policy: 'safe' }), 1)
  t.equal(count({ doubled: 1 }, { load: 'large' }), 1)
  t.equal(count({ done: 5, errors: { UNKNOWN: 3 } }, { policy: 'safe' }), 0)
  t.equal(count({ done: 5, errors: { UNKNOWN: 3 } }), 1)
  t.equal(count({ errors: { TRYAGAIN: 1 } }, { policy: 'safe' }), 1)
  t.equal(count({ done: 0 }), 1, 'a load that did nothing proves nothing')
  t.equal(count({ done: 2, errors: { UNKNOWN: 3 } }, { policy: 'safe' }), 1, 'more UNKNOWN than done')
  t.equal(count({ afterMajorityMs: 1001 }), 1)
  t.equal(count({ pauseMs: 50_001 }), 1)
  for (const figure of [
    'connectionErrors',
    'lost',
    'lostOutside',
    'reordered',
    'untrue',
    'stray',
    'unanswered',
  ] as const)
    t.equal(count({ [figure]: 1 }), 1, figure)
})

t.test('a failover that is announced — may cost what a crash does — on a machine that stood still', async t => {
  const where = { load: 'transaction', policy: 'safe' } as const
  const judged = (stolenMs: number, failsOver: boolean): number => {
    const pace = { elapsedMs: 5000, stolenMs, lagMs: 0, slowness: 1, calm: stolenMs === 0 }
    const change = { done: 5, errors: { UNKNOWN: 3 } }
    return violationsOf({ ...fault, allowed: [], failsOver }, cell(change, where), pace).length
  }
  t.equal(judged(0, true), 1)
  t.equal(judged(499, true), 1)
  t.equal(judged(500, true), 0)
  t.equal(judged(500, false), 1, 'not where nothing fails over')
})

t.test('a planned failover — costs nobody an UNKNOWN — not even a client that waits in BLPOP', async t => {
  const announced = ['planned', 'planned-twice', 'sentinel-stale', 'sentinel-lying', 'proxy-clock-jump']
  const change = { done: 5, errors: { UNKNOWN: 1 } }
  for (const name of announced) {
    const planned = faults.find(one => one.name === name)
    if (planned === undefined) throw new Error(`there is no fault ${name}`)
    for (const policy of ['safe', 'once'] as const)
      t.equal(violationsOf(planned, cell(change, { load: 'blocking', policy })).length, 1, `${name}, ${policy}`)
  }
})

t.test('figures — count an acknowledged write that went elsewhere — when it began after the hand-over', async t => {
  const ledger = new Ledger()
  ledger.ok(ledger.begin('a', 'set', 'early', '1'), 'OK')
  const handedOverAt = performance.timeOrigin + performance.now()
  ledger.ok(ledger.begin('a', 'set', 'late', '1'), 'OK')
  const untold = ledger.begin('a', 'set', 'denied', '1')
  ledger.error(untold, 'TRYAGAIN holdfast: no master in time; the command was not run')
  const actual = new Map([['denied', '1']])
  const seen = { ledger, findings: nothing, actual, struckAt: 0, handedOverAt, stoppedAt: Number.POSITIVE_INFINITY }
  const { lost, stray, untrue, errors } = figuresOf(seen)
  t.strictSame({ lost, stray, untrue, errors }, { lost: 2, stray: 1, untrue: 1, errors: { TRYAGAIN: 1 } })
})

t.test(
  'a loss outside — is one that replication does not explain — long before the fault, or after the hand-over',
  async t => {
    const ledger = new Ledger()
    for (const key of ['early', 'near', 'late']) ledger.ok(ledger.begin('a', 'set', key, '1'), 'OK')
    const [early, near, late] = ledger.operations
    if (!early || !near || !late) throw new Error('three operations')
    early.endedAt = 8_900
    near.endedAt = 9_100
    late.endedAt = 12_001
    const seen = {
      ledger,
      findings: nothing,
      actual: new Map(),
      struckAt: 10_000,
      handedOverAt: 12_000,
      stoppedAt: 13_000,
    }
    const { lost, lostOutside, examples } = figuresOf(seen)
    t.strictSame({ lost, lostOutside }, { lost: 3, lostOutside: 2 })
    t.match(examples, [/./, /./, /./, /lostOutside: early/, /lostOutside: late/])
  },
)

t.test('stray writes — are what a node ran as a master — while a majority named another', async t => {
  const look = (at: number, writes: number, change: Partial<Look> = {}): Look => {
    return { node: 'a:1', askedAt: at, answeredAt: at + 1, runId: 'r', role: 'master', writes, ...change }
  }
  const history = [
    { at: 0, notBefore: 0, address: 'a:1' },
    { at: 100, notBefore: 80, address: 'b:2' },
  ]
  const count = (looks: Look[], woken = new Map<string, number>()): number =>
    strayWrites(looks, { history, woken, stopped: [] })
  t.equal(count([look(50, 1), look(90, 9)]), 0, 'it was the master')
  t.equal(count([look(90, 1), look(110, 9)]), 0, 'some of it before the hand-over')
  t.equal(count([look(101, 1), look(110, 9)]), 8)
  const isNew = { node: 'b:2' }
  t.equal(count([look(81, 1, isNew), look(99, 9, isNew)]), 0, 'nobody had asked the Sentinels meanwhile')
  t.equal(count([look(61, 1, isNew), look(78, 9, isNew)]), 8, 'a new master before it was one')
  t.equal(count([look(101, 1), look(110, 9, { role: 'slave' })]), 0, 'what a replica replicates')
  t.equal(count([look(101, 1), look(110, 9, { runId: 's' })]), 0, 'another process')
  t.equal(count([look(101, 1), look(110, 9)], new Map([['a:1', 99]])), 0, 'it has just woken up')
  const whileStopped = (from: number, to: number): number =>
    strayWrites([look(101, 1), look(110, 9)], { history, woken: new Map(), stopped: [{ from, to }] })
  t.equal(whileStopped(50, 111), 0, 'Holdfast was stopped all the time')
  t.equal(whileStopped(50, 110), 8, 'it went on before the second look')
  t.equal(whileStopped(102, 111), 8, 'it was stopped after the first look')
})

t.test('queue — an element that is nowhere, and one that is there twice — are told apart by the policy', async t => {
  const record = { acknowledged: ['e1', 'e2', 'e3'], popped: ['e1', 'e1'], left: ['e3'], unknownPops: 0 }
  const always = judgeQueue({ ...record, policy: 'always' })
  t.strictSame([always.lost.length, always.doubled.length, always.reordered.length], [1, 1, 0])
  const safe = judgeQueue({ ...record, policy: 'safe' })
  t.strictSame([safe.lost.length, safe.doubled.length], [2, 0])
  t.equal(judgeQueue({ ...record, unknownPops: 1, policy: 'always' }).lost.length, 0, 'an open BLPOP may have it')
  t.equal(judgeQueue({ ...record, popped: ['e2', 'e1'], policy: 'safe' }).reordered.length, 1)
})

t.test('stream and channel — what was not read, came twice or out of turn — is found', async t => {
  const stream = judgeStream({ acknowledged: ['e1', 'e2'], stored: ['e1', 'e1', 'e3'], read: ['e3', 'e1'] })
  t.strictSame([stream.lost.length, stream.doubled.length, stream.reordered.length], [1, 1, 1])
  const channel = judgeChannel({ delivered: ['e1', 'e2'], received: ['e3', 'e1', 'e3'], subscriber: 's' })
  t.strictSame([channel.lost.length, channel.doubled.length, channel.reordered.length], [1, 1, 1])
})

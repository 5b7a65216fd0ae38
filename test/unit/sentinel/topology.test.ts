import t from 'tap'
import { sameAddress } from '../../../src/address.ts'
import { isUnsettled } from '../../../src/sentinel/topology.ts'
import type { ProbeResult } from '../../../src/sentinel/topology-state.ts'
import { at, letter, Play, type Said } from './steps.ts'

type Answers = [string | null, Said?][]

/** What each of three Sentinels says at the start, and whom the node is asked about; null: nothing is done. */
const beginnings: [title: string, answers: Answers, asked: string | null][] = [
  ['all agree', [['A'], ['A'], ['A']], 'A'],
  ['two agree and one is silent', [['A'], ['A']], 'A'],
  ['two agree and one lies about the address', [['A'], ['A'], ['B']], 'A'],
  ['two agree and one lies with a higher epoch', [['A'], ['A'], ['B', { epoch: 99 }]], 'A'],
  ['one alone has answered', [['A']], null],
  ['one alone has answered and claims to be alone', [['A', { knownSentinels: 1 }]], null],
  ['two disagree', [['A'], ['B']], null],
  ['all disagree', [['A'], ['B'], ['C']], null],
  ['two do not know the name', [[null], [null], ['A']], null],
  ['one claims a hundred others', [['A'], ['A'], ['A', { knownSentinels: 101 }]], 'A'],
  [
    'five are reported and two agree',
    [
      ['A', { knownSentinels: 5 }],
      ['A', { knownSentinels: 5 }],
    ],
    null,
  ],
]
for (const [title, answers, asked] of beginnings) {
  t.test(`topology — asks ${asked ?? 'no node'} at the start — when ${title}`, async t => {
    const play = Play.with('s1', 's2', 's3')
    answers.forEach(([place, said], i) => {
      play.answer(`s${i + 1}`, place, said)
    })
    t.strictSame(play.take(), asked ? [`probe ${asked}`] : [])
    t.equal(play.master(), null)
  })
}

/** A is served at epoch 5; then this is answered by the three, and the node asked says it is master. */
const changes: [title: string, answers: Answers, done: string[], master: string][] = [
  [
    'nothing changed',
    [
      ['A', { epoch: 5 }],
      ['A', { epoch: 5 }],
      ['A', { epoch: 5 }],
    ],
    [],
    'A@5',
  ],
  [
    'one Sentinel has the new address alone (the leader)',
    [
      ['B', { epoch: 6 }],
      ['A', { epoch: 5 }],
    ],
    [],
    'A@5',
  ],
  [
    'one returns with the old address and epoch',
    [
      ['B', { epoch: 4 }],
      ['A', { epoch: 5 }],
    ],
    [],
    'A@5',
  ],
  [
    'one inflates the epoch',
    [
      ['A', { epoch: 99 }],
      ['A', { epoch: 5 }],
      ['A', { epoch: 5 }],
    ],
    [],
    'A@5',
  ],
  [
    'one lags behind',
    [
      ['A', { epoch: 3 }],
      ['A', { epoch: 5 }],
    ],
    [],
    'A@5',
  ],
  ['one lags and one is lost', [['A', { epoch: 3 }], [null], ['A', { epoch: 5 }]], [], 'A@5'],
  [
    'a majority has the new one',
    [
      ['B', { epoch: 6 }],
      ['B', { epoch: 6 }],
    ],
    ['hold master-moved', 'probe B', 'serve B@6'],
    'B@6',
  ],
  [
    'a majority names another with the same epoch',
    [
      ['B', { epoch: 5 }],
      ['B', { epoch: 5 }],
    ],
    [],
    'A@5',
  ],
  [
    'a majority names another with an older epoch',
    [
      ['B', { epoch: 4 }],
      ['B', { epoch: 4 }],
    ],
    [],
    'A@5',
  ],
  [
    'one of two inflates the epoch of another',
    [
      ['B', { epoch: 99 }],
      ['B', { epoch: 5 }],
    ],
    [],
    'A@5',
  ],
  [
    'the epoch of the same master grew',
    [
      ['A', { epoch: 7 }],
      ['A', { epoch: 7 }],
    ],
    ['probe A', 'serve A@7'],
    'A@7',
  ],
  [
    'a majority was wiped and names the same',
    [
      ['A', { epoch: 0 }],
      ['A', { epoch: 0 }],
    ],
    ['probe A', 'serve A@0'],
    'A@0',
  ],
]
for (const [title, answers, done, master] of changes) {
  t.test(`topology — ${done.length ? done.join(', ') : 'changes nothing'} — when ${title}`, async t => {
    const play = Play.serving(5)
    for (let round = 0; round < 3; round++) {
      answers.forEach(([place, said], i) => {
        play.answer(`s${i + 1}`, place, said)
      })
      const { probe } = play.topology
      if (probe && !probe.result) play.probed(String.fromCharCode(probe.address.port))
    }
    t.strictSame(play.take(), done)
    t.equal(play.master(), master)
    t.equal(play.cause(), 'open')
  })
}

const nodes: [result: ProbeResult, done: string[]][] = [
  [{ kind: 'master', runId: 'r' }, ['serve A@1']],
  [{ kind: 'untold', why: 'NOAUTH Authentication required.' }, ['serve A@1']],
  [{ kind: 'replica' }, ['hold not-master']],
  [{ kind: 'loading' }, ['hold master-loading']],
  [{ kind: 'unreachable', why: 'ECONNREFUSED' }, ['hold master-unreachable']],
]
for (const [result, done] of nodes) {
  t.test(`confirm — ends in ${done} — when the node is ${result.kind}`, async t => {
    const play = Play.serving()
    play.confirm()
    t.strictSame(play.take(), [], 'nothing before fresh answers')
    play.later(1).all('A')
    t.strictSame(play.take(), ['probe A'])
    play.later(1).probed('A', result)
    t.strictSame(play.take(), done)
  })
}

t.test('confirm — does not take an answer — that was asked for before the call', async t => {
  const play = Play.serving()
  const before = play.now
  play.later(5).confirm()
  play.later(1).all('A', { askedAt: before })
  t.strictSame(play.take(), [])
  play.later(1).all('A')
  t.strictSame(play.take(), ['probe A'])
})

t.test('confirm — does not take the word of the node — that was asked for before the call', async t => {
  const play = Play.serving()
  play.confirm().later(1).all('A').later(1).confirm().probed('A')
  t.strictSame(play.take(), ['probe A'], 'only the first question so far')
  play.later(1).all('A').probed('A')
  t.strictSame(play.take(), ['probe A', 'serve A@1'])
})

t.test('confirm — ends — although calls never cease', async t => {
  const play = Play.serving()
  let served = 0
  for (let i = 0; i < 1000; i++) {
    const { askedAt } = { askedAt: play.now }
    play
      .confirm()
      .later(1)
      .all('A', { askedAt: askedAt - 1 })
    const { probe } = play.topology
    if (probe && !probe.result) play.probed('A')
    served += play.take().filter(done => done === 'serve A@1').length
  }
  t.ok(served >= 1 && served < 1000, `${served} rounds ended`)
})

t.test('standstill — no answer counts that was asked for before — although a row of calls is under way', async t => {
  const play = Play.serving()
  const asked = play.confirm().now
  play.later(1).all('A')
  t.strictSame(play.take(), ['probe A'], 'the node has not answered yet')
  play.standStill(1_700).all('A', { askedAt: asked }).probed('A')
  t.strictSame(play.take(), [], 'both have lain in their sockets while another master may have been chosen')
  play.later(1).all('A')
  t.strictSame(play.take(), ['probe A'])
  play.probed('A')
  t.strictSame(play.take(), ['serve A@1'])
})

t.test('standstill — in every turn — asks anew a few times, and serves in the end', async t => {
  const play = Play.serving()
  let turns = 0
  for (let asked = play.now; play.take().every(done => done !== 'serve A@1'); turns++) {
    if (turns === 20) break
    play.standStill(700).all('A', { askedAt: asked })
    asked = play.now
    const { probe } = play.topology
    if (probe && !probe.result && probe.startedAt < play.now) play.probed('A')
  }
  t.ok(turns > 3 && turns < 10, `${turns} turns`)
})

t.test('standstill — after one that is long over — is the first of its row', async t => {
  const play = Play.serving().down('s2').down('s3')
  for (let n = 0; n < 6; n++) {
    for (let ms = 0; ms < 11_000; ms += 1_000) play.later(1_000)
    play.standStill(700)
    t.equal(play.topology.wanted?.since, play.now, `standstill ${n + 1}`)
  }
})

t.test('standstill — asks all Sentinels, and ends in a hold — while a failover is announced', async t => {
  const play = Play.serving()
  play.publish('s1', '+try-failover', 'A')
  t.strictSame(play.take(), ['hold failover-announced'])
  play.standStill(600)
  t.ok(play.effects.some(effect => effect.kind === 'ask' && effect.key === null))
  t.strictSame(play.take(), ['hold failover-announced'])
})

t.test('confirm — answers nothing and keeps the master — while no majority can be reached', async t => {
  const play = Play.serving().down('s1').down('s2')
  play.confirm().later(50).answer('s3', 'A')
  t.strictSame(play.take(), [])
  t.equal(play.cause(), 'open')
  t.equal(isUnsettled(play.topology, play.now), true)
  play.up('s1').answer('s1', 'A').probed('A')
  t.strictSame(play.take(), ['probe A', 'serve A@1'])
})

t.test('confirm — says hold again — when the gate is shut already', async t => {
  const play = Play.serving().confirm().later(1).all('A').probed('A', { kind: 'unreachable', why: 'x' })
  t.strictSame(play.take(), ['probe A', 'hold master-unreachable'])
  play.later(60).all('A').probed('A', { kind: 'unreachable', why: 'x' })
  t.strictSame(play.take(), ['probe A'], 'not by itself')
  play.later(1).confirm().later(60).all('A').probed('A', { kind: 'unreachable', why: 'x' })
  t.strictSame(play.take(), ['probe A', 'hold master-unreachable'])
})

t.test('good news of the node — is not used later — when the majority was lost meanwhile', async t => {
  const play = Play.with('s1', 's2', 's3').answer('s1', 'A').answer('s2', 'A').down('s2').probed('A')
  t.strictSame(play.take(), ['probe A'])
  play.later(600).up('s2').answer('s1', 'A').answer('s2', 'A')
  t.strictSame(play.take(), ['probe A'], 'it is asked again')
  play.probed('A')
  t.strictSame(play.take(), ['serve A@1'])
})

t.test('node — is asked again until it is master — after it was unreachable', async t => {
  const play = Play.serving().confirm().later(1).all('A').probed('A', { kind: 'unreachable', why: 'x' })
  play.take()
  play.later(49)
  t.strictSame(play.take(), [], 'not before its time')
  play.later(1)
  t.strictSame(play.take(), ['probe A'])
  play.later(1).probed('A')
  t.strictSame(play.take(), ['serve A@1'])
})

t.test('Sentinels — all down and back — leave the master in use', async t => {
  const play = Play.serving(5)
  for (const key of ['s1', 's2', 's3']) play.down(key)
  play.later(60_000)
  t.equal(play.master(), 'A@5')
  t.equal(play.cause(), 'open')
  for (const key of ['s1', 's2', 's3']) play.up(key).answer(key, 'A', { epoch: 5 })
  t.strictSame(play.take(), [])
})

t.test('answers — have no vote — when they are too old', async t => {
  const play = Play.with('s1', 's2', 's3').answer('s1', 'A').later(6_600).answer('s2', 'A')
  t.strictSame(play.take(), ['hold no-majority'])
  play.answer('s1', 'A')
  t.strictSame(play.take(), ['probe A'])
})

t.test('one Sentinel — has one vote — by whatever addresses it is reached', async t => {
  const play = Play.with('s1', 's2', 's3')
  play.input({ kind: 'joined', key: 'twin', seed: false }).up('twin', 'run-s1')
  play.answer('s1', 'A').answer('twin', 'A')
  t.strictSame(play.take(), [])
})

t.test('two seeds that are one Sentinel — count once — when it is the only one', async t => {
  const play = Play.with('s1', 'alias')
  play.up('alias', 'run-s1').answer('s1', 'A', { knownSentinels: 1 })
  t.strictSame(play.take(), ['probe A'])
})

t.test('rival of an older epoch — is followed — only when our master is gone and it has lasted', async t => {
  const play = Play.serving(5)
  const rival = (): Play => play.all('B', { epoch: 1 })
  rival()
  t.ok(play.notes().includes('master.rival'))
  t.strictSame(play.take(), [])
  play.confirm().later(1)
  rival().probed('A', { kind: 'unreachable', why: 'x' })
  t.strictSame(play.take(), ['probe A', 'hold master-unreachable'])
  for (let passed = 0; passed < 14_000; passed += 1_000) {
    play.later(1_000)
    rival()
    const { probe } = play.topology
    if (probe && !probe.result) play.probed('A', { kind: 'unreachable', why: 'x' })
  }
  t.strictSame([...new Set(play.take())], ['probe A'])
  for (let i = 0; i < 3 && play.topology.probe?.address.port !== at('B').port; i++) {
    play.later(1_000)
    rival()
    if (play.topology.probe?.address.port === at('A').port) play.probed('A', { kind: 'unreachable', why: 'x' })
  }
  rival().probed('B')
  t.equal(play.master(), 'B@1')
})

t.test('rival of an older epoch — is not followed — while our master is one', async t => {
  const play = Play.serving(5)
  for (let i = 0; i < 40; i++) {
    play.confirm().later(1_000).all('B', { epoch: 1 })
    const { probe } = play.topology
    if (probe && !probe.result) play.probed('A')
  }
  t.equal(play.master(), 'A@5')
  t.notMatch(play.take(), ['serve B@1'])
})

t.test('rival of an older epoch — that is failed over — holds what our master would take and lose', async t => {
  const play = Play.serving(5)
  play.all('B', { epoch: 1 })
  play.take()
  play.event('s1', { kind: 'failover-elected', master: at('B'), replica: at('C') })
  const withholds = play.effects.some(({ kind }) => kind === 'withhold')
  t.ok(withholds, 'what it says now may be lost')
  t.strictSame(play.take(), ['hold failover-announced', 'probe A'])
  const afterSecond = (): string[] => {
    play.later(1_000).answer('s1', 'B', { epoch: 1, failover: 'elected' })
    for (const key of ['s2', 's3']) play.answer(key, 'B', { epoch: 1 })
    const { probe } = play.topology
    if (probe && !probe.result) play.probed('A')
    return play.take()
  }
  for (let passed = 0; passed < 14_000; passed += 1_000) t.notOk(afterSecond().includes('serve A@5'), 'or demoted yet')
  const isServed = (): boolean => afterSecond().includes('serve A@5')
  t.ok([1, 2, 3, 4, 5].some(isServed), 'they do not reach it: the hold ends')
})

t.test('rival of an older epoch — holds nothing — for the failover that made our master', async t => {
  const play = Play.with('s1', 's2', 's3').all('B', { epoch: 4 }).probed('B').later(100)
  play.event('s1', { kind: 'failover-elected', master: at('B'), replica: at('A') })
  play.all('A', { epoch: 5 }).probed('A').later(100)
  t.equal(play.master(), 'A@5')
  play.take()
  for (const key of ['s2', 's3']) play.answer(key, 'C', { epoch: 1 })
  play.later(100)
  t.ok(play.notes().includes('master.rival'), 'they were restored, and the leader shows that failover yet')
  t.strictSame(play.take(), [])
})

t.test('rival of an older epoch — is followed at once — when our master says that it is its replica', async t => {
  for (const [of, isFollowed] of [
    ['B', true],
    ['C', false],
  ] as const) {
    const play = Play.serving(5)
    play.all('B', { epoch: 1 }).confirm().later(1_000).all('B', { epoch: 1 })
    play.take()
    const ask = (): void => {
      for (let i = 0; i < 5; i++) {
        play.later(1_000).all('B', { epoch: 1 })
        const { probe } = play.topology
        if (probe && !probe.result)
          if (probe.address.port === at('A').port) play.probed('A', { kind: 'replica', of: at(of) })
          else play.probed('B')
      }
    }
    ask()
    t.equal(play.master(), isFollowed ? 'B@1' : 'A@5', `a replica of ${of}`)
  }
})

t.test(
  'rival of an older epoch — is not followed — for what our master said before the Sentinels were away',
  async t => {
    const play = Play.serving(5)
    play
      .confirm()
      .later(1)
      .all('A', { epoch: 5 })
      .probed('A', { kind: 'replica', of: at('B') })
    t.strictSame(play.take(), ['probe A', 'hold not-master'])
    for (const key of ['s1', 's2', 's3']) play.down(key)
    play.later(1_000)
    for (const key of ['s1', 's2', 's3']) play.up(key).answer(key, 'B', { epoch: 1 })
    t.strictSame(play.take(), ['probe A'], 'it may have been promoted again')
    play.probed('A')
    t.strictSame(play.take(), ['serve A@5'])
  },
)

t.test('rival of an older epoch — that has lasted — is followed with the true reason', async t => {
  for (const [result, reason] of [
    [{ kind: 'replica', of: at('C') }, /our master is a replica now/],
    [{ kind: 'unreachable', why: 'x' }, /our master is gone/],
  ] as const) {
    const play = Play.serving(5)
    let told: unknown
    for (let passed = 0; passed < 20_000 && told === undefined; passed += 1_000) {
      play.confirm().later(1_000).all('B', { epoch: 1 })
      const { probe } = play.topology
      if (probe && !probe.result && probe.address.port === at('A').port) play.probed('A', result)
      told = play.effects.find(effect => effect.kind === 'note' && effect.event === 'master.epoch_reset')
    }
    t.match(told, { fields: { msg: reason } })
  }
})

t.test('a failover of another master — by one Sentinel that was restored alone — stops nothing', async t => {
  const play = Play.serving(5)
  play.answer('s1', 'B', { epoch: 1 })
  play.take()
  play.event('s1', { kind: 'failover-elected', master: at('B'), replica: at('C') })
  t.strictSame(play.take(), [])
})

t.test('another master of an older epoch — is followed — when a majority was told to monitor it', async t => {
  const play = Play.serving(5)
  play.publish('s1', '+monitor', 'B').publish('s2', '+monitor', 'B')
  play.later(1).answer('s1', 'B', { epoch: 0 }).answer('s2', 'B', { epoch: 0 })
  for (const key of ['s1', 's2']) play.answer(key, 'B', { epoch: 0 })
  play.probed('B')
  t.strictSame(play.take(), ['hold master-moved', 'probe B', 'serve B@0'])
})

const oldMaster: ProbeResult = { kind: 'master', runId: 'r' }

/** The run id that the last probe may not find. */
function unlikeOf(play: Play): string | null | undefined {
  return play.effects.findLast(effect => effect.kind === 'probe')?.unlike
}

t.test('new master — is not served — while its name leads to the process of the old one', async t => {
  const play = Play.serving().all('B', { epoch: 2 })
  t.equal(unlikeOf(play), 'r')
  play.take()
  play.probed('B', { kind: 'replaced' }).later(60).all('B', { epoch: 2 })
  t.strictSame(play.take(), ['probe B'], 'it is asked again')
  t.equal(play.cause(), 'master-moved')
  play.probed('B', oldMaster)
  t.strictSame(play.take(), ['probe B'], 'nor where that was not known when the node was asked')
  play.later(60).all('B', { epoch: 2 }).probed('B')
  t.strictSame(play.take(), ['serve B@2'])
  play.later(1_000).all('A', { epoch: 3 }).probed('A')
  t.equal(play.master(), 'A@3', 'the old one may be promoted again')
})

t.test('replica under promotion — cannot be the process of the master — when it is asked ahead', async t => {
  const play = Play.serving().publish('s1', '+try-failover', 'A')
  play
    .event('s1', { kind: 'failover-elected', master: at('A'), replica: at('B') })
    .input({ kind: 'warm', address: at('B') })
  t.equal(unlikeOf(play), 'r')
})

t.test(
  'process of the old master — may be the new one — under another name, or where the Sentinels began anew',
  async t => {
    const renamed = Play.serving().all('X', { epoch: 2, runId: 'r' }).probed('A')
    t.equal(renamed.master(), 'A@2', 'our own name for it goes on working')
    const anew = Play.serving(5).publish('s1', '+monitor', 'X').publish('s2', '+monitor', 'X').later(1)
    for (const key of ['s1', 's2', 's1', 's2']) anew.answer(key, 'X', { epoch: 0 })
    t.equal(unlikeOf(anew), null)
    anew.probed('X', oldMaster)
    t.equal(anew.master(), 'X@0')
  },
)

/** Where no link to the master that is served last may stand. */
function notAtOf(play: Play): string | undefined {
  const last = play.effects.findLast(effect => effect.kind === 'serve')
  play.effects = []
  return last?.master.notAt
}

t.test('links — may not stand at the master before — unless the new one is reached there, too', async t => {
  const [a, b] = ['10.1.0.1:6379', '10.1.0.2:6379']
  const stands = (place: string, at: string): ProbeResult => ({ kind: 'master', runId: `run-${place}`, at })
  const play = Play.with('s1', 's2', 's3').all('A').probed('A', stands('A', a))
  t.equal(notAtOf(play), undefined)
  play.later(1_000).all('B', { epoch: 2 }).probed('B', stands('B', b))
  t.equal(notAtOf(play), a)
  play.later(1_000).confirm().later(1).all('B', { epoch: 2 }).probed('B', stands('B', b))
  t.equal(notAtOf(play), a, 'however often it is confirmed')
  play.later(1_000).all('A', { epoch: 3 }).probed('A', stands('A', a))
  t.equal(notAtOf(play), b)
  play.later(1_000).all('B', { epoch: 4 }).probed('B', { kind: 'untold', why: 'NOPERM' })
  t.equal(notAtOf(play), undefined, 'nobody knows where it stands')
  play.later(1_000).confirm().later(1).all('B', { epoch: 4 }).probed('B', stands('C', a))
  t.equal(notAtOf(play), undefined, 'it has the address of the old one by now, or a balancer leads to both')
})

t.test('the same master under another name at a majority — is no rival — while our name works', async t => {
  const play = Play.serving().confirm().later(1).all('X', { runId: 'r' }).probed('A')
  t.notOk(play.notes().includes('master.rival'))
  t.strictSame(play.take(), ['probe A', 'serve A@1'])
  for (const sign of ['late', 'turned-away'] as const) {
    play.later(600).confirm().later(1).all('X', { runId: 'r' }).probed('A', { kind: 'unreachable', why: 'x', sign })
    play.later(600).all('X', { runId: 'r' })
    t.notOk(play.take().includes('probe X'), `${sign}: its links may last`)
    play.probed('A')
  }
})

const nobody: ProbeResult = { kind: 'unreachable', why: 'getaddrinfo ENOTFOUND a' }

t.test('the same master under another name at a majority — is tried — when nobody is at ours', async t => {
  const play = Play.serving().confirm().later(1).all('X', { runId: 'r' })
  play.take()
  play.probed('A', nobody).later(1).all('X', { runId: 'r' })
  t.strictSame(play.take(), ['hold master-unreachable', 'probe X'])
  play.probed('X').later(100).all('X', { runId: 'r' })
  t.strictSame(play.take(), ['serve X@1'])
  t.notOk(play.notes().includes('master.rival'))
})

t.test('the same master under another name at a majority — is tried — when ours was silent for 15 s', async t => {
  const play = Play.serving().confirm().later(1).all('X', { runId: 'r' })
  play.take()
  const tried: number[] = []
  for (let second = 0; second < 40 && play.topology.master?.port === at('A').port; second++) {
    const { probe } = play.topology
    if (probe && sameAddress(probe.address, at('X'))) {
      tried.push(second)
      play.probed('X')
    } else if (probe && !probe.result) play.probed('A', { kind: 'unreachable', why: 'x', sign: 'late' })
    play.later(1_000).all('X', { runId: 'r' })
  }
  t.ok((tried[0] ?? 0) >= 14 && (tried[0] ?? 0) <= 17, `tried after ${tried} seconds`)
  t.equal(play.master(), 'X@1')
  t.notOk(play.notes().includes('master.rival'))
})

t.test('two names of one master — are asked in turn, with a pause — until one answers', async t => {
  const play = Play.serving().confirm().later(1).all('X', { runId: 'r' })
  const asked: string[] = []
  for (let i = 0; i < 20; i++) {
    play.probed(letter(play.topology.probe?.address ?? at('A')), nobody)
    play.later(300).all('X', { runId: 'r' }).later(300).all('X', { runId: 'r' })
    asked.push(...play.take().filter(text => text.startsWith('probe')))
  }
  t.ok(asked.includes('probe A') && asked.includes('probe X'), asked.join(' '))
  t.ok(asked.length <= 41, `${asked.length} probes in 12 s`)
  t.equal(play.notes().filter(event => event === 'master.candidate').length, 0, 'nothing is news')
  for (let i = 0; i < 3 && play.topology.gate.kind === 'shut'; i++) {
    const name = letter(play.topology.probe?.address ?? at('A'))
    play
      .probed(name, name === 'A' ? { kind: 'master', runId: 'r' } : nobody)
      .later(600)
      .all('X', { runId: 'r' })
  }
  t.ok(play.take().includes('serve A@1'), 'ours is back')
})

t.test('rival of an older epoch — while a failover of our master is announced — leaves the probe alone', async t => {
  const play = Play.serving(5)
  play.event('s1', { kind: 'failover-elected', master: at('A'), replica: at('C') })
  play.input({ kind: 'warm', address: at('C') })
  for (const key of ['s2', 's3']) play.later(1).answer(key, 'B', { epoch: 1 })
  play.take()
  for (let i = 0; i < 5; i++) {
    const { probe } = play.topology
    if (probe && !probe.result) play.probed(letter(probe.address), { kind: 'replica' })
  }
  t.strictSame(play.take(), [], 'two nodes would be probed in turn without an end')
})

/** Since which epoch the links of the master are good. */
function sinceOf(play: Play): number | undefined {
  const { master } = play.topology
  return master?.since ?? master?.epoch
}

/** All name A at this epoch, and the node that is asked then is this process. */
function named(play: Play, epoch: number, runId: string | null = 'r'): Play {
  play.later(600).all('A', { epoch }).later(1).all('A', { epoch })
  return play.probed('A', runId === null ? { kind: 'untold', why: 'x' } : { kind: 'master', runId })
}

t.test('older epoch of the same master — is no news to its links — while the Sentinels begin anew', async t => {
  const play = named(Play.serving(5), 0)
  t.equal(play.master(), 'A@0')
  t.equal(sinceOf(play), 5)
  play.confirm().later(1).all('A', { epoch: 0 }).probed('A')
  t.equal(sinceOf(play), 5, 'asked once more')
  t.equal(sinceOf(named(play, 5)), 5, 'one that kept its state has told them the old epoch')
})

t.test('another epoch of the same master — ends its links — where it may have been replaced meanwhile', async t => {
  t.equal(sinceOf(named(Play.serving(5), 6)), 6, 'a newer one')
  t.equal(sinceOf(named(Play.serving(5), 3)), 3, 'an older one in which somebody has failed over')
  t.equal(sinceOf(named(Play.serving(5), 0, 'another')), 0, 'another process')
  t.equal(sinceOf(named(Play.serving(5), 0, null)), 0, 'a process that does not say which one it is')
  const lowered = named(Play.serving(5), 0)
  t.equal(sinceOf(named(lowered, 2)), 2, 'there and back in the new history')
  const slept = Play.serving(5).standStill(600).all('A', { epoch: 0 }).later(1).all('A', { epoch: 0 })
  t.equal(sinceOf(slept.probed('A')), 0, 'nobody looked')
  const held = Play.serving(5).confirm().later(1).all('A', { epoch: 5 }).probed('A', { kind: 'unreachable', why: 'x' })
  t.not(held.cause(), 'open')
  held.later(600).all('A', { epoch: 0 }).later(1).all('A', { epoch: 0 })
  t.equal(sinceOf(held.probed('A')), 0, 'it could not be reached')
})

t.test('doubt of the Sentinels — makes it look often — and holds nothing', async t => {
  const play = Play.serving()
  t.equal(isUnsettled(play.topology, play.now), false)
  play.publish('s1', '+odown', 'A')
  t.equal(isUnsettled(play.topology, play.now), true)
  play.later(6_000)
  t.equal(isUnsettled(play.topology, play.now), false)
  t.strictSame(play.take(), [])
})

// What is done without a majority: when a master may be begun with, when the last one may be used further, and that
// every question ends.
import t from 'tap'
import { formatAddress } from '../../../src/address.ts'
import { describeMinority, minorityTiming } from '../../../src/sentinel/minority-rules.ts'
import type { LinkSign, ProbeResult } from '../../../src/sentinel/topology-state.ts'
import { deadSentinels, quorumOf, voterTiming } from '../../../src/sentinel/voters.ts'
import { Play, type Said, viewOf } from './steps.ts'

const master: ProbeResult = { kind: 'master', runId: 'r' }
const other: ProbeResult = { kind: 'master', runId: 'r-B' }
const late: ProbeResult = { kind: 'unreachable', why: 'no answer', sign: 'late' }
const full: ProbeResult = { kind: 'unreachable', why: 'max number of clients', sign: 'turned-away' }
const gone: ProbeResult = { kind: 'unreachable', why: 'ECONNREFUSED' }

/** Lets `ms` pass in small steps, every Sentinel that is up saying what it says, every probe answered at once. */
function live(
  play: Play,
  ms: number,
  { says, node, links = 'none' }: { says: Record<string, [string, Said?]>; node: ProbeResult; links?: LinkSign },
): Play {
  for (let passed = 0; passed < ms; passed += 100) {
    for (const [key, [place, said]] of Object.entries(says)) play.answer(key, place, said)
    const { probe } = play.topology
    if (probe && !probe.result) play.probed(String.fromCharCode(probe.address.port), node, links)
    play.later(100)
  }
  return play
}

t.test('without any Sentinel — all that are known are named — also those that count no more', async t => {
  const play = new Play()
  for (const key of ['s1', 's2', 's3']) play.input({ kind: 'joined', key, seed: true })
  for (let passed = 0; passed < voterTiming.unmetMs + 1_000; passed += 100) play.later(100)
  t.ok(quorumOf(play.topology, play.now).known < 3)
  t.equal(describeMinority(play.topology, play.now), 'no Sentinel can be asked about the master (0 of 3)')
})

t.test('Sentinels that do not know the name — are told as such — and not as silent', async t => {
  const play = Play.with('s1', 's2', 's3')
  play.answer('s1', null).answer('s2', null)
  const text = 'no Sentinel gives a master for this name (2 of 3 answer)'
  t.equal(describeMinority(play.topology, play.now), text)
})

t.test('seeds of two deployments — are told as such — and not in a failover', async t => {
  const play = Play.with('s1', 's2', 's3', 's4').answer('s1', 'A').answer('s2', 'A').answer('s3', 'B').answer('s4', 'B')
  play.lists('s1', ['run-s2', 'run-x']).lists('s2', ['run-s1', 'run-x'])
  play.lists('s3', ['run-s4', 'run-y']).lists('s4', ['run-s3', 'run-y'])
  t.match(describeMinority(play.topology, play.now), /two deployments, give --sentinels those of one/)
  play.lists('s4', ['run-s1', 'run-s3'])
  t.notMatch(describeMinority(play.topology, play.now), /deployments/)
})

t.test('Sentinels that disagree — are told as such — and not as too few', async t => {
  const play = Play.with('s1', 's2', 's3', 's4')
  live(play, 500, { says: { s1: ['A'], s2: ['B'], s3: ['A'], s4: ['B'] }, node: master })
  const [a, b] = ['A', 'B'].map(place => formatAddress(viewOf(place, 0).address))
  t.equal(
    describeMinority(play.topology, play.now),
    `4 of 4 Sentinels can be asked about the master, and 3 must name the same one: 2 name ${a}, 2 name ${b}`,
  )
})

interface Beginning {
  readonly title: string
  readonly seeds: number
  readonly says: Record<string, [string, Said?]>
  readonly node?: ProbeResult
  readonly ends: string
}

const seven = { knownSentinels: 7 }
const beginnings: readonly Beginning[] = [
  {
    title: 'three that live count four dead, and agree',
    seeds: 3,
    says: { s1: ['A', seven], s2: ['A', seven], s3: ['A'] },
    ends: 'serve A@1',
  },
  {
    title: 'those that can be asked do not agree on the address',
    seeds: 3,
    says: { s1: ['A', seven], s2: ['A', seven], s3: ['B', seven] },
    ends: 'hold no-majority',
  },
  {
    title: 'those that can be asked do not agree on the epoch',
    seeds: 3,
    says: { s1: ['A', seven], s2: ['A', { ...seven, epoch: 2 }], s3: ['A', seven] },
    ends: 'hold no-majority',
  },
  {
    title: 'fewer agree than their own quorum is',
    seeds: 3,
    says: { s1: ['A', { ...seven, quorum: 4 }], s2: ['A', { ...seven, quorum: 4 }], s3: ['A', seven] },
    ends: 'hold no-majority',
  },
  {
    title: 'the node says it is a replica',
    seeds: 3,
    says: { s1: ['A', seven], s2: ['A', seven], s3: ['A', seven] },
    node: { kind: 'replica' },
    ends: 'hold no-majority',
  },
  {
    title: 'the node does not say what it is',
    seeds: 3,
    says: { s1: ['A', seven], s2: ['A', seven], s3: ['A', seven] },
    node: { kind: 'untold', why: 'NOAUTH' },
    ends: 'hold no-majority',
  },
  { title: 'nobody can be asked', seeds: 3, says: {}, ends: 'hold no-majority' },
  {
    title: 'one of three that claims to be alone is asked by a quorum of two',
    seeds: 3,
    says: { s1: ['A', { knownSentinels: 1, quorum: 2 }] },
    ends: 'hold no-majority',
  },
  {
    title: 'two of five seeds were never there and one of three is down',
    seeds: 5,
    says: { s1: ['A'], s2: ['A'] },
    ends: 'serve A@1',
  },
]
for (const { title, seeds, says, node = master, ends } of beginnings) {
  t.test(`start — ends in ${ends} — when ${title}`, async t => {
    const play = new Play()
    for (let i = 1; i <= seeds; i++) play.input({ kind: 'joined', key: `s${i}`, seed: true })
    for (const key of Object.keys(says)) play.up(key)
    live(play, 10_000, { says, node })
    const done = play.take().filter(one => !one.startsWith('probe'))
    t.strictSame([...new Set(done)], [ends])
    if (ends.startsWith('hold')) t.equal(play.topology.master, null)
  })
}

t.test('start without a majority — waits — until whoever else there is has had the time to be reached', async t => {
  const play = Play.with('s1', 's2', 's3')
  const says: Record<string, [string, Said?]> = { s1: ['A', seven], s2: ['A', seven], s3: ['A', seven] }
  live(play, minorityTiming.agreedMs - 500, { says, node: master })
  t.strictSame(play.take(), [])
  live(play, 1_000, { says, node: master })
  t.equal(play.topology.basis, 'quorum')
})

interface Question {
  readonly title: string
  readonly says: Record<string, [string, Said?]>
  readonly node: ProbeResult
  readonly links?: LinkSign
  readonly ends: string
}

/** A@1 with the run id `r` is served by three; s2 and s3 are lost, and then a link asks. */
const questions: readonly Question[] = [
  { title: 'the node is the same', says: { s1: ['A'] }, node: master, ends: 'serve A@1' },
  { title: 'nobody at all can be asked', says: {}, node: master, ends: 'serve A@1' },
  { title: 'it is late and links get replies', says: { s1: ['A'] }, node: late, links: 'heard', ends: 'serve A@1' },
  { title: 'it is late and links are silent', says: { s1: ['A'] }, node: late, links: 'up', ends: 'hold no-majority' },
  { title: 'it is full and links are up', says: { s1: ['A'] }, node: full, links: 'up', ends: 'serve A@1' },
  { title: 'it is full and there is no link', says: { s1: ['A'] }, node: full, ends: 'hold no-majority' },
  {
    title: 'it refuses the question and links are up',
    says: { s1: ['A'] },
    node: { kind: 'untold', why: 'NOAUTH' },
    links: 'up',
    ends: 'serve A@1',
  },
  {
    title: 'it refuses the question and there is no link',
    says: { s1: ['A'] },
    node: { kind: 'untold', why: 'NOAUTH' },
    ends: 'hold no-majority',
  },
  { title: 'it is gone', says: { s1: ['A'] }, node: gone, links: 'heard', ends: 'hold no-majority' },
  {
    title: 'it is a replica',
    says: { s1: ['A'] },
    node: { kind: 'replica' },
    links: 'heard',
    ends: 'hold no-majority',
  },
  {
    title: 'it is another process',
    says: { s1: ['A'] },
    node: { kind: 'master', runId: 'other' },
    ends: 'hold no-majority',
  },
  { title: 'a Sentinel names another', says: { s1: ['B', { epoch: 2 }] }, node: master, ends: 'hold no-majority' },
  { title: 'a Sentinel has another name for it', says: { s1: ['X', { runId: 'r' }] }, node: master, ends: 'serve A@1' },
]
for (const { title, says, node, links = 'none', ends } of questions) {
  t.test(`question without a majority — ends in ${ends} — when ${title}`, async t => {
    const play = Play.serving()
    for (const key of ['s1', 's2', 's3']) if (!(key in says)) play.down(key)
    live(play, 5_000, { says, node, links })
    t.strictSame(play.take(), [], 'nothing happens while nobody asks')
    t.equal(play.cause(), 'open')
    play.confirm()
    live(play, 500, { says, node, links })
    t.strictSame(
      play.take().filter(one => !one.startsWith('probe')),
      [ends],
      'at once: nobody has come back in all this time',
    )
    t.equal(play.master(), 'A@1')
  })
}

t.test('question — waits for a majority that was just lost — and no longer than for its answers', async t => {
  const play = Play.serving().down('s2').down('s3').confirm()
  live(play, 1_900, { says: { s1: ['A'] }, node: master })
  t.strictSame(play.take(), [])
  live(play, 300, { says: { s1: ['A'] }, node: master })
  t.strictSame(play.take(), ['probe A', 'serve A@1'])
  t.equal(play.topology.basis, 'last-master')
})

t.test('question — ends — although links ask again and again and the node is stopped', async t => {
  const play = Play.serving().down('s2').down('s3')
  let startedAt = 0
  for (let passed = 0; passed < 8_000; passed += 100) {
    play.answer('s1', 'A')
    if (passed % 700 === 0) play.confirm()
    const { probe } = play.topology
    if (probe && !probe.result && play.now - probe.startedAt >= 1_000) play.probed('A', late)
    startedAt = play.topology.probe?.startedAt ?? startedAt
    play.later(100)
  }
  t.equal(play.cause(), 'no-majority')
  play.take()
  for (let passed = 0; passed < 3_000; passed += 100) {
    play.answer('s1', 'A')
    if (passed % 700 === 0) play.confirm()
    if (play.topology.probe && !play.topology.probe.result) play.probed('A')
    play.later(100)
  }
  t.equal(play.cause(), 'open', 'and it is served again when the node goes on')
})

t.test('hold without a majority — ends — when a majority is back', async t => {
  const play = Play.serving().down('s2').down('s3')
  live(play, 3_000, { says: { s1: ['A'] }, node: gone })
  play.confirm()
  live(play, 500, { says: { s1: ['A'] }, node: gone })
  t.equal(play.cause(), 'no-majority')
  play.take()
  play.up('s2')
  live(play, 500, { says: { s1: ['B', { epoch: 2 }], s2: ['B', { epoch: 2 }] }, node: other })
  t.equal(play.master(), 'B@2')
  t.equal(play.topology.basis, 'majority')
})

t.test('restarted master — is served by a quorum that agrees — as a Holdfast that has just begun would', async t => {
  const play = Play.serving()
  const said: Record<string, [string, Said?]> = { s1: ['A', seven], s2: ['A', seven], s3: ['A', seven] }
  live(play, 4_000, { says: said, node: master })
  play.take()
  play.confirm()
  live(play, 500, { says: said, node: { kind: 'master', runId: 'other' } })
  t.equal(play.topology.master?.runId, 'other')
  t.equal(play.topology.basis, 'quorum')
})

t.test('standstill — makes it wait again — before the absence of a majority decides', async t => {
  const play = Play.serving().down('s2').down('s3')
  live(play, 5_000, { says: { s1: ['A'] }, node: master })
  play.later(10_000).confirm()
  live(play, 1_900, { says: { s1: ['A'] }, node: master })
  t.strictSame(play.take(), [], 'a Sentinel that is back by now can be reached meanwhile')
  play.up('s2').up('s3')
  live(play, 200, { says: { s1: ['A'], s2: ['B', { epoch: 2 }], s3: ['B', { epoch: 2 }] }, node: other })
  t.strictSame(play.take(), ['hold master-moved', 'probe B', 'serve B@2'])
})

t.test('failover that one of a minority announces — holds — as with a majority', async t => {
  const play = Play.serving().down('s2').down('s3')
  live(play, 3_000, { says: { s1: ['A'] }, node: master })
  play.publish('s1', '+try-failover', 'A')
  t.strictSame(play.take(), ['hold failover-announced'])
  live(play, 1_500, { says: { s1: ['A', { failover: 'try' }] }, node: master })
  t.strictSame(play.take(), [])
  live(play, 1_000, { says: { s1: ['A'] }, node: master })
  t.strictSame(play.take(), ['probe A', 'serve A@1'])
})

t.test('minority of five — never moves the master — however long it names another', async t => {
  const keys = ['s1', 's2', 's3', 's4', 's5']
  const five = { knownSentinels: 5, quorum: 2 }
  const play = Play.with(...keys)
  for (const key of keys)
    play.lists(
      key,
      keys.filter(other => other !== key).map(other => `run-${other}`),
    )
  play.all('A', five).probed('A').take()
  for (const key of ['s3', 's4', 's5']) play.down(key)
  for (const key of ['s1', 's2']) {
    play.lists(key, key === 's1' ? ['run-s2'] : ['run-s1'], ['run-s3', 'run-s4', 'run-s5'])
  }
  const says: Record<string, [string, Said?]> = { s1: ['B', { ...five, epoch: 9 }], s2: ['B', { ...five, epoch: 9 }] }
  play.confirm()
  live(play, 60_000, { says, node: master })
  t.strictSame(quorumOf(play.topology, play.now), { known: 5, majority: 3 })
  t.strictSame([...new Set(play.take().filter(one => !one.startsWith('probe')))], ['hold no-majority'])
  t.equal(play.master(), 'A@1')
})

t.test('count — is the same for a process that begins and one that has run — when Sentinels were replaced', async t => {
  const dead = ['old1', 'old2', 'old3', 'old4']
  const tell = (play: Play): Play => {
    const others = (key: string): string[] => ['s1', 's2', 's3'].filter(one => one !== key).map(one => `run-${one}`)
    for (const key of ['s1', 's2']) play.lists(key, others(key), dead).answer(key, 'A', seven)
    return play.lists('s3', others('s3')).answer('s3', 'A')
  }
  const old = Play.with('s1', 's2', 's3')
  for (const [i, key] of dead.entries()) {
    old.input({ kind: 'joined', key, seed: false }).up(key, key)
    old.answer(key, 'A', { knownSentinels: 3 + i })
    old.down(key)
  }
  t.strictSame(quorumOf(tell(old).topology, old.now), { known: 7, majority: 4 })
  const fresh = tell(Play.with('s1', 's2', 's3'))
  t.strictSame(quorumOf(fresh.topology, fresh.now), { known: 7, majority: 4 })
  t.strictSame(deadSentinels(fresh.topology).toSorted(), dead)
})

t.test('seed — stops counting — when nobody lists it and it was away for long enough', async t => {
  const play = Play.with('s1', 's2', 's3')
  for (const key of ['absent1', 'absent2']) play.input({ kind: 'joined', key, seed: true })
  play.all('A')
  t.equal(quorumOf(play.topology, play.now).known, 5)
  t.equal(quorumOf(play.topology, play.now + voterTiming.unmetMs).known, 3)
  const listed = Play.with('s1').input({ kind: 'joined', key: 'run-x:26379', seed: true }).lists('s1', ['run-x'])
  listed.input({ kind: 'joined', key: 'y', seed: true }).answer('s1', 'A', { knownSentinels: 1 })
  t.equal(quorumOf(listed.topology, listed.now + 60_000).known, 2, 'the one that is listed counts on')
  const met = Play.with('s1', 's2', 's3').down('s3')
  met.answer('s1', 'A', { knownSentinels: 2 }).answer('s2', 'A', { knownSentinels: 2 })
  t.equal(quorumOf(met.topology, met.now + voterTiming.unlistedMs - 1).known, 3)
  t.equal(quorumOf(met.topology, met.now + voterTiming.unlistedMs).known, 2)
})

t.test('seeds that are left out — never make fewer enough — than the Sentinels say themselves', async t => {
  const play = Play.with('s1')
  for (const key of ['s2', 's3']) play.input({ kind: 'joined', key, seed: true })
  play.answer('s1', 'A', { knownSentinels: 1, quorum: 2 })
  play.now += 60_000
  play.answer('s1', 'A', { knownSentinels: 1, quorum: 2 })
  t.strictSame(quorumOf(play.topology, play.now), { known: 1, majority: 2 })
})

const rivals: [title: string, node: ProbeResult, links: LinkSign, follows: boolean][] = [
  ['our master lives', master, 'none', false],
  ['our master is late and links get replies', late, 'heard', false],
  ['a foreign server answers at its address', { kind: 'master', runId: 'foreign' }, 'none', true],
  ['a server that will not say who it is answers there', { kind: 'untold', why: 'NOAUTH' }, 'none', true],
  ['nobody answers there', gone, 'none', true],
]
for (const [title, node, links, follows] of rivals) {
  t.test(
    `Sentinels that were wiped — ${follows ? 'are followed in time' : 'are not followed'} — when ${title}`,
    async t => {
      const play = Play.serving(5)
      const says: Record<string, [string, Said?]> = {}
      for (const key of ['s1', 's2', 's3']) says[key] = ['B', { epoch: 0 }]
      for (const key of Object.keys(says)) play.answer(key, 'B', { epoch: 0 })
      play.confirm()
      for (let passed = 0; passed < 20_000; passed += 100) {
        for (const key of Object.keys(says)) play.answer(key, 'B', { epoch: 0 })
        const { probe } = play.topology
        if (probe && !probe.result) {
          const isOurs = probe.address.port === viewOf('A', 0).address.port
          play.probed(isOurs ? 'A' : 'B', isOurs ? node : { kind: 'master', runId: 'b' }, isOurs ? links : 'none')
        }
        play.later(100)
      }
      const done = play.take().filter(one => !one.startsWith('probe'))
      t.equal(play.master(), follows ? 'B@0' : 'A@5')
      t.equal(done[0]?.startsWith(follows ? 'hold' : 'serve A@5'), true, String(done[0]))
    },
  )
}

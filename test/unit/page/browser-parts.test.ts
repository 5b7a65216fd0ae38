// The parts of the page that need no browser: the verdict, the data, and how numbers and times are written.
import t from 'tap'

// They are JavaScript for browsers, and typed as such (src/page/browser/tsconfig.json).
const load = (name: string) => import(new URL(`../../../src/page/browser/${name}`, import.meta.url).href)
const { verdictOf, lastFailover } = await load('verdict.js')
const { Data } = await load('data.js')
const { lengthOf, bytesOf, many, waitOf } = await load('format.js')
const { minutesOf } = await load('plot-table.js')
const { optionOf, textOf } = await load('settings.js')
const { titleOf, wayOf } = await load('stories.js')
const { conditions, summaryOf } = await load('replicas.js')

const now = Date.parse('2030-01-02T12:00:10Z')
const since = '2030-01-02T12:00:00Z'
const sentinel = (address: string, more = {}) => ({
  address,
  reachable: true,
  runId: address,
  names: '10.0.0.2:6379',
  ...more,
})

function master(gate: object, each: object[] = [sentinel('s1'), sentinel('s2'), sentinel('s3')], more = {}) {
  return {
    masterName: 'm',
    master: { address: '10.0.0.2:6379', epoch: 3 },
    gate: { state: 'open', since, forMs: 10_000, cause: null, detail: null, ...gate },
    held: { requests: 12 },
    sentinels: { known: each.length, trouble: null, each },
    ...more,
  }
}

const of = (one: object, stopping = false) => verdictOf(one, { time: now, stopping })

t.test('verdict — says in one sentence what is done — and counts who agrees', async t => {
  t.match(of(master({})), {
    tone: 'good',
    word: 'Serving',
    sentence: /^Serving 10\.0\.0\.2:6379 since \d\d:\d\d:00; 3 of 3 Sentinels agree\.$/,
    detail: '',
  })
  const away = of(master({}, [sentinel('s1'), sentinel('s2'), sentinel('s3', { reachable: false })]))
  t.match(away, { tone: 'wait', sentence: /; 2 of 3 Sentinels agree\.$/, detail: '1 Sentinel cannot be reached.' })
  const twice = of(master({}, [sentinel('s1'), sentinel('::1', { runId: 's1' })]))
  t.match(twice, { sentence: /; 1 of 2 Sentinels agree\.$/ }, 'two addresses of one Sentinel')
  const differs = of(master({}, [sentinel('s1'), sentinel('s2', { names: '10.0.0.9:6379' })]))
  t.match(differs, { tone: 'wait', detail: '1 Sentinel names another master.' })
  const none = of(master({}, undefined, { sentinels: { known: 3, trouble: 'two are away', each: [] } }))
  t.match(none, { tone: 'bad', detail: 'No failover can be followed: two are away' })
})

t.test('verdict — says since when, why and what is waited for — whatever shuts the gate', async t => {
  for (const cause of [
    'starting',
    'failover-announced',
    'master-moved',
    'not-master',
    'master-unreachable',
    'master-loading',
    'no-majority',
    'stood-still',
    'a-cause-of-tomorrow',
  ]) {
    const held = of(master({ state: 'holding', cause, detail: 'S1 says so' }))
    t.match(held.sentence, /^Holding 12 requests since \d\d:\d\d:00 \(10\.0 s\): .+\.$/, cause)
    t.match(held.detail, /^Waiting for .+\. Last heard: S1 says so\.$/, cause)
    t.equal(held.word, cause === 'starting' ? 'Starting' : 'Holding')
    t.equal(held.tone, 'wait')
  }
  t.match(of(master({ state: 'tripped', cause: 'no-majority' })), {
    tone: 'bad',
    word: 'Failing',
    sentence: /^No master since \d\d:\d\d:00: commands fail at once/,
  })
  t.match(of(master({ state: 'draining' })), { word: 'Sending', sentence: /12 requests to go\.$/ })
  t.match(of(master({}), true), { tone: 'wait', detail: /^Holdfast is stopping/ })
})

t.test('verdict — says who has paused it and when that ends — although the gate is open', async t => {
  const pause = { state: 'paused', by: 'ctl', forMs: 5000, endsInMs: 25_000, inFlight: { requests: 0, blocked: 0 } }
  t.match(of(master({}, undefined, { pause })), {
    tone: 'wait',
    word: 'Paused',
    sentence: /^Holding 12 requests since \d\d:\d\d:05 \(5\.0 s\): ctl has paused all sending to 10\.0\.0\.2:6379\.$/,
    detail: 'It ends by itself in 25.0 s at the latest.',
  })
  t.match(of(master({ state: 'draining' }, undefined, { pause })), { word: 'Paused' }, 'after a standstill as well')
  const emptying = { ...pause, state: 'emptying', inFlight: { requests: 2, blocked: 1 } }
  t.match(of(master({}, undefined, { pause: emptying })).detail, /3 requests still in flight\.$/)
})

t.test('verdict — has each cause that there is — in words', async t => {
  const { holdCauses } = await import('../../../src/ops/labelled-counters.ts')
  for (const cause of holdCauses)
    t.notMatch(of(master({ state: 'holding', cause })).sentence, `: ${cause}.`, `${cause} has words of its own`)
})

t.test('story — is called by what it was, and a pause by who asked for it — and goes somewhere only then', async t => {
  const story = { kind: 'pause', cause: 'switchover', from: '10.0.0.1:6379', to: '10.0.0.2:6379' }
  t.equal(titleOf(story), 'Switchover')
  t.equal(wayOf(story), '10.0.0.1:6379 to 10.0.0.2:6379')
  t.equal(wayOf({ ...story, to: null }), '10.0.0.1:6379', 'while it lasts')
  t.equal(titleOf({ ...story, cause: 'drill' }), 'Drill')
  t.equal(titleOf({ ...story, cause: 'ctl' }), 'Pause')
  t.equal(titleOf({ ...story, kind: 'failover', cause: 'switchover' }), 'Failover')
  t.equal(wayOf({ ...story, kind: 'hold' }), '10.0.0.1:6379')
  t.equal(wayOf({ ...story, kind: 'start', from: null }), '10.0.0.2:6379')
})

t.test('replicas — have words for each condition — and for where their sessions are instead', async t => {
  const { moveCauses } = await import('../../../src/ops/labelled-counters.ts')
  const { conditionOf, createReplica } = await import('../../../src/replicas/condition.ts')
  const unknown = conditionOf(createReplica({ host: 'a', port: 1 }), { now: 0, maxLagMs: 1, replid: null })
  // The others are reasons to move, and no condition of a replica.
  const reasons = ['replica-restarted', 'master-not-served', 'replica-back']
  const named = ['good', 'behind', unknown, ...moveCauses.filter(cause => !reasons.includes(cause))]
  t.strictSame([...named].sort(), Object.keys(conditions).sort())
  const nodes = [{ condition: 'good' }, { condition: 'replica-lagging' }]
  t.equal(
    summaryOf({ nodes, sessions: 4, heldRequests: 0, groups: [{ reads: 'a:1', sessions: 4 }] }),
    '1 of 2 good; 4 sessions.',
  )
  t.equal(
    summaryOf({
      nodes: [],
      sessions: 5,
      heldRequests: 7,
      groups: [
        { reads: 'master', sessions: 3 },
        { reads: 'held', sessions: 2 },
      ],
    }),
    '0 of 0 good; 5 sessions. 3 of them read from the master, because no replica is good. 2 of them are held, because no replica is good. 7 requests held.',
  )
})

t.test('last failover — is the last that is over — and a hold is none', async t => {
  const story = { kind: 'failover', drainMs: 1, heldMs: 1900, at: since, counts: { drained: 40 } }
  const stories = [{ ...story, kind: 'hold', heldMs: 5 }, { ...story, drainMs: null, heldMs: 7 }, story]
  t.match(lastFailover(stories, now), /commands were held for 1\.9 s, 40 requests sent after it\.$/)
  t.equal(lastFailover([], now), 'No failover since the start.')
})

function hello(startedAt: number, times: number[], value: number) {
  return {
    startedAt,
    columns: ['commands'],
    history: { times, delayMs: times.map(() => 1), masters: [[times.map(() => value)]] },
    present: { time: times.at(-1) ?? 0, masters: [] },
    stories: [],
  }
}

t.test('data — keeps what it has seen, with a gap — when the program was restarted', async t => {
  const data = new Data()
  data.onHello(hello(1, [1000, 2000, 3000], 5))
  data.onHello(hello(2, [9000, 10_000], 7))
  t.strictSame(data.times, [1000, 2000, 3000, 3001, 9000, 10_000])
  t.strictSame(data.masters[0].commands, [5, 5, 5, null, 7, 7])
  data.onHello(hello(2, [9000, 10_000, 11_000], 8))
  t.strictSame(data.masters[0].commands, [8, 8, 8], 'the same program again tells all that it knows')
})

t.test('data — goes on with each message and forgets after ten minutes — and takes none twice', async t => {
  const data = new Data()
  data.onHello(hello(1, [1000], 1))
  const tick = (time: number) =>
    data.onTick({ sample: { time, delayMs: 2, masters: [[3]] }, present: { time, masters: [] }, stories: null })
  tick(2000)
  tick(2000)
  t.strictSame(
    [data.times, data.delayMs],
    [
      [1000, 2000],
      [1, 2],
    ],
  )
  tick(601_500)
  t.strictSame(data.times, [2000, 2001, 601_500])
  t.strictSame(data.delayMs, [2, null, 2], 'nothing was measured in between')
})

t.test('numbers and times — read as people write them', async t => {
  t.strictSame([0, 431, 2400, 192_000, 7_500_000, 273_600_000].map(lengthOf), [
    '0 ms',
    '431 ms',
    '2.4 s',
    '3 min 12 s',
    '2 h 5 min',
    '3 d 4 h',
  ])
  t.strictSame([12, 3930, 268_435_456].map(bytesOf), ['12 B', '3.93 kB', '268 MB'])
  t.strictSame([many(1, 'request'), many(1200, 'request')], ['1 request', '1,200 requests'])
  t.strictSame([0.42, 12.3, 1900].map(waitOf), ['0.4 ms', '12 ms', '1.9 s'])
})

t.test(
  'table of a plot — has the lowest, the mean and the highest of each minute — and says where nothing was',
  async t => {
    t.strictSame(minutesOf([0, 30_000, 60_000, 120_000], [1, 3, null, 7]), [
      { from: 120_000, low: 7, mean: 7, high: 7 },
      { from: 60_000, low: null, mean: null, high: null },
      { from: 0, low: 1, mean: 2, high: 3 },
    ])
  },
)

t.test('settings — are called as options are — with values in words', async t => {
  t.equal(optionOf('holdTimeoutMs'), 'hold-timeout')
  t.equal(textOf('holdTimeoutMs', 30_000), '30.0 s')
  t.equal(textOf('redisTls', { caFile: '/a', certFile: null }), 'ca-file: /a')
  t.equal(textOf('natMap', []), 'none')
  t.equal(textOf('redisPassword', '[secret]'), '[secret]')
})

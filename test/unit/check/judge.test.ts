// What cannot be planted with servers on one machine, and the two forms of output.
import t from 'tap'
import type { Evidence, ReplicaEvidence } from '../../../src/check/evidence.ts'
import { judge } from '../../../src/check/judge.ts'
import { asJson, asTables } from '../../../src/check/print.ts'
import type { CheckSettings } from '../../../src/check/settings.ts'
import { facts, ids, node, replica, sentinel, settings } from './facts.ts'

const view = sentinel(1).view
if (view === null) throw new Error('it has one')

const readers = { replicaListen: { host: '127.0.0.1', port: 6380 }, hasReplicaPort: true }
const lagging = (state: ReplicaEvidence['state']): ReplicaEvidence => ({ announced: replica, state, behindMs: 2_500 })

t.test('judge — finds nothing — in a healthy deployment', async t => {
  t.strictSame(ids(facts()), [])
})

const cases: [what: string, Evidence, string[], Partial<CheckSettings>?][] = [
  [
    'a library that gives up while its command is held',
    facts({
      nodes: [
        node({
          libraries: [
            ['redisson', '4.7.0'],
            ['redis-py', '7.1.0'],
            ['ioredis', '6.0.0'],
          ],
        }),
      ],
    }),
    ['clients.short_timeout'],
  ],
  ['a clock that differs', facts({ nodes: [node({ clockOffsetMs: -61_000 })] }), ['node.clock']],
  [
    'a Sentinel in TILT',
    facts({ sentinels: [sentinel(1, { inTilt: true }), sentinel(2), sentinel(3)] }),
    ['sentinel.tilt'],
  ],
  [
    'epochs that differ',
    facts({ sentinels: [sentinel(1, { view: { ...view, epoch: 3 } }), sentinel(2), sentinel(3)] }),
    ['sentinels.epochs_differ'],
  ],
  [
    'Sentinels that are remembered and gone',
    facts({ sentinels: [1, 2, 3].map(n => sentinel(n, { view: { ...view, knownSentinels: 5 } })) }),
    ['sentinels.forgotten'],
  ],
  [
    'Sentinels that were replaced, and that nobody reaches',
    facts({
      sentinels: [
        ...[1, 2, 3].map(n => {
          const peers = [4, 5].map(gone => ({ runId: `run-${gone}`, address: sentinel(gone).address, down: true }))
          return sentinel(n, { view: { ...view, knownSentinels: 5 }, peers })
        }),
        ...[4, 5].map(n => {
          const contact = { kind: 'unreachable', why: 'ECONNREFUSED' } as const
          return sentinel(n, { announced: sentinel(n).address, contact, view: null, runId: null })
        }),
      ],
    }),
    ['sentinel.unreachable', 'sentinel.unreachable', 'sentinels.forgotten'],
  ],
  [
    'seeds that never were there, and one of three down',
    facts({
      sentinels: [
        ...[1, 2].map(n => {
          const peers = [{ runId: 'run-3', address: sentinel(3).address, down: false }]
          return sentinel(n, { peers })
        }),
        ...[3, 8, 9].map(n => {
          const contact = { kind: 'unreachable', why: 'ECONNREFUSED' } as const
          return sentinel(n, { contact, view: null, runId: null })
        }),
      ],
    }),
    ['sentinel.unreachable', 'sentinel.unreachable', 'sentinel.unreachable'],
  ],
  [
    'no Sentinel that answers',
    facts({
      sentinels: [1, 2, 3].map(n =>
        sentinel(n, { contact: { kind: 'unreachable', why: 'ECONNREFUSED' }, view: null, runId: null }),
      ),
      nodes: [],
    }),
    ['sentinel.unreachable', 'sentinel.unreachable', 'sentinel.unreachable', 'sentinels.minority'],
  ],
  [
    'a replica that says its link is down, where the Sentinels do not know yet',
    facts({ nodes: [node(), node({ announced: replica, listed: 'replica', role: 'replica', linkState: 'connect' })] }),
    ['replica.link'],
  ],
  [
    'a replica that says its link is up, where the Sentinels have not asked it since',
    facts({
      sentinels: [1, 2, 3].map(n =>
        sentinel(n, { replicas: [{ address: replica, flags: ['slave'], linkStatus: 'err', priority: 100 }] }),
      ),
      nodes: [node(), node({ announced: replica, listed: 'replica', role: 'replica', linkState: 'connected' })],
    }),
    [],
  ],
  [
    'a port for replicas that somebody has',
    facts({ replicaListen: { kind: 'taken' } }),
    ['listen.taken', 'replica-port.one'],
    readers,
  ],
  [
    'a port for replicas without replicas',
    facts({ sentinels: [1, 2, 3].map(n => sentinel(n, { replicas: [] })) }),
    ['replicas.none', 'replica-port.none'],
    readers,
  ],
  [
    'replicas that are good for the port',
    facts({ replication: [lagging('has-all'), lagging('has-all')] }),
    [],
    readers,
  ],
  [
    'reads that are split with nowhere to go',
    facts({ replication: [lagging('no-data')] }),
    ['replica-port.no_data', 'replica-port.none'],
    { readSplit: true },
  ],
  ['one replica, to which reads are split', facts({ replication: [lagging('has-all')] }), [], { readSplit: true }],
  [
    'a replica that is behind, one that is cut off, and one that loads',
    facts({ replication: [lagging('behind'), lagging('cut-off'), lagging('no-data')] }),
    ['replica-port.lag', 'replica-port.cut_off', 'replica-port.no_data', 'replica-port.none'],
    readers,
  ],
  [
    'a master that does not tell where it is',
    facts({ replication: [lagging('refused')] }),
    ['replica-port.rights', 'replica-port.none'],
    readers,
  ],
  [
    'a replica that does not answer, which is said of the node, beside one that is good',
    facts({ replication: [lagging('unknown'), lagging('has-all')] }),
    ['replica-port.one'],
    readers,
  ],
  ['a node that is far away', facts({ nodes: [node({ contact: { kind: 'answers', ms: 700 } })] }), ['node.slow']],
  [
    'a Sentinel that is too far away',
    facts({ sentinels: [sentinel(1, { contact: { kind: 'answers', ms: 1_100 } }), sentinel(2), sentinel(3)] }),
    ['sentinel.slow'],
  ],
  [
    'an even number',
    facts({ sentinels: [1, 2, 3, 4].map(n => sentinel(n, { view: { ...view, knownSentinels: 4 } })) }),
    ['sentinels.even'],
  ],
  [
    'a master that is announced by a loopback address',
    facts({
      sentinels: [1, 2, 3].map(n => sentinel(n, { view: { ...view, master: { host: '127.0.0.1', port: 6379 } } })),
      nodes: [node({ announced: { host: '127.0.0.1', port: 6379 }, address: { host: '127.0.0.1', port: 6379 } })],
    }),
    ['master.loopback'],
  ],
  [
    'a master that is down',
    facts({ sentinels: [1, 2, 3].map(n => sentinel(n, { view: { ...view, flags: ['master', 's_down', 'o_down'] } })) }),
    ['master.down'],
  ],
  [
    'a server in protected mode',
    facts({ nodes: [node({ contact: { kind: 'turned-away', line: 'DENIED Redis' } })] }),
    ['node.protected'],
  ],
  ['a server that is loading', facts({ nodes: [node({ role: 'loading' })] }), ['node.loading']],
  ['a server without HELLO', facts({ nodes: [node({ knowsHello: false })] }), ['node.too_old']],
  [
    'a password that is given and not enough',
    facts({ nodes: [node({ refused: { code: 'NOAUTH', text: 'NOAUTH' } })] }),
    ['node.no_password'],
    { hasRedisPassword: true },
  ],
  ['no limit on sessions', facts(), ['master.maxclients'], { maxSessions: 0 }],
  [
    'an address of ours that cannot be had',
    facts({ listen: { kind: 'impossible', code: 'EACCES' } }),
    ['listen.impossible'],
  ],
]

for (const [what, given, wanted, changes] of cases) {
  t.test(`judge — names it — ${what}`, async t => {
    t.strictSame(ids(given, changes), wanted)
  })
}

t.test('judge — says to RESET no Sentinel — where all refuse our password', async t => {
  const refused = { code: 'WRONGPASS', text: 'WRONGPASS invalid username-password pair' }
  const given = facts({ sentinels: [1, 2, 3].map(n => sentinel(n, { refused, view: null })), nodes: [] })
  const findings = judge(given, settings)
  t.match(
    findings.filter(({ level }) => level === 'problem').map(({ id }) => id),
    ['sentinel.password', 'sentinel.password', 'sentinel.password', 'sentinels.minority'],
  )
  t.notMatch(findings.map(({ remedy }) => remedy).join(), /RESET/)
})

t.test('judge — tells two sets of Sentinels from one that disagrees — by whom they list', async t => {
  const elsewhere = { ...view, master: replica }
  const remedyFor = (given: Evidence): string => {
    const found = judge(given, settings).find(({ id }) => id === 'sentinels.disagree')
    return found?.remedy ?? 'no such finding'
  }
  const peersOf = (...numbers: number[]) =>
    numbers.map(n => ({ runId: `run-${n}`, address: sentinel(n).address, down: false }))
  const apart = [
    sentinel(1, { peers: peersOf(2) }),
    sentinel(2, { peers: peersOf(1) }),
    sentinel(3, { view: elsewhere, peers: peersOf(4) }),
  ]
  t.match(remedyFor(facts({ sentinels: apart })), /two deployments, give --sentinels those of one/)
  const together = [sentinel(1, { peers: peersOf(2, 3) }), sentinel(2), sentinel(3, { view: elsewhere })]
  t.match(remedyFor(facts({ sentinels: together })), /^a failover may be under way/)
})

t.test('judge — does not say that there are no replicas — where no Sentinel lists them to our user', async t => {
  const denied = ['sentinel|replicas']
  const given = facts({ sentinels: [1, 2, 3].map(n => sentinel(n, { denied, replicas: [] })) })
  const fewer = ['sentinel.fewer_rights', 'sentinel.fewer_rights', 'sentinel.fewer_rights']
  t.strictSame(ids(given), fewer)
  t.strictSame(ids(given, { ackReplicas: 1 }), fewer)
  t.strictSame(ids(given, readers), [...fewer, 'replica-port.none'])
})

t.test('judge — gives a remedy — with every problem and every warning', async t => {
  for (const [what, given, , changes] of cases) {
    for (const { level, remedy } of judge(given, { ...settings, ...changes })) {
      t.equal(remedy !== null, level === 'problem' || level === 'warning', what)
    }
  }
})

t.test('output — a table for people, JSON for machines', async t => {
  const findings = judge(facts({ listen: { kind: 'taken' } }), settings)
  const table = asTables([{ masterName: 'm', findings }])
  t.match(table, / PROBLEM {2}listen 127\.0\.0\.1:6379 +something else listens there\n +remedy: stop it/)
  t.match(table, /\n1 problem, no warnings\.\n$/)
  const json: unknown = JSON.parse(asJson([{ masterName: 'm', findings }]))
  t.match(json, { master: 'm', problems: 1, warnings: 0, findings: [{ level: 'problem', id: 'listen.taken' }] })
  const two = ['m', 'n'].map(masterName => ({ masterName, findings }))
  t.match(asTables(two), /^Holdfast check of master m\n.*\n\nHoldfast check of master n\n/s)
  t.match(JSON.parse(asJson(two)), {
    problems: 2,
    masters: [
      { master: 'm', problems: 1 },
      { master: 'n', problems: 1 },
    ],
  })
})

// What `holdfast check` says of --retry-policy once and of --ack replicated=N, and that it says nothing without them.
import t from 'tap'
import type { Evidence, ListedReplica, NodeEvidence, SentinelEvidence } from '../../../src/check/evidence.ts'
import { judge } from '../../../src/check/judge.ts'
import type { CheckSettings } from '../../../src/check/settings.ts'
import { facts, ids, node, sentinel, settings } from './facts.ts'

const hosts = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
const [one = '', two = '', three = ''] = hosts

interface Placed {
  /** Hosts of the Sentinels. */
  readonly sentinels?: readonly string[]
  readonly replicas?: readonly (readonly [host: string, priority?: number])[]
  readonly node?: Partial<NodeEvidence>
  readonly settings?: NodeEvidence['settings']
  readonly addresses?: ReadonlyMap<string, string>
}

const onDisk = { appendonly: 'yes', appendfsync: 'always' }

/** A master on the first host; where nothing is said, replicas on the two others and a Sentinel on each. */
function placed(given: Placed): Evidence {
  const { sentinels = hosts, replicas = [[two], [three]] as const } = given
  const listed: ListedReplica[] = replicas.map(([host, priority = 100], i) => {
    return { address: { host, port: 6380 + i }, flags: ['slave'], linkStatus: 'ok', priority }
  })
  const seen = (host: string, n: number): SentinelEvidence => {
    const { view } = sentinel(n)
    if (view === null) throw new Error('it has one')
    const knownSentinels = sentinels.length
    return sentinel(n, { address: { host, port: 26379 + n }, replicas: listed, view: { ...view, knownSentinels } })
  }
  const master = node({ attached: replicas.length, ...given.node })
  return facts({
    sentinels: sentinels.map(seen),
    nodes: [{ ...master, settings: { ...master.settings, ...onDisk, ...given.settings } }],
    hostAddresses: given.addresses ?? new Map(),
  })
}

const acks = (ackReplicas: number): Partial<CheckSettings> => ({ ackReplicas })
const texts = (given: Evidence, changes: Partial<CheckSettings>): string =>
  judge(given, { ...settings, ...changes })
    .map(({ subject, text }) => `${subject}: ${text}`)
    .join('\n')

t.test('judge — says nothing of acknowledgements and markers — without the options that need them', async t => {
  const given = placed({
    replicas: [[two, 1], [three]],
    node: { proofDenied: ['+hset'] },
    settings: { appendonly: 'no', maxmemory: '1', 'maxmemory-policy': 'allkeys-random' },
  })
  t.strictSame(ids(given), [])
  t.notMatch(texts(given, {}), /marker|acknowledge/)
})

t.test('judge — survives any one fault — with a node and a Sentinel on each of three hosts', async t => {
  const said = texts(placed({}), acks(1))
  t.match(
    said,
    /--ack replicated=1: an acknowledged write survives any one of: the death of .*, the loss of .*, any clean/,
  )
  // What one of two confirmations never survives for sure.
  t.strictSame(ids(placed({}), acks(1)), ['ack.stale_info'])
})

t.test('judge — a name and an address of the same host are one', async t => {
  const named = placed({
    replicas: [['b'], ['c']],
    addresses: new Map([
      ['b', two],
      ['c', three],
    ]),
  })
  t.strictSame(ids(named, acks(1)), ['ack.stale_info'])
  const unknown = placed({ replicas: [['b'], ['c']] })
  t.ok(ids(unknown, acks(1)).includes('ack.partition'))
})

const cases: [what: string, Evidence, string[], number][] = [
  [
    'Sentinels on one side',
    placed({ sentinels: [three, '10.0.0.8', '10.0.0.9'] }),
    ['ack.partition', 'ack.stale_info'],
    1,
  ],
  ['all on the host of the master', placed({ replicas: [[one], [one]] }), ['ack.host', 'ack.stale_info'], 1],
  [
    'a replica that may not take over',
    placed({ replicas: [[two], [three, 0]] }),
    ['ack.process', 'ack.host', 'ack.partition', 'ack.stale_info'],
    1,
  ],
  ['a replica that is preferred', placed({ replicas: [[two, 1], [three]] }), ['ack.priorities', 'ack.stale_info'], 1],
  [
    'a master with another priority',
    placed({ settings: { 'replica-priority': '1' } }),
    ['ack.priorities', 'ack.stale_info'],
    1,
  ],
  [
    'all replicas, whatever the priorities',
    placed({ replicas: [[two, 1], [three]] }),
    ['ack.no_spare', 'ack.min_replicas'],
    2,
  ],
  ['more than there are', placed({}), ['ack.too_few_replicas'], 3],
  ['more than are attached', placed({ node: { attached: 0 } }), ['master.min_replicas', 'ack.too_few_replicas'], 1],
  [
    'a master that loses what it has at its end',
    placed({ settings: { appendonly: 'no' } }),
    ['ack.stale_info', 'ack.restart'],
    1,
  ],
  [
    'one that loses its last second',
    placed({ settings: { appendfsync: 'everysec' } }),
    ['ack.stale_info', 'ack.restart'],
    1,
  ],
]
for (const [what, given, wanted, n] of cases) {
  t.test(`judge — names it — ${what}`, async t => {
    t.strictSame(ids(given, acks(n)), wanted)
    for (const { level, remedy } of judge(given, { ...settings, ...acks(n) }))
      t.equal(remedy !== null, level === 'problem' || level === 'warning')
  })
}

t.test('judge — asks for as many replicas to write as have to confirm', async t => {
  const given = placed({ settings: { 'min-replicas-to-write': '0' } })
  const remedies = judge(given, { ...settings, ...acks(2) }).map(({ id, remedy }) => `${id} ${remedy}`)
  t.match(
    remedies.join('\n'),
    /master\.split_brain attach 1 more replica, then CONFIG SET min-replicas-to-write 2 on every/,
  )
})

t.test('judge — the minimum that it asks for outlasts a failover — with one replica another comes first', async t => {
  const remedyOf = (replicas: readonly (readonly [string])[]): string | null | undefined => {
    const given = placed({ replicas, settings: { 'min-replicas-to-write': '0' } })
    return judge(given, settings).find(({ id }) => id === 'master.split_brain')?.remedy
  }
  t.equal(remedyOf([[two]]), 'attach 1 more replica, then CONFIG SET min-replicas-to-write 1 on every node')
  t.equal(remedyOf([[two], [three]]), 'CONFIG SET min-replicas-to-write 1 on every node')
})

t.test('judge — names what takes markers away, and who may not write them — with once', async t => {
  const once = { policy: 'once' } as const
  t.strictSame(ids(placed({}), once), [])
  t.match(texts(placed({}), once), /^markers: our user has the rights/m)
  for (const policy of ['allkeys-random', 'volatile-random', 'volatile-ttl'])
    t.strictSame(ids(placed({ settings: { maxmemory: '1000000', 'maxmemory-policy': policy } }), once), [
      'markers.evicted',
    ])
  for (const [maxmemory, policy] of [
    ['0', 'allkeys-random'],
    ['1000000', 'allkeys-lru'],
    ['1000000', 'volatile-lfu'],
  ] as const)
    t.strictSame(
      ids(placed({ settings: { maxmemory, 'maxmemory-policy': policy } }), once),
      [],
      `${maxmemory} ${policy}`,
    )
  const denied = placed({ node: { proofDenied: ['+hset', '~__holdfast:*'] } })
  t.strictSame(ids(denied, once), ['markers.rights'])
  const remedies = judge(denied, { ...settings, ...once }).map(({ remedy }) => remedy)
  t.ok(remedies.includes('ACL SETUSER default +hset ~__holdfast:*, on every node and for every user'))
})

t.test('check — a user who lacks +wait alone — is told what that costs, and not that markers are missing', async t => {
  const findings = judge(placed({ node: { proofDenied: ['+wait'] } }), { ...settings, policy: 'once', ackReplicas: 1 })
  const rights = findings.find(({ id }) => id === 'markers.rights')
  t.match(
    rights?.text,
    /^our user lacks \+wait: .* nobody can be asked which replicas have a write \(--ack replicated=1\)/,
  )
  t.notMatch(rights?.text, /marker/)
})

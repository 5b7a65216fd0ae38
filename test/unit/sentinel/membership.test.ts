import t from 'tap'
import { type Discovered, membershipTiming, nextDiscovered, type PeerList } from '../../../src/sentinel/membership.ts'

const peer = (runId: string, port = 26379) => ({ runId, address: { host: runId, port }, down: false })
const seed = (...ids: string[]): PeerList => ({ seed: true, at: 0, peers: ids.map(id => peer(id)) })
const other = (...ids: string[]): PeerList => ({ seed: false, at: 0, peers: ids.map(id => peer(id)) })
const known = (runId: string, namedAt = 0): Discovered => ({ runId, address: { host: runId, port: 26379 }, namedAt })
const ids = (list: readonly Discovered[]): string[] => list.map(one => one.runId).sort()

const cases: [title: string, current: Discovered[], reports: PeerList[], result: string[], awaited?: number][] = [
  ['the only seed lists them', [], [seed('x', 'y')], ['x', 'y']],
  ['one of three seeds lists strangers', [], [seed('x'), seed(), seed()], []],
  ['one of two seeds lists strangers', [], [seed('x'), seed()], []],
  ['one of two seeds lists them, and the other may still answer', [], [seed('x', 'y')], [], 1],
  ['one of three seeds lists them, and the others may still answer', [], [seed('x', 'y')], [], 2],
  ['two of three seeds list it, whatever the third will say', [], [seed('x'), seed('x', 'y')], ['x'], 1],
  ['two of three seeds list it', [], [seed('x'), seed('x'), seed()], ['x']],
  ['only a discovered one lists strangers', [known('x')], [seed('x'), other('z')], ['x']],
  ['no seed has answered and all others list it', [known('x')], [other('x', 'y')], ['x', 'y']],
  [
    'the seed was wiped but the others know each other',
    [known('x'), known('y')],
    [seed(), other('y'), other('x')],
    ['x', 'y'],
  ],
]
for (const [title, current, reports, result, awaited = 0] of cases) {
  t.test(`discovered Sentinels — are [${result}] — when ${title}`, async t => {
    t.strictSame(ids(nextDiscovered(current, reports, { awaited, now: 0 })), result)
  })
}

t.test('discovered Sentinel — leaves — after nobody has named it for a while', async t => {
  const { leaveAfterMs } = membershipTiming
  const reports: PeerList[] = [{ seed: true, at: leaveAfterMs, peers: [] }]
  t.strictSame(ids(nextDiscovered([known('x')], reports, { awaited: 0, now: leaveAfterMs - 1 })), ['x'])
  t.strictSame(ids(nextDiscovered([known('x')], reports, { awaited: 0, now: leaveAfterMs })), [])
})

t.test('report of an unreachable Sentinel — stops counting — after its life', async t => {
  const { listLifeMs } = membershipTiming
  const current = nextDiscovered([known('x')], [seed('x')], { awaited: 0, now: listLifeMs })
  t.strictSame(
    ids(nextDiscovered(current, [seed('x')], { awaited: 0, now: listLifeMs + membershipTiming.leaveAfterMs })),
    [],
  )
})

t.test('discovered Sentinel — is found at its new address — when it moved', async t => {
  const reports: PeerList[] = [
    { seed: true, at: 5, peers: [peer('x', 7)] },
    { seed: true, at: 1, peers: [peer('x', 6)] },
  ]
  t.strictSame(nextDiscovered([known('x')], reports, { awaited: 0, now: 9 }), [
    { runId: 'x', address: { host: 'x', port: 7 }, namedAt: 9 },
  ])
})

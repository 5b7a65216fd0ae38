// Whether the Sentinels would choose the first master again: by priority, and by run id among equals.
import t from 'tap'
import { judgeWayBack } from '../../../src/drill/way-back.ts'
import type { Candidate } from '../../../src/switchover/candidate.ts'
import type { Plan } from '../../../src/switchover/plan.ts'
import type { SwitchoverSettings } from '../../../src/switchover/settings.ts'
import type { NodeSight } from '../../../src/switchover/sight.ts'

const settings: SwitchoverSettings = {
  dryRun: true,
  json: true,
  maxLag: { bytes: 1000 },
  timeoutMs: 10_000,
  force: [],
  masterName: null,
}

const node = (port: number, priority?: string, more: Partial<NodeSight> = {}): NodeSight => ({
  address: { host: '10.0.0.1', port },
  target: {} as NodeSight['target'],
  isMaster: port === 1,
  denied: [],
  unknown: [],
  replication: { role: port === 1 ? 'master' : 'replica', offset: 500, linkUp: port !== 1, master: '', replicas: [] },
  usedMemory: 1000,
  settings: priority === undefined ? {} : { 'replica-priority': priority },
  users: null,
  functions: null,
  scripts: 0,
  ownHost: '',
  clients: [],
  ...more,
})

const candidate = (port: number, priority: number, runId: string): Candidate => ({
  address: { host: '10.0.0.1', port },
  runId,
  flags: ['slave'],
  priority,
  offset: 500,
  infoAgeMs: 100,
  linkDownMs: 0,
  lastPingMs: 100,
  isTakenForMaster: false,
})

/** Node 1 is master, node 2 the one that would be chosen; node 3 stays. */
function planOf(first: NodeSight, third: number | null, runIds = { first: 'b', third: 'c' }): Plan {
  const second = node(2, '10')
  const others = third === null ? [] : [candidate(3, third, runIds.third)]
  return {
    master: first,
    sentinel: { downAfterMs: 1000, masterRunId: runIds.first, candidates: [candidate(2, 10, 'a'), ...others] },
    target: second,
    candidates: [second, ...(third === null ? [] : [node(3, String(third))])],
    through: { own: new Set(), hosts: new Set(), others: 0 },
  } as unknown as Plan
}

const idsOf = (plan: Plan, more: Partial<SwitchoverSettings> = {}): string[] =>
  judgeWayBack(plan, { ...settings, ...more }).flatMap(({ level, id }) => (level === 'ok' ? [] : [`${level} ${id}`]))

t.test('way back — by the priorities of those that are left — is sure, by chance or impossible', async t => {
  t.strictSame(idsOf(planOf(node(1, '100'), null)), [], 'two nodes')
  t.strictSame(idsOf(planOf(node(1, '100'), 200)), [], 'the other one stands behind')
  t.strictSame(idsOf(planOf(node(1, '0'), 200)), ['problem back.never'])
  t.strictSame(idsOf(planOf(node(1, '100'), 50)), ['problem back.other'])
  t.strictSame(idsOf(planOf(node(1, '100'), 100)), ['warning back.by_chance'])
  t.strictSame(idsOf(planOf(node(1), 100)), ['warning back.unknown'])
  t.strictSame(idsOf(planOf(node(1, '100'), 0)), [], 'one that may not be chosen does not count')
})

t.test('way back — among equals — the lower run id is told', async t => {
  const textOf = (runIds: { first: string; third: string }): string =>
    judgeWayBack(planOf(node(1, '100'), 100, runIds), settings).map(({ text }) => text)[0] ?? ''
  t.match(textOf({ first: 'b', third: 'C' }), /would choose it, while nobody writes/)
  t.match(textOf({ first: 'D', third: 'c' }), /would choose another, while nobody writes/)
  t.match(textOf({ first: '', third: 'c' }), /would choose another/, 'an old server gives no run id')
})

t.test('way back — the first master as the target — is judged against the one that will be master', async t => {
  const small = node(1, '100', { settings: { 'replica-priority': '100', maxmemory: '10' } })
  t.strictSame(idsOf(planOf(small, 200)), ['problem target.memory'])
  t.strictSame(idsOf(planOf(small, 200), { force: ['target.memory'] }), ['warning target.memory'])
  const told = judgeWayBack(planOf(small, 200), settings).find(({ id }) => id === 'target.memory')
  t.equal(told?.subject, 'way back: replica 10.0.0.1:1')
})

import t from 'tap'
import type { Master } from '../../../src/address.ts'
import { Gate, type GateEvent, type GateState, isSameTerm, nextGate } from '../../../src/relay/gate.ts'

const at = (host: string, epoch: number, runId: string | null = null): Master => ({ host, port: 6379, epoch, runId })
const a1 = at('a', 1)
const b2 = at('b', 2)

const states: Readonly<Record<string, GateState>> = {
  holding: { kind: 'holding', cause: 'starting', since: 5 },
  draining: { kind: 'draining', master: a1, since: 5 },
  open: { kind: 'open', master: a1, since: 5 },
  tripped: { kind: 'tripped', cause: 'failover', since: 5 },
}
const events: Readonly<Record<string, GateEvent>> = {
  'serve the same': { kind: 'serve', master: a1 },
  'serve another': { kind: 'serve', master: b2 },
  hold: { kind: 'hold', cause: 'not-master' },
  'hold for the same': { kind: 'hold', cause: 'starting' },
  drained: { kind: 'drained' },
  expired: { kind: 'expired' },
}

/** null: nothing changes, not even the object. */
const truth: Readonly<Record<string, Readonly<Record<string, GateState | null>>>> = {
  holding: {
    'serve the same': { kind: 'draining', master: a1, since: 9 },
    'serve another': { kind: 'draining', master: b2, since: 9 },
    hold: { kind: 'holding', cause: 'not-master', since: 5 },
    'hold for the same': null,
    drained: null,
    expired: { kind: 'tripped', cause: 'starting', since: 5 },
  },
  draining: {
    'serve the same': null,
    'serve another': { kind: 'draining', master: b2, since: 9 },
    hold: { kind: 'holding', cause: 'not-master', since: 9 },
    'hold for the same': { kind: 'holding', cause: 'starting', since: 9 },
    drained: { kind: 'open', master: a1, since: 9 },
    expired: null,
  },
  open: {
    'serve the same': null,
    'serve another': { kind: 'draining', master: b2, since: 9 },
    hold: { kind: 'holding', cause: 'not-master', since: 9 },
    'hold for the same': { kind: 'holding', cause: 'starting', since: 9 },
    drained: null,
    expired: null,
  },
  tripped: {
    'serve the same': { kind: 'draining', master: a1, since: 9 },
    'serve another': { kind: 'draining', master: b2, since: 9 },
    hold: { kind: 'tripped', cause: 'not-master', since: 5 },
    'hold for the same': { kind: 'tripped', cause: 'starting', since: 5 },
    drained: null,
    expired: null,
  },
}

for (const [from, state] of Object.entries(states)) {
  for (const [name, event] of Object.entries(events)) {
    t.test(`gate — ${from} — on ${name}`, async t => {
      const expected = truth[from]?.[name]
      const found = nextGate(state, event, 9)
      if (expected === null) t.equal(found, state, 'the same object')
      else t.strictSame(found, expected)
    })
  }
}

t.test('gate — takes masters for one term — by place, epoch and process as far as known', async t => {
  t.ok(isSameTerm(at('a', 1, 'x'), at('a', 1, 'x')))
  t.ok(isSameTerm(at('a', 1, 'x'), at('a', 1)))
  t.ok(isSameTerm(at('a', 1), at('a', 1, 'x')))
  t.notOk(isSameTerm(at('a', 1, 'x'), at('a', 1, 'y')), 'restarted')
  t.notOk(isSameTerm(at('a', 1), at('a', 2)))
  t.notOk(isSameTerm(at('a', 1), at('b', 1)))
  t.notOk(isSameTerm(at('a', 1), { ...at('a', 1), port: 1 }))
  t.ok(isSameTerm(at('a', 5), { ...at('a', 0), since: 5 }), 'its Sentinels have begun anew')
  t.notOk(isSameTerm(at('a', 0), { ...at('a', 0), since: 5 }))
})

t.test('gate — starts by holding — and tells each change once', async t => {
  const changes: string[] = []
  const gate = new Gate(0, (from, to) => changes.push(`${from.kind} ${to.kind}`))
  t.equal(gate.master, null)
  gate.move({ kind: 'serve', master: a1 }, 1)
  gate.move({ kind: 'serve', master: a1 }, 2)
  t.equal(gate.master, a1)
  gate.move({ kind: 'drained' }, 3)
  gate.move({ kind: 'hold', cause: 'x' }, 4)
  t.equal(gate.master, null)
  t.strictSame(changes, ['holding draining', 'draining open', 'open holding'])
})

const alphabet: readonly GateEvent[] = [
  { kind: 'serve', master: a1 },
  { kind: 'serve', master: b2 },
  { kind: 'serve', master: at('b', 2, 'restarted') },
  { kind: 'hold', cause: 'x' },
  { kind: 'drained' },
  { kind: 'expired' },
]

/** The invariants, by name, of one step. */
function complaint(from: GateState, event: GateEvent, to: GateState, served: boolean): string | null {
  const sends = to.kind === 'open' || to.kind === 'draining'
  if (sends && !served) return 'SentOnlyServed: no serve since the last hold'
  if (event.kind === 'serve' && sends && !isSameTerm(to.master, event.master)) return 'ServedIsServed'
  const before = from.kind === 'open' || from.kind === 'draining' ? from.master : null
  if (sends && event.kind !== 'serve' && to.master !== before) return 'EpochOnlyByServe'
  if (to.kind === 'tripped' && from.kind !== 'tripped' && event.kind !== 'expired') return 'TrippedOnlyExpired'
  if (to.kind === 'open' && from.kind !== 'open' && from.kind !== 'draining') return 'OpenOnlyFromDraining'
  if (event.kind === 'hold' && sends) return 'HoldShuts'
  return to.since < from.since ? 'TimeGrows' : null
}

t.test('gate — keeps its invariants — in every sequence of seven events', async t => {
  let steps = 0
  const reached = new Set<string>()
  const go = (state: GateState, served: boolean, depth: number): string | null => {
    for (const event of alphabet) {
      steps++
      const to = nextGate(state, event, 10 + depth)
      const now = event.kind === 'serve' || (served && event.kind !== 'hold')
      const wrong = complaint(state, event, to, now)
      if (wrong !== null) return `${wrong}: ${state.kind} ${event.kind} ${to.kind}`
      reached.add(to.kind)
      const deeper = depth < 7 ? go(to, now, depth + 1) : null
      if (deeper !== null) return deeper
    }
    return null
  }
  t.equal(go({ kind: 'holding', cause: 'starting', since: 0 }, false, 1), null)
  t.strictSame([...reached].sort(), ['draining', 'holding', 'open', 'tripped'])
  t.comment(`${steps} steps`)
})

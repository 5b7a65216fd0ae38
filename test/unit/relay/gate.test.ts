import t from 'tap'
import { backoffMs, holdLimitMs } from '../../../src/relay/backoff.ts'
import { Gate, type GateEvent, type GateState, isSameTerm, nextGate } from '../../../src/relay/gate.ts'

const a = { host: '10.0.0.1', port: 6379, epoch: 1, runId: 'ra' }
const b = { host: '10.0.0.2', port: 6379, epoch: 2, runId: 'rb' }
const states: Record<string, GateState> = {
  holding: { kind: 'holding', cause: 'x', since: 1 },
  draining: { kind: 'draining', master: a, since: 1 },
  open: { kind: 'open', master: a, since: 1 },
  tripped: { kind: 'tripped', cause: 'x', since: 1 },
}
const events: Record<string, GateEvent> = {
  'serve a': { kind: 'serve', master: a },
  'serve b': { kind: 'serve', master: b },
  hold: { kind: 'hold', cause: 'y' },
  drained: { kind: 'drained' },
  expired: { kind: 'expired' },
}
const table: Record<string, Record<string, string>> = {
  holding: { 'serve a': 'draining a', 'serve b': 'draining b', hold: 'same', drained: 'same', expired: 'tripped' },
  draining: { 'serve a': 'same', 'serve b': 'draining b', hold: 'holding', drained: 'open a', expired: 'same' },
  open: { 'serve a': 'same', 'serve b': 'draining b', hold: 'holding', drained: 'same', expired: 'same' },
  tripped: { 'serve a': 'draining a', 'serve b': 'draining b', hold: 'same', drained: 'same', expired: 'same' },
}
const nameOf = (state: GateState): string =>
  'master' in state ? `${state.kind} ${state.master.host === a.host ? 'a' : 'b'}` : state.kind

t.test('gate — every state with every event', t => {
  for (const [from, row] of Object.entries(table))
    for (const [event, expected] of Object.entries(row)) {
      const state = states[from] as GateState
      const next = nextGate(state, events[event] as GateEvent, 9)
      t.equal(next === state ? 'same' : nameOf(next), expected, `${from}, ${event}`)
    }
  t.end()
})

t.test('gate — keeps its invariants — over all sequences of seven events', t => {
  const list = Object.values(events)
  let walked = 0
  const walk = (state: GateState, served: boolean, depth: number): void => {
    walked++
    // SendableNeedsServe: links may send only when a master was served since the last hold.
    if ('master' in state && !served) t.fail(`sendable without a serve: ${nameOf(state)}`)
    if (depth === 0) return
    for (const event of list) {
      const next = nextGate(state, event, depth)
      if (next.kind === 'open' && state.kind !== 'open' && state.kind !== 'draining') t.fail('opened without draining')
      if (next.kind === 'tripped' && state.kind !== 'tripped' && event.kind !== 'expired')
        t.fail('tripped without expiry')
      if ('master' in next && 'master' in state && next.master !== state.master && event.kind !== 'serve')
        t.fail('another master without a serve')
      const nowServed = event.kind === 'serve' ? true : event.kind === 'hold' ? false : served
      walk(next, nowServed, depth - 1)
    }
  }
  walk({ kind: 'holding', cause: 'starting', since: 0 }, false, 7)
  t.ok(walked > 5 ** 7)
  t.end()
})

t.test('gate — tells of changes only, and which master may be sent to', t => {
  const seen: string[] = []
  const gate = new Gate(0, (from, to) => seen.push(`${from.kind} ${to.kind}`))
  t.equal(gate.master, null)
  gate.move({ kind: 'serve', master: a }, 1)
  gate.move({ kind: 'serve', master: a }, 2)
  t.equal(gate.master, a)
  gate.move({ kind: 'hold', cause: 'x' }, 3)
  gate.move({ kind: 'hold', cause: 'y' }, 4)
  t.equal(gate.master, null)
  t.strictSame(seen, ['holding draining', 'draining holding'])
  t.end()
})

t.test('isSameTerm — the same node, epoch and, as far as known, process', t => {
  t.ok(isSameTerm(a, { ...a }))
  t.ok(isSameTerm(a, { ...a, runId: null }))
  t.notOk(isSameTerm(a, { ...a, runId: 'other' }))
  t.notOk(isSameTerm(a, { ...a, epoch: 2 }))
  t.notOk(isSameTerm(a, b))
  t.end()
})

t.test('back-off — grows with jitter between its limits, and is fixed when they are equal', t => {
  const limits = { minMs: 50, maxMs: 1000 }
  t.equal(
    backoffMs(1, limits, () => 1),
    50,
  )
  t.equal(
    backoffMs(1, limits, () => 0),
    25,
  )
  t.equal(
    backoffMs(3, limits, () => 1),
    200,
  )
  t.equal(
    backoffMs(40, limits, () => 1),
    1000,
  )
  for (const random of [0, 0.3, 1])
    t.equal(
      backoffMs(7, { minMs: 5000, maxMs: 5000 }, () => random),
      5000,
    )
  t.end()
})

t.test('hold limit — three retries, five seconds apart, is fifteen seconds', t => {
  const five = { minMs: 5000, maxMs: 5000 }
  t.equal(holdLimitMs(60_000, 3, five), 15_000)
  t.equal(holdLimitMs(10_000, 3, five), 10_000)
  t.equal(holdLimitMs(60_000, 0, five), 60_000)
  t.equal(holdLimitMs(60_000, 4, { minMs: 100, maxMs: 300 }), 100 + 200 + 300 + 300)
  t.end()
})

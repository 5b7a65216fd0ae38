import t from 'tap'
import {
  nextPause,
  noPause,
  type PauseEvent,
  type PauseState,
  type PauseTerms,
  pauseOver,
} from '../../../src/relay/pause-state.ts'

const terms: PauseTerms = { maxMs: 100, emptyMs: 20, leaseMs: 30, ignoreBlocked: false }
const other: PauseTerms = { maxMs: 900, emptyMs: 900, leaseMs: null, ignoreBlocked: true }
const lasting = (kind: 'emptying' | 'paused', renewedAt = 5, leased = true): PauseState => ({
  kind,
  terms: leased ? terms : { ...terms, leaseMs: null },
  since: 5,
  endsAt: 105,
  renewedAt,
})
const states: Readonly<Record<string, PauseState>> = {
  none: noPause,
  emptying: lasting('emptying'),
  paused: lasting('paused'),
}
const events: readonly PauseEvent[] = [
  { kind: 'begin', terms: other },
  { kind: 'renew' },
  { kind: 'empty' },
  { kind: 'end' },
]
/** A process that stood still for so long. */
const ran =
  (stoodMs: number) =>
  (since: number, now: number): number =>
    now - since - stoodMs
/** null: nothing changes, not even the object. */
const truth: Readonly<Record<string, Readonly<Record<string, PauseState | null>>>> = {
  none: {
    begin: { kind: 'emptying', terms: other, since: 9, endsAt: 909, renewedAt: 9 },
    renew: null,
    empty: null,
    end: null,
  },
  emptying: {
    begin: null,
    renew: lasting('emptying', 9),
    empty: lasting('paused'),
    end: noPause,
  },
  paused: {
    begin: null,
    renew: lasting('paused', 9),
    empty: null,
    end: noPause,
  },
}

for (const [from, state] of Object.entries(states)) {
  for (const event of events) {
    t.test(`pause — ${from} — on ${event.kind}`, async t => {
      const expected = truth[from]?.[event.kind]
      const found = nextPause(state, event, 9)
      if (expected === null) t.equal(found, state, 'the same object')
      else t.strictSame(found, expected)
    })
  }
}

t.test('pause — is over — at its longest time, without a renewal, or when something stays in flight', async t => {
  const over = (state: PauseState, now: number, stoodMs = 0) =>
    pauseOver(state, now, { mustSend: false, ran: ran(stoodMs) })
  t.equal(over(noPause, 1e9), null)
  t.equal(over(lasting('emptying'), 24), null)
  t.equal(over(lasting('emptying'), 25), 'in-flight')
  t.equal(over(lasting('emptying'), 34, 10), null, 'nothing was read')
  t.equal(over(lasting('paused'), 34), null, 'once it is reached that time is no matter')
  t.equal(over(lasting('paused'), 35), 'lease')
  t.equal(over(lasting('paused'), 74, 40), null, 'nobody was heard')
  t.equal(over(lasting('paused', 5, false), 104), null, 'it needs no renewal')
  t.equal(over(lasting('paused', 100), 104), null)
  t.equal(over(lasting('paused', 100), 105), 'max', 'renewed or not')
  t.equal(over(lasting('paused', 100), 105, 40), 'max', 'standstill or not')
  t.equal(pauseOver(lasting('paused'), 6, { mustSend: true, ran: ran(0) }), 'hold-time')
})

t.test('pause — keeps its invariants — in every sequence of six events', async t => {
  const alphabet: readonly PauseEvent[] = [...events, { kind: 'begin', terms }]
  const go = (state: PauseState, depth: number): string | null => {
    for (const event of alphabet) {
      const now = 10 + depth * 7
      const to = nextPause(state, event, now)
      if (to.kind !== 'none') {
        if (state.kind === 'none' && event.kind !== 'begin') return `BegunByBegin: ${event.kind}`
        if (state.kind !== 'none' && (to.endsAt !== state.endsAt || to.since !== state.since))
          return `NothingProlongsIt: ${event.kind}`
        if (to.endsAt !== to.since + to.terms.maxMs) return 'EndsAtItsLongestTime'
        if (pauseOver(to, to.endsAt, { mustSend: false, ran: ran(1e9) }) === null) return 'EveryPauseEnds'
        if (to.kind === 'emptying' && state.kind === 'paused') return 'NeverBack'
        if (to.renewedAt > now) return 'LeaseIsShort'
      } else if (state.kind !== 'none' && event.kind !== 'end') return `EndedByEnd: ${event.kind}`
      const deeper = depth < 6 ? go(to, depth + 1) : null
      if (deeper !== null) return deeper
    }
    return null
  }
  t.equal(go(noPause, 1), null)
})

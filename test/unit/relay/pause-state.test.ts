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
const lasting = (kind: 'emptying' | 'paused', leaseEndsAt = 35): PauseState => ({
  kind,
  terms,
  since: 5,
  endsAt: 105,
  leaseEndsAt,
})
const states: Readonly<Record<string, PauseState>> = {
  none: noPause,
  emptying: lasting('emptying'),
  paused: lasting('paused'),
}
const events: readonly PauseEvent[] = [
  { kind: 'begin', terms: other },
  { kind: 'renew' },
  { kind: 'stood-still', ms: 3 },
  { kind: 'empty' },
  { kind: 'end' },
]
/** null: nothing changes, not even the object. */
const truth: Readonly<Record<string, Readonly<Record<string, PauseState | null>>>> = {
  none: {
    begin: { kind: 'emptying', terms: other, since: 9, endsAt: 909, leaseEndsAt: Number.POSITIVE_INFINITY },
    renew: null,
    'stood-still': null,
    empty: null,
    end: null,
  },
  emptying: {
    begin: null,
    renew: lasting('emptying', 39),
    'stood-still': lasting('emptying', 38),
    empty: lasting('paused'),
    end: noPause,
  },
  paused: {
    begin: null,
    renew: lasting('paused', 39),
    'stood-still': lasting('paused', 38),
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
  t.equal(pauseOver(noPause, 1e9, true), null)
  t.equal(pauseOver(lasting('emptying'), 24, false), null)
  t.equal(pauseOver(lasting('emptying'), 25, false), 'in-flight')
  t.equal(pauseOver(lasting('paused'), 34, false), null, 'once it is reached that time is no matter')
  t.equal(pauseOver(lasting('paused'), 35, false), 'lease')
  t.equal(
    pauseOver(nextPause(lasting('paused'), { kind: 'stood-still', ms: 40 }, 50), 50, false),
    null,
    'nobody was heard',
  )
  t.equal(pauseOver(lasting('paused', 200), 104, false), null)
  t.equal(pauseOver(lasting('paused', 200), 105, false), 'max', 'renewed or not')
  t.equal(pauseOver(lasting('paused'), 6, true), 'hold-time')
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
        if (pauseOver(to, to.endsAt, false) === null) return 'EveryPauseEnds'
        if (to.kind === 'emptying' && state.kind === 'paused') return 'NeverBack'
        if (to.leaseEndsAt > now + (to.terms.leaseMs ?? Number.POSITIVE_INFINITY)) return 'LeaseIsShort'
      } else if (state.kind !== 'none' && event.kind !== 'end') return `EndedByEnd: ${event.kind}`
      const deeper = depth < 6 ? go(to, depth + 1) : null
      if (deeper !== null) return deeper
    }
    return null
  }
  t.equal(go(noPause, 1), null)
})

// pause-state.ts: a pause of all sending, asked for by an operator: a lease that ends by itself. A pure table.
//
//            begin                    empty
//   none ─────────────▶ emptying ─────────────▶ paused
//    ▲                     │                       │
//    └── resume, max, lease, holder-gone, hold-time, stopping (either) · in-flight (emptying alone)
//
// emptying: nothing new is sent, and something sent is not answered. paused: nothing is in flight.
//
// It stands beside the gate (gate.ts): commands are sent while the gate lets them and no pause lasts. So a master that
// the control plane confirms ends no pause, and the end of a pause opens no gate.
//
// Must stay true: every pause ends, at the latest at `endsAt`, and no command waits for it until its time is over. A
// standstill of this process ends none sooner: in it no renewal could be heard, and no reply be read.

// How a pause ends: `resume`: somebody said so. `max`: its longest time is over. `lease`: its holder has not renewed it.
// `holder-gone`: the connection that holds it is closed. `in-flight`: in the time for it, something stayed in flight.
// `hold-time`: a command has waited almost as long as it may. `stopping`: the process stops, and its grace period is
// over.
import type { PauseEnd } from '../ops/counters.ts'

/** All in milliseconds. */
export interface PauseTerms {
  /** The longest time from the begin to the end. */
  readonly maxMs: number
  /** How long what is in flight may take to be answered, in which this process runs. */
  readonly emptyMs: number
  /** How long it lasts without being renewed, in which this process runs; null: it needs no renewal. */
  readonly leaseMs: number | null
  /** Blocked commands may stay in flight. */
  readonly ignoreBlocked: boolean
}

export type PauseState =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'emptying' | 'paused'
      readonly terms: PauseTerms
      readonly since: number
      readonly endsAt: number
      readonly renewedAt: number
    }

export type PauseEvent =
  | { readonly kind: 'begin'; readonly terms: PauseTerms }
  | { readonly kind: 'renew' }
  /** Nothing is in flight. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'end' }

export const noPause: PauseState = { kind: 'none' }

/** `now`: milliseconds of a monotonic clock. Answers the same object when nothing changes. */
export function nextPause(state: PauseState, event: PauseEvent, now: number): PauseState {
  if (state.kind === 'none') {
    if (event.kind !== 'begin') return state
    const { terms } = event
    return { kind: 'emptying', terms, since: now, endsAt: now + terms.maxMs, renewedAt: now }
  }
  switch (event.kind) {
    case 'begin':
      return state
    case 'renew':
      return { ...state, renewedAt: now }
    case 'empty':
      return state.kind === 'paused' ? state : { ...state, kind: 'paused' }
    case 'end':
      return noPause
  }
}

/**
 * Why the pause is over now; null while it goes on. `mustSend`: a command has waited almost as long as it may. `ran`: for
 * how long of the time since a moment this process ran.
 */
export function pauseOver(
  state: PauseState,
  now: number,
  { mustSend, ran }: { readonly mustSend: boolean; readonly ran: (since: number, now: number) => number },
): PauseEnd | null {
  if (state.kind === 'none') return null
  const { leaseMs, emptyMs } = state.terms
  if (mustSend) return 'hold-time'
  if (now >= state.endsAt) return 'max'
  if (leaseMs !== null && ran(state.renewedAt, now) >= leaseMs) return 'lease'
  return state.kind === 'emptying' && ran(state.since, now) >= emptyMs ? 'in-flight' : null
}

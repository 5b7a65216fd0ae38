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
// Must stay true: every pause ends, at the latest at `endsAt`, and no command waits for it until its time is over.

// How a pause ends: `resume`: somebody said so. `max`: its longest time is over. `lease`: its holder has not renewed it.
// `holder-gone`: the connection that holds it is closed. `in-flight`: in the time for it, something stayed in flight.
// `hold-time`: a command has waited almost as long as it may. `stopping`: the process stops, and its grace period is
// over.
import type { PauseEnd } from '../ops/counters.ts'

/** All in milliseconds. */
export interface PauseTerms {
  /** The longest time from the begin to the end. */
  readonly maxMs: number
  /** How long what is in flight may take to be answered. */
  readonly emptyMs: number
  /** How long it lasts without being renewed; null: it needs no renewal. */
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
      /** Infinity: it needs no renewal. */
      readonly leaseEndsAt: number
    }

export type PauseEvent =
  | { readonly kind: 'begin'; readonly terms: PauseTerms }
  | { readonly kind: 'renew' }
  /** This process did not run for so long, and could hear no renewal. */
  | { readonly kind: 'stood-still'; readonly ms: number }
  /** Nothing is in flight. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'end' }

export const noPause: PauseState = { kind: 'none' }

/** `now`: milliseconds of a monotonic clock. Answers the same object when nothing changes. */
export function nextPause(state: PauseState, event: PauseEvent, now: number): PauseState {
  if (state.kind === 'none') {
    if (event.kind !== 'begin') return state
    const { terms } = event
    return { kind: 'emptying', terms, since: now, endsAt: now + terms.maxMs, leaseEndsAt: leaseEnd(terms, now) }
  }
  switch (event.kind) {
    case 'begin':
      return state
    case 'renew':
      return { ...state, leaseEndsAt: leaseEnd(state.terms, now) }
    case 'stood-still':
      return { ...state, leaseEndsAt: Math.min(state.leaseEndsAt + event.ms, leaseEnd(state.terms, now)) }
    case 'empty':
      return state.kind === 'paused' ? state : { ...state, kind: 'paused' }
    case 'end':
      return noPause
  }
}

function leaseEnd({ leaseMs }: PauseTerms, now: number): number {
  return leaseMs === null ? Number.POSITIVE_INFINITY : now + leaseMs
}

/** Why the pause is over now; null while it goes on. `mustSend`: a command has waited almost as long as it may. */
export function pauseOver(state: PauseState, now: number, mustSend: boolean): PauseEnd | null {
  if (state.kind === 'none') return null
  if (mustSend) return 'hold-time'
  if (now >= state.endsAt) return 'max'
  if (now >= state.leaseEndsAt) return 'lease'
  return state.kind === 'emptying' && now - state.since >= state.terms.emptyMs ? 'in-flight' : null
}

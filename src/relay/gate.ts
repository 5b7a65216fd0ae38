// gate.ts: may links send? One gate per master; a pure table of transitions and the small object that walks it.
//
//              serve(master)               drained
//   holding ───────────────▶ draining ───────────────▶ open
//     ▲  │ ◀──── hold ────────── │ ◀────── serve(newer) ─ │
//     │  └─ expired ─▶ tripped   └───────── hold ─────────┘
//     └ (start)          └── serve(master) ─▶ draining
//
// holding: nothing new is sent; what is in flight may finish. draining: links may send, and what waited goes first.
// tripped: as holding, but new requests fail at once, because others have waited in vain for the whole hold time.
//
// Owns: the state and since when. Never: knows who waits (lanes), who the master is (the control plane says).
import { type Master, sameAddress } from '../address.ts'
import type { GateSnapshot } from '../ops/snapshot.ts'

export type GateState =
  | { readonly kind: 'holding'; readonly cause: string; readonly since: number }
  | { readonly kind: 'draining'; readonly master: Master; readonly since: number }
  | { readonly kind: 'open'; readonly master: Master; readonly since: number }
  | { readonly kind: 'tripped'; readonly cause: string; readonly since: number }

export type GateEvent =
  | { readonly kind: 'serve'; readonly master: Master }
  | { readonly kind: 'hold'; readonly cause: string }
  | { readonly kind: 'drained' }
  | { readonly kind: 'expired' }

/** The gate's whole table. `now`: milliseconds of a monotonic clock. Answers the same object when nothing changes. */
export function nextGate(state: GateState, event: GateEvent, now: number): GateState {
  switch (event.kind) {
    case 'serve':
      if ((state.kind === 'open' || state.kind === 'draining') && isSameTerm(state.master, event.master)) return state
      return { kind: 'draining', master: event.master, since: now }
    case 'hold':
      if (state.kind === 'holding' || state.kind === 'tripped') {
        // The reason may change while it is shut; hold.start has told what it was shut for first.
        return state.cause === event.cause ? state : { ...state, cause: event.cause }
      }
      return { kind: 'holding', cause: event.cause, since: now }
    case 'drained':
      return state.kind === 'draining' ? { kind: 'open', master: state.master, since: now } : state
    case 'expired':
      return state.kind === 'holding' ? { kind: 'tripped', cause: state.cause, since: state.since } : state
  }
}

/** The same node in the same configuration and, as far as known, the same process. */
export function isSameTerm(a: Master, b: Master): boolean {
  return (a.since ?? a.epoch) === (b.since ?? b.epoch) && a.role === b.role && isSameProcess(a, b)
}

/** As far as known. A new epoch alone changes nothing for a client. */
export function isSameProcess(a: Master, b: Master): boolean {
  return sameAddress(a, b) && (a.runId === b.runId || a.runId === null || b.runId === null)
}

/** The gate for people. `forMs`: of a shut gate the time since it shut. */
export function gateSnapshot(state: GateState, detail: string, now: number): GateSnapshot {
  const shut = state.kind === 'holding' || state.kind === 'tripped'
  const forMs = Math.max(0, now - state.since)
  return { state: state.kind, forMs, cause: shut ? state.cause : null, detail: shut ? detail : '' }
}

/** The gate as the data plane asks it: one comparison per request. */
export class Gate {
  #state: GateState
  readonly #onChange: (from: GateState, to: GateState) => void

  constructor(now: number, onChange: (from: GateState, to: GateState) => void) {
    this.#state = { kind: 'holding', cause: 'starting', since: now }
    this.#onChange = onChange
  }

  get state(): GateState {
    return this.#state
  }

  /** The master that may be sent to now, or null while nothing may be sent. */
  get master(): Master | null {
    return this.#state.kind === 'open' || this.#state.kind === 'draining' ? this.#state.master : null
  }

  move(event: GateEvent, now: number): void {
    const from = this.#state
    const to = nextGate(from, event, now)
    if (to === from) return
    this.#state = to
    this.#onChange(from, to)
  }
}

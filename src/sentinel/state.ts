// state.ts — the shape of what the control plane knows, what can happen to it and what may have to be done about it.
// Only types; topology.ts and decide.ts hold the rules.
import type { Address, Master } from '../address.ts'
import type { SentinelEvent } from './events.ts'
import type { Failover } from './failover.ts'
import type { View } from './view.ts'

/** Why nothing may be sent. Codes are contract: they appear in logs and metrics. */
export type HoldCause = 'failover-announced' | 'master-moved' | 'not-master' | 'master-unreachable' | 'master-loading'

export type ProbeResult =
  | { readonly kind: 'master'; readonly runId: string | null }
  /** The node lives but does not let us ask (NOAUTH, NOPERM, BUSY): the majority's word has to do. */
  | { readonly kind: 'untold'; readonly why: string }
  | { readonly kind: 'replica' }
  | { readonly kind: 'loading' }
  | { readonly kind: 'unreachable'; readonly why: string }

export interface SentinelState {
  readonly seed: boolean
  readonly up: boolean
  /** Its identity; null until it has told. Kept while it is down. */
  readonly runId: string | null
  readonly view: View | null
  /** How many Sentinels it last said there are; null until it has said so. */
  readonly reported: number | null
  readonly failover: Failover | null
  /** When it last published something about a failover: answers asked for before that do not tell how that one is. */
  readonly failoverHeardAt: number
  /** It was told to monitor the name anew since the master was decided: its epochs began anew too. */
  readonly monitoredAnew: boolean
}

export type Gate =
  | { readonly kind: 'open'; readonly since: number }
  | { readonly kind: 'shut'; readonly since: number; readonly cause: HoldCause | 'unconfirmed' }

/** A confirmation that is asked for: answers and probes count when they were asked for at `since` or later. */
export interface Wanted {
  readonly since: number
  /** When the first call of this row of calls came. */
  readonly first: number
  /** Somebody called confirm() and has had neither serve nor hold yet. */
  readonly owed: boolean
}

export interface ProbeState {
  readonly address: Address
  readonly startedAt: number
  /** null while it runs. */
  readonly result: ProbeResult | null
  readonly retryAt: number
}

/** A majority names another address than the master's, with no newer epoch. */
export interface Rival {
  readonly address: Address
  readonly epoch: number
  readonly since: number
  readonly accepted: boolean
}

export interface Topology {
  /** By connection; several may be one process (same run id) and have one vote. */
  readonly sentinels: ReadonlyMap<string, SentinelState>
  readonly master: Master | null
  readonly gate: Gate
  readonly wanted: Wanted | null
  readonly probe: ProbeState | null
  readonly rival: Rival | null
  /** Since when a majority names this address and epoch. */
  readonly candidate: { readonly address: Address; readonly epoch: number; readonly since: number } | null
  /** The Sentinels doubt the master: look often until then. */
  readonly suspectUntil: number
}

export type Input =
  | { readonly kind: 'joined'; readonly key: string; readonly seed: boolean }
  | { readonly kind: 'left'; readonly key: string }
  | { readonly kind: 'up'; readonly key: string; readonly runId: string | null }
  | { readonly kind: 'down'; readonly key: string }
  /** `view` null: it answered, but with nothing about this master. */
  | { readonly kind: 'answer'; readonly key: string; readonly view: View | null }
  | { readonly kind: 'event'; readonly key: string; readonly event: SentinelEvent }
  | { readonly kind: 'confirm' }
  | {
      readonly kind: 'probed'
      readonly address: Address
      readonly startedAt: number
      readonly result: ProbeResult
      readonly retryAt: number
    }
  | { readonly kind: 'tick' }

export type Effect =
  | { readonly kind: 'serve'; readonly master: Master }
  | { readonly kind: 'hold'; readonly cause: HoldCause; readonly detail: string }
  | { readonly kind: 'probe'; readonly address: Address; readonly startedAt: number }
  /** This node is likely to be asked soon: have a connection ready. */
  | { readonly kind: 'warm'; readonly address: Address }
  /** Ask this Sentinel now; null: all. */
  | { readonly kind: 'ask'; readonly key: string | null }
  | {
      readonly kind: 'note'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly event: string
      readonly fields: Readonly<Record<string, unknown>>
    }

export interface Step {
  readonly topology: Topology
  readonly effects: readonly Effect[]
}

/** The state while one input is worked in: a copy that may be written, and what has to be done. */
export type Draft = { -readonly [K in keyof Topology]: Topology[K] } & { readonly effects: Effect[] }

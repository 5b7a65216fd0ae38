// topology-state.ts: what the control plane knows, what can happen to it, what may have to be done about it.
// Only types; topology.ts and decide.ts hold the rules.
import type { Address, Master } from '../address.ts'
import type { SentinelEvent } from './events.ts'
import type { Failover } from './failover.ts'
import type { Peer, View } from './sentinel-view.ts'

/** Why nothing may be sent. Codes are contract: they appear in logs and metrics. */
export type HoldCause =
  | 'failover-announced'
  | 'master-moved'
  | 'not-master'
  | 'master-unreachable'
  | 'master-loading'
  | 'no-majority'

export type ProbeResult =
  | { readonly kind: 'master'; readonly runId: string | null }
  /** The node lives but does not let us ask (NOAUTH, NOPERM, BUSY): the majority's word has to do. */
  | { readonly kind: 'untold'; readonly why: string }
  | { readonly kind: 'replica' }
  | { readonly kind: 'loading' }
  /** `sign`: nothing came in time, or a living server turned us away (it is full); without it nobody is there. */
  | { readonly kind: 'unreachable'; readonly why: string; readonly sign?: 'late' | 'turned-away' }

/**
 * What the data plane's links to the probed node said while the probe ran: there is none, one is up, or bytes came in.
 * A link that is up is the same process; one that gets replies belongs to a living one.
 */
export type LinkSign = 'none' | 'up' | 'heard'

/** On whose word the master is served. */
export type Basis =
  | 'majority'
  /** At the start: all Sentinels that can be asked agree, a quorum at least, and the node says it is master. */
  | 'quorum'
  /** No majority can be asked, nobody names another, and the last master still is one. */
  | 'last-master'

/** How long the world is given, ms. */
export interface Patience {
  /** A node or a Sentinel to answer: --answer-timeout. */
  readonly answerMs: number
}

export interface SentinelState {
  readonly seed: boolean
  readonly up: boolean
  /** It has been up once. */
  readonly met: boolean
  /** When it joined, or was lost last. */
  readonly awaySince: number
  /** Its identity; null until it has told. Kept while it is down. */
  readonly runId: string | null
  readonly view: View | null
  /** When it last answered anything. */
  readonly spokeAt: number
  /** How many Sentinels it last said there are, and when; null until it has said so. */
  readonly reported: number | null
  readonly reportedAt: number
  /** The other Sentinels it last listed. */
  readonly peers: readonly Peer[]
  readonly failover: Failover | null
  /** When it last published something about a failover: answers asked for before that do not tell how that one is. */
  readonly failoverHeardAt: number
  /** It was told to monitor the name anew since the master was decided: its epochs began anew too. */
  readonly monitoredAnew: boolean
}

export type GateOrder =
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
  readonly answeredAt: number
  /** The node did not say what it is, but links to it work: it lives, and is the process that they were made to. */
  readonly vouched: boolean
  readonly retryAt: number
}

/** A majority names another address than the master's, with no newer epoch. */
export interface Rival {
  readonly address: Address
  readonly epoch: number
  readonly since: number
  readonly accepted: boolean
}

/** A configuration that is named by enough Sentinels, and since when. */
export interface NamedMaster {
  readonly address: Address
  readonly epoch: number
  readonly since: number
}

export interface Topology {
  readonly patience: Patience
  /** By connection; several may be one process (same run id) and have one vote. */
  readonly sentinels: ReadonlyMap<string, SentinelState>
  readonly master: Master | null
  /** On whose word the master was last served; null before. */
  readonly basis: Basis | null
  readonly gate: GateOrder
  readonly wanted: Wanted | null
  readonly probe: ProbeState | null
  readonly rival: Rival | null
  /** Since when a majority names this address and epoch. */
  readonly candidate: NamedMaster | null
  /** At the start, without a majority: since when all that can be asked name this address and epoch. */
  readonly agreed: NamedMaster | null
  /** Since when no majority names one master; null while one does. */
  readonly minoritySince: number | null
  /** When the last input came: a long gap means that this process stood still. */
  readonly heardAt: number
  /** The Sentinels doubt the master: look often until then. */
  readonly suspectUntil: number
}

export type Observation =
  | { readonly kind: 'joined'; readonly key: string; readonly seed: boolean }
  | { readonly kind: 'left'; readonly key: string }
  | { readonly kind: 'up'; readonly key: string; readonly runId: string | null }
  | { readonly kind: 'down'; readonly key: string }
  /** `view` null: it answered, but with nothing about this master. */
  | { readonly kind: 'answer'; readonly key: string; readonly view: View | null }
  /** Which other Sentinels it lists. */
  | { readonly kind: 'peers'; readonly key: string; readonly peers: readonly Peer[] }
  | { readonly kind: 'event'; readonly key: string; readonly event: SentinelEvent }
  | { readonly kind: 'confirm' }
  | {
      readonly kind: 'probed'
      readonly address: Address
      readonly startedAt: number
      readonly result: ProbeResult
      readonly links: LinkSign
      readonly retryAt: number
    }
  | { readonly kind: 'tick' }

export type Effect =
  | { readonly kind: 'serve'; readonly master: Master }
  | { readonly kind: 'hold'; readonly cause: HoldCause; readonly detail: string }
  /** A replica may be promoted from here on: what the old master says counts only if it stays the master. */
  | { readonly kind: 'withhold' }
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

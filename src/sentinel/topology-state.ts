// topology-state.ts: what the control plane knows, what it can observe, and what it can do. Only types: topology.ts,
// majority-rules.ts and minority-rules.ts hold the rules.
import type { Address, Master } from '../address.ts'
import type { HoldLabel } from '../ops/counters.ts'
import type { SentinelEvent } from './events.ts'
import type { Failover } from './failover.ts'
import type { Peer, View } from './sentinel-view.ts'

/** Why nothing may be sent, in the words of logs and metrics; the others are causes of the data plane. */
export type HoldCause = Exclude<HoldLabel, 'starting' | 'stood-still'>

export type ProbeResult =
  /** `at`: where the connection stands over which it said so, `ip:port`. */
  | { readonly kind: 'master'; readonly runId: string | null; readonly at?: string }
  /** Another name leads to the process of the master that it replaces: a name server is behind. */
  | { readonly kind: 'replaced' }
  /** The node lives but does not let us ask (NOAUTH, NOPERM, BUSY): the word of the majority has to do. */
  | { readonly kind: 'untold'; readonly why: string }
  /** `of`: whose, in the node's own words. */
  | { readonly kind: 'replica'; readonly of?: Address }
  | { readonly kind: 'loading' }
  /** `sign`: nothing came in time, or a living server (a full one) turned us away; without it nobody is there. */
  | { readonly kind: 'unreachable'; readonly why: string; readonly sign?: 'late' | 'turned-away' }

/**
 * What the links of the data plane to the probed node showed during the probe: there is none, one is up, or bytes came
 * in. A link that is up shows the same process; one that gets replies shows a living one.
 */
export type LinkSign = 'none' | 'up' | 'heard'

/** On whose word the master is served. */
export type Basis =
  | 'majority'
  /** At the start: all Sentinels that can be asked, a quorum at least, agree, and the node says it is master. */
  | 'quorum'
  /** No majority can be asked, no Sentinel names another, and the last master still is one. */
  | 'last-master'

export interface SentinelState {
  readonly seed: boolean
  readonly up: boolean
  /** It was up once. */
  readonly met: boolean
  /** When it joined, or when we lost it last. */
  readonly awaySince: number
  /** Its run id; null until it gives one. Kept while it is down. */
  readonly runId: string | null
  readonly view: View | null
  /** When it answered last. */
  readonly spokeAt: number
  /** How many Sentinels there are by its last answer, and when that came; null before. */
  readonly reported: number | null
  readonly reportedAt: number
  /** The other Sentinels in its last list. */
  readonly peers: readonly Peer[]
  readonly failover: Failover | null
  /** When it last published something about a failover; answers to older questions say nothing about that one. */
  readonly failoverHeardAt: number
  /** The last epoch that it has published (+new-epoch); null: none was heard. */
  readonly newEpoch: number | null
  /** It monitors the name anew since the master was decided, so its epochs began anew too. */
  readonly monitoredAnew: boolean
}

export type GateOrder =
  | { readonly kind: 'open'; readonly since: number }
  | { readonly kind: 'shut'; readonly since: number; readonly cause: HoldCause | 'unconfirmed' }

/** A wanted confirmation. Answers and probes count when they were asked for at `since` or later. */
export interface Wanted {
  readonly since: number
  /** When the first of this row of calls came. */
  readonly first: number
  /** Somebody called confirm() and has got neither serve nor hold yet. */
  readonly owed: boolean
  /** How often this process stood still in this row, and when it did last. */
  readonly stalls: number
  readonly stalledAt: number
}

export interface ProbeState {
  readonly address: Address
  readonly startedAt: number
  /** null while it runs. */
  readonly result: ProbeResult | null
  readonly answeredAt: number
  /** The node did not say what it is, but links to it work: it is alive and still the same process. */
  readonly vouched: boolean
  readonly retryAt: number
  /** The node is a replica under promotion. Its word counts for longer, and no longer than its connection. */
  readonly isAhead: boolean
}

/** A configuration, and since when enough Sentinels name it. */
export interface NamedMaster {
  readonly address: Address
  readonly epoch: number
  readonly since: number
}

/** Another address than the master's, which a majority names without a newer epoch. */
export interface Rival extends NamedMaster {
  readonly accepted: boolean
}

export interface Topology {
  /** How long a node or a Sentinel may take to answer: --answer-timeout. */
  readonly answerMs: number
  /** By connection; several may be one process (same run id), which has one vote. */
  readonly sentinels: ReadonlyMap<string, SentinelState>
  readonly master: Master | null
  /** Where the process that is served was asked, `ip:port`; null: not known. */
  readonly servedAt: string | null
  /** The same of the master before it. */
  readonly leftAt: string | null
  /** On whose word the master was last served; null before. */
  readonly basis: Basis | null
  readonly gate: GateOrder
  readonly wanted: Wanted | null
  readonly probe: ProbeState | null
  /** A node to which a connection is open by which it can be asked, because it is being promoted. */
  readonly warm: Address | null
  readonly rival: Rival | null
  /** Since when a majority names this address and epoch. */
  readonly candidate: NamedMaster | null
  /** Without a majority: since when all that can be asked name this address and epoch. */
  readonly agreed: NamedMaster | null
  /** Since when no majority names one master; null while one does. */
  readonly minoritySince: number | null
  /** When the last observation came; a long gap means that this process stood still. */
  readonly heardAt: number
  /** The Sentinels doubt the master: look often until then. */
  readonly suspectUntil: number
}

export type Observation =
  | { readonly kind: 'joined'; readonly key: string; readonly seed: boolean }
  | { readonly kind: 'left'; readonly key: string }
  | { readonly kind: 'up'; readonly key: string; readonly runId: string | null }
  | { readonly kind: 'down'; readonly key: string }
  /** It is down, and its host refuses connections: no process listens there. */
  | { readonly kind: 'refused'; readonly key: string }
  /** `view` null: it answered, but with nothing about this master. */
  | { readonly kind: 'answer'; readonly key: string; readonly view: View | null }
  /** Which other Sentinels it lists. */
  | { readonly kind: 'peers'; readonly key: string; readonly peers: readonly Peer[] }
  | { readonly kind: 'event'; readonly key: string; readonly event: SentinelEvent }
  | { readonly kind: 'confirm' }
  /** This process did not run for a while. What was asked before counts no more, however long ago the first call. */
  | { readonly kind: 'stood-still' }
  /** A connection to a node that is being promoted is open, or was and has ended. */
  | { readonly kind: 'warm' | 'cold'; readonly address: Address }
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
  /** From here on a replica may be promoted: what the old master says counts only if it stays the master. */
  | { readonly kind: 'withhold' }
  /** `unlike`: the run id of the master that it replaces, which cannot be its own; null: it replaces none. */
  | {
      readonly kind: 'probe'
      readonly address: Address
      readonly startedAt: number
      readonly unlike: string | null
    }
  /** This node is likely to be asked soon: have a connection ready. */
  | { readonly kind: 'warm'; readonly address: Address }
  /** Its address leads to the old master: what was dialled there ahead is of no use. */
  | { readonly kind: 'misled' }
  /** Ask this Sentinel now; null: all. */
  | { readonly kind: 'ask'; readonly key: string | null }
  /** Ask this Sentinel within a second: nobody waits for what it says. */
  | { readonly kind: 'ask-soon'; readonly key: string }
  /** Ask this Sentinel soon for the others it knows. */
  | { readonly kind: 'ask-peers'; readonly key: string }
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

/** The state while one observation is worked in: a copy that may change, and what has to be done. */
export type Draft = { -readonly [K in keyof Topology]: Topology[K] } & { readonly effects: Effect[] }

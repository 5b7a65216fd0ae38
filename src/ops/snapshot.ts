// snapshot.ts: what the admin port may ask of the running program: plain numbers and plain data, taken when asked for.
// Types only; proxy.ts supplies them. Never: a password, a key, a value.
import type { Counters } from './counters.ts'
import type { CommandClass } from './labelled-counters.ts'

export interface GateSnapshot {
  readonly state: 'holding' | 'draining' | 'open' | 'tripped'
  /** Milliseconds it has been in this state; of a shut gate, since it shut. */
  readonly forMs: number
  /** Why it is shut; null while it is not. */
  readonly cause: string | null
  /** The control plane's reason in words; '' where it gave none or the gate is not shut. */
  readonly detail: string
}

export interface LinkSnapshot {
  readonly identity: string
  readonly shared: number
  readonly private: number
  readonly idle: number
  readonly retired: number
  readonly dialing: number
  readonly inFlight: number
  readonly waiting: number
}

export interface SentinelSnapshot {
  readonly address: string
  readonly reachable: boolean
  readonly runId: string | null
  /** The master it names, `host:port`. */
  readonly names: string | null
}

export interface TopologySnapshot {
  readonly masterName: string
  readonly decision: string
  readonly knownSentinels: number
  readonly majority: number
  readonly reachableSentinels: number
  /** Listed by others, held for dead by them, and not reachable from here either. */
  readonly deadSentinels: number
  /** On whose word the master is served: majority, quorum (at the start) or last-master; null before. */
  readonly basis: string | null
  /** While no majority names one master: what is missing, in words. */
  readonly trouble: string | null
  readonly sentinels: readonly SentinelSnapshot[]
}

export interface MasterSnapshot {
  /** `host:port` */
  readonly address: string
  readonly epoch: number
  readonly runId: string | null
}

export interface Snapshot {
  readonly version: string
  /** Where clients connect, as text; empty before the start. */
  readonly listening: readonly string[]
  /** Date.now() when the program was built. */
  readonly startedAt: number
  readonly counters: Readonly<Counters>
  readonly logLinesDropped: number
  /** Commands of clients by class, from their names. */
  readonly commands: ReadonlyMap<CommandClass, number>
  readonly gate: GateSnapshot
  /** The master that is served, or was last; null until there was one. */
  readonly master: MasterSnapshot | null
  /** A master has been served since the start. */
  readonly served: boolean
  /** The stop has begun. */
  readonly stopping: boolean
  readonly links: readonly LinkSnapshot[]
  readonly topology: TopologySnapshot
  /** The last ones, newest first. */
  readonly failovers: readonly object[]
  readonly limits: { readonly maxSessions: number; readonly maxHeldBytes: number }
}

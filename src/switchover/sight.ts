// sight.ts: what `holdfast switchover` has seen of Sentinels and nodes, as plain values.
import type { Address } from '../address.ts'
import type { Target } from '../check/ask.ts'
import type { Candidate } from './candidate.ts'

export interface SentinelSight {
  readonly address: Address
  readonly target: Target
  /** Our user may run SENTINEL FAILOVER there. */
  readonly mayFailover: boolean
  /** It knows SENTINEL FAILOVER ... COORDINATED (Valkey 9 and later). */
  readonly coordinates: boolean
  /** What it says of a failover that it leads now; null: it leads none. */
  readonly failoverState: string | null
  readonly downAfterMs: number
  /** The run id of the master. */
  readonly masterRunId: string
  readonly candidates: readonly Candidate[]
}

/** One line of CLIENT LIST. */
export interface ClientRow {
  readonly id: string
  readonly address: string
  readonly name: string
  readonly library: string
  readonly user: string
  /** The last command: `set`, `config|get`; '' where it has sent none. */
  readonly command: string
  readonly flags: string
  readonly idleSeconds: number
}

/** Settings that are compared between the nodes. */
export const comparedSettings = [
  'maxmemory',
  'maxmemory-policy',
  'min-replicas-to-write',
  'databases',
  'replica-priority',
] as const
export type ComparedSetting = (typeof comparedSettings)[number]

export interface NodeSight {
  /** As the Sentinels announce it. */
  readonly address: Address
  readonly target: Target
  readonly isMaster: boolean
  /** Commands of ours that it refused; what they would show is not known. */
  readonly denied: readonly string[]
  /** Our questions that it does not know (rename-command). */
  readonly unknown: readonly string[]
  /** What it says of itself; null: it did not answer. */
  readonly replication: Replication | null
  readonly usedMemory: number
  readonly settings: Readonly<Partial<Record<ComparedSetting, string>>>
  /** By user a digest of its rules and passwords; null: not known. */
  readonly users: ReadonlyMap<string, string> | null
  /** A digest of all functions; null: not known, or the server has none. */
  readonly functions: string | null
  /** Scripts in its cache. */
  readonly scripts: number
  /** Whence it sees this command come, which runs on the host of its proxy; '' where it does not say. */
  readonly ownHost: string
  /** Its clients but ourselves; null: not known. */
  readonly clients: readonly ClientRow[] | null
}

/** Of INFO replication. */
export interface Replication {
  readonly role: 'master' | 'replica'
  /** Bytes of the stream that it has written or received. */
  readonly offset: number
  readonly linkUp: boolean
  /** Whom a replica follows. */
  readonly master: string
  /** Of the replicas attached to it: `host:port` as it knows them. */
  readonly replicas: readonly { readonly address: string; readonly online: boolean; readonly lagSeconds: number }[]
}

export interface Sight {
  readonly sentinels: readonly SentinelSight[]
  /** The master first. */
  readonly nodes: readonly NodeSight[]
}

// evidence.ts: what `holdfast check` has seen, as plain values. Collected by I/O, judged without any. Only types.
import type { Address } from '../address.ts'
import type { Contact } from './contact.ts'

/** How a login or a question was refused, in the server's own words. */
export interface ErrorReply {
  /** The first word: WRONGPASS, NOAUTH, NOPERM, ERR, ... */
  readonly code: string
  readonly text: string
}

export interface SentinelEvidence {
  /** As it is dialled, and as the others announce it (null for a seed that none of them names). */
  readonly address: Address
  readonly announced: Address | null
  readonly contact: Contact
  /** Why it could not be asked at all, although it answers. */
  readonly refused: ErrorReply | null
  /** Commands that our user may not run there. */
  readonly denied: readonly string[]
  readonly runId: string | null
  /** It does not know SENTINEL: a data node, or something else. */
  readonly isSentinel: boolean
  /** The names it knows, where it does not know ours; null where it knows ours. */
  readonly otherNames: readonly string[] | null
  readonly view: SentinelView | null
  /** CKQUORUM's answer where it is no OK. */
  readonly noQuorum: string | null
  readonly replicas: readonly ListedReplica[]
  /** The others it lists; `down`: it cannot reach that one. */
  readonly peers: readonly { readonly runId: string; readonly address: Address; readonly down: boolean }[]
  readonly inTilt: boolean
}

export interface SentinelView {
  /** GET-MASTER-ADDR-BY-NAME. */
  readonly master: Address
  readonly epoch: number
  readonly quorum: number
  readonly flags: readonly string[]
  readonly downAfterMs: number
  readonly failoverTimeoutMs: number
  readonly knownSentinels: number
}

/** A replica as a Sentinel lists it. */
export interface ListedReplica {
  readonly address: Address
  readonly flags: readonly string[]
  readonly linkStatus: string
  readonly priority: number
}

export interface NodeEvidence {
  readonly announced: Address
  readonly address: Address
  /** What the Sentinels say it is. */
  readonly listed: 'master' | 'replica'
  readonly contact: Contact
  readonly refused: ErrorReply | null
  readonly denied: readonly string[]
  /** What it says it is; null where it does not tell. */
  readonly role: 'master' | 'replica' | 'loading' | null
  /** HELLO is there (Redis 6 and later). */
  readonly knowsHello: boolean
  /** Of a master: replicas attached; null where it does not tell. */
  readonly attached: number | null
  /** CONFIG GET, as far as it is permitted. */
  readonly settings: Readonly<Partial<Record<'min-replicas-to-write' | 'timeout' | 'maxclients', string>>>
  /** Clients that name their library, by that name and its version; empty where the node does not tell. */
  readonly libraries: readonly (readonly [name: string, version: string])[]
  /** Its clock minus ours, ms; null where it does not tell. */
  readonly clockOffsetMs: number | null
}

/** What is at our own port: free, a Holdfast that runs, something else, or an address that cannot be had. */
export type ListenEvidence =
  | { readonly kind: 'free' | 'holdfast' | 'taken' | 'lent' }
  | { readonly kind: 'impossible'; readonly code: string }

export interface Evidence {
  readonly sentinels: readonly SentinelEvidence[]
  readonly nodes: readonly NodeEvidence[]
  /** Null: no TCP port is configured. */
  readonly listen: ListenEvidence | null
  /** Announced addresses of --nat-map that nobody announces. */
  readonly unusedNat: readonly Address[]
}

/** What the judgement needs of the options; no secrets. */
export interface CheckSettings {
  readonly masterName: string
  readonly listen: Address | null
  /** The longest a command may wait, by --hold-timeout and --max-retries. */
  readonly holdLimitMs: number
  /** --answer-timeout */
  readonly answerTimeoutMs: number
  readonly maxSessions: number
  readonly links: 'auto' | 'private'
  readonly redisUser: string | null
  readonly hasRedisPassword: boolean
  readonly sentinelUser: string | null
  readonly redisTls: boolean
  readonly sentinelTls: boolean
  /** Addresses that --nat-map already translates. */
  readonly mapped: readonly Address[]
}

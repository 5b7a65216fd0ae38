// evidence.ts: what `holdfast check` has seen, as plain values.
import type { Address } from '../address.ts'
import type { Contact } from './first-question.ts'

/** How a login or a question was refused, in the server's own words. */
export interface ErrorReply {
  /** The first word: WRONGPASS, NOAUTH, NOPERM, ERR, ... */
  readonly code: string
  readonly text: string
}

export interface SentinelEvidence {
  /** As we dial it, and as the others announce it (null for a seed that none of them names). */
  readonly address: Address
  readonly announced: Address | null
  readonly contact: Contact
  /** Why it answers and still takes no question. */
  readonly refused: ErrorReply | null
  /** Commands that our user may not run there. */
  readonly denied: readonly string[]
  readonly runId: string | null
  /** False: it does not know SENTINEL, so it is a data node or something else. */
  readonly isSentinel: boolean
  /** The master names it knows, where ours is not among them; null where it is. `untold`: our user may not ask. */
  readonly otherNames: readonly string[] | 'untold' | null
  readonly view: SentinelView | null
  /** The answer to CKQUORUM, unless it is OK. */
  readonly noQuorum: string | null
  readonly replicas: readonly ListedReplica[]
  /** The other Sentinels that it lists; `down`: it cannot reach that one. */
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

export interface ListedReplica {
  readonly address: Address
  readonly flags: readonly string[]
  readonly linkStatus: string
  readonly priority: number
}

/** What CONFIG GET is asked for. */
export const settingNames = [
  'min-replicas-to-write',
  'timeout',
  'maxclients',
  'maxmemory',
  'maxmemory-policy',
  'appendonly',
  'appendfsync',
  'replica-priority',
] as const

export interface NodeEvidence {
  readonly announced: Address
  readonly address: Address
  /** What the Sentinels say it is. */
  readonly listed: 'master' | 'replica'
  readonly contact: Contact
  readonly refused: ErrorReply | null
  readonly denied: readonly string[]
  /** Commands that it does not know: rename-command, or an older version. */
  readonly unknown: readonly string[]
  /** ACL rules that our user lacks for markers and acknowledgements; empty where the options need none. */
  readonly proofDenied: readonly string[]
  /** Commands of these that it does not know. */
  readonly proofUnknown: readonly string[]
  /** What it says it is; null where it does not say. */
  readonly role: 'master' | 'replica' | 'loading' | null
  /** It has HELLO (Redis 6 and later). */
  readonly knowsHello: boolean
  /** Replicas attached to a master; null where it does not say. */
  readonly attached: number | null
  /** Of a replica its link to the master (ROLE: `connected`, `sync`, `connect`, ...); null where it does not say. */
  readonly linkState: string | null
  /** What CONFIG GET permits us to see. */
  readonly settings: Readonly<Partial<Record<(typeof settingNames)[number], string>>>
  /** The libraries that its clients name, with their versions; empty where the node does not list clients. */
  readonly libraries: readonly (readonly [name: string, version: string])[]
  /** Its clock minus ours, ms; null where it does not say. */
  readonly clockOffsetMs: number | null
}

/** A replica, against where its master was when the question began. */
export interface ReplicaEvidence {
  readonly announced: Address
  /**
   * It has what the master had; it does not after `behindMs`; its link is down or its history another; it loads, or
   * serves no old data; our user may not ask (of the master, too); it does not say.
   */
  readonly state: 'has-all' | 'behind' | 'cut-off' | 'no-data' | 'refused' | 'unknown'
  /** Since the question began, ms. */
  readonly behindMs: number
}

/** Sessions of the running proxy that name the same library and version. */
export interface ClientEvidence {
  /** '' where they name none. */
  readonly library: string
  readonly version: string
  readonly sessions: number
  /** Those of them that have asked to be told of holds, and are. */
  readonly toldOfHolds: number
}

/** What is at our own port: nothing, a running Holdfast, something else, or an address that we cannot have. */
export type ListenEvidence =
  | { readonly kind: 'free' | 'holdfast' | 'taken' | 'lent' }
  | { readonly kind: 'impossible'; readonly code: string }

/** The place of one of our own Unix-domain sockets: nothing is there, somebody serves it, or why it cannot be had. */
export interface SocketEvidence {
  readonly option: 'listen-socket' | 'replica-listen-socket' | 'control-socket'
  readonly path: string
  readonly found: 'free' | 'served' | { readonly impossible: string }
}

export interface Evidence {
  readonly sentinels: readonly SentinelEvidence[]
  readonly nodes: readonly NodeEvidence[]
  /** Null: --replica-listen is not configured, or the master does not say where it is. */
  readonly replication: readonly ReplicaEvidence[] | null
  /** Null: the admin port is not configured, or does not tell them. */
  readonly clients: readonly ClientEvidence[] | null
  /** Why the admin port that is configured does not tell them. */
  readonly clientsUnseen: string | null
  /** Null: no TCP port is configured. */
  readonly listen: ListenEvidence | null
  /** The same of --replica-listen. */
  readonly replicaListen: ListenEvidence | null
  readonly sockets: readonly SocketEvidence[]
  /** Announced addresses of --nat-map that nobody announces. */
  readonly unusedNat: readonly Address[]
  /** Where --nat-map leads several Sentinels, by the addresses by which the others know them, to one place. */
  readonly oneForMany: readonly { readonly place: Address; readonly announced: readonly Address[] }[]
  /** Addresses of the host names that servers are announced by, as far as they can be resolved here. */
  readonly hostAddresses: ReadonlyMap<string, string>
}

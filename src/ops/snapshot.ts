// snapshot.ts: what the running program shows to the admin port, as plain data. Only types; proxy.ts and
// proxy/master-view.ts take snapshots.
// Never: holds a password, a key or a value.
import type { Counters, SplitReads } from './counters.ts'
import type { CommandClass } from './labelled-counters.ts'
import type { OwnWaits, WaitSummary } from './wait-sample.ts'

export interface GateSnapshot {
  readonly state: 'holding' | 'draining' | 'open' | 'tripped'
  /** How long it has been in this state, ms; for a shut gate since it shut. */
  readonly forMs: number
  /** Why it is shut, if it is. */
  readonly cause: string | null
  /** The reason of the control plane in words; '' without one, or while the gate is not shut. */
  readonly detail: string
}

/** A pause that lasts (holdfast ctl pause). */
export interface PauseSnapshot {
  /** emptying: nothing new is sent, and not all that was sent is answered. */
  readonly state: 'emptying' | 'paused'
  /** Who asked for it: ctl, switchover, drill. */
  readonly by: string
  readonly forMs: number
  /** When it ends by itself, unless it is renewed. */
  readonly endsInMs: number
  /** Requests sent and not answered; those of blocked sessions apart. */
  readonly inFlight: { readonly requests: number; readonly blocked: number }
}

/** A session with a command that is sent and not answered. */
export interface InFlightSession {
  readonly address: string
  /** As the client names it (CLIENT SETINFO, CLIENT SETNAME); '' without. */
  readonly library: string
  readonly version: string
  readonly name: string
  /** The last command that Holdfast has read from it. */
  readonly command: string
  /** Since the last bytes from it, ms. */
  readonly sinceMs: number
  readonly blocked: boolean
}

/** What the last pause cost. Times are milliseconds. */
export interface LastPauseSnapshot extends WaitSummary {
  readonly by: string
  /** Commands that gave up or failed, and those whose outcome is unknown, since it began. */
  readonly failed: number
  readonly unknown: number
}

/** All links of one identity; no secret in it. */
export interface LinkSnapshot {
  readonly identity: string
  /** Links that are up: shared; a session's own; kept for the next session; silent, with replies still awaited. */
  readonly shared: number
  readonly private: number
  readonly idle: number
  readonly retired: number
  /** Being dialled. */
  readonly dialing: number
  /** Requests sent and not answered, and requests that wait. */
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
  /** Sentinels that the others list and hold for dead, and that we cannot reach either. */
  readonly deadSentinels: number
  /** On whose word the master is served: majority, quorum (at the start) or last-master; null before the first. */
  readonly basis: string | null
  /** While no majority names one master: what is missing, and what to do about it. */
  readonly trouble: string | null
  readonly sentinels: readonly SentinelSnapshot[]
}

/** The node that is master. */
export interface NodeSnapshot {
  /** `host:port` */
  readonly address: string
  readonly epoch: number
  readonly runId: string | null
}

/** Sessions that name the same library and version (CLIENT SETINFO). */
export interface LibrarySnapshot {
  /** As the client gives it; '' where it gives none. */
  readonly library: string
  readonly version: string
  readonly sessions: number
  /** Those of them that have asked to be told of holds, and are: RESP3. */
  readonly toldOfHolds: number
}

/** Open sessions by what they are at; each is counted once. */
export interface SessionStates {
  /** Their connection is a stream of messages: SUBSCRIBE and its kind, MONITOR. */
  readonly subscribed: number
  readonly monitoring: number
  /** A MULTI is open, or keys are watched. */
  readonly inTransaction: number
  /** A command is not answered yet: sent, held, or one that blocks. */
  readonly awaitingReplies: number
  readonly idle: number
  /** Of all of these: those with a link of their own. */
  readonly withOwnLink: number
}

export type SessionStateName = Exclude<keyof SessionStates, 'withOwnLink'>

/** One open session. */
export interface SessionSnapshot {
  /** Counts up from 1 over the life of the process. */
  readonly id: number
  readonly address: string
  /** As the client names it (CLIENT SETINFO, CLIENT SETNAME); '' without. */
  readonly library: string
  readonly version: string
  readonly name: string
  readonly state: SessionStateName
  /** The last command that Holdfast has read from it, and how many it has submitted and not answered. */
  readonly command: string
  readonly submitted: number
  readonly pending: number
  /** Its client has closed its side. The session lasts until what it sent is answered. */
  readonly isLeaving: boolean
  /** A blocking command of it is with the server. */
  readonly isBlocked: boolean
  /** CLIENT TRACKING is on. */
  readonly isTracking: boolean
  /** What it met in the last pause, and since; null: nothing of it waited or failed. */
  readonly lastPause: Readonly<OwnWaits> | null
}

/** What changes from second to second. */
export interface MasterGauges {
  readonly counters: Readonly<Counters>
  readonly inFlight: number
  /** `paused`: the gate is open, and an operator holds all commands. */
  readonly gate: GateSnapshot['state'] | 'paused'
  /** Changes whenever `stories` do. */
  readonly stories: number
}

/** Sessions that read from one replica. */
export interface GroupSnapshot {
  readonly id: number
  readonly home: string | null
  /** The address of a replica; `master`, `held` or `refused` while none is good. */
  readonly reads: string
  readonly sessions: number
}

/** The port for replicas, and the reads of the master's port that are split. */
export interface ReplicasSnapshot {
  readonly nodes: readonly {
    readonly address: string
    /** What it is good for (src/replicas/condition.ts). */
    readonly condition: string
    /** It has all that the master had this long ago, ms; null: nobody knows. */
    readonly lagMs: number | null
    /** Sessions that read there. */
    readonly sessions: number
  }[]
  /** Of the port. */
  readonly groups: readonly GroupSnapshot[]
  /** How often sessions left where they were, by cause. */
  readonly moves: ReadonlyMap<string, number>
  /** Of each group of the port, and of what came before it had one. */
  readonly counters: readonly Readonly<Counters>[]
  /** null: reads of the master's port are not split. */
  readonly split: {
    readonly groups: readonly GroupSnapshot[]
    readonly reads: Readonly<SplitReads>
    /** Of each group. */
    readonly counters: readonly Readonly<Counters>[]
  } | null
}

/** One master that clients use through Holdfast, with all that is its own. */
export interface MasterSnapshot {
  /** Whether /startup waits for it. */
  readonly required: boolean
  /** Where its clients connect, as text; empty before the start. */
  readonly listening: readonly string[]
  readonly counters: Readonly<Counters>
  /** Commands of clients by class, from their names. */
  readonly commands: ReadonlyMap<CommandClass, number>
  readonly gate: GateSnapshot
  /** --dry-run: the gate is only watched. */
  readonly dryRun: boolean
  /** Beside the gate: commands are sent while it is open and no pause lasts; null: none does. */
  readonly pause: PauseSnapshot | null
  /** The pause that lasts or the last one; null: there was none. */
  readonly lastPause: LastPauseSnapshot | null
  /** The present or last master; null before the first. */
  readonly master: NodeSnapshot | null
  /** A master was served since the start. */
  readonly served: boolean
  /** The nodes have refused the password of --redis-password since the start. */
  readonly loginRefused: boolean
  readonly libraries: readonly LibrarySnapshot[]
  readonly sessionStates: SessionStates
  readonly links: readonly LinkSnapshot[]
  readonly topology: TopologySnapshot
  /** The last failovers, newest first. */
  readonly failovers: readonly object[]
  /** The last holds step by step, newest first. */
  readonly stories: readonly object[]
  /** null: there is no such port. */
  readonly replicas: ReplicasSnapshot | null
  readonly limits: {
    readonly maxSessions: number
    readonly maxHeldBytes: number
    /** The longest a command may wait, by --hold-timeout and --max-retries, ms. */
    readonly holdMs: number
  }
}

/** The whole program. */
export interface Snapshot {
  readonly version: string
  /** The name of this process at the servers (instance.ts). */
  readonly instance: string
  /** Date.now() when the program was built. */
  readonly startedAt: number
  readonly logLinesDropped: number
  readonly stopping: boolean
  /** At least one, in the order of the configuration. */
  readonly masters: readonly MasterSnapshot[]
}

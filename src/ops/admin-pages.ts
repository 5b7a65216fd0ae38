// admin-pages.ts: the answers of the admin port to /startup, /ready, /live and /status. Pure.
import type { MasterSnapshot, ReplicasSnapshot, Snapshot } from './snapshot.ts'

/** `ok` false is HTTP 503, and `text` says what is missing. */
export interface Health {
  readonly ok: boolean
  readonly text: string
}

/**
 * /startup: Holdfast listens, and has had every required master once, which has let it in. Before that a wrong name,
 * address or password may be the cause, and people should see it before the application starts. After that, commands
 * wait for a missing master.
 */
export function startup(snapshot: Snapshot): Health {
  if (!isListening(snapshot)) return { ok: false, text: 'not listening yet' }
  const missing = snapshot.masters.filter(one => one.required && (!one.served || one.loginRefused))
  if (missing.length === 0) return { ok: true, text: 'started' }
  const isAlone = snapshot.masters.length === 1
  const problems = missing.map(one => (isAlone ? '' : `${one.topology.masterName}: `) + masterProblem(one))
  const isAnyUnserved = missing.some(({ served }) => !served)
  return { ok: false, text: `${isAnyUnserved ? 'no master has been served yet: ' : ''}${problems.join('; ')}` }
}

function isListening({ masters }: Snapshot): boolean {
  return masters.every(({ listening }) => listening.length > 0)
}

/** /ready: new clients are welcome. It says nothing of Redis: in a failover clients wait and should still come. */
export function ready(snapshot: Snapshot): Health {
  if (!isListening(snapshot)) return { ok: false, text: 'not listening yet' }
  return snapshot.stopping ? { ok: false, text: 'stopping' } : { ok: true, text: 'ready' }
}

/** /live: to answer is the answer. */
export function live(): Health {
  return { ok: true, text: 'alive' }
}

function masterProblem({ topology, gate, served, loginRefused, master }: MasterSnapshot): string {
  if (served && loginRefused)
    return `${master?.address} refuses our password: correct --redis-username and --redis-password`
  const { masterName, reachableSentinels, knownSentinels, majority, sentinels } = topology
  const isUnknown = sentinels.every(one => one.names === null)
  if (isUnknown && reachableSentinels >= majority) return `no Sentinel gives a master for the name "${masterName}"`
  if (gate.cause === 'no-majority' && gate.detail !== '') return gate.detail
  if (reachableSentinels === 0) return `no Sentinel can be asked about the master (0 of ${sentinels.length})`
  if (reachableSentinels < majority)
    return `${reachableSentinels} of ${knownSentinels} Sentinels can be asked, and ${majority} are needed`
  return gate.detail === '' ? 'the Sentinels and the node are being asked' : gate.detail
}

/** The content of /status. Names that end in Ms are milliseconds; times are ISO 8601. One master alone has no level. */
export function statusOf(snapshot: Snapshot, now: number): Readonly<Record<string, unknown>> {
  const { masters } = snapshot
  const [alone] = masters.length === 1 ? masters : []
  return {
    version: snapshot.version,
    instance: snapshot.instance,
    pid: process.pid,
    startedAt: new Date(snapshot.startedAt).toISOString(),
    uptimeMs: now - snapshot.startedAt,
    stopping: snapshot.stopping,
    ...(alone
      ? statusOfMaster(alone, now)
      : { masters: masters.map(one => ({ required: one.required, ...statusOfMaster(one, now) })) }),
  }
}

/** The content of /status for one master. */
export function statusOfMaster(snapshot: MasterSnapshot, now: number): Readonly<Record<string, unknown>> {
  const { counters, gate, topology, limits, master } = snapshot
  return {
    listening: snapshot.listening,
    masterName: topology.masterName,
    master,
    gate: {
      state: gate.state,
      since: new Date(now - gate.forMs).toISOString(),
      forMs: Math.round(gate.forMs),
      cause: gate.cause,
      detail: gate.detail === '' ? null : gate.detail,
    },
    dryRun: snapshot.dryRun,
    pause: pauseOf(snapshot),
    lastPause: snapshot.lastPause,
    sessions: {
      open: counters.sessions,
      accepted: counters.sessionsTotal,
      refused: counters.sessionsRefused,
      toldOfHolds: counters.handoffSessions,
      limit: limits.maxSessions,
      libraries: snapshot.libraries,
      states: snapshot.sessionStates,
    },
    links: linksOf(snapshot),
    held: {
      requests: counters.waiting,
      bytes: counters.waitingBytes,
      pendingBytes: counters.pendingBytes,
      limitBytes: limits.maxHeldBytes,
      limitMs: limits.holdMs,
    },
    sentinels: {
      decision: topology.decision,
      known: topology.knownSentinels,
      majority: topology.majority,
      reachable: topology.reachableSentinels,
      dead: topology.deadSentinels,
      basis: topology.basis,
      trouble: topology.trouble,
      each: topology.sentinels,
    },
    failovers: snapshot.failovers,
    ...(snapshot.replicas !== null && { replicas: statusOfReplicas(snapshot.replicas) }),
  }
}

function statusOfReplicas(snapshot: ReplicasSnapshot): Readonly<Record<string, unknown>> {
  const { nodes, groups, moves, counters, split } = snapshot
  return {
    sessions: counters.reduce((sum, one) => sum + one.sessions, 0),
    heldRequests: counters.reduce((sum, one) => sum + one.waiting, 0),
    nodes,
    groups,
    moves: Object.fromEntries([...moves].filter(([, count]) => count > 0)),
    ...(split !== null && { split: statusOfSplit(split) }),
  }
}

function statusOfSplit(split: NonNullable<ReplicasSnapshot['split']>): Readonly<Record<string, unknown>> {
  const { replica, ...atMaster } = split.reads
  return {
    heldRequests: split.counters.reduce((sum, one) => sum + one.waiting, 0),
    groups: split.groups,
    reads: { replica, master: atMaster },
  }
}

function pauseOf({ pause }: MasterSnapshot): Readonly<Record<string, unknown>> | null {
  return pause && { ...pause, forMs: Math.round(pause.forMs), endsInMs: Math.round(pause.endsInMs) }
}

/** /status is for people; the metrics count any number of users and databases. */
const MAX_IDENTITIES = 100

function linksOf({ links }: MasterSnapshot): Readonly<Record<string, unknown>> {
  const total = (of: 'shared' | 'private' | 'idle' | 'retired' | 'dialing'): number =>
    links.reduce((sum, one) => sum + one[of], 0)
  return {
    shared: total('shared'),
    private: total('private'),
    idle: total('idle'),
    retired: total('retired'),
    dialing: total('dialing'),
    identities: links.slice(0, MAX_IDENTITIES),
    more: Math.max(0, links.length - MAX_IDENTITIES),
  }
}

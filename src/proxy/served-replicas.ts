// served-replicas.ts: what reads from the replicas of one master: the port for replicas, with a data plane for each group
// of sessions and the one port through which all of them come; and the planes of --read-split (split-planes.ts).
//
//   replicas/ ── serve / leave / pause ──▶ GroupLanes (gate, lanes) ◀── sessions ◀── listener of the group ◀─┐
//                ◀────── observe ─────────                                     port ── join: which group? ──┘
//
// A group's data plane is the same as the master's (relay/lanes.ts): to its sessions a move to another replica is what a
// failover is to those of the master. Loaded only when it is asked for.
import type { Socket } from 'node:net'
import type { Address, Master } from '../address.ts'
import { Listener } from '../client/accept/listener.ts'
import { Port } from '../client/accept/port.ts'
import { PortSessions } from '../client/accept/port-sessions.ts'
import { MemoryBudget } from '../client/flow/memory-budget.ts'
import type { ListenerHost } from '../client/state/session-context.ts'
import type { Config, ListenSocket } from '../config.ts'
import { type ErrorSpec, errors } from '../errors.ts'
import type { Counters } from '../ops/counters.ts'
import { createCounters } from '../ops/counters.ts'
import type { Log } from '../ops/log.ts'
import type { MissingRights } from '../ops/missing-rights.ts'
import type { InFlightSession, ReplicasSnapshot } from '../ops/snapshot.ts'
import type { TripWords } from '../relay/failover-report.ts'
import type { LanesOptions } from '../relay/lanes.ts'
import { refusalCode } from '../relay/refusal-texts.ts'
import type { Fallback, Group, GroupPlane } from '../replicas/group.ts'
import { ReadOnly } from '../replicas/read-only.ts'
import { Replicas } from '../replicas/replicas.ts'
import { ReplicationAsker } from '../sentinel/replication-asker.ts'
import type { OpenFiles } from '../transport/open-files.ts'
import type { Login } from '../transport/password.ts'
import type { ServerRoutes } from '../transport/server-route.ts'
import type { Turn } from '../upstream/turn.ts'
import { GroupLanes, toldBy } from './group-lanes.ts'
import type { PausedReaders } from './paused-readers.ts'
import { SplitPlanes } from './split-planes.ts'

export interface ReplicaParts {
  readonly log: Log
  readonly rights: MissingRights
  readonly login: Login
  readonly routes: ServerRoutes
  /** As the master's port has them, but for what is each group's own. */
  readonly lanes: Omit<LanesOptions, 'counters' | 'observe' | 'onStoodStill' | 'prove' | 'acknowledge'>
  readonly files: OpenFiles
  readonly sessions: Omit<ListenerHost, 'lanes' | 'turn' | 'counters' | 'pressure' | 'places'>
  /** Of the master's lanes. */
  readonly turn: Turn
  /** The replicas that a majority of the Sentinels lists. */
  listed(): Promise<readonly Address[] | null>
  /** A group that reads from the master has noticed something. */
  observeMaster(observation: string): void
  /** Are held while the master is paused. */
  readonly readers: PausedReaders
}

export interface ServedReplicas {
  /** Where sessions of the master's port read; null without --read-split. */
  readonly split: SplitPlanes | null
  /** Of each group of the port, and of what came before it had one. */
  readonly counters: readonly Counters[]
  /** Open sessions. */
  readonly size: number
  /** At most `limit` sessions that read from the master and have a command in flight. */
  inFlightAtMaster(limit: number): InFlightSession[]
  /** Rejects with the system's error. */
  listen(address: Address): Promise<Address>
  /** @throws SocketFileError. */
  listenSocket(place: ListenSocket): Promise<string>
  reloadTls(): void
  signInAgain(): void
  start(): void
  onServe(master: Master): void
  onHold(): void
  onExpect(address: Address): void
  acceptQueued(): Promise<void>
  endSessions(graceMs: number): Promise<void>
  stop(): Promise<void>
  snapshot(): ReplicasSnapshot
}

const tripWords: Record<Fallback, TripWords> = {
  error: {
    level: 'warn',
    story: 'No replica is good: commands fail at once until one is (--replica-fallback error)',
    message: 'no replica is good: commands fail at once until one is (--replica-fallback error)',
  },
  hold: {
    level: 'error',
    story: 'The hold time is over: commands fail at once until a replica is good (--replica-fallback hold)',
    message:
      'the hold time is over without a good replica: commands fail at once until one is good (--replica-fallback hold)',
  },
  master: {
    level: 'error',
    story: 'The hold time is over: commands fail at once until there is a good replica or a master',
    message: 'the hold time is over without a good replica or a master: commands fail at once until there is one',
  },
}

/** A server's READONLY is what a client wants to hear that writes to a replica. */
class PortLanes extends GroupLanes {
  override readonly outOfTime: ErrorSpec
  override readonly noAnswer: ErrorSpec
  override readonly tripped = errors.noReplicas

  constructor(options: LanesOptions, fallback: Fallback) {
    super(options)
    // Where it is refused at once, nothing has waited for its whole time.
    this.outOfTime = fallback === 'error' ? errors.noReplicas : errors.noReplica
    this.noAnswer = this.outOfTime
  }

  override passes(frame: Buffer): boolean {
    if (this.gate.master?.role === 'replica' && refusalCode(frame) === 'READONLY') return false
    return super.passes(frame)
  }
}

interface Plane extends GroupPlane {
  readonly counters: Counters
  readonly lanes: PortLanes
  readonly listener: Listener
  readonly isAtMaster: boolean
}

export function createServedReplicas(config: Config, parts: ReplicaParts): ServedReplicas {
  const { log, files } = parts
  const { bugs } = parts.sessions
  /** What came before it had a group. */
  const counters = createCounters()
  const atPort = new PortSessions()
  const planes = new Map<number, Plane>()
  const joining = new Set<Socket>()
  const { tcpKeepaliveMs: keepAliveMs, listenTls: tls } = config
  const port = new Port({ keepAliveMs, tls, side: 'replica-listen', counters, log, files, pauses: true }, socket => {
    joining.add(socket)
    const leave = (): void => {
      joining.delete(socket)
    }
    socket.on('error', leave).on('close', leave)
    replicas.join(group => {
      if (!joining.delete(socket)) return
      socket.off('error', leave).off('close', leave)
      planes.get(group.id)?.listener.accept(socket)
      socket.resume()
    })
  })
  const createPlane = (group: () => Group, id: number): GroupPlane => {
    const ownLog = log.child({ group: id })
    const counters = createCounters()
    const observe = (observation: string): void => {
      if (group().target?.kind === 'master') parts.observeMaster(observation)
      else replicas.observe(group(), observation)
    }
    const lanes: PortLanes = new PortLanes(
      {
        ...parts.lanes,
        log: ownLog,
        counters,
        prove: config.replicaFallback === 'master' ? (lane, host) => new ReadOnly(lane, host) : null,
        acknowledge: null,
        beforeWrites: now => group().checkBound(now),
        observe,
        onStoodStill: () => observe('stood still'),
        onMoved: () => listener.masterMoved(),
        onShut: () => listener.gateShut(),
        onOpened: () => listener.gateOpened(),
        trip: tripWords[config.replicaFallback],
      },
      config.replicaFallback,
    )
    const listener = new Listener(
      {
        ...parts.sessions,
        lanes,
        turn: lanes.turn,
        counters,
        places: null,
        log: ownLog,
        pressure: new MemoryBudget(counters, config.maxHeldBytes, bugs),
      },
      {
        maxSessions: config.maxSessions,
        frameTimeoutMs: config.frameTimeoutMs,
        keepAliveMs,
        handoff: { on: config.handoffNotifications, announced: null },
        port,
        atPort,
      },
    )
    listener.start()
    lanes.start()
    const plane: Plane = {
      counters,
      lanes,
      listener,
      get sessions() {
        return listener.size
      },
      get isAtMaster() {
        return group().target?.kind === 'master'
      },
      ...toldBy(lanes, parts.readers),
    }
    planes.set(id, plane)
    return plane
  }
  const createSplit = (): SplitPlanes =>
    new SplitPlanes({
      log,
      lanes: parts.lanes,
      turn: parts.turn,
      readers: parts.readers,
      replicas: () => replicas,
      observeMaster: observation => parts.observeMaster(observation),
    })
  const split = config.readSplit ? createSplit() : null
  const replicas: Replicas = new Replicas({
    maxLagMs: config.replicaMaxLagMs,
    fallback: config.replicaFallback,
    createAsker: address =>
      new ReplicationAsker(address, {
        login: parts.login,
        routes: parts.routes,
        rights: parts.rights,
        connectTimeoutMs: config.connectTimeoutMs,
        answerTimeoutMs: config.answerTimeoutMs,
      }),
    listed: () => parts.listed(),
    observeMaster: observation => parts.observeMaster(observation),
    createPlane: config.replicaListen !== null || config.replicaListenSocket !== null ? createPlane : null,
    createSplitPlane: split?.createPlane ?? null,
    log,
    bugs,
  })
  return {
    split,
    get counters() {
      return [counters, ...[...planes.values()].map(plane => plane.counters)]
    },
    get size() {
      return atPort.all.size
    },
    inFlightAtMaster: limit =>
      [...planes.values()].filter(one => one.isAtMaster).flatMap(({ listener }) => listener.inFlightSessions(limit)),
    listen: address => port.listen(address),
    listenSocket: place => port.listenSocket(place, 'replica-listen-socket'),
    reloadTls: () => port.reloadTls(),
    signInAgain: () => {
      for (const { lanes } of planes.values()) lanes.signInAgain()
      split?.signInAgain()
    },
    start: () => replicas.start(),
    onServe: master => replicas.onServe(master),
    onHold: () => replicas.onHold(),
    onExpect: address => replicas.onExpect(address),
    acceptQueued: () => port.acceptQueued(),
    async endSessions(graceMs) {
      // Those who wait to be told their group have sent something, perhaps: they are sessions like the others.
      replicas.admit()
      const closed = port.close()
      await Promise.all([...planes.values()].map(({ listener, lanes }) => listener.stop(graceMs, lanes)))
      await closed
    },
    async stop() {
      for (const { lanes } of planes.values()) lanes.stop()
      split?.stop()
      await replicas.stop()
    },
    snapshot() {
      const { split: groups, ...known } = replicas.snapshot()
      return {
        ...known,
        counters: this.counters,
        split: split && groups && { groups, reads: split.reads, counters: split.counters },
      }
    },
  }
}

// served-master.ts: builds the two planes of one master and joins them. Each master has its own, and feels nothing of
// the others.
//
//   watcher (Sentinels) ── onServe / onHold ──▶ lanes (gate) ◀── sessions ◀── listener ◀── clients
//                       ◀──── observe ────────
//
// Owns: topology, gate, lanes, sessions, listeners and counters of one master; master-view.ts shows them. Never: decides
// what the planes decide, or has anything that the process has once (proxy.ts).
import { Barrier } from '../ack/barrier.ts'
import { formatAddress, type Master } from '../address.ts'
import { Listener } from '../client/accept/listener.ts'
import { MemoryBudget } from '../client/flow/memory-budget.ts'
import { ProxyPassword } from '../client/state/proxy-password.ts'
import { createDenyList } from '../command/deny-list.ts'
import { LearnedCommands } from '../command/learned-commands.ts'
import type { Config } from '../config.ts'
import { Bugs } from '../ops/bugs.ts'
import { type Counters, createCounters } from '../ops/counters.ts'
import type { Log } from '../ops/log.ts'
import { MissingRights } from '../ops/missing-rights.ts'
import { Batcher } from '../proof/batcher.ts'
import { Markers } from '../proof/marker.ts'
import { Lanes } from '../relay/lanes.ts'
import type { SentinelPool } from '../sentinel/sentinel-pool.ts'
import { Watcher } from '../sentinel/watcher.ts'
import type { OpenFiles } from '../transport/open-files.ts'
import type { Security } from '../transport/security.ts'
import type { Sockets } from '../transport/sockets.ts'
import { createDial } from '../upstream/dial.ts'
import { DialAhead } from '../upstream/dial-ahead.ts'
import { createIdentity } from '../upstream/identity.ts'
import { LiveLinks } from '../upstream/live-links.ts'
import { createCommandLearner } from './command-learner.ts'
import { type MasterBound, openPorts, placesOf } from './master-ports.ts'
import { type MasterView, viewOf } from './master-view.ts'
import { PausedReaders } from './paused-readers.ts'
import type { ServedReplicas } from './served-replicas.ts'

/** What the process has once, for all masters. */
export interface Shared {
  readonly security: Security
  readonly sentinels: SentinelPool
  readonly sockets: Sockets
  readonly files: OpenFiles
  /** After each look at the clock; `lateMs`: behind its time, by a late event loop. */
  onSweep(lateMs: number): void
}

export interface ServedMaster extends MasterView {
  readonly name: string
  readonly counters: Counters
  readonly log: Log
  readonly bugs: Bugs
  /** The password that clients need; null: none. */
  readonly login: ProxyPassword | null
  /** Of each group of its port for replicas, and of those of --read-split. */
  readonly replicaCounters: readonly Counters[]
  /** Sessions that are open. */
  readonly size: number
  /** Opens its listeners, all or none. @throws what the system says, or SocketFileError. */
  listen(): Promise<MasterBound>
  /** Begins to watch. */
  start(): void
  /** Accepts the clients that are connected already. */
  acceptQueued(): Promise<unknown>
  /** Accepts no more clients; resolves when the last session is gone, some time after `graceMs` at the latest. */
  endSessions(graceMs: number): Promise<void>
  /** Ends the links and the watch. */
  stop(): Promise<void>
}

/** Connects nothing before listen() and start(). */
export function createServedMaster(config: Config, log: Log, shared: Shared): ServedMaster {
  const counters = createCounters()
  const security = shared.security.forMaster(config, log)
  const redisLogin = { username: config.redisUsername, password: security.passwords.redis }
  const bugs = new Bugs(log, counters)
  const learned = new LearnedCommands()
  const rights = new MissingRights(log)
  const login = config.clientPassword === null ? null : new ProxyPassword(config.clientUsername, config.clientPassword)
  security.onPassword('client', () => login?.setPassword(security.passwords.client.current ?? ''))
  const { files } = shared
  const dialOptions = { timeoutMs: config.connectTimeoutMs, log, files }
  const ahead = new DialAhead(createDial(security.redis, dialOptions), () => files.hasRoomToSpare)
  /** Writes leave with markers. */
  const marks = config.retryPolicy === 'once' || config.ackReplicas > 0
  const markers = new Markers(config.holdTimeoutMs)
  /** Of its own sessions and of those at the port for replicas: at one node they are all ours. */
  const live = new LiveLinks()
  const common = {
    sockets: shared.sockets,
    files,
    policy: { policy: config.retryPolicy, maxRetries: config.maxRetries },
    learned,
    backoff: { minMs: config.retryBackoffMinMs, maxMs: config.retryBackoffMaxMs },
    holdTimeoutMs: config.holdTimeoutMs,
    connectTimeoutMs: config.connectTimeoutMs,
    log,
    bugs,
    rights,
    spares: 'warm',
    pollForMs: config.pollForMs,
    live,
  } as const
  const hasPort = config.replicaListen !== null || config.replicaListenSocket !== null
  const readers = hasPort || config.readSplit ? new PausedReaders() : null
  const lanes = new Lanes({
    ...common,
    prove: marks ? (lane, host) => new Batcher(lane, host, markers) : null,
    acknowledge:
      config.ackReplicas > 0
        ? host =>
            new Barrier(host, {
              key: markers.key,
              lifeSeconds: markers.lifeSeconds,
              replicas: config.ackReplicas,
              reads: config.reads,
            })
        : null,
    dial: ahead.dial,
    counters,
    observe: observation => watcher.confirm(observation),
    onStoodStill: () => {
      watcher.standStill()
      replicas?.onHold()
    },
    onMoved: () => listener.masterMoved(),
    everySweep: lateMs => shared.onSweep(lateMs),
    isUsedElsewhere: () => replicas !== null && replicas.size > 0,
    onShut: () => listener.gateShut(),
    onOpened: () => listener.gateOpened(),
    dryRun: config.dryRun,
    ...(readers && { pausedWith: readers }),
    ...(config.readSplit && { beforeWrites: now => replicas?.split?.beforeWrites(now) }),
  })
  const learner = createCommandLearner({ learned, login: redisLogin, routes: security.redis, rights, bugs })
  const watcher = new Watcher(
    {
      pool: shared.sentinels,
      sentinels: config.sentinels,
      masterName: config.masterName,
      sentinelLogin: shared.security.sentinelLogin,
      redisLogin,
      sentinelRoutes: shared.security.sentinel,
      redisRoutes: security.redis,
      log,
      bugs,
      rights,
      connectTimeoutMs: config.connectTimeoutMs,
      answerTimeoutMs: config.answerTimeoutMs,
      links: { bytesIn: () => counters.masterBytesIn, isUpTo: address => lanes.isUpTo(address) },
    },
    {
      onServe: master => {
        served = master
        bugs.guard('serve', () => lanes.serve(master))
        bugs.guard('serve', () => ahead.settle(master))
        bugs.guard('serve', () => learner.onServe(master))
        bugs.guard('serve', () => replicas?.onServe(master))
      },
      onHold: (cause, detail) => {
        bugs.guard('hold', () => lanes.hold(cause, detail))
        bugs.guard('hold', () => replicas?.onHold())
      },
      onWithhold: () => {
        bugs.guard('withhold', () => lanes.withhold())
        bugs.guard('withhold', () => replicas?.onHold())
      },
      beforeDecision: () => bugs.guard('look', () => lanes.beforeDecision()),
      onExpect: address => {
        bugs.guard('expect', () => replicas?.onExpect(address))
        bugs.guard('expect', () => lanes.expect(address))
        bugs.guard('expect', () => ahead.expect(address, lanes.privateLanes))
      },
      onMisled: () => {
        bugs.guard('expect', () => lanes.dropAhead())
        bugs.guard('expect', () => ahead.close())
      },
      onNote: (event, fields) => lanes.stories.onNote(event, { ...fields }, performance.now()),
    },
  )
  let served: Master | null = null
  const listening: string[] = []
  const pressure = new MemoryBudget(counters, config.maxHeldBytes, bugs)
  const sessions = {
    log,
    bugs,
    deny: createDenyList(marks ? [...config.denyCommands, 'swapdb'] : config.denyCommands),
    defaultIdentity: createIdentity(redisLogin.username, redisLogin.password, 0, 2),
    login,
    links: config.links,
    maxSessionBytes: config.maxSessionHeldBytes,
    maxHeldBytes: config.maxHeldBytes,
    maxUnreadBytes: config.maxUnreadBytes,
  }
  const listener = new Listener(
    {
      ...sessions,
      lanes,
      turn: lanes.turn,
      places: config.readSplit ? () => replicas?.split ?? null : null,
      counters,
      pressure,
    },
    {
      maxSessions: config.maxSessions,
      frameTimeoutMs: config.frameTimeoutMs,
      keepAliveMs: config.tcpKeepaliveMs,
      tls: config.listenTls,
      files,
      handoff: {
        on: config.handoffNotifications,
        announced: config.announce && formatAddress(config.announce),
      },
    },
  )
  /** Its code is loaded when it is wanted. */
  let replicas: ServedReplicas | null = null
  const loadReplicas = async (): Promise<void> => {
    if (readers === null) return
    const { createServedReplicas } = await import('./served-replicas.ts')
    replicas = createServedReplicas(config, {
      // A read may be sent again, whatever the policy for writes.
      lanes: {
        ...common,
        policy: { ...common.policy, policy: 'always' },
        dial: createDial(security.redis, dialOptions),
      },
      files,
      sessions,
      turn: lanes.turn,
      log,
      rights,
      login: redisLogin,
      routes: security.redis,
      listed: () => watcher.replicas(),
      observeMaster: observation => watcher.confirm(observation),
      readers,
    })
  }
  security.onFiles(config.listenTls, () => {
    listener.reloadTls()
    replicas?.reloadTls()
  })
  security.onPassword('redis', () => {
    lanes.signInAgain()
    replicas?.signInAgain()
  })
  const view = viewOf({
    config,
    password: redisLogin.password,
    files,
    counters,
    lanes,
    listener,
    watcher,
    live,
    listening,
    served: () => served,
    replicas: () => replicas,
  })

  return {
    name: config.masterName,
    counters,
    log,
    bugs,
    login,
    get replicaCounters() {
      return [...(replicas?.counters ?? []), ...(replicas?.split?.counters ?? [])]
    },
    get size() {
      return listener.size + (replicas?.size ?? 0)
    },
    async listen() {
      try {
        await loadReplicas()
        const bound = await openPorts(config, listener, replicas)
        listening.push(...placesOf(bound))
        return bound
      } catch (error) {
        await Promise.all([listener.stop(0, lanes), replicas?.endSessions(0)])
        throw error
      }
    },
    start() {
      lanes.start()
      watcher.start()
      replicas?.start()
    },
    acceptQueued: () => Promise.all([listener.acceptQueued(), replicas?.acceptQueued()]),
    async endSessions(graceMs) {
      const ended = replicas?.endSessions(graceMs)
      const giveUp = (): void => {
        const { waiting } = counters
        log.warn(
          { event: 'proxy.grace_over', sessions: listener.size, waiting, graceMs },
          'the grace period is over: the proxy ends the sessions that are left',
        )
        replicas?.split?.giveUp()
        lanes.giveUp()
      }
      const failReads = (): boolean => replicas?.split?.failReads() === true
      const failAll = (): void => {
        failReads()
        lanes.failAll()
      }
      await listener.stop(graceMs, { giveUp, failReads, failAll })
      await ended
    },
    async stop() {
      await replicas?.stop()
      learner.stop()
      lanes.stop()
      ahead.close()
      await watcher.stop()
    },
    ...view,
  }
}

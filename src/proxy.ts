// proxy.ts: builds the two planes and joins them (the composition root).
//
//   watcher (Sentinels) ── onServe / onHold ──▶ lanes (gate) ◀── sessions ◀── listener ◀── clients
//                       ◀──── observe ────────
//
// Owns: who knows whom, start, stop. Never: decides what the planes decide.
import { setTimeout as delay } from 'node:timers/promises'
import { Barrier } from './ack/barrier.ts'
import { type Address, formatAddress, type Master } from './address.ts'
import { Listener } from './client/accept/listener.ts'
import { MemoryBudget } from './client/flow/memory-budget.ts'
import { ProxyPassword } from './client/state/proxy-password.ts'
import { callsByClass } from './command/catalog.ts'
import { createDenyList } from './command/deny-list.ts'
import { LearnedCommands } from './command/learned-commands.ts'
import type { Config } from './config.ts'
import type { Admin } from './ops/admin.ts'
import { Bugs } from './ops/bugs.ts'
import { type Counters, createCounters } from './ops/counters.ts'
import type { Log } from './ops/log.ts'
import { MissingRights } from './ops/missing-rights.ts'
import type { Snapshot } from './ops/snapshot.ts'
import { Batcher } from './proof/batcher.ts'
import { Markers } from './proof/marker.ts'
import { gateSnapshot, isSameTerm } from './relay/gate.ts'
import { Lanes } from './relay/lanes.ts'
import { fetchCommandFlags } from './sentinel/command-list.ts'
import { Watcher } from './sentinel/watcher.ts'
import type { SentinelPort } from './sentinel-port/sentinel-port.ts'
import { createSecurity } from './transport/security.ts'
import { Sockets } from './transport/sockets.ts'
import { createDial } from './upstream/dial.ts'
import { DialAhead } from './upstream/dial-ahead.ts'
import { createIdentity } from './upstream/identity.ts'

export { SocketFileError } from './client/accept/unix-socket.ts'

/** What is bound; null for what is not configured. */
export interface Bound {
  readonly listen: Address | null
  /** The path of the Unix-domain socket. */
  readonly socket: string | null
  readonly admin: Address | null
  /** Where Holdfast speaks Sentinel. */
  readonly sentinel: Address | null
}

export type ProxyState = 'new' | 'running' | 'stopping' | 'stopped'

export interface Proxy {
  /** Begins to watch and to accept. Resolves with what is bound; rejects where that fails. */
  start(): Promise<Bound>
  /**
   * Goes on as before for the shutdown delay, then accepts no more clients, serves the others until they leave or the
   * grace period is over, and ends. `state` is `stopping` from the first moment on.
   */
  stop(): Promise<void>
  /** Reads passwords and TLS files again at once, not only within a second; answers how many have changed. */
  reload(): Promise<number>
  readonly state: ProxyState
  readonly counters: Readonly<Counters>
}

/**
 * The list of commands is long: it costs the server a millisecond and Holdfast some twenty. After a failover it is
 * nearly always the one that is known, so it is read at a random moment of this time, when other things are done.
 */
const LEARN_WITHIN_MS = 60_000

/** A thousand small commands: an idle client's pings stay below it for a while. */
const USED_BYTES = 64 * 1024

/** What the admin port shows of the program around the proxy, and what that wants to know. */
export interface About {
  readonly version: string
  /** How many log lines could not be written. */
  droppedLines?(): number
  /** Called once, when all code is loaded and no client can connect yet. */
  onLoaded?(): void
  /** Called once, when clients have sent and got so much that the process is in use. */
  onUsed?(): void
}

/** Builds everything and connects nothing before start(). */
export function createProxy(config: Config, log: Log, about: About = { version: 'unknown' }): Proxy {
  const startedAt = Date.now()
  const counters = createCounters()
  const security = createSecurity(config, log)
  const redisLogin = { username: config.redisUsername, password: security.passwords.redis }
  const bugs = new Bugs(log, counters)
  const learned = new LearnedCommands()
  const rights = new MissingRights(log)
  const login = config.clientPassword === null ? null : new ProxyPassword(config.clientUsername, config.clientPassword)
  security.onPassword('client', () => login?.setPassword(security.passwords.client.current ?? ''))
  const sockets = new Sockets()
  const ahead = new DialAhead(createDial(security.redis, { timeoutMs: config.connectTimeoutMs, log }))
  /** Writes leave with markers. */
  const marks = config.retryPolicy === 'once' || config.ackReplicas > 0
  const markers = new Markers(config.holdTimeoutMs)
  const noteUse = whenUsed(counters, () => about.onUsed?.())
  const lanes = new Lanes({
    sockets,
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
    policy: { policy: config.retryPolicy, maxRetries: config.maxRetries },
    learned,
    backoff: { minMs: config.retryBackoffMinMs, maxMs: config.retryBackoffMaxMs },
    holdTimeoutMs: config.holdTimeoutMs,
    connectTimeoutMs: config.connectTimeoutMs,
    dial: ahead.dial,
    counters,
    log,
    bugs,
    rights,
    observe: observation => watcher.confirm(observation),
    onMoved: () => listener.masterMoved(),
    everySweep: lateMs => {
      noteUse()
      admin?.noteDelay(lateMs)
    },
    onShut: () => listener.gateShut(),
    onOpened: () => listener.gateOpened(),
    spares: 'warm',
    pollForMs: config.pollForMs,
  })
  const watcher = new Watcher(
    {
      sentinels: config.sentinels,
      masterName: config.masterName,
      sentinelLogin: { username: config.sentinelUsername, password: security.passwords.sentinel },
      redisLogin,
      sentinelRoutes: security.sentinel,
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
        bugs.guard('serve', () => learnCommands(master))
      },
      onHold: (cause, detail) => bugs.guard('hold', () => lanes.hold(cause, detail)),
      onWithhold: () => bugs.guard('withhold', () => lanes.withhold()),
      onExpect: address => bugs.guard('dial ahead', () => ahead.expect(address, lanes.needed)),
    },
  )
  let served: Master | null = null
  const listening: string[] = []
  const takeSnapshot = (): Snapshot => ({
    version: about.version,
    listening,
    startedAt,
    counters,
    logLinesDropped: about.droppedLines?.() ?? 0,
    commands: callsByClass(counters.detail.calls),
    gate: gateSnapshot(lanes.gate.state, lanes.holdDetail, performance.now()),
    master: served && { address: formatAddress(served), epoch: served.epoch, runId: served.runId },
    served: served !== null,
    stopping: state === 'stopping' || state === 'stopped',
    libraries: listener.libraries(),
    links: lanes.census(),
    topology: watcher.status(),
    failovers: lanes.failovers,
    limits: { maxSessions: config.maxSessions, maxHeldBytes: config.maxHeldBytes },
  })
  let admin: Admin | null = null
  let learnedFrom: Master | null = null
  let learnTimer: NodeJS.Timeout | undefined
  /** Once per master and in the background: only commands that the table does not know depend on it. */
  const learnCommands = (master: Master): void => {
    if (learnedFrom !== null && isSameTerm(learnedFrom, master)) return
    clearTimeout(learnTimer)
    if (learnedFrom === null) askForCommands(master)
    else learnTimer = setTimeout(askForCommands, Math.random() * LEARN_WITHIN_MS, master)
    learnedFrom = master
  }
  const askForCommands = (master: Master): void => {
    const onNoPerm = (): void => {
      rights.logMissing('command', { node: formatAddress(master), user: config.redisUsername })
    }
    fetchCommandFlags(security.redis.route(master), redisLogin, onNoPerm)
      .then(flags => {
        if (flags !== undefined && learnedFrom === master) learned.learn(flags)
      })
      .catch(error => bugs.ofStep(error, 'learning commands'))
  }
  const pressure = new MemoryBudget(counters, config.maxHeldBytes, bugs)
  const listener = new Listener(
    {
      lanes,
      turn: lanes.turn,
      counters,
      log,
      bugs,
      pressure,
      deny: createDenyList(marks ? [...config.denyCommands, 'swapdb'] : config.denyCommands),
      defaultIdentity: createIdentity(redisLogin.username, redisLogin.password, 0, 2),
      login,
      links: config.links,
      maxSessionBytes: config.maxSessionHeldBytes,
      maxHeldBytes: config.maxHeldBytes,
      maxUnreadBytes: config.maxUnreadBytes,
    },
    {
      maxSessions: config.maxSessions,
      frameTimeoutMs: config.frameTimeoutMs,
      keepAliveMs: config.tcpKeepaliveMs,
      tls: config.listenTls,
      handoff: {
        on: config.handoffNotifications,
        announced: config.announce && formatAddress(config.announce),
      },
    },
  )
  let sentinelPort: SentinelPort | null = null
  /** All listeners or none. */
  const open = async (): Promise<Omit<Bound, 'admin'>> => {
    try {
      const listen = config.listen === null ? null : await listener.listen(config.listen)
      const socket = config.listenSocket === null ? null : await listener.listenSocket(config.listenSocket)
      const opened = await openSentinelPort(config, listen, { counters, log, bugs })
      sentinelPort = opened?.port ?? null
      return { listen, socket, sentinel: opened?.bound ?? null }
    } catch (error) {
      await listener.stop(0, () => {})
      throw error
    }
  }
  security.onFiles(config.listenTls, () => listener.reloadTls())
  security.onPassword('redis', () => lanes.signInAgain())
  security.onPassword('sentinel', () => watcher.signInAgain())
  let state: ProxyState = 'new'

  return {
    counters,
    get state() {
      return state
    },
    async start() {
      await security.files.start()
      if (config.sockets === 'auto') await sockets.goBelow(log)
      // The admin port opens first and closes last, so that a probe always has somebody to ask.
      const opened = await openAdmin(config.adminListen, takeSnapshot, log)
      admin = opened?.admin ?? null
      about.onLoaded?.()
      const bound = await open().catch(async error => {
        await admin?.close()
        throw error
      })
      if (bound.listen !== null) listening.push(formatAddress(bound.listen))
      if (bound.socket !== null) listening.push(bound.socket)
      lanes.start()
      watcher.start()
      state = 'running'
      return { ...bound, admin: opened?.bound ?? null }
    },
    reload: () => security.files.lookNow(),
    async stop() {
      const { shutdownDelayMs: delayMs, shutdownGraceMs: graceMs } = config
      state = 'stopping'
      log.info(
        { event: 'proxy.stopping', sessions: listener.size, delayMs, graceMs },
        'the proxy stops: not ready for new clients, and everything else goes on for the delay',
      )
      await delay(delayMs)
      log.info(
        { event: 'proxy.draining', sessions: listener.size, graceMs },
        'the proxy accepts no new clients; it serves sessions until they leave, or the grace period ends',
      )
      await listener.stop(graceMs, () => {
        const { waiting } = counters
        log.warn(
          { event: 'proxy.grace_over', sessions: listener.size, waiting, graceMs },
          'the grace period is over: the proxy ends the sessions that are left',
        )
        lanes.giveUp()
      })
      clearTimeout(learnTimer)
      security.files.stop()
      await sentinelPort?.close()
      lanes.stop()
      ahead.close()
      await watcher.stop()
      await admin?.close()
      state = 'stopped'
      log.info({ event: 'proxy.stopped' }, 'the proxy has stopped')
    },
  }
}

/** Loads its code only when it is wanted. `option` of an error says which port it is about. */
async function openSentinelPort(
  config: Config,
  clients: Address | null,
  parts: { counters: Counters; log: Log; bugs: Bugs },
): Promise<{ port: SentinelPort; bound: Address } | null> {
  const { sentinelListen, masterName, announce, maxSessions, tcpKeepaliveMs } = config
  if (sentinelListen === null) return null
  const { SentinelPort } = await import('./sentinel-port/sentinel-port.ts')
  const options = { masterName, announced: announce, maxConnections: maxSessions, keepAliveMs: tcpKeepaliveMs }
  const port = new SentinelPort(options, parts)
  try {
    return { port, bound: await port.listen(sentinelListen, clients) }
  } catch (error) {
    throw Object.assign(error instanceof Error ? error : new Error(String(error)), { option: 'sentinel-listen' })
  }
}

/** To be called now and then: calls `act` once. */
function whenUsed(counters: Counters, act: () => void): () => void {
  let isUsed = false
  return () => {
    if (isUsed || counters.clientBytesIn + counters.clientBytesOut < USED_BYTES) return
    isUsed = true
    act()
  }
}

/** Loads its code and packages only when it is wanted. `option` of an error says which port it is about. */
async function openAdmin(
  address: Address | null,
  takeSnapshot: () => Snapshot,
  log: Log,
): Promise<{ admin: Admin; bound: Address } | null> {
  if (address === null) return null
  const { Admin } = await import('./ops/admin.ts')
  const admin = new Admin(takeSnapshot, log)
  try {
    return { admin, bound: await admin.listen(address) }
  } catch (error) {
    throw Object.assign(error instanceof Error ? error : new Error(String(error)), { option: 'admin-listen' })
  }
}

// proxy.ts — the composition root: builds the two planes and joins them.
//
//   watcher (Sentinels) ── onServe / onHold ──▶ lanes (gate) ◀── sessions ◀── listener ◀── clients
//                       ◀──── observe ────────
//
// Owns: who knows whom, start, stop. Never: decides anything the planes decide.
import type { Address, Master } from './address.ts'
import { ClientLogin } from './client/client-login.ts'
import { Listener } from './client/listener.ts'
import { Pressure } from './client/pressure.ts'
import { createDenyList } from './command/deny.ts'
import { LearnedCommands } from './command/learned.ts'
import type { Config } from './config.ts'
import { type Counters, createCounters } from './ops/counters.ts'
import type { Log } from './ops/log.ts'
import { isSameTerm } from './relay/gate.ts'
import { Lanes } from './relay/lanes.ts'
import { fetchCommandFlags } from './sentinel/command-list.ts'
import { Watcher } from './sentinel/watcher.ts'
import { createIdentity } from './upstream/identity.ts'
import { Turn } from './upstream/turn.ts'

export { SocketFileError } from './client/socket-file.ts'

/** Where clients connect; null for a way in that is not configured. */
export interface Bound {
  readonly listen: Address | null
  /** The path of the Unix-domain socket. */
  readonly socket: string | null
}

export interface Proxy {
  /** Begins to watch and to accept; resolves with what is bound, rejects when it cannot be. */
  start(): Promise<Bound>
  /** Accepts no more clients, serves those there are for the grace period, ends. */
  stop(): Promise<void>
  readonly counters: Readonly<Counters>
}

/** How long a dial may take: a master on the same network answers in a fraction of it or is not there. */
const CONNECT_TIMEOUT_MS = 1000
/** How often sessions that wait for memory are looked at. */
const PRESSURE_CHECK_MS = 10

/** Builds everything; nothing is connected before start(). */
export function createProxy(config: Config, log: Log): Proxy {
  const counters = createCounters()
  const turn = new Turn()
  const learned = new LearnedCommands()
  const lanes = new Lanes({
    policy: { policy: config.retryPolicy, maxRetries: config.maxRetries },
    learned,
    backoff: { minMs: config.retryBackoffMinMs, maxMs: config.retryBackoffMaxMs },
    holdTimeoutMs: config.holdTimeoutMs,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    turn,
    counters,
    log,
    observe: observation => watcher.confirm(observation),
  })
  const watcher = new Watcher(
    {
      sentinels: config.sentinels,
      masterName: config.masterName,
      sentinelUsername: config.sentinelUsername,
      sentinelPassword: config.sentinelPassword,
      redisUsername: config.redisUsername,
      redisPassword: config.redisPassword,
      log,
    },
    {
      onServe: master => {
        lanes.serve(master)
        learnCommands(master)
      },
      onHold: (cause, detail) => lanes.hold(cause, detail),
    },
  )
  let learnedFrom: Master | null = null
  /** Once per master and in the background: only commands that the table does not know depend on it. */
  const learnCommands = (master: Master): void => {
    if (learnedFrom !== null && isSameTerm(learnedFrom, master)) return
    learnedFrom = master
    void fetchCommandFlags(master, { username: config.redisUsername, password: config.redisPassword }).then(flags => {
      if (flags !== undefined && learnedFrom === master) learned.learn(flags)
    })
  }
  const pressure = new Pressure(counters, config.maxHeldBytes)
  const listener = new Listener(
    {
      lanes,
      turn,
      counters,
      log,
      pressure,
      deny: createDenyList(config.denyCommands),
      defaultIdentity: createIdentity(config.redisUsername, config.redisPassword, 0, 2),
      login: config.clientPassword === null ? null : new ClientLogin(config.clientUsername, config.clientPassword),
      links: config.links,
      maxSessionBytes: config.maxSessionHeldBytes,
      maxHeldBytes: config.maxHeldBytes,
    },
    { maxSessions: config.maxSessions },
  )
  /** Both doors or none. */
  const open = async (): Promise<Bound> => {
    try {
      const listen = config.listen === null ? null : await listener.listen(config.listen)
      const socket = config.listenSocket === null ? null : await listener.listenSocket(config.listenSocket)
      return { listen, socket }
    } catch (error) {
      await listener.stop(0)
      throw error
    }
  }
  let pressureTimer: NodeJS.Timeout | undefined

  return {
    counters,
    async start() {
      const bound = await open()
      pressureTimer = setInterval(() => pressure.check(), PRESSURE_CHECK_MS)
      lanes.start()
      watcher.start()
      return bound
    },
    async stop() {
      log.info({ event: 'proxy.stopping', sessions: listener.size, graceMs: config.shutdownGraceMs }, 'no new clients')
      await listener.stop(config.shutdownGraceMs)
      clearInterval(pressureTimer)
      lanes.stop()
      await watcher.stop()
      log.info({ event: 'proxy.stopped' }, 'stopped')
    },
  }
}

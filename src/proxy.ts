// proxy.ts: builds what the process has once and all its masters, and joins them (the composition root).
//
//   Sentinel connections, security, sockets ──▶ proxy/served-master.ts, for each master ──▶ admin port, Sentinel port
//
// Owns: who knows whom, start, stop. Never: decides what the planes decide.

import { setTimeout as delay } from 'node:timers/promises'
import type { Address } from './address.ts'
import { type AfterRestart, type Config, printableConfigs } from './config.ts'
import type { Controlled } from './control/controlled.ts'
import type { ControlServer } from './control/server.ts'
import { instanceName } from './instance.ts'
import type { Admin } from './ops/admin.ts'
import { statusOf } from './ops/admin-pages.ts'
import type { Bugs } from './ops/bugs.ts'
import type { Counters } from './ops/counters.ts'
import type { Log, LogLevel } from './ops/log.ts'
import type { Reload } from './ops/reload-line.ts'
import type { Snapshot } from './ops/snapshot.ts'
import type { PageSources } from './page/page.ts'
import { aboutPlace } from './proxy/bind-error.ts'
import type { MasterBound } from './proxy/master-ports.ts'
import { openFilesFor } from './proxy/open-files-limit.ts'
import { type OpenSentinelPort, openSentinelPort } from './proxy/sentinel-port-entry.ts'
import { createServedMaster, type ServedMaster } from './proxy/served-master.ts'
import { SentinelPool } from './sentinel/sentinel-pool.ts'
import { createSecurity } from './transport/security.ts'
import { Sockets } from './transport/sockets.ts'

export { UnusableTls } from './transport/tls-files.ts'
export { SocketFileError } from './transport/unix-socket.ts'

type NonEmpty<T> = readonly [T, ...T[]]

/** What is bound; null for what is not configured. */
export interface Bound {
  /** In the order of the configuration. */
  readonly masters: NonEmpty<MasterBound>
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
  /** Reads passwords and TLS files again at once, not only within a second, and looks at the options. */
  reload(): Promise<Reload>
  readonly state: ProxyState
  /** Of each master, in the order of the configuration. */
  readonly counters: NonEmpty<Readonly<Counters>>
  /** Of the groups of all ports for replicas. */
  readonly replicaCounters: readonly Readonly<Counters>[]
}

/** A thousand small commands: an idle client's pings stay below it for a while. */
const USED_BYTES = 64 * 1024

/** What is known of the program around the proxy, and what that wants to know. */
export interface About {
  readonly version: string
  /** How many log lines could not be written. */
  droppedLines?(): number
  /** Stops the program as SIGTERM does; left out where it is not ours. */
  drain?(): void
  /** What a restart would find in the options; left out where they are in no file. */
  afterRestart?(): AfterRestart
  /** Called once, when all code is loaded and no client can connect yet. */
  onLoaded?(): void
  /** Called once, when clients have sent and got so much that the process is in use. */
  onUsed?(): void
}

/**
 * Builds everything and connects nothing before start(). One configuration for each master; what the process has once is
 * the same in all of them.
 */
export function createProxy(configs: NonEmpty<Config>, log: Log, about: About = { version: 'unknown' }): Proxy {
  const [config, ...others] = configs
  const startedAt = Date.now()
  const security = createSecurity(config, log)
  const sockets = new Sockets()
  const files = openFilesFor(configs, log)
  const sentinels = new SentinelPool({
    sentinelLogin: security.sentinelLogin,
    sentinelRoutes: security.sentinel,
    log,
    connectTimeoutMs: config.connectTimeoutMs,
    answerTimeoutMs: config.answerTimeoutMs,
  })
  security.onSentinelPassword(() => sentinels.signIn())
  let admin: Admin | null = null
  const onSweep = (lateMs: number): void => {
    noteUse()
    admin?.noteDelay(lateMs)
  }
  const build = (one: Config): ServedMaster =>
    createServedMaster(one, logOf(one, configs, log), { security, sockets, files, sentinels, onSweep })
  const masters = [build(config), ...others.map(build)] as const
  const noteUse = whenUsed(masters, () => about.onUsed?.())
  const takeSnapshot = (): Snapshot => ({
    version: about.version,
    instance: instanceName,
    startedAt,
    logLinesDropped: about.droppedLines?.() ?? 0,
    stopping: state === 'stopping' || state === 'stopped',
    masters: masters.map(one => one.snapshot()),
  })
  let sentinelPort: OpenSentinelPort | null = null
  security.onFiles(config.listenTls, () => sentinelPort?.reloadTls())
  // What counts for the program alone (counter-metrics.ts) lies where there is room.
  const { counters, bugs } = masters[0]
  security.files.onBug = error => bugs.ofStep(error, 'a file has changed')
  /** All listeners or none. */
  const open = async (): Promise<Omit<Bound, 'admin'>> => {
    const opened: ServedMaster[] = []
    const openOne = async (master: ServedMaster): Promise<MasterBound> => {
      const bound = await master.listen()
      opened.push(master)
      return bound
    }
    try {
      const bound: [MasterBound, ...MasterBound[]] = [await openOne(masters[0])]
      for (const master of masters.slice(1)) bound.push(await openOne(master))
      const logins = masters.map(({ login }) => login)
      sentinelPort = await openSentinelPort(configs, bound, { counters, bugs, log, openFiles: files, logins })
      return { masters: bound, sentinel: sentinelPort?.bound ?? null }
    } catch (error) {
      await Promise.all(opened.map(one => one.endSessions(0)))
      throw error
    }
  }
  let control: ControlServer | null = null
  const controlled: Controlled = {
    masters: masters.map(one => one.controlled),
    status: () => ({ ...statusOf(takeSnapshot(), Date.now()), logLevel: controlled.logLevel }),
    drain() {
      about.drain?.()
      return about.drain !== undefined
    },
    async reload() {
      const after = about.afterRestart?.() ?? { options: [], mistakes: [] }
      return { ...(await security.reload()), ...after }
    },
    get logLevel() {
      return log.level as LogLevel
    },
    setLogLevel(level) {
      for (const one of [log, ...masters.map(master => master.log)]) one.level = level
    },
  }
  const sessions = (): number => masters.reduce((sum, { size }) => sum + size, 0)
  let state: ProxyState = 'new'

  return {
    counters: [masters[0].counters, ...masters.slice(1).map(one => one.counters)],
    get replicaCounters() {
      return masters.flatMap(one => one.replicaCounters)
    },
    get state() {
      return state
    },
    async start() {
      await security.files.start()
      if (config.sockets === 'auto') await sockets.goBelow(log)
      // The admin port opens first and closes last, so that a probe always has somebody to ask.
      const gauges = masters.map(one => () => one.gauges())
      const opened = await openAdmin(
        config.adminListen,
        { takeSnapshot, gauges, config: printableConfigs(configs), mostViewers: files.shares.viewers },
        { log, most: files.shares.admin },
      )
      admin = opened?.admin ?? null
      about.onLoaded?.()
      const undo = async (error: unknown): Promise<never> => {
        await Promise.all([admin?.close(), control?.close()])
        throw error
      }
      control = await openControl(config.controlSocket, controlled, { log, bugs }).catch(undo)
      const bound = await open().catch(undo)
      for (const master of masters) master.start()
      state = 'running'
      return { ...bound, admin: opened?.bound ?? null }
    },
    reload: () => controlled.reload(),
    async stop() {
      const { shutdownDelayMs: delayMs, shutdownGraceMs: graceMs } = config
      state = 'stopping'
      log.info(
        { event: 'proxy.stopping', sessions: sessions(), delayMs, graceMs },
        'the proxy stops: not ready for new clients, and everything else goes on for the delay',
      )
      await delay(delayMs)
      await Promise.all(masters.map(one => one.acceptQueued()))
      log.info(
        { event: 'proxy.draining', sessions: sessions(), graceMs },
        'the proxy accepts no new clients; it serves sessions until they leave, or the grace period ends',
      )
      await Promise.all(masters.map(one => one.endSessions(graceMs)))
      security.files.stop()
      await sentinelPort?.close()
      await control?.close()
      await Promise.all(masters.map(one => one.stop()))
      await admin?.close()
      state = 'stopped'
      log.info({ event: 'proxy.stopped' }, 'the proxy has stopped')
    },
  }
}

/** With several masters each line about one has its name. */
function logOf({ masterName }: Config, all: readonly Config[], log: Log): Log {
  return all.length === 1 ? log : log.child({ masterName })
}

/** To be called now and then: calls `act` once. */
function whenUsed(masters: readonly Pick<ServedMaster, 'counters' | 'replicaCounters'>[], act: () => void): () => void {
  let isUsed = false
  return () => {
    if (isUsed) return
    let bytes = 0
    for (const { counters, replicaCounters } of masters) {
      bytes += counters.clientBytesIn + counters.clientBytesOut
      for (const one of replicaCounters) bytes += one.clientBytesIn + one.clientBytesOut
    }
    if (bytes < USED_BYTES) return
    isUsed = true
    act()
  }
}

/** Loads its code and packages only when it is wanted. */
async function openAdmin(
  address: Address | null,
  sources: PageSources,
  { log, most }: { readonly log: Log; readonly most: number },
): Promise<{ admin: Admin; bound: Address } | null> {
  if (address === null) return null
  const [{ Admin }, { Page }] = await Promise.all([import('./ops/admin.ts'), import('./page/page.ts')])
  const admin = new Admin(sources.takeSnapshot, new Page(sources), log, most)
  try {
    return { admin, bound: await admin.listen(address) }
  } catch (error) {
    throw aboutPlace(error, { option: 'admin-listen', wanted: address })
  }
}

/** Loads its code only when it is wanted. */
async function openControl(
  path: string | null,
  controlled: Controlled,
  about: { readonly log: Log; readonly bugs: Bugs },
): Promise<ControlServer | null> {
  if (path === null) return null
  const { ControlServer } = await import('./control/server.ts')
  const control = new ControlServer(controlled, about)
  await control.listen(path)
  return control
}

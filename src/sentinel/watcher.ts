// watcher.ts — the acting half of the control plane: observes Sentinels and nodes, lets topology.ts decide, does as told.
//
//   SentinelConnection ×n ──answers, events──▶ #feed ──▶ next() ──▶ effects: listener.onServe / onHold, probe, ask, log
//   Probe ×n              ──what the node is──▶  ▲
//   one timer, confirm()  ──────────────────────┘
//
// Owns: every connection of the control plane, the polling timer. Never: decides who the master is, touches a client or
// a link. Must stay true: an announced failover reaches onHold in the turn its message was read; nothing it does throws;
// after stop() nothing is called, nothing is open.
import { type Address, formatAddress, type Master, sameAddress } from '../address.ts'
import { type BackoffLimits, backoffMs } from '../backoff.ts'
import type { Log } from '../ops/log.ts'
import { isNoPerm, MissingRights } from '../ops/missing-rights.ts'
import type { Login } from '../transport/password.ts'
import type { ServerRoutes } from '../transport/server-route.ts'
import { tlsHint, tlsRemedy } from '../transport/tls-trouble.ts'
import { SentinelConnection } from './connection.ts'
import { type Discovered, nextDiscovered, type Report } from './membership.ts'
import { Probe } from './probe.ts'
import { type TopologyStatus, topologyStatus } from './status.ts'
import { createTopology, isUnsettled, next } from './topology.ts'
import type { Effect, HoldCause, Input, LinkSign, Topology } from './topology-state.ts'
import { createHealthReport } from './trouble.ts'
import { candidateSince } from './voters.ts'

export type { SentinelStatus, TopologyStatus } from './status.ts'
export type { HoldCause } from './topology-state.ts'

export interface WatcherOptions {
  readonly sentinels: readonly Address[]
  readonly masterName: string
  readonly sentinelLogin: Login
  /** For the questions to the data node; no password: ask without, and take the majority's word where the node refuses. */
  readonly redisLogin: Login
  readonly sentinelRoutes: ServerRoutes
  readonly redisRoutes: ServerRoutes
  readonly log: Log
  /** How long a node or a Sentinel may take to be connected to, TLS included, and to answer. */
  readonly connectTimeoutMs: number
  readonly answerTimeoutMs: number
  /** What is known of the data plane's links; left out: there are none. */
  readonly links?: LinkWitness
  /** Shared with the data plane; left out: one of its own. */
  readonly rights?: MissingRights
}

/** Links that work speak for a node that does not answer in time or will not say what it is. */
export interface LinkWitness {
  /** Bytes that have come in on all links so far: it grows when one gets a reply. */
  bytesIn(): number
  /** Whether a link to this node is up. */
  isUpTo(address: Address): boolean
}

export interface WatcherListener {
  /**
   * A majority of the Sentinels names this master now and the node itself says it is one: links may be dialled to it,
   * the gate may open. Called for every confirmation that was asked for, and whenever the decision changes.
   */
  onServe(master: Master): void
  /** Stop sending: a failover was announced, or the master cannot be reached or is none. `detail` is for people. */
  onHold(cause: HoldCause, detail: string): void
  /** Deliver nothing of the master any more, until onServe: a replica may be promoted in its place. May be called again. */
  onWithhold(): void
}

const pace = {
  /** While something is undecided. A question is three small commands; this bounds how late a majority is noticed. */
  unsettledMs: 30,
  /** The same, when it has lasted for a long time. */
  tiredMs: 250,
  tiredAfterMs: 30_000,
  settledMs: 1_000,
  peersMs: 1_000,
  warmMs: 50,
  /** A promotion takes a second or two; a replica that is not there after this has probably died as well. */
  warmForMs: 2_000,
  coolMs: 500,
} as const
const PROBE_RETRY: BackoffLimits = { minMs: 50, maxMs: 500 }

export class Watcher {
  readonly #options: WatcherOptions
  readonly #listener: WatcherListener
  readonly #log: Log
  readonly #connections = new Map<string, SentinelConnection>()
  readonly #seeds = new Set<string>()
  readonly #reports = new Map<string, Report>()
  readonly #probes = new Map<string, Probe>()
  readonly #closing = new Set<Promise<void>>()
  readonly #told = new Set<string>()
  readonly #rights: MissingRights
  readonly #report: ReturnType<typeof createHealthReport>
  #topology: Topology
  #discovered: readonly Discovered[] = []
  #likely: Address | null = null
  #likelySince = 0
  #warmedAt = 0
  #peersAt = 0
  #unsettledSince: number | null = null
  #timer: { handle: NodeJS.Timeout; dueAt: number } | null = null
  #confirming: NodeJS.Immediate | null = null
  #state: 'new' | 'running' | 'stopped' = 'new'

  constructor(options: WatcherOptions, listener: WatcherListener) {
    this.#options = options
    this.#listener = listener
    this.#log = options.log
    this.#rights = options.rights ?? new MissingRights(options.log)
    this.#report = createHealthReport(options.log)
    this.#topology = createTopology(performance.now(), { answerMs: options.answerTimeoutMs })
  }

  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'running'
    this.#topology = createTopology(performance.now(), { answerMs: this.#options.answerTimeoutMs })
    for (const address of this.#options.sentinels) {
      this.#seeds.add(formatAddress(address))
      this.#connect(address)
    }
    this.#arm()
  }

  /**
   * A link observed something: all Sentinels and the node are asked again at once. Ends in onServe by answers asked for
   * after this call, or in onHold; while no majority can be had it keeps trying. Calls of one turn are one round.
   */
  confirm(observation: string): void {
    if (this.#state !== 'running') return
    this.#log.debug({ event: 'master.questioned', cause: observation })
    this.#confirming ??= setImmediate(() => {
      this.#confirming = null
      this.#feed({ kind: 'confirm' })
    })
  }

  /** The Sentinel password has changed. */
  signInAgain(): void {
    for (const connection of this.#connections.values()) connection.signIn()
  }

  status(): TopologyStatus {
    const errors = new Map([...this.#connections].map(([key, connection]) => [key, connection.error]))
    return topologyStatus(this.#options.masterName, this.#topology, errors, performance.now())
  }

  /** Resolves when every connection is closed. Nothing is called after this is called. */
  async stop(): Promise<void> {
    this.#state = 'stopped'
    if (this.#timer) clearTimeout(this.#timer.handle)
    if (this.#confirming) clearImmediate(this.#confirming)
    this.#timer = null
    this.#confirming = null
    await Promise.all([
      ...[...this.#connections.values()].map(connection => connection.stop()),
      ...[...this.#probes.values()].map(probe => probe.close()),
      ...this.#closing,
    ])
  }

  #feed(input: Input): void {
    if (this.#state !== 'running') return
    try {
      const { topology, effects } = next(this.#topology, input, performance.now())
      this.#topology = topology
      for (const effect of effects) this.#act(effect)
    } catch (error) {
      this.#bug(error)
    }
    this.#arm()
  }

  /** An exception of ours: this input is lost, and the next one, or the next tick, finds what it would have. */
  #bug(error: unknown): void {
    this.#log.error(
      { event: 'process.bug', step: 'control plane', err: error },
      'an error in Holdfast: this step was left undone, everything else goes on; please report this line',
    )
  }

  #act(effect: Effect): void {
    if (this.#state !== 'running') return
    switch (effect.kind) {
      case 'serve':
        this.#listener.onServe(effect.master)
        this.#likely = null
        this.#keepProbesOf([effect.master])
        break
      case 'hold':
        this.#listener.onHold(effect.cause, effect.detail)
        break
      case 'withhold':
        this.#listener.onWithhold()
        break
      case 'ask':
        for (const [key, connection] of this.#connections)
          if (effect.key === null || effect.key === key) connection.ask()
        break
      case 'warm':
        this.#likely = effect.address
        this.#likelySince = performance.now()
        this.#warm()
        break
      case 'probe':
        this.#ask(effect.address, effect.startedAt).catch(error =>
          this.#log.error({ event: 'probe.broken', err: error }),
        )
        break
      case 'note':
        this.#log[effect.level]({ event: effect.event, ...effect.fields })
        break
    }
  }

  #connect(address: Address): void {
    const key = formatAddress(address)
    if (this.#connections.has(key)) return
    const { masterName, sentinelLogin: login, sentinelRoutes: routes, log } = this.#options
    const { connectTimeoutMs, answerTimeoutMs } = this.#options
    const seed = this.#seeds.has(key)
    const feed = (input: Input): void => {
      if (this.#connections.get(key) === connection) this.#feed(input)
    }
    const connection = new SentinelConnection(
      { address, masterName, login, routes, log, connectTimeoutMs, answerTimeoutMs },
      {
        onUp: runId => {
          feed({ kind: 'up', key, runId })
          this.#reviewMembers()
        },
        onDown: () => feed({ kind: 'down', key }),
        onAnswer: answer => feed({ kind: 'answer', key, view: answer.kind === 'view' ? answer.view : null }),
        onEvent: event => feed({ kind: 'event', key, event }),
        onPeers: peers => {
          this.#reports.set(key, { seed, at: performance.now(), peers })
          feed({ kind: 'peers', key, peers })
          this.#reviewMembers()
        },
      },
    )
    this.#connections.set(key, connection)
    this.#feed({ kind: 'joined', key, seed })
    connection.start()
  }

  #disconnect(key: string): void {
    const connection = this.#connections.get(key)
    if (!connection) return
    this.#connections.delete(key)
    this.#reports.delete(key)
    this.#later(connection.stop())
    this.#feed({ kind: 'left', key })
  }

  /** Connects to discovered Sentinels that no seed stands for, and leaves those that are gone or turned out to be one. */
  #reviewMembers(): void {
    if (this.#state !== 'running') return
    this.#discovered = nextDiscovered(this.#discovered, [...this.#reports.values()], performance.now())
    const wanted = this.#discovered.filter(one => !this.#isSeed(one)).map(one => one.address)
    const keys = new Set(wanted.map(formatAddress))
    for (const key of this.#connections.keys()) if (!keys.has(key) && !this.#seeds.has(key)) this.#disconnect(key)
    for (const address of wanted) this.#connect(address)
  }

  #isSeed({ runId, address }: Discovered): boolean {
    for (const key of this.#seeds) {
      const sentinel = this.#topology.sentinels.get(key)
      const remote = this.#connections.get(key)?.remote()
      if (key === formatAddress(address)) return true
      const target = this.#options.sentinelRoutes.target(address)
      if (sentinel?.up && (sentinel.runId === runId || (remote && sameAddress(remote, target)))) return true
    }
    return false
  }

  #probeOf(address: Address): Probe {
    const key = formatAddress(address)
    const { redisLogin: login, redisRoutes: routes } = this.#options
    const limits = { connectMs: this.#options.connectTimeoutMs, answerMs: this.#options.answerTimeoutMs }
    const probe = this.#probes.get(key) ?? new Probe(address, { login, routes, limits })
    this.#probes.set(key, probe)
    return probe
  }

  async #ask(address: Address, startedAt: number): Promise<void> {
    const probe = this.#probeOf(address)
    const { redisLogin, links } = this.#options
    const heardBefore = links?.bytesIn() ?? 0
    const { result, refusedAuth, missing = [] } = await probe.ask()
    const isHeard = (links?.bytesIn() ?? 0) > heardBefore
    const sign: LinkSign = links?.isUpTo(address) ? (isHeard ? 'heard' : 'up') : 'none'
    const about = { node: formatAddress(address), user: redisLogin.username }
    for (const right of missing) this.#rights.tell(right, about)
    const level = redisLogin.password.file === null ? 'error' : 'warn'
    if (refusedAuth) this.#tellOnce(level, address, refusedAuth, this.#wrongPassword(address))
    else if (result.kind === 'unreachable') this.#tellTls(probe, result.why)
    else if (result.kind === 'untold' && !isNoPerm(result.why))
      this.#tellOnce('warn', address, result.why, untoldText(result.why))
    const wait = result.kind === 'unreachable' || result.kind === 'replica' || result.kind === 'loading'
    const retryAt = performance.now() + (wait ? backoffMs(Math.max(1, probe.failures), PROBE_RETRY) : 0)
    this.#feed({ kind: 'probed', address, startedAt, result, links: sign, retryAt })
  }

  #wrongPassword(address: Address): string {
    const who = this.#options.redisLogin.username ?? 'default'
    return `${formatAddress(address)} refuses the password of the user ${who}: correct it in our configuration or the node's`
  }

  /** TLS that does not come about will not by itself; a connection that is ended at once may be one for which it is wrong. */
  #tellTls(probe: Probe, why: string): void {
    const { redisRoutes } = this.#options
    const remedy = tlsRemedy(why, 'redis')
    const hint = !probe.answered && probe.failures > 2 ? tlsHint(why, redisRoutes) : null
    if (remedy !== null) this.#tellOnce('error', probe.address, why, remedy)
    else if (hint !== null) this.#tellOnce('warn', probe.address, why, hint)
  }

  #tellOnce(level: 'warn' | 'error', address: Address, cause: string, msg: string): void {
    const key = `${formatAddress(address)} ${cause}`
    if (this.#told.has(key)) return
    this.#told.add(key)
    this.#log[level]({ event: 'master.probe-refused', node: formatAddress(address), cause, msg })
  }

  /** Opens a connection to the replica that is being promoted, again and again: its promotion cuts the one we have. */
  #warm(): void {
    const now = performance.now()
    const pauseMs = now - this.#likelySince < pace.warmForMs ? pace.warmMs : pace.coolMs
    if (!this.#likely || now - this.#warmedAt < pauseMs) return
    this.#warmedAt = now
    this.#probeOf(this.#likely).warm()
  }

  #keepProbesOf(addresses: readonly Address[]): void {
    const keep = new Set(addresses.map(formatAddress))
    for (const [key, probe] of this.#probes) {
      if (keep.has(key)) continue
      this.#probes.delete(key)
      this.#later(probe.close())
    }
  }

  #later(promise: Promise<void>): void {
    const done = promise.catch(() => undefined).finally(() => this.#closing.delete(done))
    this.#closing.add(done)
  }

  /** Sets the timer, or brings it forward when things became unsettled. */
  #arm(): void {
    if (this.#state !== 'running') return
    const now = performance.now()
    const dueAt = now + this.#paceMs(now)
    if (this.#timer && this.#timer.dueAt <= dueAt) return
    if (this.#timer) clearTimeout(this.#timer.handle)
    this.#timer = { handle: setTimeout(() => this.#tick(), dueAt - now), dueAt }
  }

  #paceMs(now: number): number {
    if (!isUnsettled(this.#topology, now)) {
      this.#unsettledSince = null
      return pace.settledMs
    }
    this.#unsettledSince ??= now
    return now - this.#unsettledSince > pace.tiredAfterMs ? pace.tiredMs : pace.unsettledMs
  }

  #tick(): void {
    this.#timer = null
    try {
      this.#look()
    } catch (error) {
      this.#bug(error)
    }
    this.#arm()
  }

  #look(): void {
    const now = performance.now()
    this.#feed({ kind: 'tick' })
    for (const connection of this.#connections.values()) connection.ask()
    if (now - this.#peersAt >= pace.peersMs) {
      this.#peersAt = now
      for (const connection of this.#connections.values()) connection.askPeers()
      this.#reviewMembers()
    }
    this.#warm()
    const { sentinels, majority, masterName, trouble } = this.status()
    const patients = sentinels.map(one => ({ ...one, sentinel: one.address }))
    const hasCandidate = candidateSince(this.#topology, Number.NEGATIVE_INFINITY, now) !== null
    this.#report({ masterName, patients, majority, hasCandidate, ...(trouble !== null && { detail: trouble }) }, now)
  }
}

/** What to do about a node that lives and does not say whether it is master. */
export function untoldText(why: string): string {
  const believed = 'the node does not say whether it is master, and the majority is believed'
  if (/^-?NOAUTH/.test(why)) {
    return `${believed}: it asks for a password. Set --redis-password, and --redis-username where the user is not the default one`
  }
  if (/^-?BUSY/.test(why)) return `${believed}: a script runs there for longer than busy-reply-threshold`
  return `${believed}: look at the cause`
}

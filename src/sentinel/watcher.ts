// watcher.ts: the acting half of the control plane: observes Sentinels and nodes, lets topology.ts decide, and acts.
//
//   Members ──answers, events──▶ #feed ──▶ next() ──▶ effects: listener.onServe / onHold / onWithhold, ask, probe, log
//   Prober  ──what a node is──▶   ▲
//   one timer, confirm()  ────────┘
//
// Owns: the state, the timer. Never: decides who the master is, touches a client or a link.
// Must stay true: an announced failover reaches onHold in the turn that reads its message; nothing throws; after stop()
// nothing is called and nothing is open.
import { type Address, type Master, sameAddress } from '../address.ts'
import type { Bugs } from '../ops/bugs.ts'
import { keepLines } from '../ops/late-lines.ts'
import type { Log } from '../ops/log.ts'
import { MissingRights } from '../ops/missing-rights.ts'
import type { SentinelOptions } from './connection.ts'
import { type TopologyStatus, topologyStatus } from './control-status.ts'
import { nextLookAt } from './due.ts'
import { listedByMajority } from './majority.ts'
import { Members, type MembersOptions } from './members.ts'
import { Prober, type ProberOptions } from './prober.ts'
import { SentinelPool } from './sentinel-pool.ts'
import { createTopology, isUnsettled, next } from './topology.ts'
import type { Effect, HoldCause, Observation, Topology } from './topology-state.ts'
import { createTroubleLog } from './trouble-log.ts'
import { candidateSince, quorumOf } from './voters.ts'

/** `connectTimeoutMs` and `answerTimeoutMs` hold for a node or a Sentinel, TLS included. */
export interface WatcherOptions extends MembersOptions, SentinelOptions, ProberOptions {
  readonly bugs: Bugs
  /** Shared with the watchers of other masters; left out: the watcher has its own. */
  readonly pool?: SentinelPool
  /** Shared with the data plane; left out: the watcher has its own. */
  readonly rights?: MissingRights
}

export interface WatcherListener {
  /**
   * A majority of the Sentinels names this master now, and the node itself says that it is one: links may be dialled,
   * and the gate may open. Called for every wanted confirmation, and whenever the decision changes.
   */
  onServe(master: Master): void
  /** Nothing may be sent: a failover is announced, or the master is out of reach or none. `detail` is for people. */
  onHold(cause: HoldCause, detail: string): void
  /** Nothing of the master may be delivered until onServe: a replica may be promoted now. May be called again. */
  onWithhold(): void
  /** This replica will probably be the master in about a second. Nothing may be sent to it yet. */
  onExpect?(address: Address): void
  /** The address of that replica leads to the old master: a connection there, made because of it, is of no use. */
  onMisled?(): void
  /**
   * Something is about to be decided by what was read. Calls standStill() first if the process stood still: what is
   * read after it may have come before it.
   */
  beforeDecision?(): void
  /** What the log says of a decision, for those who tell what happened. */
  onNote?(event: string, fields: object): void
}

/** How often it logs what troubles it. */
const LOG_MS = 500
const questioned = 'something puts the master in doubt: the Sentinels and the node are asked again'
/** How often it looks whether a Sentinel is one no more, and asks the others of one that is away. */
const REVIEW_MS = 5_000
const ABSENT_MS = 10_000

export class Watcher {
  readonly #options: WatcherOptions
  readonly #listener: WatcherListener
  readonly #log: Log
  readonly #pool: SentinelPool
  readonly #members: Members
  readonly #prober: Prober
  readonly #logTrouble: ReturnType<typeof createTroubleLog>
  #topology: Topology
  /** The moment of the last decision: what was due until then is decided. */
  #decidedAt = performance.now()
  #timer: { readonly handle: NodeJS.Timeout; readonly dueAt: number } | null = null
  #confirming: NodeJS.Immediate | null = null
  #state: 'new' | 'running' | 'stopped' = 'new'
  #served: Master | null = null
  #loggedAt = 0
  #hadTrouble = false
  #reviewedAt = 0
  #absentAt = 0
  /** The data plane is being told of another master: that it loses its links to the last one is no news. */
  #isMoving = false

  constructor(options: WatcherOptions, listener: WatcherListener) {
    const { log, rights = new MissingRights(log) } = options
    this.#options = options
    this.#listener = listener
    this.#log = log
    this.#pool = options.pool ?? new SentinelPool(options)
    this.#members = new Members(options, this.#pool, observation => this.#feed(observation))
    this.#prober = new Prober(options, rights, answer => this.#feed(answer))
    this.#logTrouble = createTroubleLog(log)
    this.#topology = this.#newTopology()
  }

  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'running'
    this.#topology = this.#newTopology()
    this.#members.start()
    this.#arm()
  }

  /**
   * A link observed something: asks all Sentinels and the node again at once. Ends in onServe, by answers to questions
   * asked after this call, or in onHold; without a majority it keeps trying. The calls of one turn are one round.
   */
  confirm(cause: string): void {
    if (this.#state !== 'running' || this.#isMoving) return
    this.#log.debug({ event: 'master.questioned', cause }, questioned)
    this.#confirming ??= setImmediate(() => {
      this.#confirming = null
      this.#feed({ kind: 'confirm' })
    })
  }

  /**
   * This process did not run for a while. A confirm() in two ways more: an answer that came meanwhile counts no more
   * from this call on, not from the next turn on; and it is never ignored, for nobody would end the hold.
   */
  standStill(): void {
    if (this.#state !== 'running') return
    this.#log.debug({ event: 'master.questioned', cause: 'stood still' }, questioned)
    this.#feed({ kind: 'stood-still' })
  }

  /** The replicas that a majority of the Sentinels lists; null: no majority gives a list now. Never rejects. */
  async replicas(): Promise<readonly Address[] | null> {
    const lists = await this.#members.replicas()
    return listedByMajority(lists, quorumOf(this.#topology, performance.now()).majority)
  }

  status(): TopologyStatus {
    return topologyStatus(this.#options.masterName, this.#topology, this.#members.errors(), performance.now())
  }

  /** Calls nothing from here on; resolves when every connection is closed. */
  async stop(): Promise<void> {
    this.#state = 'stopped'
    if (this.#timer) clearTimeout(this.#timer.handle)
    if (this.#confirming) clearImmediate(this.#confirming)
    this.#timer = null
    this.#confirming = null
    await Promise.all([this.#members.stop(), this.#prober.stop()])
  }

  #newTopology(): Topology {
    return createTopology(performance.now(), this.#options.answerTimeoutMs)
  }

  #feed(observation: Observation): void {
    if (this.#state !== 'running') return
    try {
      this.#listener.beforeDecision?.()
      const isShut = this.#topology.gate.kind === 'shut'
      this.#decidedAt = performance.now()
      const { topology, effects } = next(this.#topology, observation, this.#decidedAt)
      this.#topology = topology
      // What waits for the master comes first, and the story a moment later.
      if (isShut && this.#served !== null && effects.some(({ kind }) => kind === 'serve')) keepLines(this.#log)
      for (const effect of effects) this.#act(effect)
    } catch (error) {
      // This observation is lost. The next one, or the next tick, finds the same.
      this.#options.bugs.ofStep(error, 'control plane')
    }
    this.#members.settle(!isUnsettled(this.#topology, performance.now()))
    this.#arm()
  }

  #act(effect: Effect): void {
    if (this.#state !== 'running') return
    switch (effect.kind) {
      case 'serve':
        this.#serve(effect.master)
        break
      case 'hold':
        this.#listener.onHold(effect.cause, effect.detail)
        break
      case 'withhold':
        this.#listener.onWithhold()
        break
      case 'ask':
        this.#members.ask(effect.key)
        break
      case 'ask-soon':
        this.#members.askSoon(effect.key)
        break
      case 'ask-peers':
        this.#members.askPeers(effect.key)
        break
      case 'warm':
        this.#prober.expect(effect.address)
        this.#listener.onExpect?.(effect.address)
        break
      case 'misled':
        this.#listener.onMisled?.()
        break
      case 'probe':
        this.#prober.ask(effect.address, effect.startedAt, effect.unlike)
        break
      case 'note':
        this.#log[effect.level]({ event: effect.event, ...effect.fields })
        this.#listener.onNote?.(effect.event, effect.fields)
        break
    }
  }

  #serve(master: Master): void {
    const last = this.#served
    this.#served = master
    this.#isMoving = last !== null && !(sameAddress(last, master) && last.epoch === master.epoch)
    try {
      this.#listener.onServe(master)
    } finally {
      this.#isMoving = false
    }
    this.#prober.keepOnly(master)
  }

  /** Sets the timer; an earlier look replaces a later one. */
  #arm(): void {
    if (this.#state !== 'running') return
    // Deciding and acting take time. What falls due meanwhile is not decided yet, and is looked at now.
    const at = nextLookAt(this.#topology, this.#decidedAt)
    if (this.#timer && this.#timer.dueAt <= at) return
    if (this.#timer) clearTimeout(this.#timer.handle)
    const ms = Math.max(0, Math.ceil(at - performance.now()))
    this.#timer = { handle: setTimeout(() => this.#tick(), ms), dueAt: at }
  }

  #tick(): void {
    this.#timer = null
    try {
      this.#look()
    } catch (error) {
      this.#options.bugs.ofStep(error, 'control plane')
    }
    this.#arm()
  }

  #look(): void {
    const now = performance.now()
    this.#feed({ kind: 'tick' })
    if (now - this.#loggedAt >= LOG_MS) {
      this.#loggedAt = now
      const hasCandidate = candidateSince(this.#topology, Number.NEGATIVE_INFINITY, now) !== null
      if (!hasCandidate || this.#hadTrouble) this.#logTrouble({ ...this.status(), hasCandidate }, now)
      this.#hadTrouble = !hasCandidate
    }
    if (now - this.#reviewedAt >= REVIEW_MS) {
      this.#reviewedAt = now
      this.#members.review()
    }
    if (now - this.#absentAt >= ABSENT_MS) {
      this.#absentAt = now
      this.#members.askOfAbsent()
    }
  }
}

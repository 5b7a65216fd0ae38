// lanes.ts — all lanes of one master and the gate they obey: the data plane's side of a failover.
//
//   control plane ── serve(master) / hold(cause) ──▶ gate ──▶ every lane: dial, pump, or be cut
//   lanes ── observe("link peer-closed") ──▶ control plane
//
// Owns: the gate, shared lanes by identity, private lanes, idle links for the next private lane, the sweep that ends
// requests whose time is up and notices links that have fallen silent.
// Never: talks to Sentinels, parses commands.
import { type Address, formatAddress, type Master, sameAddress } from '../address.ts'
import { LearnedCommands } from '../command/learned.ts'
import { Bugs } from '../ops/bugs.ts'
import type { Counters, HoldLabel } from '../ops/counters.ts'
import type { Log } from '../ops/log.ts'
import { MissingRights, type Right } from '../ops/rights.ts'
import { createSeldom } from '../transport/seldom.ts'
import { type Dial, dialPlain } from '../upstream/dial.ts'
import type { HandshakeFailure } from '../upstream/handshake.ts'
import { describeIdentity, type Identity, nameShown } from '../upstream/identity.ts'
import type { CloseReason, Link } from '../upstream/link.ts'
import { LiveLinks } from '../upstream/live-links.ts'
import type { Turn } from '../upstream/turn.ts'
import { type BackoffLimits, holdLimitMs } from './backoff.ts'
import { type Counted, type IdentityCensus, takeCensus } from './census.ts'
import { Gate, type GateState, isSameTerm } from './gate.ts'
import { type FailoverRecord, HoldStory } from './hold-story.ts'
import { IdleLinks } from './idle-links.ts'
import { Lane, type LaneOwner } from './lane.ts'
import type { LaneHost, LaneInfo } from './lane-host.ts'
import type { ReplayPolicy } from './replay.ts'
import type { Request } from './request.ts'
import { ScriptLoading } from './script-loading.ts'
import { Scripts } from './scripts.ts'

export interface LanesOptions {
  readonly policy: ReplayPolicy
  /** Left out: every unknown command is a write that must not be repeated. */
  readonly learned?: LearnedCommands
  readonly backoff: BackoffLimits
  readonly holdTimeoutMs: number
  readonly connectTimeoutMs: number
  /** Left out: plain TCP, to the address as it is. */
  readonly dial?: Dial
  readonly turn: Turn
  readonly counters: Counters
  readonly log: Log
  /** Left out: one of its own. */
  readonly bugs?: Bugs
  /** Shared with the control plane, which asks some of the same things; left out: one of its own. */
  readonly rights?: MissingRights
  readonly observe: (observation: string) => void
  /** The master is another one now; called before anything is cut or sent. */
  readonly onMoved?: () => void
}

/** How often deadlines are looked at; the error at the end of a hold is late by at most this. */
const SWEEP_MS = 25
/** A link that owes a reply and has said nothing for this long is worth asking the control plane about. */
const SILENT_MS = 700
/** A link that says nothing although its node answers others: cut, fenced, dialled again. Doubles for the same lane. */
const DEAD_MS = 5000
/**
 * The sweep runs every 25 ms: a gap of this length means that the process stood still (SIGSTOP, a frozen machine, a blocked
 * event loop). In that time a planned failover may have come and gone, and the old master still takes writes.
 */
const STOOD_STILL_MS = 500

export class Lanes implements LaneHost {
  readonly gate: Gate
  sendable = false
  readonly turn: Turn
  readonly counters: Counters
  readonly log: Log
  readonly bugs: Bugs
  readonly policy: ReplayPolicy
  readonly learned: LearnedCommands
  readonly backoff: BackoffLimits
  readonly holdLimitMs: number
  readonly connectTimeoutMs: number
  readonly dial: Dial
  readonly live = new LiveLinks()
  readonly #seldom = createSeldom()
  readonly #options: LanesOptions
  readonly #shared = new Map<string, Lane>()
  readonly #private = new Set<Lane>()
  readonly #idle = new IdleLinks()
  #sweep: NodeJS.Timeout | null = null
  #awakeAt = performance.now()
  #askedAt = 0
  #confirmedAt = 0
  readonly #story: HoldStory
  /** What the control plane said with the last hold. */
  #holdDetail = ''
  readonly scripts = new Scripts()
  /** How often the master has changed since the start. */
  moves = 0
  readonly #loading = new ScriptLoading(this.scripts)
  #term: Master | null = null
  readonly #rights: MissingRights
  /** What nodes have answered last to users they refuse, until they let them in: told once, not with every dial. */
  readonly #refused = new Map<string, string>()

  constructor(options: LanesOptions) {
    this.#options = options
    this.turn = options.turn
    this.counters = options.counters
    this.log = options.log
    this.bugs = options.bugs ?? new Bugs(options.log, options.counters)
    this.#rights = options.rights ?? new MissingRights(options.log)
    this.policy = options.policy
    this.learned = options.learned ?? new LearnedCommands()
    this.backoff = options.backoff
    this.connectTimeoutMs = options.connectTimeoutMs
    this.dial = options.dial ?? dialPlain
    this.holdLimitMs = holdLimitMs(options.holdTimeoutMs, options.policy.maxRetries, options.backoff)
    this.#story = new HoldStory(options.counters, options.log, performance.now())
    this.gate = new Gate(performance.now(), (from, to) => this.#onGate(from, to))
    this.turn.beforeLinks = now => this.#checkAwake(now)
  }

  start(): void {
    this.#awakeAt = performance.now()
    this.#sweep = setInterval(() => this.bugs.guard('sweep', () => this.#onSweep()), SWEEP_MS)
  }

  /** Ends every link; what still waits is dropped, because its sessions are gone. */
  stop(): void {
    if (this.#sweep !== null) clearInterval(this.#sweep)
    this.#idle.close()
    this.#each(lane => lane.close())
    this.#shared.clear()
    this.#private.clear()
  }

  /** The lane that all clean sessions of this identity use together. */
  attachShared(identity: Identity): Lane {
    let lane = this.#shared.get(identity.key)
    if (lane === undefined) {
      lane = new Lane(this, identity, null)
      this.#shared.set(identity.key, lane)
    }
    lane.users++
    return lane
  }

  detachShared(lane: Lane): void {
    lane.users--
  }

  /** A lane for one session alone, on an idle link if there is one of its identity. */
  openPrivate(identity: Identity, owner: LaneOwner): Lane {
    const lane = new Lane(this, identity, owner)
    this.#private.add(lane)
    const link = this.#idle.take(identity.key)
    if (link) lane.adopt(link)
    else lane.ensureLink()
    return lane
  }

  /** The session needs its link no more. `reusable`: nothing of the session is left on it. */
  closePrivate(lane: Lane, reusable: boolean): void {
    this.#private.delete(lane)
    if (reusable && lane.reusable && lane.idle && lane.link?.status === 'ready' && this.sendable) {
      const link = lane.surrender()
      if (link) this.#idle.put(lane.identity, link)
      return
    }
    this.#close(lane)
  }

  /** The control plane has confirmed this master just now. */
  serve(master: Master): void {
    this.#confirmedAt = performance.now()
    const isFirst = this.#term === null
    const moved = this.#term === null || !isSameTerm(this.#term, master)
    this.#term = master
    if (moved) {
      if (!isFirst) {
        this.moves++
        this.#options.onMoved?.()
      }
      const detail = `the master is now ${formatAddress(master)} (epoch ${master.epoch})`
      this.#each(lane => {
        if (lane.link !== null && !isSameTerm(lane.link.master, master)) lane.cut(detail, 'unknown')
      })
      this.#idle.keepOnly(link => isSameTerm(link.master, master))
      this.#refused.clear()
      if (this.moves > 0) this.#loading.begin()
    }
    this.gate.move({ kind: 'serve', master }, performance.now())
    this.#each(lane => lane.onConfirmed(lane.owner !== null || lane.users > 0, moved))
    this.onDrained()
  }

  /** The control plane says: send nothing. With `not-master` the node's links are cut, they would answer old data. */
  hold(cause: HoldLabel, detail: string): void {
    this.#holdDetail = detail
    this.gate.move({ kind: 'hold', cause }, performance.now())
    this.#each(lane => {
      lane.recall()
      // What the old master has answered is taken although its client does not read: it cannot be asked for again.
      if (lane.link !== null && lane.link.inFlight > 0) lane.link.resume()
    })
    if (cause !== 'not-master') return
    this.#each(lane => lane.cut(detail, 'unknown'))
    this.#idle.keepOnly(() => false)
  }

  /** The process is about to end: what waits for a master is answered now, as at the end of its hold time. */
  giveUp(): void {
    if (this.sendable) return
    this.#each(lane => lane.expire(Number.POSITIVE_INFINITY, null))
  }

  /** The password of our own user has changed: lanes that pause because the old one was refused dial now. */
  signInAgain(): void {
    this.#each(lane => lane.onPassword(lane.owner !== null || lane.users > 0))
  }

  // ---- what lanes report ----

  mayDial(lane: LaneInfo): boolean {
    return this.#loading.mayDial(lane)
  }

  scriptsToLoad(lane: LaneInfo): readonly Buffer[] {
    return this.#loading.commandsFor(lane)
  }

  observe(observation: string): void {
    this.#options.observe(observation)
  }

  onLinkReady(link: Link<Request>, about: LaneInfo): void {
    const level = about.kind === 'shared' ? 'info' : 'debug'
    const { kind, identity } = about
    this.log[level](
      {
        event: 'link.ready',
        kind,
        identity: describeIdentity(identity),
        master: formatAddress(link.master),
        epoch: link.master.epoch,
      },
      'link to the master is up',
    )
    const node = formatAddress(link.master)
    for (const right of link.handshake.missing) this.#rights.tell(right, { node, user: nameShown(identity.username) })
    this.#refused.delete(`${node} ${describeIdentity(identity)}`)
    const loading = this.#loading.onReady(about, link.handshake.scriptsRefused ? 'refused' : 'loaded')
    if (loading === 'loaded') {
      this.counters.scriptsReloaded += this.scripts.size
      this.log.info({ event: 'scripts.loaded', scripts: this.scripts.size }, 'the new master knows the scripts')
    }
    if (loading !== 'nothing') this.#dialOthers()
  }

  onLinkLost(link: Link<Request>, about: LaneInfo, reason: CloseReason, detail: string): void {
    this.#story.onLinkLost(performance.now())
    const level = about.kind === 'shared' && link.wasReady ? 'info' : 'debug'
    const { kind, identity } = about
    this.log[level](
      {
        event: 'link.lost',
        kind,
        identity: describeIdentity(identity),
        master: formatAddress(link.master),
        reason,
        detail,
      },
      'link to the master is gone',
    )
    if (this.#loading.onGone(about)) this.#dialOthers()
  }

  /** The user of a session may not do what Holdfast does for it. */
  tellRight(right: Right, master: Master, identity: Identity): void {
    this.#rights.tell(right, { node: formatAddress(master), user: nameShown(identity.username) })
  }

  onPasswordRefused(master: Master, about: LaneInfo, reply: string): void {
    const node = formatAddress(master)
    const before = this.#seldom(`${node} ${about.identity.key}`, performance.now())
    if (before === undefined) return
    this.log.warn(
      { event: 'link.password', master: node, identity: describeIdentity(about.identity), reply, before },
      'the node refuses the password in the file: commands wait while the file and the password before it are tried',
    )
  }

  onHandshakeFailed(master: Master, about: LaneInfo, failure: HandshakeFailure): void {
    const node = formatAddress(master)
    const identity = describeIdentity(about.identity)
    this.counters.detail.handshakesFailed.add(failure.kind)
    if (failure.kind === 'auth') {
      const key = `${node} ${identity}`
      if (this.#refused.get(key) === failure.text) return
      this.#refused.set(key, failure.text)
      this.log.error(
        { event: 'link.refused', master: node, identity, reply: failure.text },
        'the node refuses this user; ACLs are not replicated, so it must exist with the same password and rights on every node',
      )
    } else
      this.log.warn(
        { event: 'link.handshake', master: node, identity, cause: failure.kind, reply: failure.text },
        'link refused',
      )
  }

  onDrained(): void {
    if (this.gate.state.kind === 'draining' && this.counters.waiting === 0)
      this.gate.move({ kind: 'drained' }, performance.now())
  }

  onExpired(): void {
    this.gate.move({ kind: 'expired' }, performance.now())
  }

  // ---- what people may know ----

  /** performance.now() of the last look at the clock, at most a sweep ago. */
  get clock(): number {
    return this.#awakeAt
  }

  /** The control plane's reason for the last hold, in words. */
  get holdDetail(): string {
    return this.#holdDetail
  }

  /** The last failovers, newest first. */
  get failovers(): readonly FailoverRecord[] {
    return this.#story.failovers
  }

  /** Whether a link to this node is up. */
  isUpTo(address: Address): boolean {
    for (const { link } of this.#all()) if (link?.status === 'ready' && sameAddress(link.master, address)) return true
    return false
  }

  /** All links by identity. */
  census(): IdentityCensus[] {
    return takeCensus(this.#counted())
  }

  // ---- inside ----

  *#counted(): Generator<Counted> {
    for (const { kind, identity, link, waiting } of this.#all())
      yield { kind, identity, waiting, status: link?.status ?? 'none', inFlight: link?.inFlight ?? 0 }
    for (const identity of this.#idle.identities())
      yield { kind: 'idle', identity, waiting: 0, status: 'ready', inFlight: 0 }
  }

  *#all(): Generator<Lane> {
    yield* [...this.#shared.values()]
    yield* [...this.#private]
  }

  /** One lane's trouble is not the others'. */
  #each(act: (lane: Lane) => void): void {
    for (const lane of this.#all()) {
      try {
        act(lane)
      } catch (error) {
        lane.onStepBug(error)
      }
    }
  }

  onBug(error: unknown): void {
    this.bugs.ofStep(error, 'all lanes')
  }

  #close(lane: Lane): void {
    lane.close()
    if (this.#loading.onGone(lane)) this.#dialOthers()
  }

  /** Lanes that had to wait for the one that loads the scripts. */
  #dialOthers(): void {
    this.turn.defer(() => {
      this.#each(lane => lane.onLoaded(lane.owner !== null || lane.users > 0))
    }, this)
  }

  #onGate(from: GateState, to: GateState): void {
    this.sendable = to.kind === 'open' || to.kind === 'draining'
    this.#story.onGate(from, to, performance.now(), this.#holdDetail)
  }

  /** Before anything is written after a standstill, the Sentinels are asked whether the master is still the master. */
  #checkAwake(now: number): void {
    const gapMs = now - this.#awakeAt
    this.#awakeAt = now
    if (gapMs < STOOD_STILL_MS || !this.sendable) return
    this.hold('stood-still', `nothing ran here for ${Math.round(gapMs)} ms`)
    this.observe('stood still')
  }

  #onSweep(): void {
    const now = performance.now()
    this.#checkAwake(now)
    const shut = this.sendable ? null : this.gate.state.since
    this.#each(lane => {
      lane.expire(now, shut)
      this.#checkSilence(lane, now)
    })
    this.#idle.expire(now)
    this.#closeUnused(now)
  }

  /** A stopped process or a dead network sends no FIN: silence on a link that owes a reply is all there is to notice. */
  #checkSilence(lane: Lane, now: number): void {
    const link = lane.link
    if (link === null || link.status !== 'ready' || link.head === undefined || link.head.patient || link.paused) return
    const silentMs = now - link.lastActivity
    if (silentMs < SILENT_MS) return
    if (now - this.#askedAt > SILENT_MS) {
      this.#askedAt = now
      this.observe('link silent')
    }
    const confirmedWhileSilent = this.sendable && this.#confirmedAt > link.lastActivity + SILENT_MS
    if (silentMs > DEAD_MS * lane.patience && confirmedWhileSilent) {
      lane.patience *= 2
      lane.cut(`no reply for ${Math.round(silentMs)} ms although the node answers others`, 'unknown')
    }
  }

  /** A shared lane of an identity that nobody uses any more gives its link back. */
  #closeUnused(now: number): void {
    for (const [key, lane] of this.#shared) {
      if (lane.users > 0 || !lane.idle) lane.unusedSince = 0
      else if (lane.unusedSince === 0) lane.unusedSince = now
      else if (now - lane.unusedSince > 30_000) {
        this.#shared.delete(key)
        this.#close(lane)
      }
    }
  }
}

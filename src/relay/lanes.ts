// lanes.ts: all lanes of one master and the gate they obey: the data plane's side of a failover.
//
//   control plane ── serve(master) / hold(cause) ──▶ gate ──▶ every lane: dial, pump, or be cut
//   lanes ── observe("link peer-closed") ──▶ control plane
//
// Owns: the gate, the lanes, the links between lanes (shared-lanes.ts, idle-pool.ts, spare-links.ts), and what each
// sweep of the watchdog does. Never: talks to Sentinels, parses commands.
// It is longer than other files: it is the one place that knows all lanes, and each part of it is a few lines.
import { type Address, formatAddress, type Master, sameAddress } from '../address.ts'
import type { HoldLabel } from '../ops/counters.ts'
import type { LinkSnapshot } from '../ops/snapshot.ts'
import type { HandshakeFailure } from '../upstream/handshake.ts'
import { type Identity, isBeingChanged } from '../upstream/identity.ts'
import { type Link, type LinkEnd, Pausing } from '../upstream/link.ts'
import { Turn } from '../upstream/turn.ts'
import { type FailoverRecord, FailoverReport } from './failover-report.ts'
import { Gate, type GateState, isSameTerm } from './gate.ts'
import { IdlePool } from './idle-pool.ts'
import { Lane } from './lane.ts'
import { LaneHost, type LaneHostOptions } from './lane-host.ts'
import type { LaneOwner } from './lane-link.ts'
import { takeCensus } from './link-census.ts'
import type { LaneInfo } from './link-log.ts'
import type { Request } from './request.ts'
import { SharedLanes } from './shared-lanes.ts'
import { SilenceWatch } from './silent-links.ts'
import { SpareLinks } from './spare-links.ts'
import { Watchdog } from './watchdog.ts'

export interface LanesOptions extends LaneHostOptions {
  /** The master is another one now; called before anything is cut or sent. */
  readonly onMoved?: () => void
  /** `warm`: one link of each identity in use is dialled ahead. Left out: none. */
  readonly spares?: 'warm' | 'none'
}

export class Lanes extends LaneHost {
  readonly gate: Gate
  /** Before links write, the watchdog looks whether this process stood still. */
  readonly turn = new Turn(now => this.#watchdog.look(now))
  readonly #onMoved: () => void
  readonly #shared = new SharedLanes(identity => new Lane(this, identity, null))
  /** With the identity each was opened for: the session may become another one on it. */
  readonly #private = new Map<Lane, string>()
  readonly #idle = new IdlePool(this.bugs, key => this.#spares.heard(key))
  readonly #spares: SpareLinks
  readonly #silence: SilenceWatch
  readonly #watchdog: Watchdog
  /** Nothing of the master is delivered: it may be none any more. */
  #withholding = false
  readonly #report: FailoverReport
  /** The control plane's reason for the last hold, in words. */
  holdDetail = ''
  /** How often the master has changed since the start. */
  moves = 0
  #term: Master | null = null

  constructor(options: LanesOptions) {
    super(options)
    this.#onMoved = options.onMoved ?? (() => {})
    this.#report = new FailoverReport(options.counters, options.log, performance.now())
    this.gate = new Gate(performance.now(), (from, to) => this.#onGate(from, to))
    this.#spares = new SpareLinks(this, this.#idle, {
      enabled: options.spares === 'warm',
      onRefused: (identity, reply) => this.#shutOut(identity, reply),
    })
    this.#silence = new SilenceWatch({
      dialFresh: (identity, how) => this.#dialFresh(identity, how),
      retire: (lane, fresh, quietMs) => this.#retire(lane, fresh, quietMs),
      dropFresh: fresh => this.#letGo(fresh),
      linkLog: this.linkLog,
      shared: this.#shared,
      idle: this.#idle,
      spares: this.#spares,
    })
    this.#watchdog = new Watchdog(this, this.#silence)
  }

  start(): void {
    this.#watchdog.start()
  }

  /** Ends every link; what still waits is dropped, because its sessions are gone. */
  stop(): void {
    this.#watchdog.stop()
    this.#each(lane => this.#close(lane))
    this.#spares.close()
    this.#idle.close()
    this.#shared.clear()
    this.#private.clear()
  }

  /** The lane that all clean sessions of this identity use together. */
  attachShared(identity: Identity): Lane {
    this.#spares.use(identity)
    return this.#shared.attach(identity)
  }

  detachShared(lane: Lane): void {
    this.#spares.unuse(lane.identity.key)
    this.#shared.detach(lane)
  }

  /** A lane for one session alone, on an idle link if there is one of its identity. */
  openPrivate(identity: Identity, owner: LaneOwner): Lane {
    const lane = new Lane(this, identity, owner)
    this.#private.set(lane, identity.key)
    this.#spares.use(identity)
    const link = this.#idle.take(identity.key)
    if (link) {
      lane.acquire(link)
      this.turn.defer(() => this.#refill(performance.now()), this)
    } else lane.ensureLink()
    return lane
  }

  /** The session needs its link no more. `reusable`: nothing of the session is left on it. */
  closePrivate(lane: Lane, reusable: boolean): void {
    const key = this.#private.get(lane)
    this.#private.delete(lane)
    if (reusable) this.#letGo(lane)
    else this.#close(lane)
    if (key !== undefined) this.#spares.unuse(key)
  }

  /** The control plane has confirmed this master just now. */
  serve(master: Master): void {
    const isFirst = this.#term === null
    const moved = this.#term === null || !isSameTerm(this.#term, master)
    this.#term = master
    if (moved) {
      if (!isFirst) {
        this.moves++
        this.#onMoved()
      }
      const detail = `the master is now ${formatAddress(master)} (epoch ${master.epoch})`
      this.#each(lane => {
        if (lane.link !== null && !isSameTerm(lane.link.master, master)) lane.link.cut(detail)
      })
      this.#idle.keepOnly(link => isSameTerm(link.master, master))
      this.#spares.keepOnly(master)
      this.linkLog.onMoved()
      if (this.moves > 0) this.loading.begin()
    }
    this.gate.move({ kind: 'serve', master }, performance.now())
    if (this.#withholding) {
      this.#withholding = false
      this.#each(lane => lane.link?.resume(Pausing.withheld))
    }
    this.#each(lane => lane.onConfirmed(moved))
    this.onDrained()
  }

  /** The control plane says: send nothing. With `not-master` the node's links are cut, they would answer old data. */
  hold(cause: HoldLabel, detail: string): void {
    this.holdDetail = detail
    this.gate.move({ kind: 'hold', cause }, performance.now())
    this.#each(lane => {
      lane.recall()
      // What the old master has answered is taken although its client does not read: it cannot be asked for again.
      if (lane.link !== null && lane.link.inFlight > 0) lane.link.resume()
    })
    if (cause === 'master-moved') this.withhold()
    if (cause !== 'not-master') return
    this.#each(lane => lane.link?.cut(detail))
    this.#idle.keepOnly(() => false)
    this.#spares.keepOnly(null)
  }

  /** A replica may be promoted from here on: no reply of the old master is delivered before the next serve(). */
  withhold(): void {
    if (this.#withholding) return
    this.#withholding = true
    this.#each(lane => lane.withhold())
  }

  /** The process is about to end: what waits for a master is answered now, as at the end of its hold time. */
  giveUp(): void {
    if (this.sendable) return
    this.#each(lane => lane.expire(Number.POSITIVE_INFINITY, null))
  }

  /** The password of our own user has changed: lanes that pause because the old one was refused dial now. */
  signInAgain(): void {
    this.#each(lane => lane.onPassword())
  }

  // ---- what lanes report ----

  onLinkReady(link: Link<Request>, about: LaneInfo): void {
    this.linkLog.ready(link, about)
    const loading = this.loading.onReady(about, link.handshake.scriptsRefused ? 'refused' : 'loaded')
    if (loading === 'loaded') {
      this.counters.scriptsReloaded += this.scripts.size
      this.log.info({ event: 'scripts.loaded', scripts: this.scripts.size }, 'the scripts are loaded on the new master')
    }
    if (loading !== 'nothing') this.#dialOthers()
  }

  onLinkLost(link: Link<Request>, about: LaneInfo, end: LinkEnd<Request>): void {
    this.#report.onLinkLost(performance.now())
    this.linkLog.lost(link, about, end)
    if (this.loading.onGone(about)) this.#dialOthers()
  }

  onHandshakeFailed({ master, handshake }: Link<Request>, failure: HandshakeFailure): boolean {
    const { identity, password } = handshake
    if (failure.kind === 'auth' && isBeingChanged(identity, password, failure.text)) {
      this.linkLog.passwordRefused(master, identity, failure.text)
      return false
    }
    this.counters.detail.handshakesFailed.add(failure.kind)
    this.linkLog.handshakeFailed(master, identity, failure)
    return true
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
    return this.#watchdog.lookedAt
  }

  /** The last failovers, newest first. */
  get failovers(): readonly FailoverRecord[] {
    return this.#report.failovers
  }

  /** Whether a link to this node is up. */
  isUpTo(address: Address): boolean {
    for (const { link } of this.#all()) if (link?.status === 'ready' && sameAddress(link.master, address)) return true
    return false
  }

  /** All links by identity. */
  census(): LinkSnapshot[] {
    return takeCensus(this.#all(), this.#idle.identities(), this.#spares.dialling())
  }

  // ---- inside ----

  *#all(): Generator<Lane> {
    yield* this.#shared.all()
    yield* [...this.#private.keys()]
    yield* [...this.#silence.fresh()]
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
    this.#silence.forget(lane)
    lane.close()
    if (this.loading.onGone(lane)) this.#dialOthers()
  }

  /** Its link may serve another session. */
  #letGo(lane: Lane): void {
    if (lane.reusable && lane.idle && lane.link?.status === 'ready' && this.sendable) {
      this.#silence.forget(lane)
      const link = lane.release()
      if (link) this.#idle.put(lane.identity, link)
    } else this.#close(lane)
  }

  #dialFresh(identity: Identity, how: 'cold' | 'warm'): Lane {
    const fresh = new Lane(this, identity, null)
    const link = how === 'warm' ? this.#idle.take(identity.key, '') : undefined
    if (link) fresh.acquire(link)
    else fresh.ensureLink()
    return fresh
  }

  #retire(lane: Lane, fresh: Lane, quietMs: number): void {
    const { link } = lane
    if (link === null) return
    this.counters.linksRetired++
    const moved = this.#shared.retire(lane, fresh)
    lane.unusedSince = performance.now()
    this.linkLog.retired(link, lane.identity, { quietMs, moved })
  }

  /** A link that was let in before is no proof any more: new sessions need one of their own time. */
  #shutOut(identity: Identity, reply: string): void {
    const lane = this.#shared.find(identity.key)
    if (lane === undefined || lane.link?.status !== 'ready' || !lane.proven) return
    this.#shared.shut(lane)
    this.linkLog.shutOut(lane.link, identity, reply)
  }

  /** Lanes that had to wait for the one that loads the scripts. */
  #dialOthers(): void {
    this.turn.defer(() => {
      this.#each(lane => lane.dialIfWanted())
    }, this)
  }

  #onGate(from: GateState, to: GateState): void {
    this.sendable = to.kind === 'open' || to.kind === 'draining'
    this.#report.onGate(from, to, performance.now(), this.holdDetail)
  }

  /** Of the watchdog. */
  onSweep(now: number): void {
    const shut = this.sendable ? null : this.gate.state.since
    this.#each(lane => {
      lane.expire(now, shut)
      this.#watchdog.checkSilence(lane, now)
    })
    this.#tidyUp(now)
    this.#refill(now)
  }

  /** In a failover links that are needed now come first. */
  #refill(now: number): void {
    const { master, state } = this.gate
    if (state.kind === 'open' && master !== null && !this.loading.isUnderWay) this.#spares.refill(master, now)
  }

  /** Links that are of no use any more. */
  #tidyUp(now: number): void {
    this.#idle.expire(now, key => this.#spares.inUse(key))
    for (const lane of this.#shared.takeUnused(now)) this.#close(lane)
    for (const lane of this.#shared.takeAnswered()) {
      if (lane.retired) this.linkLog.answered(lane.identity, now - lane.unusedSince)
      this.#spares.dialNow(lane.identity.key)
      this.#close(lane)
    }
  }
}

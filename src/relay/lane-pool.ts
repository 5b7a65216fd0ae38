// lane-pool.ts: which lanes there are, and the links between them: whose is it now, and who may have it next.
//
//   attachShared ──▶ shared-lanes.ts ── silent ──▶ a fresh lane takes its place (silent-links.ts)
//   openPrivate ───▶ a lane of its own ── its link left clean ──▶ idle-pool.ts ──▶ the next private lane
//                                                                     ▲ spare-links.ts: dialled ahead
//
// Owns: the lanes and these rooms. Never: decides when links may send (lanes.ts), moves requests (lane.ts).
import { type Address, type Master, sameAddress } from '../address.ts'
import type { LinkSnapshot } from '../ops/snapshot.ts'
import type { ProofSteps } from '../upstream/handshake.ts'
import type { Identity } from '../upstream/identity.ts'
import { LeavingSockets } from '../upstream/leaving-sockets.ts'
import type { Link } from '../upstream/link.ts'
import { AheadLinks } from './ahead-links.ts'
import { DialTurns } from './dial-turns.ts'
import { isSameTerm } from './gate.ts'
import { IdlePool } from './idle-pool.ts'
import { Lane } from './lane.ts'
import { LaneHost, type LaneHostOptions } from './lane-host.ts'
import type { LaneOwner } from './lane-link.ts'
import { takeCensus } from './link-census.ts'
import type { Request } from './request.ts'
import { SharedLanes } from './shared-lanes.ts'
import { SilenceWatch } from './silent-links.ts'
import { SpareLinks } from './spare-links.ts'
import { unblock } from './unblocking.ts'

export interface LanePoolOptions extends LaneHostOptions {
  /** `warm`: one link of each identity in use is dialled ahead. Left out: none. */
  readonly spares?: 'warm' | 'none'
}

export abstract class LanePool extends LaneHost {
  protected readonly silence: SilenceWatch
  readonly #shared = new SharedLanes(identity => new Lane(this, identity, null))
  /** With the identity each was opened for: the session may become another one on it. */
  readonly #private = new Map<Lane, string>()
  readonly #idle = new IdlePool(
    this.bugs,
    key => this.#spares.heard(key),
    idleMs => this.idleEnds.onIdle(idleMs, performance.now()),
  )
  readonly #spares: SpareLinks
  readonly #ahead = new AheadLinks(this)
  readonly #leaving = new LeavingSockets()
  readonly #dialTurns = new DialTurns(
    work => this.turn.defer(work, this),
    () => this.each(lane => lane.dialIfWanted()),
  )

  constructor(options: LanePoolOptions) {
    super(options)
    this.#spares = new SpareLinks(this, this.#idle, {
      enabled: options.spares === 'warm',
      onRefused: (identity, reply) => this.#shutOut(identity, reply),
      isNeededSoon: () => this.#private.size > 0,
      onUp: () => {
        const { state } = this.gate
        if (state.kind === 'holding' && state.cause === 'failover-announced' && !this.withholding && !this.sendable)
          this.unblock()
      },
    })
    this.silence = new SilenceWatch({
      dialFresh: (identity, how) => this.#dialFresh(identity, how),
      retire: (lane, fresh, quietMs) => this.#retire(lane, fresh, quietMs),
      dropFresh: fresh => this.#letGo(fresh),
      linkLog: this.linkLog,
      shared: this.#shared,
      idle: this.#idle,
      spares: this.#spares,
    })
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
      this.turn.defer(() => this.refill(performance.now()), this)
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

  /** Ends every link; what still waits is dropped, because its sessions are gone. */
  protected closeAll(): void {
    this.each(lane => this.#close(lane))
    this.#spares.close()
    this.#idle.close()
    this.#ahead.close()
    this.#leaving.close()
    this.#shared.clear()
    this.#private.clear()
  }

  /** Cuts all links but those to `master`. */
  protected keepOnly(master: Master | null, detail: string): void {
    this.each(({ link }) => {
      if (link === null || (master !== null && isSameTerm(link.master, master))) return
      // An unused socket to another node does no harm. One to the same node may be a process that was there before.
      if (master !== null && !sameAddress(link.master, master)) link.leave(detail, this.#leaving)
      else link.cut(detail)
    })
    this.acks?.keepOnly(master, detail)
    this.#idle.keepOnly(master)
    this.#spares.keepOnly(master)
  }

  /** A failover is announced: clients that wait in the node to be given something wait here instead (unblocking.ts). */
  protected unblock(): void {
    if (this.#private.size === 0) return
    unblock(this.#private.keys(), this.#idle, this.linkLog, (key, master) => {
      this.#spares.dialFor(key, master, performance.now())
    })
  }

  /** Whether a link to this node is up. */
  isUpTo(address: Address): boolean {
    return this.all().some(({ link }) => link?.status === 'ready' && sameAddress(link.master, address))
  }

  /** This replica will probably be the master in about a second: links to it are made, and not used. */
  expect(address: Address): void {
    const inUse = [...this.#shared.all()].filter(lane => lane.inUse)
    this.#ahead.expect(
      address,
      inUse.map(lane => lane.identity),
    )
  }

  /** They are not links to that replica after all. */
  dropAhead(): void {
    this.#ahead.close()
  }

  mayDialNow(): boolean {
    return this.#dialTurns.take()
  }

  makeRoom(): void {
    this.#leaving.close()
    this.#idle.clear()
    for (const lane of this.#shared.takeUnused(performance.now(), 0)) this.#close(lane)
  }

  takeAhead(identity: Identity, master: Master, proof: ProofSteps | null): Link<Request> | undefined {
    return this.#ahead.take(identity, master, proof)
  }

  /** Lanes have what they need of the master. */
  protected settleAhead(): void {
    this.#ahead.settle()
  }

  /** Sessions that have a link of their own. */
  get privateLanes(): number {
    return this.#private.size
  }

  /** Requests sent to the master and not fully answered. */
  get inFlight(): number {
    let sum = 0
    for (const { link } of this.all()) sum += link?.inFlight ?? 0
    return sum
  }

  /** All links by identity. */
  census(): LinkSnapshot[] {
    return takeCensus(this.all(), this.#idle.identities(), this.#spares.dialling())
  }

  protected *all(): Generator<Lane> {
    yield* this.#shared.all()
    yield* [...this.#private.keys()]
    yield* this.silence.fresh()
  }

  /** One lane's trouble is not the others'. A lane that is made meanwhile for a session has its turn, too. */
  protected each(act: (lane: Lane) => void): void {
    this.#eachOf(this.#shared.all(), act)
    if (this.#private.size > 0) this.#eachOf([...this.#private.keys()], act)
    this.#eachOf(this.silence.fresh(), act)
  }

  #eachOf(lanes: readonly Lane[], act: (lane: Lane) => void): void {
    for (const lane of lanes) {
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
    this.silence.forget(lane)
    lane.close()
    if (this.loading.onGone(lane)) this.dialOthers()
  }

  /** Its link may serve another session. */
  #letGo(lane: Lane): void {
    if (lane.reusable && lane.idle && lane.link?.status === 'ready' && this.sendable) {
      this.silence.forget(lane)
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
    const { successor, moved } = this.#shared.retire(lane, fresh)
    if (successor !== fresh) this.#letGo(fresh)
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
  protected dialOthers(): void {
    this.turn.defer(() => {
      this.each(lane => lane.dialIfWanted())
    }, this)
  }

  /** In a failover links that are needed now come first. */
  protected refill(now: number): void {
    const { master, state } = this.gate
    if (state.kind === 'open' && master !== null && !this.loading.isUnderWay) this.#spares.refill(master, now)
  }

  /** Links that are of no use any more. */
  protected tidyUp(now: number): void {
    this.#idle.expire(now, key => this.#spares.inUse(key))
    for (const lane of this.#shared.takeUnused(now)) this.#close(lane)
    for (const lane of this.#shared.takeAnswered()) {
      if (lane.retired) this.linkLog.answered(lane.identity, now - lane.unusedSince)
      this.#spares.dialNow(lane.identity.key)
      this.#close(lane)
    }
  }
}

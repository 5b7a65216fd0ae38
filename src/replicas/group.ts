// group.ts: the sessions that read from one replica, and where they read while that one is not good.
//
//   seeking ──a good replica that has what was seen──▶ at a replica ──no longer good──▶ seeking
//      │ ▲                                                                  (held, links cut)
//      │ └──── a replica is good again, or the master is not served ◀── at the master
//      └──nobody is good──▶ at the master, held or refused (--replica-fallback)
//
// A group has a home, the replica whose sessions these are, and goes back there. So there are as many groups as there
// are replicas, and their sessions spread again after each has restarted.
//
// Owns: where the group is, what it must not fall behind. Never: asks nodes, knows sessions or links (GroupPlane).
//
// Must stay true: sessions never go back in time. When they leave a node its links are cut first, so nothing of it is
// delivered any more. What it may have shown was in the master's stream before, so the master's place, asked for from
// then on, is beyond all of it. Only a replica that has reached this place serves them next.
import { type Address, formatAddress, type Master, sameAddress } from '../address.ts'
import type { MoveLabel } from '../ops/counters.ts'
import { conditionOf, mustLeave, type Replica } from './condition.ts'
import { hasReached, type MasterOffsets, type Position } from './offsets.ts'

/** The data plane of the group's sessions. */
export interface GroupPlane {
  /** Open sessions. */
  readonly sessions: number
  /** Commands may go to this node; confirms one that is there already. */
  serve(node: Master): void
  /** Nothing goes out, and nothing that comes in counts: links are cut. */
  leave(cause: MoveLabel, detail: string): void
  /** Nothing goes out until serve() confirms the node. */
  pause(cause: MoveLabel, detail: string): void
  /** What waits and what comes gets an error, until serve(). */
  refuse(): void
}

export type Fallback = 'master' | 'hold' | 'error'

/** What a group looks at when it decides. */
export interface Surroundings {
  readonly replicas: ReadonlyMap<string, Replica>
  readonly offsets: MasterOffsets
  readonly maxLagMs: number
  readonly fallback: Fallback
  /**
   * How long sessions wait for a replica that is good and still behind what they saw, before they fall back. 0: they do
   * not wait to hear whether a replica is gone whose link is lost.
   */
  readonly patienceMs: number
  /** When the master that is served now was first, ms of a monotonic clock. */
  readonly servedAt: number
  /** The master, while its gate is open; null: it is not served now. */
  readonly master: Master | null
  /** Each replica has been asked once. */
  readonly isAsked: boolean
  /** Sessions that read from this replica. */
  load(key: string): number
  moved(group: Group, cause: MoveLabel): void
  /** Nodes are to be asked now. */
  ask(): void
  /** Has the group reviewed when the stack that calls is gone. */
  soon(group: Group): void
}

type Target =
  | { readonly kind: 'replica'; readonly key: string; readonly node: Master }
  | { readonly kind: 'master'; readonly node: Master }

/** How long sessions wait that nothing drives away from where they were: see `Surroundings.patienceMs`. */
export const PATIENCE_MS = 1_000
/** A replica may take this long for its answer before others count as better. */
const ANSWER_MS = 200
/** How long a replica must have been good before sessions move to it that have a node. */
const SETTLED_MS = 2_000

export class Group {
  readonly id: number
  readonly plane: GroupPlane
  home: Address | null
  /** Where it reads; null: it seeks. */
  target: Target | null = null
  /** Since when it seeks, ms of a monotonic clock. */
  soughtSince: number
  /** Sessions may have seen what was there before `soughtSince`. */
  #hasSeen = false
  /** Where a replica must be before it serves them; null: not known yet, or nothing was seen. */
  #wanted: Position | null = null
  /** The data plane wants to know whether its node is still good: since when; null: it does not. */
  #doubtedAt: number | null = null
  #isRefusing = false
  /** A link to its replica is lost: it may be gone. */
  #isCut = false
  #patienceMs = 0
  #terms = 0
  readonly #around: Surroundings

  constructor(id: number, home: Address | null, plane: GroupPlane, around: Surroundings, now: number) {
    this.id = id
    this.home = home
    this.plane = plane
    this.soughtSince = now
    this.#around = around
    this.#patienceMs = around.patienceMs
  }

  get homeKey(): string | null {
    return this.home === null ? null : formatAddress(this.home)
  }

  /** What is said of where it reads. */
  get place(): string {
    if (this.target === null) return this.#isRefusing ? 'refused' : 'held'
    return this.target.kind === 'master' ? 'master' : this.target.key
  }

  /**
   * Its replica has all that the master had at this time, ms of a monotonic clock. -Infinity: it reads from none, or from
   * one of which it is not known since this master is served that it has what was there then.
   */
  get freshAt(): number {
    const freshAt = this.target?.kind === 'replica' ? this.#freshAtOf(this.target.key) : Number.NEGATIVE_INFINITY
    return freshAt > this.#around.servedAt ? freshAt : Number.NEGATIVE_INFINITY
  }

  #freshAtOf(key: string): number {
    return this.#around.replicas.get(key)?.freshAt ?? Number.NEGATIVE_INFINITY
  }

  /** Before anything is written: the time in which this replica may serve is over, however late its timer is. */
  checkBound(now: number): void {
    if (this.target?.kind !== 'replica') return
    if (now - this.#freshAtOf(this.target.key) <= this.#around.maxLagMs) return
    // An answer may be in the socket that says it is not: then the node is confirmed by it.
    this.#doubtedAt = now
    this.plane.pause('replica-lagging', 'the time is over in which the replica may serve')
    this.#around.soon(this)
  }

  /** A link to the node was lost, is silent, or the node refused something. `isLost`: it may be another process now. */
  doubt(now: number, isLost: boolean): void {
    if (this.target === null) return
    this.#doubtedAt = now
    if (!isLost || this.target.kind !== 'replica') return
    this.plane.pause('replica-unreachable', 'a link to the replica was lost')
    if (this.#around.patienceMs > 0 || this.#isCut) return
    this.#isCut = true
    this.#around.soon(this)
  }

  /** Something is known that was not. */
  review(now: number): void {
    if (this.target?.kind === 'replica') this.#reviewReplica(this.target, now)
    else if (this.target?.kind === 'master') this.#reviewMaster(this.target.node, now)
    if (this.target === null) this.#seek(now)
  }

  #reviewReplica({ key, node }: Extract<Target, { kind: 'replica' }>, now: number): void {
    const replica = this.#around.replicas.get(key)
    const must = replica === undefined ? 'replica-unlisted' : mustLeave(replica, node.runId, this.#bounds(now))
    const cause = must ?? (this.#isCut ? 'replica-unreachable' : null)
    if (cause !== null || replica === undefined) this.#leave(cause ?? 'replica-unlisted', now)
    else if (this.#hasBetter(replica, now)) this.#leave('replica-back', now)
    else if (this.#doubtedAt !== null && replica.askedAt >= this.#doubtedAt && replica.answer?.kind === 'report') {
      this.#doubtedAt = null
      this.plane.serve(node)
    }
  }

  #reviewMaster(node: Master, now: number): void {
    const { master } = this.#around
    if (master === null || !sameAddress(master, node) || master.epoch !== node.epoch)
      this.#leave('master-not-served', now)
    else if (this.#hasBetter(null, now)) this.#leave('replica-back', now)
  }

  /** The control plane has confirmed the master again. */
  onServe(master: Master, now: number): void {
    if (this.target?.kind === 'master' && sameAddress(this.target.node, master)) {
      this.target = { kind: 'master', node: master }
      this.plane.serve(master)
    } else this.review(now)
  }

  /** Its home is good again, or its own node is not what it was, and another one has all that is there. */
  #hasBetter(own: Replica | null, now: number): boolean {
    const isGood = (one: Replica): boolean => conditionOf(one, this.#bounds(now)) === 'good'
    const isReady = (one: Replica): boolean =>
      isGood(one) && one.goodSince !== null && now - one.goodSince >= SETTLED_MS && one.askedAt >= this.soughtSince
    const others = [...this.#around.replicas.values()].filter(one => one !== own && isReady(one) && this.#hasAll(one))
    if (own === null) return others.length > 0
    if (!isGood(own)) return others.length > 0 && this.#hasAnswered(own, now)
    return others.some(one => one.key === this.homeKey)
  }

  /**
   * In this round, which began with the master, or it is late. Until then it looks further behind than it is, most of all
   * where the round before is long ago.
   */
  #hasAnswered({ askedAt }: Replica, now: number): boolean {
    const { offsets } = this.#around
    return askedAt >= offsets.askedAt || now - offsets.askedAt > ANSWER_MS
  }

  /** It has reached where the master was when it was asked last. */
  #hasAll({ answer }: Replica): boolean {
    const { last } = this.#around.offsets
    return answer?.kind === 'report' && last !== null && hasReached(answer, last)
  }

  #leave(cause: MoveLabel, now: number): void {
    const left = this.place
    this.target = null
    this.#doubtedAt = null
    this.#isCut = false
    // Nothing is wrong where they were: they wait for the better one.
    this.#patienceMs = cause === 'replica-back' ? PATIENCE_MS : this.#around.patienceMs
    this.soughtSince = now
    this.#wanted = null
    this.plane.leave(cause, `the sessions leave ${left}`)
    if (this.plane.sessions === 0) this.#hasSeen = false
    this.#around.moved(this, cause)
    this.#around.ask()
  }

  #seek(now: number): void {
    const { replicas } = this.#around
    this.#findWanted()
    const good = [...replicas.values()].filter(one => conditionOf(one, this.#bounds(now)) === 'good')
    const fit = good.filter(one => this.#mayServe(one))
    const home = fit.find(one => one.key === this.homeKey)
    const next = home ?? fit.toSorted((a, b) => this.#around.load(a.key) - this.#around.load(b.key))[0]
    if (next !== undefined) this.#serve(next)
    else if (this.#around.isAsked && (good.length === 0 || now - this.soughtSince >= this.#patienceMs)) this.#fallBack()
  }

  #findWanted(): void {
    const { offsets } = this.#around
    if (!this.#hasSeen) return
    const carried = this.#wanted === null ? null : offsets.translate(this.#wanted)
    this.#wanted = carried ?? (offsets.askedAt >= this.soughtSince ? offsets.last : null)
  }

  #mayServe({ answer }: Replica): boolean {
    if (!this.#hasSeen) return true
    return this.#wanted !== null && answer?.kind === 'report' && hasReached(answer, this.#wanted)
  }

  #serve({ key, address, answer }: Replica): void {
    const runId = answer?.kind === 'report' ? answer.runId : null
    const node: Master = { ...address, epoch: ++this.#terms, runId, role: 'replica' }
    this.target = { kind: 'replica', key, node }
    this.#begin(node)
  }

  #fallBack(): void {
    const { fallback, master } = this.#around
    if (fallback === 'master' && master !== null) {
      this.target = { kind: 'master', node: master }
      this.#begin(master)
    } else if (fallback === 'error' && !this.#isRefusing) {
      this.#isRefusing = true
      this.plane.refuse()
    }
  }

  #begin(node: Master): void {
    this.#hasSeen = true
    this.#wanted = null
    this.#doubtedAt = null
    this.#isRefusing = false
    this.plane.serve(node)
  }

  #bounds(now: number) {
    const { maxLagMs, offsets } = this.#around
    return { now, maxLagMs, replid: offsets.replid }
  }
}

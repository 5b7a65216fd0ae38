// replicas.ts: the groups of one master: who joins which, and what they are told.
//
//   Sentinels' lists ─▶ nodes.ts asks ─▶ news ─▶ each group reviews where it is (group.ts)
//   a client comes to the port ─▶ the group with the fewest sessions, of those whose replica is good
//   a session of the master's port reads ─▶ the same, of the other fleet (fleet.ts)
//
// Owns: the two fleets, and when nodes and Sentinels are asked. Never: touches a socket or a link.
import { type Address, formatAddress, type Master, sameAddress } from '../address.ts'
import { spreadMs } from '../backoff.ts'
import type { Bugs } from '../ops/bugs.ts'
import { type MoveLabel, moveCauses, Tally } from '../ops/labelled-counters.ts'
import type { Log } from '../ops/log.ts'
import type { GroupSnapshot, ReplicasSnapshot } from '../ops/snapshot.ts'
import { conditionOf } from './condition.ts'
import { Fleet } from './fleet.ts'
import { type Fallback, type Group, type GroupPlane, PATIENCE_MS, type Surroundings } from './group.ts'
import { type Asker, Nodes } from './nodes.ts'

/** What it knows; `split`: null where reads of the master's port are not split. */
type Known = Pick<ReplicasSnapshot, 'nodes' | 'groups' | 'moves'> & { readonly split: readonly GroupSnapshot[] | null }
type CreatePlane = (group: () => Group, id: number) => GroupPlane

export interface ReplicasOptions {
  readonly maxLagMs: number
  readonly fallback: Fallback
  createAsker(address: Address): Asker
  /** The replicas that a majority of the Sentinels lists; null: no majority gives a list. Never rejects. */
  listed(): Promise<readonly Address[] | null>
  /** The control plane is to ask the master again: something is odd about it. */
  observeMaster(observation: string): void
  /** For sessions of the port for replicas; null: there is no such port. */
  readonly createPlane: CreatePlane | null
  /** For sessions of the master's port; null: these do not read from replicas. */
  readonly createSplitPlane: CreatePlane | null
  readonly log: Log
  readonly bugs: Bugs
}

/** All are asked this often while sessions are there, and this many times less often while there are none. */
const PACE_MS = { most: 1_000, least: 50 }
const IDLE_FACTOR = 5
/** How often Sentinels are asked for their lists, with sessions and without. */
const LIST_MS = { busy: 5_000, idle: 15_000, soon: 500 }
/**
 * A client that comes while nothing fresh is known waits this long for answers. At the start it waits longer: all that
 * come before the first answers would end at one replica.
 */
const JOIN_WAIT_MS = { start: 3_000, later: 200 }
/**
 * Nodes are asked once more when so many reads went to the master because nothing newer was known, and not before this
 * time is over: what is asked costs nodes a hundredth of what they were spared, at most.
 */
const WANT = { reads: 100, everyMs: 10 }
/** So long after the last of these reads, sessions count as there. */
const WANTED_MS = 5_000

export class Replicas {
  readonly moves = new Tally(moveCauses)
  readonly #options: ReplicasOptions
  readonly #nodes: Nodes
  readonly #fleet: Fleet | null
  readonly #split: Fleet | null
  #wanted = 0
  #wantedAt = Number.NEGATIVE_INFINITY
  #servedAt = Number.NEGATIVE_INFINITY
  #served: Master | null = null
  #isOpen = false
  #ids = 0
  #listTimer: NodeJS.Timeout | null = null
  #listDueAt = 0
  #hasList = false
  /** When something was last known of all that are listed. */
  #newsAt = Number.NEGATIVE_INFINITY
  /** Those who wait to be told their group. */
  #joining: (() => void)[] = []
  #joinTimer: NodeJS.Timeout | null = null
  #isStopped = false

  constructor(options: ReplicasOptions) {
    this.#options = options
    const { maxLagMs } = options
    this.#nodes = new Nodes({
      maxLagMs,
      createAsker: address => options.createAsker(address),
      master: () => this.master,
      doubtMaster: () => options.observeMaster('another process answers where replicas are compared with the master'),
      paceMs: () => this.#paceMs(),
      onNews: () => this.#onNews(),
      bugs: options.bugs,
    })
    const nextId = (): number => ++this.#ids
    const createFleet = (createPlane: CreatePlane | null, around: Surroundings): Fleet | null =>
      createPlane && new Fleet({ around, createPlane, nextId })
    this.#fleet = createFleet(options.createPlane, this.#surroundings(options.fallback, PATIENCE_MS))
    // What a session reads elsewhere the master can answer, too: nobody waits for a replica.
    this.#split = createFleet(options.createSplitPlane, this.#surroundings('master', 0))
  }

  #surroundings(fallback: Fallback, patienceMs: number): Surroundings {
    const self = this
    return {
      replicas: this.#nodes.replicas,
      offsets: this.#nodes.offsets,
      maxLagMs: this.#options.maxLagMs,
      fallback,
      patienceMs,
      get servedAt() {
        return self.#servedAt
      },
      get master() {
        return self.master
      },
      get isAsked() {
        return self.#hasList && self.#nodes.isAsked
      },
      load: key => this.#load(key),
      moved: (group, cause) => this.#onMoved(group, cause),
      ask: () => this.#nodes.askSoon(0),
      soon: group => setImmediate(() => this.#guard(() => group.review(performance.now()))),
    }
  }

  /** The master, while its gate is open. */
  get master(): Master | null {
    return this.#isOpen ? this.#served : null
  }

  start(): void {
    this.#listLater(0)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#listTimer !== null) clearTimeout(this.#listTimer)
    if (this.#joinTimer !== null) clearTimeout(this.#joinTimer)
    await this.#nodes.stop()
  }

  // ---- what the control plane says ----

  onServe(master: Master): void {
    const isNew = this.#served === null || !sameAddress(this.#served, master) || this.#served.epoch !== master.epoch
    this.#served = master
    this.#isOpen = true
    if (isNew) this.#servedAt = performance.now()
    if (isNew) this.#listLater(0)
    if (isNew) this.#nodes.askSoon(0)
    this.#each(group => group.onServe(master, performance.now()))
  }

  onHold(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#each(group => group.review(performance.now()))
  }

  /** The Sentinels have chosen this replica: it is none soon. */
  onExpect(address: Address): void {
    const replica = this.#nodes.replicas.get(formatAddress(address))
    if (replica === undefined || replica.isChosen) return
    replica.isChosen = true
    this.#each(group => group.review(performance.now()))
  }

  // ---- what the data plane says ----

  /** Calls `enter` with the group of a new session: at once, or when replicas have been asked. */
  join(enter: (group: Group) => void): void {
    const fleet = this.#fleet
    if (fleet === null) return
    const isKnown = performance.now() - this.#newsAt < 2 * this.#usualMs
    if (isKnown || this.#isFresh()) {
      enter(fleet.choose())
      return
    }
    this.#joining.push(() => enter(fleet.choose()))
    this.#nodes.askSoon(0)
    const waitMs = Number.isFinite(this.#newsAt) ? JOIN_WAIT_MS.later : JOIN_WAIT_MS.start
    this.#joinTimer ??= setTimeout(() => this.#guard(() => this.admit()), waitMs)
  }

  /** The group of a session of the master's port; undefined: no replica may be read now. */
  joinSplit(): Group | undefined {
    const group = this.#split?.find()
    if (group === undefined) this.want(0)
    return group
  }

  /** So many reads of the master's port went to the master, as nothing newer is known. */
  want(reads: number): void {
    const now = performance.now()
    const isNew = now - this.#wantedAt > WANTED_MS
    this.#wanted += reads
    if (!isNew && this.#wanted < WANT.reads) return
    this.#wanted = 0
    this.#wantedAt = now
    this.#nodes.askSoon(WANT.everyMs)
  }

  /** A link was lost or is silent, or a node refused a command. */
  observe(group: Group, observation: string): void {
    const isLost = /^link (peer-closed|reset)/.test(observation)
    group.doubt(performance.now(), isLost)
    // The link may have found another process at the address than the one that has answered there until now.
    if (observation === 'link handshake' && group.target?.kind === 'replica') this.#nodes.doubt(group.target.key)
    this.#nodes.askSoon(0)
  }

  snapshot(): Known {
    const now = performance.now()
    const bounds = { now, maxLagMs: this.#options.maxLagMs, replid: this.#nodes.offsets.replid }
    return {
      nodes: [...this.#nodes.replicas.values()].map(replica => ({
        address: replica.key,
        condition: conditionOf(replica, bounds),
        lagMs: Number.isFinite(replica.freshAt) ? Math.round(now - replica.freshAt) : null,
        sessions: this.#load(replica.key),
      })),
      groups: this.#fleet === null ? [] : groupsOf(this.#fleet),
      split: this.#split && groupsOf(this.#split),
      moves: new Map(this.moves.entries()),
    }
  }

  // ---- news ----

  #onNews(): void {
    const isFirst = !Number.isFinite(this.#newsAt)
    const isKnown = this.#hasList && this.#nodes.isAsked && this.#nodes.offsets.last !== null
    if (isKnown) this.#newsAt = performance.now()
    this.#settle()
    this.#each(group => group.review(performance.now()))
    if (this.#joining.length > 0 && isKnown && (isFirst || this.#isFresh())) this.admit()
  }

  #settle(): void {
    for (const fleet of this.#fleets) fleet.settle(this.#nodes.replicas)
    this.#nodes.forget(key => this.#load(key) > 0)
  }

  /** Each who waits is told the group that is best by now. */
  admit(): void {
    if (this.#joinTimer !== null) clearTimeout(this.#joinTimer)
    this.#joinTimer = null
    const joining = this.#joining
    this.#joining = []
    for (const enter of joining) this.#guard(enter)
  }

  /** A replica is known to be good now. */
  #isFresh(): boolean {
    const { replicas, offsets } = this.#nodes
    const bounds = { now: performance.now(), maxLagMs: this.#options.maxLagMs, replid: offsets.replid }
    return [...replicas.values()].some(one => conditionOf(one, bounds) === 'good')
  }

  #onMoved({ id, plane }: Group, cause: MoveLabel): void {
    this.moves.add(cause)
    this.#listLater(LIST_MS.soon)
    const { sessions } = plane
    this.#options.log.info({ event: 'replicas.move', group: id, cause, sessions }, 'sessions leave their replica')
  }

  get #fleets(): readonly Fleet[] {
    return [this.#fleet, this.#split].filter(fleet => fleet !== null)
  }

  get #groups(): readonly Group[] {
    return this.#fleets.flatMap(({ groups }) => groups)
  }

  #load(key: string): number {
    return this.#fleets.reduce((sum, fleet) => sum + fleet.load(key), 0)
  }

  get #hasSessions(): boolean {
    if (this.#joining.length > 0 || performance.now() - this.#wantedAt <= WANTED_MS) return true
    return this.#fleets.some(({ sessions }) => sessions > 0)
  }

  get #usualMs(): number {
    return Math.max(PACE_MS.least, Math.min(PACE_MS.most, this.#options.maxLagMs / 5))
  }

  /** Often while somebody seeks, and less the longer that takes. */
  #paceMs(): number {
    const now = performance.now()
    const usual = this.#usualMs
    if (!this.#hasSessions) return usual * IDLE_FACTOR
    const seeking = this.#groups.filter(({ target, plane }) => target === null && plane.sessions > 0)
    const waits = seeking.map(({ soughtSince }) => Math.max(PACE_MS.least, (now - soughtSince) / 8))
    return Math.min(usual, ...waits)
  }

  // ---- the lists of the Sentinels ----

  #listLater(withinMs: number): void {
    const at = performance.now() + withinMs
    if (this.#isStopped || (this.#listTimer !== null && this.#listDueAt <= at)) return
    if (this.#listTimer !== null) clearTimeout(this.#listTimer)
    this.#listDueAt = at
    this.#listTimer = setTimeout(() => {
      this.#listTimer = null
      this.#list().catch(error => this.#options.bugs.ofStep(error, 'listing replicas'))
    }, withinMs)
  }

  async #list(): Promise<void> {
    const listed = await this.#options.listed()
    if (this.#isStopped) return
    if (listed !== null) {
      this.#hasList = true
      this.#nodes.list(listed)
      this.#onNews()
    }
    const { busy, idle, soon } = LIST_MS
    const isKnown = listed !== null && (listed.length > 0 || !this.#hasSessions)
    this.#listLater(spreadMs(isKnown ? (this.#hasSessions ? busy : idle) : soon))
  }

  #each(act: (group: Group) => void): void {
    for (const group of this.#groups) this.#guard(() => act(group))
  }

  #guard(work: () => void): void {
    this.#options.bugs.guard('replicas', work)
  }
}

function groupsOf({ groups }: Fleet): GroupSnapshot[] {
  return groups.map(({ id, homeKey, place, plane }) => ({ id, home: homeKey, reads: place, sessions: plane.sessions }))
}

// nodes.ts: what is known of the replicas of one master, and of the master's own place: asks all of them, again and again.
//
//   round:  the master first ──answer, or 50 ms──▶ then each replica
//
// In this order a replica that is up to date has what the master had, and its lag is one round trip and not one pause.
//
// Owns: a connection to each node, the timer. Never: decides what follows (group.ts).
//
// Must stay true: of each node one question at most is under way. A master's place counts only while the control plane
// serves it: a deposed master goes on counting for a moment.
import { type Address, formatAddress, type Master } from '../address.ts'
import { spreadMs } from '../backoff.ts'
import type { Bugs } from '../ops/bugs.ts'
import type { NodeAnswer } from '../sentinel/replication-report.ts'
import { conditionOf, createReplica, type Replica } from './condition.ts'
import { MasterOffsets } from './offsets.ts'

/** Asks one node; ReplicationAsker is one. */
export interface Asker {
  /** Never rejects. */
  ask(): Promise<NodeAnswer>
  /** The next question goes over a new connection. Only while none is under way. */
  dialAnew(): Promise<void>
  close(): Promise<void>
}

export interface NodesOptions {
  readonly maxLagMs: number
  createAsker(address: Address): Asker
  /** The master, while it is served. */
  master(): Master | null
  /** How soon all are asked again, ms. */
  paceMs(): number
  /** What answers in the master's place is another process than the one that is served. */
  doubtMaster(): void
  /** Something is known that was not. */
  onNews(): void
  readonly bugs: Bugs
}

/** A master that is slow to answer must not keep the replicas from being asked. */
const MASTER_FIRST_MS = 50
/**
 * A node that has been a stranger for so long is dialled anew: its name, or a load balancer, may lead to the right one by
 * now, and the connection to the stranger lasts. After a failover replicas follow the old history for a moment.
 */
const STRANGER_MS = 3_000
/** A link that found another process has its node dialled anew, and not more often than this. */
const DOUBT_MS = 1_000

interface Asked {
  readonly asker: Asker
  isUnderWay: boolean
  /** The next question goes over a new connection. */
  mustDial: boolean
  /** When that was last said, ms of a monotonic clock. */
  doubtedAt: number
  /** Since when its answers are those of a node of another deployment; null: they are not. */
  strangeSince: number | null
}

export class Nodes {
  readonly replicas = new Map<string, Replica>()
  readonly offsets: MasterOffsets
  readonly #options: NodesOptions
  readonly #askers = new Map<string, Asked>()
  #timer: NodeJS.Timeout | null = null
  #dueAt = Number.POSITIVE_INFINITY
  #isUnderWay = false
  /** Asked for while a round was under way. */
  #again = false
  #isStopped = false

  constructor(options: NodesOptions) {
    this.#options = options
    this.offsets = new MasterOffsets(options.maxLagMs * 2)
  }

  /** A majority of the Sentinels lists these. */
  list(addresses: readonly Address[]): void {
    const keys = new Set(addresses.map(formatAddress))
    for (const address of addresses) {
      const key = formatAddress(address)
      if (!this.replicas.has(key)) this.replicas.set(key, createReplica(address))
    }
    for (const [key, replica] of this.replicas) replica.listed = keys.has(key)
    this.askSoon(0)
  }

  /** Forgets what is not listed; `isUsed`: somebody still reads there. */
  forget(isUsed: (key: string) => boolean): void {
    const { master } = this.#options
    const served = master()
    for (const [key, { listed }] of this.replicas) if (!listed && !isUsed(key)) this.replicas.delete(key)
    if (served === null) return
    for (const [key, { asker, isUnderWay }] of this.#askers) {
      if (isUnderWay || this.replicas.has(key) || formatAddress(served) === key) continue
      this.#askers.delete(key)
      this.#guard(asker.close())
    }
  }

  /** Everyone that is listed has been asked, and has answered or not in time. */
  get isAsked(): boolean {
    return [...this.replicas.values()].every(({ listed, answer }) => !listed || answer !== null)
  }

  /** Starts a round within this time, if none is due before. */
  askSoon(withinMs: number): void {
    if (this.#isStopped) return
    if (this.#isUnderWay) {
      this.#again ||= withinMs === 0
      return
    }
    const at = performance.now() + withinMs
    if (this.#timer !== null && this.#dueAt <= at) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#dueAt = at
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#guard(this.#round())
    }, withinMs)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await Promise.all([...this.#askers.values()].map(({ asker }) => asker.close()))
  }

  async #round(): Promise<void> {
    this.#isUnderWay = true
    this.#again = false
    const first = this.#askMaster()
    await Promise.race([first, new Promise(resolve => setTimeout(resolve, MASTER_FIRST_MS))])
    // Those that answer are heard at once; nobody waits for one that does not.
    for (const replica of this.replicas.values()) this.#guard(this.#askReplica(replica))
    this.#isUnderWay = false
    this.askSoon(this.#again ? 0 : spreadMs(this.#options.paceMs()))
  }

  async #askMaster(): Promise<void> {
    const { master } = this.#options
    const served = master()
    if (served === null) return
    const asked = this.#askerOf(served)
    const askedAt = performance.now()
    const answer = await this.#ask(asked)
    const now = master()
    const isStill = now !== null && formatAddress(now) === formatAddress(served) && now.epoch === served.epoch
    if (answer === null || !isStill || this.#isStopped) return
    // It may have restarted while nobody had a link to it.
    this.#noteStranger(asked, isStrangeMaster(answer, served), () => this.#options.doubtMaster())
    if (answer.kind !== 'report' || isStrangeMaster(answer, served)) return
    this.offsets.note({ ...answer, askedAt })
    // A replica may have answered a moment before.
    for (const replica of this.replicas.values()) this.#judge(replica)
    this.#options.onNews()
  }

  async #askReplica(replica: Replica): Promise<void> {
    const askedAt = performance.now()
    const asked = this.#askerOf(replica.address)
    const answer = await this.#ask(asked)
    if (answer === null || this.#isStopped) return
    this.#noteStranger(asked, isStrangeReplica(answer, this.offsets.replid))
    replica.answer = answer
    replica.askedAt = askedAt
    if (answer.kind === 'report' && answer.role === 'master') replica.isChosen = false
    this.#judge(replica)
    this.#options.onNews()
  }

  #judge(replica: Replica): void {
    const { answer } = replica
    const { maxLagMs } = this.#options
    // What a replica has it keeps: of an answer that brings no place, the last one still holds until the bound.
    if (answer?.kind === 'report') replica.freshAt = this.offsets.freshAt(answer)
    const bounds = { now: performance.now(), maxLagMs, replid: this.offsets.replid }
    const condition = conditionOf(replica, bounds)
    if (condition === 'good') replica.goodSince ??= bounds.now
    else if (condition !== 'behind') replica.goodSince = null
  }

  /** A link to this node found another process than the one that answers here. */
  doubt(key: string): void {
    const asked = this.#askers.get(key)
    const now = performance.now()
    if (asked === undefined || now - asked.doubtedAt < DOUBT_MS) return
    asked.doubtedAt = now
    asked.mustDial = true
  }

  /** `onNews`: it is one, for the first time or for another while. */
  #noteStranger(asked: Asked, isStrange: boolean, onNews = () => {}): void {
    const now = performance.now()
    const since = asked.strangeSince
    if (!isStrange) asked.strangeSince = null
    else if (since === null || now - since >= STRANGER_MS) {
      asked.strangeSince = now
      asked.mustDial ||= since !== null
      onNews()
    }
  }

  /** null: an earlier question is still under way. */
  async #ask(asked: Asked): Promise<NodeAnswer | null> {
    if (asked.isUnderWay) return null
    asked.isUnderWay = true
    if (asked.mustDial) this.#guard(asked.asker.dialAnew())
    asked.mustDial = false
    const answer = await asked.asker.ask()
    asked.isUnderWay = false
    return answer
  }

  #askerOf(address: Address): Asked {
    const key = formatAddress(address)
    const asked = this.#askers.get(key) ?? createAsked(this.#options.createAsker(address))
    this.#askers.set(key, asked)
    return asked
  }

  #guard(work: Promise<unknown>): void {
    work.catch(error => this.#options.bugs.ofStep(error, 'asking replicas'))
  }
}

function createAsked(asker: Asker): Asked {
  return { asker, isUnderWay: false, mustDial: false, doubtedAt: Number.NEGATIVE_INFINITY, strangeSince: null }
}

/** Who refuses our user may be of another deployment, too. */
function isStrangeMaster(answer: NodeAnswer, { runId }: Master): boolean {
  if (answer.kind !== 'report') return answer.kind === 'refused'
  return answer.role !== 'master' || (runId !== null && answer.runId !== null && answer.runId !== runId)
}

/** `replid`: the history that the master writes; null while that is not known. */
function isStrangeReplica(answer: NodeAnswer, replid: string | null): boolean {
  if (answer.kind !== 'report') return answer.kind === 'refused'
  return answer.role === 'master' || (replid !== null && answer.replid !== replid)
}

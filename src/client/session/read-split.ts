// read-split.ts: which commands of one session of the master's port go to a replica (--read-split).
//
//   session.submit ─┬─ a run of reads, nothing before it unanswered, the replica has what the session wrote ─▶ replica
//                   ├─ a run of reads, behind reads that are unanswered at the replica ─────────────────────▶ replica
//                   ├─ anything else, while reads are unanswered at the replica ─▶ [behind] ─ all answered ─▶ master
//                   └─ anything else ─────────────────────────────────────────────────────────────────────▶ master
//
// What the session wrote has reached a replica when that is known to have all that the master had at a moment after the
// last of it was answered. That moment (`#wroteBy`) is taken when the next read comes: it is later than the answer, and
// needs no clock on the path of a write.
//
// Owns: what is unanswered at the replica, what waits behind it. Never: knows which replica, or whether it is good.
//
// Must stay true: what is unanswered of a session is all at the master or all at one replica, so its replies keep their
// order. Only runs of plain reads leave the master; a session with a link of its own (MULTI, WATCH, tracking,
// subscriptions) sends none.
// HOT PATH of sessions whose reads are split; the others have none of it.
import { Marking } from '../../command/marking.ts'
import type { SplitCause } from '../../ops/counters.ts'
import type { Lane } from '../../relay/lane.ts'
import type { ReadPlace, ReadPlaces } from '../../relay/read-place.ts'
import type { Request, RequestOwner } from '../../relay/request.ts'
import type { Identity } from '../../upstream/identity.ts'
import type { SessionContext } from '../state/session-context.ts'

/** A run with one of these is not for a replica; of `unsure` nobody has looked. */
const NOT_HERE = Marking.master | Marking.writes | Marking.apart | Marking.solo | Marking.unsure
/** A run with one of these may have changed something. */
const CHANGES = Marking.writes | Marking.apart | Marking.solo | Marking.unsure

/** What it needs of its session. */
export interface SplitSession extends SessionContext, RequestOwner {
  readonly choice: SessionContext['choice'] & { follow(): void }
}

/** It stands for the session in requests at the replica. */
export class ReadSplit implements RequestOwner {
  block: RequestOwner['block'] = null
  readonly #session: SplitSession
  readonly #places: ReadPlaces
  #place: ReadPlace | null = null
  /** At the replica, of the identity that the session had then. */
  #lane: Lane | null = null
  #identity: Identity | null = null
  /** Commands that are unanswered at the replica, and their bytes. */
  #reading = 0
  #readingBytes = 0
  /** Waits until these are answered; the bytes are counted as the session's. */
  #behind: Request[] = []
  /** Something was sent to the master that may have changed something, and no read has come since. */
  #hasWritten = false
  /** All that it wrote was answered before this time, ms of a monotonic clock. */
  #wroteBy = Number.NEGATIVE_INFINITY
  #isClosed = false

  constructor(session: SplitSession, places: ReadPlaces) {
    this.#session = session
    this.#places = places
  }

  /** Takes a request of the session, which has counted it. */
  submit(request: Request): void {
    const isRead = this.#isRead(request)
    if (!isRead && changes(request)) this.#hasWritten = true
    if (this.#reading > 0 || this.#behind.length > 0) {
      this.#submitBehind(request, isRead)
      return
    }
    const why = isRead ? this.#whyNot(request) : null
    if (isRead && why === null) {
      this.#read(request)
      return
    }
    if (why !== null) this.#count(request, why)
    this.#session.lane.submit(request)
  }

  /** A run of plain reads whose replies the client wants. */
  #isRead({ owner, handler, unit, local, marking }: Request): boolean {
    if (handler !== null || unit || local !== null || (marking & NOT_HERE) !== 0) return false
    const session = this.#session
    return owner === session && !session.isPrivate && session.transaction === null
  }

  /** Why it cannot go to a replica now; null: it can. */
  #whyNot({ commands }: Request): SplitCause | null {
    if (this.#session.pending > commands) return 'unanswered'
    if (this.#session.host.lanes.pause.isOn) return 'paused'
    if (this.#hasWritten) {
      this.#hasWritten = false
      this.#wroteBy = performance.now()
    }
    const place = this.#place ?? this.#join()
    const lane = place === null ? null : this.#laneAt(place)
    if (place === null || lane === null || place.freshAt === Number.NEGATIVE_INFINITY) return 'no-replica'
    if (!lane.maySend || lane.link?.status !== 'ready' || lane.waiting > 0) return 'no-replica'
    // Its NOAUTH would be the replica's answer, and perhaps not the master's.
    if (!lane.proven) return 'no-replica'
    if (place.freshAt > this.#wroteBy) return null
    this.#places.want(commands)
    return 'behind'
  }

  #join(): ReadPlace | null {
    this.#place = this.#places.join()
    return this.#place
  }

  /** Nothing is unanswered there. */
  #laneAt({ lanes }: ReadPlace): Lane {
    const { identity } = this.#session.state
    if (this.#lane !== null && this.#identity === identity && !this.#lane.retired) return this.#lane
    if (this.#lane !== null) lanes.detachShared(this.#lane)
    const lane = lanes.attachShared(identity)
    lane.ensureLink()
    this.#lane = lane
    this.#identity = identity
    return lane
  }

  #read(request: Request): void {
    const { commands, weight } = request
    if (this.#lane === null || this.#place === null) return
    request.owner = this
    this.#reading += commands
    this.#readingBytes += weight
    this.#places.reads.replica += commands
    const { lanes } = this.#place
    lanes.counters.pendingBytes += weight
    lanes.wake()
    this.#lane.submit(request)
  }

  /** What a replica owes comes first. */
  #submitBehind(request: Request, isRead: boolean): void {
    const isPaused = this.#session.host.lanes.pause.isOn
    if (isRead && this.#reading > 0 && this.#behind.length === 0 && !isPaused) {
      this.#read(request)
      return
    }
    if (isRead) this.#count(request, isPaused ? 'paused' : 'unanswered')
    this.#behind.push(request)
  }

  #count({ commands }: Request, why: SplitCause): void {
    this.#places.reads[why] += commands
  }

  /** Sends what waited, to the master. */
  readonly #goOn = (): void => {
    const session = this.#session
    if (session.gone || this.#reading > 0) return
    if (session.lane.retired) session.choice.follow()
    const behind = this.#behind
    this.#behind = []
    for (const request of behind) session.lane.submit(request)
  }

  /** The session needs no replica any more. A second call does nothing. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const { counters } = this.#session.host
    for (const { weight } of this.#behind) counters.pendingBytes -= weight
    counters.pendingBytes -= this.#readingBytes
    this.#behind = []
    if (this.#lane !== null) this.#place?.lanes.detachShared(this.#lane)
    this.#lane = null
    this.#place?.leave()
    this.#place = null
  }

  // ---- what the lane at the replica tells ----

  get gone(): boolean {
    return this.#session.gone
  }
  get pending(): number {
    return this.#session.pending
  }

  deliver(bytes: Buffer): void {
    this.#session.deliver(bytes)
  }

  onAnswered(commands: number, weight: number): void {
    if (this.#isClosed) return
    const session = this.#session
    this.#reading -= commands
    this.#readingBytes -= weight
    session.host.counters.pendingBytes -= weight
    session.onAnswered(commands, weight)
    // In a later step: the link has to finish with the reply first.
    if (this.#reading === 0 && this.#behind.length > 0) session.host.turn.defer(this.#goOn, session)
  }

  /** The shared lane that it uses is retired. */
  follow(): void {
    if (this.#place === null || this.#lane === null) return
    this.#place.lanes.detachShared(this.#lane)
    this.#lane = this.#place.lanes.attachShared(this.#lane.identity)
  }

  onBug(error: unknown): void {
    this.#session.onBug(error)
  }
}

function changes({ handler, unit, local, marking }: Request): boolean {
  return local === null && (handler !== null || unit || (marking & CHANGES) !== 0)
}

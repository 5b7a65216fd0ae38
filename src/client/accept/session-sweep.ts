// session-sweep.ts: ends sessions by looking at all of them.
//
// One timer ends sessions whose client began a command and does not finish it (--frame-timeout). No session has a timer
// of its own, and a command costs nothing.
// slow-reader.ts calls `relieve` when all clients together leave too much unread (unread-relief.ts waits first), or when
// unanswered commands fill half of --max-held-bytes. It ends those that hold most.
//
// A client that alone leaves too much unread is ended by slow-reader.ts.
import type { Counters } from '../../ops/counters.ts'
import type { Sweep } from '../flow/partial-command.ts'
import type { UnreadEnd } from '../session/end-causes.ts'
import type { Session } from '../session/session.ts'
import { RELIEVED_SHARE, type ReliefHost, UnreadRelief } from './unread-relief.ts'

const MIN_MS = 10
const MAX_MS = 1_000
export interface SweepLimits {
  /** 0: no limit. */
  readonly frameTimeoutMs: number
  /** Bytes that all clients together may leave unread, and that may be held of their commands. */
  readonly maxHeldBytes: number
}

export class SessionSweep {
  readonly #sessions: ReadonlyMap<number, Session>
  readonly #counters: Counters
  readonly #limits: SweepLimits
  readonly #unread: UnreadRelief
  #timer: NodeJS.Timeout | null = null
  #everyMs = MAX_MS
  #last = 0

  constructor(
    sessions: ReadonlyMap<number, Session>,
    limits: SweepLimits,
    host: Pick<ReliefHost, 'counters' | 'links' | 'isSending' | 'bugs'>,
  ) {
    this.#sessions = sessions
    this.#counters = host.counters
    this.#limits = limits
    const limit = limits.maxHeldBytes
    // As the server's maxmemory-clients does.
    const endMost = (): void =>
      this.#endMost(
        'all',
        limit,
        () => host.counters.unreadBytes,
        session => session.replies.bytes,
      )
    this.#unread = new UnreadRelief({ ...host, limit, endMost })
  }

  /** A session has come. A tenth of the time limit, between 10 ms and a second: a session is ended that much late at most, twice. */
  start(): void {
    const { frameTimeoutMs } = this.#limits
    if (this.#timer !== null || frameTimeoutMs === 0) return
    this.#last = performance.now()
    this.#everyMs = Math.max(MIN_MS, Math.min(MAX_MS, frameTimeoutMs / 10))
    this.#timer = setInterval(() => this.#run(), this.#everyMs)
    this.#timer.unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  /** Waits until clients have read, or ends those that leave most unread or unanswered. */
  relieve(): void {
    const counters = this.#counters
    const { maxHeldBytes } = this.#limits
    if (counters.unreadBytes > maxHeldBytes) this.#unread.begin()
    // Commands may fill half of what may be held while their clients make no room for the replies.
    const held = (): number => counters.pendingBytes + counters.unfinishedBytes
    if (held() >= maxHeldBytes / 2)
      this.#endMost('unanswered', maxHeldBytes / 2, held, session =>
        session.leavesUnanswered ? session.pendingBytes : 0,
      )
  }

  /** `used`: what is in use of `limit`. `shareOf`: what of it a session has to answer for. */
  #endMost(why: UnreadEnd, limit: number, used: () => number, shareOf: (session: Session) => number): void {
    const behind = [...this.#sessions.values()].filter(session => shareOf(session) > 0)
    for (const session of behind.sort((a, b) => shareOf(b) - shareOf(a))) {
      if (used() <= limit * RELIEVED_SHARE) return
      session.endUnread(why)
    }
  }

  #run(): void {
    if (this.#sessions.size === 0) {
      this.stop()
      return
    }
    const now = performance.now()
    const passedMs = now - this.#last
    this.#last = now
    const sweep: Sweep = { now, passedMs, lateMs: Math.max(0, passedMs - this.#everyMs) }
    const limit = this.#limits.frameTimeoutMs
    // A session that ends leaves the map meanwhile; a Map's iteration allows that.
    for (const session of this.#sessions.values()) {
      try {
        session.checkUnfinished(limit, sweep)
      } catch (error) {
        session.onBug(error)
      }
    }
  }
}

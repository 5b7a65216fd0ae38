// session-sweep.ts — the one timer that looks at all sessions now and then: commands that are begun and not finished, and replies
// that nobody reads. No session has a timer of its own, and nothing is paid per command.
import type { Counters } from '../../ops/counters.ts'
import { WORTH_COUNTING } from '../flow/reply-window.ts'
import type { Session } from '../session/session.ts'

const MIN_MS = 10
const MAX_MS = 1000
/** After a relief this share of the limit is in use at most. */
const RELIEVED = 0.75

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
  #timer: NodeJS.Timeout | null = null
  #last = 0

  constructor(sessions: ReadonlyMap<number, Session>, counters: Counters, limits: SweepLimits) {
    this.#sessions = sessions
    this.#counters = counters
    this.#limits = limits
  }

  /** A tenth of the time limit, between 10 ms and a second: a session is ended that much late at most, twice. */
  start(): void {
    const { frameTimeoutMs } = this.#limits
    if (this.#timer !== null || frameTimeoutMs === 0) return
    this.#last = performance.now()
    this.#timer = setInterval(() => this.#run(), Math.max(MIN_MS, Math.min(MAX_MS, frameTimeoutMs / 10)))
    this.#timer.unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  /** Ends those who leave most unread or unanswered, until all together are well below the limit. */
  relieve(): void {
    this.#relieveUnread()
    this.#relieveUnanswered()
  }

  /** As maxmemory-clients does. */
  #relieveUnread(): void {
    const limit = this.#limits.maxHeldBytes
    if (this.#counters.unreadBytes <= limit) return
    const behind = [...this.#sessions.values()].filter(session => session.unreadBytes > WORTH_COUNTING)
    behind.sort((a, b) => b.unreadBytes - a.unreadBytes)
    for (const session of behind) {
      if (this.#counters.unreadBytes <= limit * RELIEVED) return
      session.endUnread('all')
    }
  }

  /** Commands whose replies their clients do not make room for: they may fill half of what may be held. */
  #relieveUnanswered(): void {
    const counters = this.#counters
    const limit = this.#limits.maxHeldBytes / 2
    if (counters.pendingBytes + counters.unfinishedBytes < limit) return
    const stuck = [...this.#sessions.values()].filter(session => session.leavesUnanswered)
    stuck.sort((a, b) => b.pendingBytes - a.pendingBytes)
    for (const session of stuck) {
      if (counters.pendingBytes + counters.unfinishedBytes <= limit * RELIEVED) return
      session.endUnread('unanswered')
    }
  }

  #run(): void {
    const now = performance.now()
    const sweepMs = now - this.#last
    this.#last = now
    const limit = this.#limits.frameTimeoutMs
    // A session that ends may go from the map meanwhile: a Map's iteration allows that.
    for (const session of this.#sessions.values()) {
      try {
        session.checkUnfinished(now, limit, sweepMs)
      } catch (error) {
        session.onBug(error)
      }
    }
  }
}

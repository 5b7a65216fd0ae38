// turn.ts: gathers writes: what was written to in one turn of the event loop leaves in one system call each.
//
//   sockets readable ─▶ sessions submit ─▶ links collect ─┐
//                                                         ├─▶ check phase (setImmediate): one write per link
//   link readable ─▶ replies ─▶ sessions collect ─────────┘   one write per session
//
// libuv polls all readable sockets and only then runs the check phase, so a link's one write carries the commands of
// every client that spoke in that turn. This is where sharing a link gets its speed from.

import type { Blamed } from '../ops/bugs.ts'
import type { BusyPoll } from './busy-poll.ts'

/** A link that has collected bytes and wants one write for them. */
export interface FlushableLink extends Blamed {
  flush(): void
}

/** The same of a session. */
export interface FlushableSession extends Blamed {
  /** Answers whether the kernel has taken everything. */
  flush(): boolean
}

/** When the loop comes round later than this, it may read a reply before what came first elsewhere. */
const LATE_MS = 40

/** One per process (or per test). */
export class Turn {
  /** Called with performance.now() before links write; may take back what they would write. */
  readonly beforeLinks: (now: number) => void
  #links: FlushableLink[] = []
  #sessions: FlushableSession[] = []
  #later: { readonly work: () => void; readonly owner: Blamed }[] = []
  #scheduled = false
  #reading = false
  #tickedAt = Number.POSITIVE_INFINITY
  #late = false

  readonly #poll: BusyPoll | null

  constructor(beforeLinks: (now: number) => void, poll: BusyPoll | null = null) {
    this.beforeLinks = beforeLinks
    this.#poll = poll
  }

  /** To be called more often than every LATE_MS, by a timer: timers run right before sockets are polled. */
  tick(now: number): void {
    const gap = now - this.#tickedAt
    this.#tickedAt = now
    if (gap <= LATE_MS || this.#late) return
    this.#late = true
    setImmediate(() => {
      this.#late = false
    })
  }

  /**
   * A link is read from. True: what is read may have waited for long; read what else has come first, until the end of
   * this turn.
   */
  isLate(now: number): boolean {
    this.#poll?.note(now)
    return this.#late || now - this.#tickedAt > LATE_MS
  }

  /** Each caller marks itself once until its flush() has run. */
  markLink(link: FlushableLink): void {
    this.#links.push(link)
    this.#schedule()
  }

  /**
   * No link waits for the turn's end. A PUBLISH on one link must not leave before the SUBSCRIBE of another session that
   * was read before it.
   */
  get isFirst(): boolean {
    return this.#links.length === 0
  }

  /** For a link whose bytes must leave before those of others. */
  writeNow(link: FlushableLink): void {
    this.#beforeWrites()
    link.flush()
  }

  /**
   * For a link that need not wait for the turn's end: a command alone, or as much as fills a write. When the loop comes
   * round late it waits all the same: the word that another master is chosen may have come first.
   */
  writeEarly(link: FlushableLink): void {
    const now = this.#beforeWrites()
    if (!this.#late && now - this.#tickedAt <= LATE_MS) link.flush()
    // One that goes on collecting is marked already.
    else if (this.#links.at(-1) !== link) this.markLink(link)
  }

  #beforeWrites(): number {
    const now = performance.now()
    this.#poll?.note(now)
    this.beforeLinks(now)
    return now
  }

  markSession(session: FlushableSession): void {
    this.#sessions.push(session)
    if (!this.#reading) this.#schedule()
  }

  /** A link is read from until endRead(). It flushes who is marked meanwhile, without waiting for the turn's end. */
  beginRead(): void {
    this.#reading = true
  }

  endRead(): void {
    this.#reading = false
    if (this.#sessions.length > 0) this.#schedule()
  }

  /** Runs `work` at the end of this turn, after the stack that called is gone; `owner` is told when it throws. */
  defer(work: () => void, owner: Blamed): void {
    this.#later.push({ work, owner })
    this.#schedule()
  }

  /** Sends what sessions have collected now: a link calls this when it has read all its replies. Answers as flush(). */
  flushSessions(): boolean {
    if (this.#sessions.length === 0) return true
    const sessions = this.#sessions
    this.#sessions = []
    let all = true
    for (const session of sessions) {
      try {
        if (!session.flush()) all = false
      } catch (error) {
        session.onBug(error)
      }
    }
    return all
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#run)
  }

  readonly #run = (): void => {
    this.#scheduled = false
    if (this.#later.length > 0) {
      const later = this.#later
      this.#later = []
      for (const { work, owner } of later) {
        try {
          work()
        } catch (error) {
          owner.onBug(error)
        }
      }
    }
    this.flushSessions()
    if (this.#links.length > 0) {
      const links = this.#links
      this.#links = []
      for (const link of links) {
        try {
          // Before each: the process may be stopped between two writes, and the master be another one when it goes on.
          this.#beforeWrites()
          link.flush()
        } catch (error) {
          link.onBug(error)
        }
      }
    }
  }
}

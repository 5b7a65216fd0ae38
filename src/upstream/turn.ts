// turn.ts — gathers writes: what was written to in one turn of the event loop leaves in one system call each.
//
//   sockets readable ─▶ sessions submit ─▶ links collect ─┐
//                                                         ├─▶ check phase (setImmediate): one write per link
//   link readable ─▶ replies ─▶ sessions collect ─────────┘   one write per session
//
// libuv polls all readable sockets and only then runs the check phase, so a link's one write carries the commands of
// every client that spoke in that turn. This is where sharing a link gets its speed from.

/** Something that has collected bytes and wants one write for them. */
export interface Flushable {
  flush(): void
}

/** One per process (or per test). */
export class Turn {
  /** Called with performance.now() before links write; may take back what they would write. */
  beforeLinks: ((now: number) => void) | null = null
  #links: Flushable[] = []
  #sessions: Flushable[] = []
  #later: (() => void)[] = []
  #scheduled = false

  /** Each caller marks itself once until its flush() has run. */
  markLink(link: Flushable): void {
    this.#links.push(link)
    this.#schedule()
  }

  markSession(session: Flushable): void {
    this.#sessions.push(session)
    this.#schedule()
  }

  /** Runs `work` at the end of this turn, after the stack that called is gone. */
  defer(work: () => void): void {
    this.#later.push(work)
    this.#schedule()
  }

  /** Sends what sessions have collected now: a link calls this when it has read all its replies. */
  flushSessions(): void {
    if (this.#sessions.length === 0) return
    const sessions = this.#sessions
    this.#sessions = []
    for (const session of sessions) session.flush()
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
      for (const work of later) work()
    }
    this.flushSessions()
    if (this.#links.length > 0) {
      this.beforeLinks?.(performance.now())
      const links = this.#links
      this.#links = []
      for (const link of links) link.flush()
    }
  }
}

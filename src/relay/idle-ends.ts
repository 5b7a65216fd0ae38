// idle-ends.ts: does somebody end all links at the server (CLIENT KILL), so that no command is to blame for the end of its
// own? What ends a link that owes nothing tells.
//
//   it was idle for less than half a second, or another    ──▶ somebody ends links
//   link ended in the same moment
//   else                                                   ──▶ the server's `timeout`, which ends what is idle
//
// `timeout` counts whole seconds, from 1 on, since the last byte of a link. So it never ends one that a command is
// being sent on.

/** For so long no command is blamed; a spare is there again in a second. */
const LATELY_MS = 5000
/** Half of what `timeout` is at least: on a busy machine we begin to count later than the server. */
const LEAST_TIMEOUT_MS = 500
/** The server ends links one right after the other, and the loop reads both ends in one turn. */
const MOMENT_MS = 10

export class IdleEnds {
  #allAt = Number.NEGATIVE_INFINITY
  #idleAt = Number.NEGATIVE_INFINITY
  #busyAt = Number.NEGATIVE_INFINITY

  /** The server has ended a link that owed nothing. `idleMs`: since it was last used. `now`: performance.now(). */
  onIdle(idleMs: number, now: number): void {
    this.#idleAt = now
    if (idleMs < LEAST_TIMEOUT_MS || now - this.#busyAt < MOMENT_MS) this.#allAt = now
  }

  /** It has ended one that owed replies. Answers whether somebody ends links, whatever is on them. */
  onBusy(now: number): boolean {
    this.#busyAt = now
    if (now - this.#idleAt < MOMENT_MS) this.#allAt = now
    return now - this.#allAt <= LATELY_MS
  }
}

// standstills.ts: of the time since a moment, how much did this process run?
//
// After a standstill (SIGSTOP, a frozen machine) Node calls all timers that are due before it reads a socket. What
// waited for a reply, or for the Sentinels' word, would get an error in sight of it. So no standstill counts against
// what was there before it.
//
// Must stay true: a process that stands still again and again ends waits, too, and what came after a standstill gains
// nothing by it.

/** So much at least is left behind a standstill: time to ask the Sentinels and to read. */
const LEFT_MS = 500
/** One that begins within this after the last one is of the same row. */
const ROW_MS = 1_000
/** So much of each further one of a row counts. */
const COUNTS_MS = 500
/** So many are remembered; an older one counts. */
const MOST = 16

export class Standstills {
  /** Oldest first. `ms`: so much does not count. */
  readonly #ended: { readonly at: number; readonly ms: number }[] = []

  /** This process stood still for `ms`, until `now`. */
  note(now: number, ms: number): void {
    const last = this.#ended.at(-1)
    const isRow = last !== undefined && now - ms - last.at < ROW_MS
    this.#ended.push({ at: now, ms: isRow ? ms - COUNTS_MS : ms + LEFT_MS })
    if (this.#ended.length > MOST) this.#ended.shift()
  }

  /** Milliseconds from `since` to `now`, but for standstills. */
  ran(since: number, now: number): number {
    let ms = now - since
    for (const ended of this.#ended) if (ended.at > since) ms -= ended.ms
    return ms
  }
}

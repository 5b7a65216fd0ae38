// bugs.ts: logs and counts exceptions. Every expected failure is a value, so a throw is an error of ours.
//
//   whoever works for one of many ── catch ──▶ session.bug or process.bug in the log, a counter
//
// An exception costs the session it happened to, or the one step it happened in, and never the process.
// Never: ends a session itself (the session does), hides anything: each is logged with its stack, at most one a second
// of a kind.
import type { Counters } from './counters.ts'
import type { Log } from './log.ts'
import { createLogThrottle } from './log-throttle.ts'

const LOG_EVERY_MS = 1000

/** What can be told an exception of ours that is its alone. */
export interface Blamed {
  /** Called when work for it threw; ends it. Must not throw. */
  onBug(error: unknown): void
}

export class Bugs {
  readonly #log: Log
  readonly #counters: Counters
  readonly #throttle = createLogThrottle(LOG_EVERY_MS)

  constructor(log: Log, counters: Counters) {
    this.#log = log
    this.#counters = counters
  }

  /** A session is ended for it. */
  ofSession(error: unknown, session: number): void {
    this.#counters.bugEnded++
    const notLogged = this.#throttle('session')
    if (notLogged === undefined) return
    this.#log.error(
      { event: 'session.bug', session, err: error, notLogged },
      'an error in Holdfast: this session alone is ended; please report this line, with what its client had sent',
    )
  }

  /** No session can be blamed; `step` names what was left undone. */
  ofStep(error: unknown, step: string): void {
    this.#counters.bugs++
    const notLogged = this.#throttle(step)
    if (notLogged === undefined) return
    this.#log.error(
      { event: 'process.bug', step, err: error, notLogged },
      'an error in Holdfast: this step was left undone, everything else goes on; please report this line',
    )
  }

  /** Runs one step of many; an exception ends it alone. */
  guard(step: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      this.ofStep(error, step)
    }
  }
}

// bugs.ts: logs and counts exceptions. Every expected failure is a value, so a throw is an error of ours.
//
//   whoever works for one of many ── catch ──▶ session.bug or process.bug in the log, a counter
//
// An exception costs the session or the one step that it happened in, and never the process. Each is logged with its
// stack, at most one a second of a kind. Never: ends a session (the session itself does).
import type { Counters } from './counters.ts'
import type { Log } from './log.ts'
import { createLogThrottle } from './log-throttle.ts'

const LOG_EVERY_MS = 1000

/** Work is done for one of these; an exception of that work is its alone. */
export interface Blamed {
  /** Ends it, because work for it threw. Must not throw. */
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

  /** The exception ends this session. */
  ofSession(error: unknown, session: number): void {
    this.#counters.bugEnded++
    const notLogged = this.#throttle('session')
    if (notLogged === undefined) return
    this.#log.error(
      { event: 'session.bug', session, err: error, notLogged },
      'an error in Holdfast: it ends this session alone; please report this line, with what the client had sent',
    )
  }

  /** The exception belongs to no session; `step` names what was left undone. */
  ofStep(error: unknown, step: string): void {
    this.#counters.bugs++
    const notLogged = this.#throttle(step)
    if (notLogged === undefined) return
    this.#log.error(
      { event: 'process.bug', step, err: error, notLogged },
      'an error in Holdfast: this step is left undone, everything else goes on; please report this line',
    )
  }

  /** Runs one step; an exception ends that step alone. */
  guard(step: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      this.ofStep(error, step)
    }
  }
}

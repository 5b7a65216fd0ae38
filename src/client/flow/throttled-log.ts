// throttled-log.ts: writes at most one line a second for each event, and counts what it leaves out: a crowd of clients
// must not fill the log.
//
// For end-causes.ts, which says why clients are ended; for sessions refused for --max-sessions (listener.ts),
// transactions that are too large (transaction-queue.ts), and what a new link refuses (restore-refused.ts).
import type { Log } from '../../ops/log.ts'
import { createLogThrottle } from '../../ops/log-throttle.ts'

const LOG_EVERY_MS = 1000

export class ThrottledLog {
  readonly #log: Log
  readonly #throttle = createLogThrottle(LOG_EVERY_MS)

  constructor(log: Log) {
    this.#log = log
  }

  warn(event: string, fields: Readonly<Record<string, unknown>>, text: string): void {
    this.write('warn', event, fields, text)
  }

  /** `kind`: what of the event is the same line. */
  write(
    level: 'warn' | 'error',
    event: string,
    fields: Readonly<Record<string, unknown>>,
    text: string,
    kind = '',
  ): void {
    const notLogged = this.#throttle(`${event} ${kind}`)
    if (notLogged !== undefined) this.#log[level]({ event, ...fields, notLogged }, text)
  }
}

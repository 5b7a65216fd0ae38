// throttled-log.ts: warns at most once a second for each event, and counts what it leaves out: a crowd of clients must
// not fill the log.
//
// For end-causes.ts, which says why clients are ended; for sessions refused for --max-sessions (listener.ts), and
// transactions that are too large (transaction-queue.ts).
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
    const notLogged = this.#throttle(event)
    if (notLogged !== undefined) this.#log.warn({ event, ...fields, notLogged }, text)
  }
}

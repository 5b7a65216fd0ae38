// limit-log.ts — says in the log that a client has crossed a limit, without letting a crowd of them fill it.
import type { Log } from '../../ops/log.ts'

const WINDOW_MS = 1000

/** One line per event and second; the next one says how many were left out in between. */
export class LimitLog {
  readonly #log: Log
  readonly #events = new Map<string, { from: number; left: number }>()

  constructor(log: Log) {
    this.#log = log
  }

  warn(event: string, fields: Readonly<Record<string, unknown>>, text: string): void {
    const now = performance.now()
    const seen = this.#events.get(event)
    if (seen !== undefined && now - seen.from < WINDOW_MS) {
      seen.left++
      return
    }
    this.#events.set(event, { from: now, left: 0 })
    this.#log.warn({ event, ...fields, notLogged: seen?.left ?? 0 }, text)
  }
}

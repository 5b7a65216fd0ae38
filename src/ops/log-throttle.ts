// log-throttle.ts: lets the same line into the log once in a while and counts those in between.
// It is for trouble that comes with every try, maybe thousands of times a minute.

const EVERY_MS = 10_000
/** It remembers this many texts; the oldest is forgotten and may be logged again at once. */
const MAX_TEXTS = 100

/** How many lines of this `text` were left out since the last one; undefined: this one is left out too. */
export type LogThrottle = (text: string, now?: number) => number | undefined

/** One per kind of trouble. `now`: ms of a monotonic clock. */
export function createLogThrottle(everyMs = EVERY_MS): LogThrottle {
  const logged = new Map<string, { at: number; leftOut: number }>()
  return (text, now = performance.now()) => {
    const last = logged.get(text)
    if (last !== undefined && now - last.at < everyMs) {
      last.leftOut++
      return undefined
    }
    logged.delete(text)
    logged.set(text, { at: now, leftOut: 0 })
    const [oldest] = logged.keys()
    if (logged.size > MAX_TEXTS && oldest !== undefined) logged.delete(oldest)
    return last?.leftOut ?? 0
  }
}

// limits.ts: how long a check waits for one server: as long as the proxy would, by --connect-timeout and --answer-timeout.
//
// Servers that are far away need more than the least, and a check must come to an end: no wait is longer than MOST_MS, and
// after WHOLE_MS every further one is the least.
import type { Config } from '../config.ts'

export interface Limits {
  /** For a connection, and for an answer; `least` where the option says less. */
  connectMs(least: number): number
  answerMs(least: number): number
}

/** A server that needs longer is of no use to the proxy either. */
export const MOST_MS = 10_000
const WHOLE_MS = 60_000

/** Of one look at everything, which begins now. */
export function limitsOf({ connectTimeoutMs, answerTimeoutMs }: Config): Limits {
  const endsAt = performance.now() + WHOLE_MS
  const within = (ms: number, least: number): number =>
    Math.round(Math.max(least, Math.min(ms, MOST_MS, endsAt - performance.now())))
  return {
    connectMs: least => within(connectTimeoutMs, least),
    answerMs: least => within(answerTimeoutMs, least),
  }
}

/** The least of each. */
export const leastLimits: Limits = { connectMs: least => least, answerMs: least => least }

// backoff.ts — when to try again. Pure.

export interface BackoffLimits {
  readonly minMs: number
  readonly maxMs: number
}

/**
 * Milliseconds before try `attempt` (1 is the first retry): doubles from minMs to maxMs, half of it random so that
 * sidecars that lost the same master do not dial in step. Equal limits mean a fixed interval, without jitter: "every
 * five seconds" is what the person wrote.
 */
export function backoffMs(attempt: number, limits: BackoffLimits, random: () => number): number {
  if (limits.minMs === limits.maxMs) return limits.minMs
  const base = Math.min(limits.maxMs, limits.minMs * 2 ** Math.min(attempt - 1, 30))
  return base / 2 + (random() * base) / 2
}

/**
 * The longest time a request may wait: the hold time, or, with a limit on retries, the time those retries take when each
 * waits for its full interval, whichever is shorter. "Three retries, five seconds apart" is 15 seconds.
 */
export function holdLimitMs(holdTimeoutMs: number, maxRetries: number, limits: BackoffLimits): number {
  if (maxRetries === 0) return holdTimeoutMs
  let total = 0
  for (let attempt = 1; attempt <= maxRetries && total < holdTimeoutMs; attempt++)
    total += Math.min(limits.maxMs, limits.minMs * 2 ** Math.min(attempt - 1, 30))
  return Math.min(holdTimeoutMs, total)
}

// backoff.ts: how long to wait before the next try. Pure.

export interface BackoffLimits {
  readonly minMs: number
  readonly maxMs: number
}

/** Milliseconds before retry `attempt`, which begins at 1. Doubles from minMs to maxMs. */
export function doublingMs(attempt: number, { minMs, maxMs }: BackoffLimits): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(attempt - 1, 30))
}

/**
 * The same with jitter: half of it is random, so that sidecars that lost the same master do not dial in step. Equal
 * limits are a fixed interval without jitter: the person wrote "every five seconds".
 */
export function backoffMs(attempt: number, limits: BackoffLimits, random: () => number = Math.random): number {
  const ms = doublingMs(attempt, limits)
  return limits.minMs === limits.maxMs ? ms : ms / 2 + (random() * ms) / 2
}

/**
 * The longest time that a request may wait: the hold time or, if that is shorter, the time of all allowed retries, each
 * after its full interval. "Three retries, five seconds apart" is 15 seconds.
 */
export function holdLimitMs(holdTimeoutMs: number, maxRetries: number, limits: BackoffLimits): number {
  if (maxRetries === 0) return holdTimeoutMs
  let total = 0
  for (let attempt = 1; attempt <= maxRetries && total < holdTimeoutMs; attempt++) total += doublingMs(attempt, limits)
  return Math.min(holdTimeoutMs, total)
}

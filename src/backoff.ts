// backoff.ts: how long to wait before the next try. Pure.

export interface BackoffLimits {
  readonly minMs: number
  readonly maxMs: number
}

/** Milliseconds before try `attempt`; 1 is the first retry. Doubles from minMs to maxMs. */
export function doublingMs(attempt: number, { minMs, maxMs }: BackoffLimits): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(attempt - 1, 30))
}

/**
 * The same with jitter: half of it is random, so that sidecars which lost the same master do not dial in step. Equal
 * limits mean a fixed interval without jitter: "every five seconds" is what the person wrote.
 */
export function backoffMs(attempt: number, limits: BackoffLimits, random: () => number = Math.random): number {
  const ms = doublingMs(attempt, limits)
  return limits.minMs === limits.maxMs ? ms : ms / 2 + (random() * ms) / 2
}

/**
 * The longest time a request may wait: the hold time, or, with a limit on retries, the time those retries take when
 * each waits for its full interval, whichever is shorter. "Three retries, five seconds apart" is 15 seconds.
 */
export function holdLimitMs(holdTimeoutMs: number, maxRetries: number, limits: BackoffLimits): number {
  if (maxRetries === 0) return holdTimeoutMs
  let total = 0
  for (let attempt = 1; attempt <= maxRetries && total < holdTimeoutMs; attempt++) total += doublingMs(attempt, limits)
  return Math.min(holdTimeoutMs, total)
}

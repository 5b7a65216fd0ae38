// backoff.ts: how long to wait before the next try, so that sidecars that have seen the same do not act in step. Pure.

export interface BackoffLimits {
  readonly minMs: number
  readonly maxMs: number
}

/** Milliseconds before retry `attempt`, which begins at 1. Doubles from minMs to maxMs. */
export function doublingMs(attempt: number, { minMs, maxMs }: BackoffLimits): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(attempt - 1, 30))
}

/** Between half of `ms` and all of it, at random. */
export function spreadMs(ms: number, random: () => number = Math.random): number {
  return ms / 2 + (random() * ms) / 2
}

/**
 * The same with jitter: half of it is random. Equal limits are a fixed interval without jitter: the person wrote "every
 * five seconds".
 */
export function backoffMs(attempt: number, limits: BackoffLimits, random: () => number = Math.random): number {
  const ms = doublingMs(attempt, limits)
  return limits.minMs === limits.maxMs ? ms : spreadMs(ms, random)
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

/**
 * When to dial a replica that is being promoted. Its promotion ends all connections that clients have there, and comes
 * 50 to 100 ms after it is chosen (one tick of the Sentinel's timer). The majority names it 800 to 950 ms after that;
 * in one of ten failovers sooner, because the Sentinel has just read INFO before. In between there is time for each of
 * a thousand sidecars to dial at a moment of its own: a server has 511 places for those it has not accepted yet
 * (tcp-backlog), and one that finds none waits a second for its next try.
 */
export const promotionDial = {
  /** From the choice to the first dial. */
  afterMs: (random: () => number = Math.random): number => 120 + 430 * random(),
  /** After a connection was ended: by the promotion, if that was late. */
  againMs: (random: () => number = Math.random): number => 50 + 200 * random(),
  /** A promotion takes a second or two. A replica that is not there after this has probably died too. */
  forMs: 3_000,
} as const

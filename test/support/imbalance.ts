// imbalance.ts: whether the counters of requests that waited add up (src/ops/counters.ts).
import type { Counters } from '../../src/ops/counters.ts'

/** What does not add up; undefined where the sum is right. */
export function imbalance(counters: Counters): string | undefined {
  const { held, drained, expired, timedOut, failed, gone, waiting } = counters
  if (held === drained + expired + timedOut + failed + gone + waiting) return undefined
  const parts = { drained, expired, timedOut, failed, gone, waiting }
  const sum = Object.entries(parts).map(([name, value]) => `${name} ${value}`)
  return `held ${held} != ${sum.join(' + ')}`
}

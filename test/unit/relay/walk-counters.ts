// walk-counters.ts: counters at zero for the many models of a walk.
import { type Counters, createCounters } from '../../../src/ops/counters.ts'

const zero = createCounters()

/** Those by label, and times, are the same for all: no invariant reads them, and to make them takes longest. */
export function walkCounters(): Counters {
  return { ...zero }
}

// schedule.ts: which faults a soak inflicts, in which order and for how long: a pure function of the seed.
import { randomFrom } from '../support/seeded-random.ts'

export const faultKinds = [
  'kill',
  'term',
  'freeze-long',
  'freeze-short',
  'failover',
  'replica-kill',
  'sentinel-kill',
  'sentinel-freeze',
  'sentinel-and-master-kill',
  'sentinel-links-reset',
  'sentinel-links-stall',
  'links-cut',
  'pause-all',
  'pause-writes',
  'proxy-freeze',
] as const
export type FaultKind = (typeof faultKinds)[number]

export interface PlannedFault {
  /** 1 for the first. */
  readonly n: number
  readonly kind: FaultKind
  /** 0 to 1: which of several nodes, which of two ways. */
  readonly pick: number
  /** How long it lasts, where its kind has a length; milliseconds. */
  readonly ms: number
  /** Load alone before it. */
  readonly restMs: number
}

/** Odd seeds run under `always`, even ones under `safe`. */
export function policyOf(seed: number): 'always' | 'safe' {
  return seed % 2 === 1 ? 'always' : 'safe'
}

/** Every kind once per round, in an order of its own in each round; without end. */
export function* schedule(seed: number): Generator<PlannedFault> {
  const random = randomFrom(seed)
  for (let n = 1; ; ) {
    const round = [...faultKinds]
    while (round.length > 0) {
      const [kind] = round.splice(Math.floor(random() * round.length), 1)
      if (kind === undefined) break
      yield {
        n: n++,
        kind,
        pick: random(),
        ms: 300 + Math.floor(random() * 900),
        restMs: 500 + Math.floor(random() * 2500),
      }
    }
  }
}

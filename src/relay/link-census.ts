// link-census.ts: which links there are, by identity, for the status page and the metrics. Pure; made when asked for.
import type { LinkSnapshot } from '../ops/snapshot.ts'
import { describeIdentity, type Identity } from '../upstream/identity.ts'

/** What the census looks at of a lane or an idle link. */
export interface Counted {
  readonly identity: Identity
  readonly kind: 'shared' | 'private' | 'idle' | 'retired'
  readonly status: 'none' | 'dialing' | 'ready' | 'closed'
  readonly inFlight: number
  readonly waiting: number
}

/**
 * One entry for each user, database and protocol. Two passwords of one user share it: no secret may tell them apart.
 */
export function takeCensus(all: Iterable<Counted>): LinkSnapshot[] {
  const found = new Map<string, { -readonly [K in keyof LinkSnapshot]: LinkSnapshot[K] }>()
  for (const one of all) {
    const identity = describeIdentity(one.identity)
    const entry = found.get(identity) ?? {
      identity,
      shared: 0,
      private: 0,
      idle: 0,
      retired: 0,
      dialing: 0,
      inFlight: 0,
      waiting: 0,
    }
    found.set(identity, entry)
    if (one.status === 'ready') entry[one.kind]++
    else if (one.status === 'dialing') entry.dialing++
    entry.inFlight += one.inFlight
    entry.waiting += one.waiting
  }
  return [...found.values()]
}

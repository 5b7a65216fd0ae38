// link-census.ts: which links there are, by identity, for the status page and the metrics. Pure; made when asked for.
import type { LinkSnapshot } from '../ops/snapshot.ts'
import { describeIdentity, type Identity } from '../upstream/identity.ts'
import type { Lane } from './lane.ts'

/**
 * One entry for each user, database and protocol. Two passwords of one user share it: no secret may tell them apart.
 * `idle`, `dialling`: links of no lane, by their identities.
 */
export function takeCensus(
  lanes: Iterable<Lane>,
  idle: Iterable<Identity>,
  dialling: Iterable<Identity>,
): LinkSnapshot[] {
  const found = new Map<string, { -readonly [K in keyof LinkSnapshot]: LinkSnapshot[K] }>()
  const of = (about: Identity) => {
    const identity = describeIdentity(about)
    const none = { shared: 0, private: 0, idle: 0, retired: 0, dialing: 0, inFlight: 0, waiting: 0 }
    const entry = found.get(identity) ?? { identity, ...none }
    found.set(identity, entry)
    return entry
  }
  for (const { kind, retired, identity, link, waiting } of lanes) {
    const entry = of(identity)
    if (link?.status === 'ready') entry[retired ? 'retired' : kind]++
    else if (link?.status === 'dialing') entry.dialing++
    entry.inFlight += link?.inFlight ?? 0
    entry.waiting += waiting
  }
  for (const identity of idle) of(identity).idle++
  for (const identity of dialling) of(identity).dialing++
  return [...found.values()]
}

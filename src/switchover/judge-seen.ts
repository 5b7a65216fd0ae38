// judge-seen.ts: judges whether all Sentinels know those that may be promoted for replicas. Pure.
import { formatAddress, sameAddress } from '../address.ts'
import { type Finding, problem } from '../check/finding.ts'
import type { Plan } from './plan.ts'
import type { Sight } from './sight.ts'

/**
 * An old master that became a replica again must have been seen as one by every Sentinel before it is promoted. One that
 * saw it as a master before and after counts the time between, and makes it a replica at once (sentinel.c,
 * sentinelRefreshInstanceInfo: +convert-to-slave): what it has acknowledged by then is lost.
 */
export function* judgeSeen(
  { candidates }: Pick<Plan, 'candidates'>,
  { sentinels }: Pick<Sight, 'sentinels'>,
): Iterable<Finding> {
  for (const { address } of candidates) {
    const blind = sentinels.filter(one =>
      one.candidates.some(seen => sameAddress(seen.address, address) && seen.isTakenForMaster),
    )
    if (blind.length === 0) continue
    const who = blind.map(one => formatAddress(one.address)).join(', ')
    const what = `Sentinel ${who} has not seen yet that it is a replica, and would make it one again after its promotion`
    const remedy = 'wait for the next INFO of that Sentinel, ten seconds at most'
    yield problem('target.unseen', `replica ${formatAddress(address)}`, what, remedy)
  }
}

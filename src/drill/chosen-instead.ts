// chosen-instead.ts: why a Sentinel has promoted another replica than the drill expected, and what to do about it. Pure.
//
// It expects the lowest replica-priority by the rule of sentinel.c. Where the other one has a higher number, the rule has
// left the first one out: sentinelSelectSlave passes over a replica that is down, that has not answered a PING for five
// seconds or whose INFO is old, and a standstill of a host between the look and the choice makes it so.
import { formatAddress } from '../address.ts'
import type { Candidate } from '../switchover/candidate.ts'

/** `candidates`: as the Sentinel saw them before it was asked. */
export function chosenInstead(
  first: string,
  other: string,
  candidates: readonly Candidate[],
): { why: string; remedy: string } {
  const priorityOf = (address: string): number | undefined =>
    candidates.find(one => formatAddress(one.address) === address)?.priority
  const [own, its] = [priorityOf(first), priorityOf(other)]
  if (own !== undefined && its !== undefined && own < its)
    return {
      why:
        `the Sentinel chose ${other} with the replica-priority ${its}, and passed over ${first} with ${own}: it held ` +
        'that one for unfit at that moment (down, disconnected, no answer for 5 s, or an INFO older than 30 s)',
      remedy: `see the log of that Sentinel for +sdown and +tilt, and whether a host stood still; ${goesOn(first)}`,
    }
  return {
    why: `the Sentinel chose ${other}`,
    remedy: `CONFIG SET replica-priority to a higher number on the others than on ${first}, wait ten seconds, run holdfast switchover`,
  }
}

/** What goes on with the way back. */
export function goesOn(first: string): string {
  return `when ${first} follows the master, holdfast switchover goes on`
}

// membership.ts: decides which Sentinels beside the seeds are asked: those that the others list. Pure.
//
//   listed by more than half of the seeds that answered ──▶ joined ──▶ listed by nobody for `leaveAfterMs` ──▶ left
//                                 └── or may still answer
//
// To join is harder than to stay: one Sentinel that lists strangers must not fill the vote with them, and one that was
// wiped and lists nobody must not empty it. A new address of the same run id replaces the old one.
// Must stay true: the order in which seeds answer changes nothing. Where they are of two deployments, those that the first
// one lists would be a majority.
import type { Address } from '../address.ts'
import type { Peer } from './sentinel-view.ts'

/** The last list of one Sentinel. */
export interface PeerList {
  readonly seed: boolean
  readonly at: number
  readonly peers: readonly Peer[]
}

export interface Discovered {
  readonly runId: string
  readonly address: Address
  /** When it stood in a list last. */
  readonly namedAt: number
}

export const membershipTiming = {
  /** Longer than the 10 s within which the others list a Sentinel again after SENTINEL RESET. */
  leaveAfterMs: 30_000,
  /** A seed that has given no list may still give one so long after the first seed has. */
  awaitedMs: 3_000,
  /** A list counts this long after it was read. */
  listLifeMs: 300_000,
} as const

/**
 * The discovered Sentinels after these lists. `awaited`: seeds that may still give one. `now`: ms of the clock of the lists.
 */
export function nextDiscovered(
  current: readonly Discovered[],
  lists: readonly PeerList[],
  { awaited, now }: { awaited: number; now: number },
): readonly Discovered[] {
  const alive = lists.filter(list => now - list.at <= membershipTiming.listLifeMs)
  const bySeeds = alive.filter(list => list.seed)
  const judges = bySeeds.length > 0 ? bySeeds : alive
  const named = Map.groupBy(
    alive.flatMap(list => list.peers.map(peer => ({ peer, list }))),
    ({ peer }) => peer.runId,
  )
  const next: Discovered[] = []
  for (const [runId, entries] of named) {
    const joined = current.some(one => one.runId === runId)
    const sponsors = entries.filter(({ list }) => judges.includes(list)).length
    const latest = entries.reduce((a, b) => (b.list.at >= a.list.at ? b : a))
    if (joined || sponsors * 2 > judges.length + awaited)
      next.push({ runId, address: latest.peer.address, namedAt: now })
  }
  for (const one of current) {
    if (!named.has(one.runId) && now - one.namedAt < membershipTiming.leaveAfterMs) next.push(one)
  }
  return next
}

// membership.ts: which Sentinels beside the seeds are asked: those the others list. Pure.
//
//   listed by more than half of the seeds that answered ──▶ joined ──▶ listed by nobody for `leaveAfterMs` ──▶ left
//
// Joining is harder than staying: one Sentinel that lists strangers must not fill the vote with them, and one that was
// wiped and lists nobody must not empty it. An address that changed under the same run id replaces the old one.
import type { Address } from '../address.ts'
import type { Peer } from './sentinel-view.ts'

/** The Sentinels that one of them listed last. */
export interface PeerList {
  readonly seed: boolean
  readonly at: number
  readonly peers: readonly Peer[]
}

export interface Discovered {
  readonly runId: string
  readonly address: Address
  /** When a list named it last. */
  readonly namedAt: number
}

export const membershipTiming = {
  /** A Sentinel is known again within 10 s after SENTINEL RESET: longer than that. */
  leaveAfterMs: 30_000,
  /** The list of a Sentinel that cannot be reached counts this long. */
  listLifeMs: 300_000,
} as const

/** The discovered Sentinels after these lists; `now` in ms of their clock. */
export function nextDiscovered(
  current: readonly Discovered[],
  lists: readonly PeerList[],
  now: number,
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
    if (joined || sponsors * 2 > judges.length) next.push({ runId, address: latest.peer.address, namedAt: now })
  }
  for (const one of current) {
    if (!named.has(one.runId) && now - one.namedAt < membershipTiming.leaveAfterMs) next.push(one)
  }
  return next
}

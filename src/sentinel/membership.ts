// membership.ts — which Sentinels beside the seeds are asked: those the others list. Pure.
//
//   listed by more than half of the seeds that answered ──▶ joined ──▶ listed by nobody for `leaveAfterMs` ──▶ left
//
// Joining is harder than staying: one Sentinel that lists strangers must not fill the vote with them, and one that was
// wiped and lists nobody must not empty it. An address that changed under the same run id replaces the old one.
import type { Address } from '../address.ts'
import type { Peer } from './sentinel-view.ts'

/** What one connected Sentinel last said of the others. */
export interface Report {
  readonly seed: boolean
  readonly at: number
  readonly peers: readonly Peer[]
}

export interface Discovered {
  readonly runId: string
  readonly address: Address
  /** Last time any report named it. */
  readonly namedAt: number
}

export const membershipTiming = {
  /** A Sentinel is known again within 10 s after SENTINEL RESET: longer than that. */
  leaveAfterMs: 30_000,
  /** What an unreachable Sentinel said counts this long. */
  reportLifeMs: 300_000,
} as const

/** The discovered Sentinels after these reports; `now` in ms of the reports' clock. */
export function nextDiscovered(
  current: readonly Discovered[],
  reports: readonly Report[],
  now: number,
): readonly Discovered[] {
  const alive = reports.filter(report => now - report.at <= membershipTiming.reportLifeMs)
  const bySeeds = alive.filter(report => report.seed)
  const judges = bySeeds.length > 0 ? bySeeds : alive
  const listings = Map.groupBy(
    alive.flatMap(report => report.peers.map(peer => ({ peer, report }))),
    listing => listing.peer.runId,
  )
  const next: Discovered[] = []
  for (const [runId, named] of listings) {
    const joined = current.some(one => one.runId === runId)
    const sponsors = named.filter(({ report }) => judges.includes(report)).length
    const latest = named.reduce((a, b) => (b.report.at >= a.report.at ? b : a))
    if (joined || sponsors * 2 > judges.length) next.push({ runId, address: latest.peer.address, namedAt: now })
  }
  for (const one of current) {
    if (!listings.has(one.runId) && now - one.namedAt < membershipTiming.leaveAfterMs) next.push(one)
  }
  return next
}

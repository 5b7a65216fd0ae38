// voters.ts: says which Sentinels count, how many make a majority, and whose answer has a vote. Pure.
//
//   seeds, listings, reports ──▶ known ──▶ majority        answers ──▶ votes ──▶ whom a majority names
//
// A seed counts while it can be reached, while another Sentinel lists it, and for a while after it was seen last: two
// of five that were never there must not hold the gate shut for ever. The report of a Sentinel that is gone counts
// until the others say that it is gone. All of it comes from what Sentinels say now, so a process that has just begun
// counts as one that has run for weeks. Must stay true: to leave seeds out never makes fewer Sentinels than their own
// quorum enough.
import { formatAddress, sameAddress } from '../address.ts'
import { type Candidate, candidateOf, knownSentinels, majorityOf, upperMedian, type Vote } from './majority.ts'
import type { View } from './sentinel-view.ts'
import type { SentinelState, Topology } from './topology-state.ts'

export const voterTiming = {
  /** A seed that never answered counts this long after the start. */
  unmetMs: 3_000,
  /** A seed that answered and that nobody lists: after SENTINEL RESET a living one is listed again within 10 s. */
  unlistedMs: 30_000,
  /** What an absent Sentinel said of their number counts this long. */
  reportLifeMs: 300_000,
  /** An answer has a vote this long, plus the time that it may take: a bit longer than the pause between questions. */
  viewLifeMs: 5_500,
} as const

/** What the Sentinels that can be asked say of one another, by run id and by address. */
interface Listings {
  readonly listed: ReadonlySet<string>
  /** Run ids of Sentinels that all who list them hold for dead. */
  readonly dead: ReadonlySet<string>
}

interface Quorum {
  readonly known: number
  readonly majority: number
}

/** One step asks for it several times. */
let last: { readonly topology: Pick<Topology, 'sentinels' | 'answerMs'>; now: number; quorum: Quorum } | null = null

export function quorumOf(topology: Topology, now: number): Quorum {
  const { sentinels, answerMs } = topology
  if (last !== null && last.topology.sentinels === sentinels && last.topology.answerMs === answerMs && last.now === now)
    return last.quorum
  const quorum = countQuorum(topology, now)
  last = { topology: { sentinels, answerMs }, now, quorum }
  return quorum
}

function countQuorum(topology: Topology, now: number): Quorum {
  const seeds = new Set<string>()
  const allSeeds = new Set<string>()
  const voters = new Set<string>()
  const reported = new Map<string, number>()
  for (const [key, sentinel] of topology.sentinels) {
    const id = sentinel.runId ?? key
    if (sentinel.seed) allSeeds.add(id)
    if (sentinel.seed && isThere(key, sentinel, topology, now)) seeds.add(id)
    if (hasVote(topology, sentinel, now)) voters.add(id)
    if (sentinel.reported !== null && isHeeded(sentinel, topology, now)) reported.set(id, sentinel.reported)
  }
  const known = knownSentinels(seeds.size, [...reported.values()], voters.size)
  const withAllSeeds = majorityOf(Math.max(known, allSeeds.size))
  return { known, majority: Math.max(majorityOf(known), Math.min(ownQuorum(topology), withAllSeeds)) }
}

/** The quorum in the configuration of the Sentinels, by those that can be asked; 0 while none has said. */
export function ownQuorum(topology: Topology): number {
  return upperMedian([...topology.sentinels.values()].flatMap(({ up, view }) => (up && view ? [view.quorum] : []))) ?? 0
}

/** Run ids of Sentinels that others list and hold for dead, and that we cannot reach either. */
export function deadSentinels(topology: Topology): readonly string[] {
  const up = new Set([...topology.sentinels.values()].flatMap(({ up, runId }) => (up && runId ? [runId] : [])))
  return [...listingsOf(topology).dead].filter(id => !up.has(id))
}

/** Whom a majority names, by answers to questions asked at `since` or later; null without a majority. */
export function candidateSince(topology: Topology, since: number, now: number): Candidate | null {
  return candidateOf(votesSince(topology, since, now), quorumOf(topology, now).majority)
}

/** The answers that have a vote, to questions asked at `since` or later; the oldest comes first. */
export function votesSince(topology: Topology, since: number, now: number): Vote[] {
  const fresh: Fresh[] = []
  for (const [key, one] of topology.sentinels)
    if (one.view !== null && hasVote(topology, one, now) && one.view.askedAt >= since)
      fresh.push({ voter: one.runId ?? key, view: one.view })
  fresh.sort((a, b) => a.view.answeredAt - b.view.answeredAt)
  const votes: Vote[] = []
  for (const { voter, view } of fresh)
    if (!view.isPublished || isVouchedFor(view, fresh)) votes.push(voteOf(voter, view))
  return votes
}

interface Fresh {
  readonly voter: string
  readonly view: View
}

function voteOf(voter: string, { address, epoch, listed, runId }: View): Vote {
  return { voter, address, epoch, ...(sameAddress(address, listed) && { runId }) }
}

/** Whether an answer says the same as what was published. */
function isVouchedFor({ epoch, address }: View, fresh: readonly Fresh[]): boolean {
  return fresh.some(({ view }) => !view.isPublished && view.epoch === epoch && sameAddress(view.address, address))
}

function hasVote({ answerMs }: Topology, { up, view }: SentinelState, now: number): boolean {
  return up && view !== null && now - view.answeredAt <= voterTiming.viewLifeMs + answerMs
}

/** One step reads the same state several times. While all Sentinels are up, none does. */
const remembered = new WeakMap<Topology['sentinels'], Listings>()

function listingsOf({ sentinels }: Topology): Listings {
  const known = remembered.get(sentinels) ?? readListings(sentinels)
  remembered.set(sentinels, known)
  return known
}

function readListings(sentinels: Topology['sentinels']): Listings {
  const listed = new Set<string>()
  const dead = new Set<string>()
  const alive = new Set<string>()
  for (const { up, peers } of sentinels.values()) {
    if (!up) continue
    for (const { runId, address, down } of peers) {
      listed.add(runId).add(formatAddress(address))
      const set = down ? dead : alive
      set.add(runId)
    }
  }
  return { listed, dead: new Set([...dead].filter(id => !alive.has(id))) }
}

function isThere(key: string, { up, runId, met, awaySince }: SentinelState, topology: Topology, now: number): boolean {
  if (up) return true
  const { listed } = listingsOf(topology)
  if (listed.has(key) || (runId !== null && listed.has(runId))) return true
  return now - awaySince < (met ? voterTiming.unlistedMs : voterTiming.unmetMs)
}

function isHeeded({ up, runId, reportedAt }: SentinelState, topology: Topology, now: number): boolean {
  if (up) return true
  const { dead } = listingsOf(topology)
  return now - reportedAt < voterTiming.reportLifeMs && !(runId !== null && dead.has(runId))
}

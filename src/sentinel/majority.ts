// majority.ts: how many Sentinels there are, how many make a majority, and what a majority says. Pure.
// Must stay true: with three Sentinels or more, no answer of one alone, however wrong, changes a result here.
import { type Address, formatAddress, sameAddress } from '../address.ts'

export interface Vote {
  /** Who votes: one process has one vote, whatever its addresses. */
  readonly voter: string
  readonly address: Address
  readonly epoch: number
  /** The process there, by this Sentinel; left out: not known. */
  readonly runId?: string | undefined
}

export interface Candidate {
  readonly address: Address
  readonly epoch: number
  readonly votes: readonly Vote[]
}

/**
 * How many Sentinels watch this master: the upper median of their reports, because one Sentinel that claims a hundred
 * others must not put the majority out of reach. Never fewer than the distinct seeds, or than those that vote: two
 * addresses must never both have a majority.
 */
export function knownSentinels(seeds: number, reported: readonly number[], voters: number): number {
  return Math.max(seeds, voters, upperMedian(reported) ?? 0, 1)
}

/** The middle number, or the higher of the two in the middle; undefined without any. */
export function upperMedian(numbers: readonly number[]): number | undefined {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

export function majorityOf(known: number): number {
  return Math.floor(known / 2) + 1
}

/** The address that at least `majority` voters name, with an epoch that as many vouch for; null without one. */
export function candidateOf(votes: readonly Vote[], majority: number): Candidate | null {
  const voters = [...new Map(votes.map(vote => [vote.voter, vote])).values()]
  for (const { address } of voters) {
    const named = voters.filter(vote => sameAddress(vote.address, address))
    if (named.length >= majority) return { address, epoch: vouchedEpoch(named, majority), votes: named }
  }
  return null
}

/** The highest epoch that `majority` voters report or exceed: one liar cannot raise it. */
function vouchedEpoch(votes: readonly Vote[], majority: number): number {
  const epochs = votes.map(vote => vote.epoch).sort((a, b) => b - a)
  return epochs[majority - 1] ?? 0
}

/** Whether a majority of the voters report an epoch below `epoch`: their history began anew (they were wiped). */
export function majorityBelow(votes: readonly Vote[], epoch: number, majority: number): boolean {
  return votes.filter(vote => vote.epoch < epoch).length >= majority
}

/** The addresses in at least `majority` of the lists; null where there are fewer lists than that. */
export function listedByMajority(lists: readonly (readonly Address[])[], majority: number): Address[] | null {
  if (lists.length < majority) return null
  const named = lists.flatMap(list => [...new Map(list.map(address => [formatAddress(address), address])).values()])
  const groups = Map.groupBy(named, formatAddress)
  return [...groups.values()].flatMap(([address, ...others]) =>
    address !== undefined && others.length + 1 >= majority ? [address] : [],
  )
}

// candidate.ts: which replica a Sentinel promotes, and which it may not, by its own rule. Pure.
//
// The rule is that of sentinel.c: sentinelSelectSlave says who may be chosen, compareSlavesForPromotion who is: the
// lowest replica-priority, then the most data, then the lowest run id. A Sentinel judges by its last INFO, which is up
// to ten seconds old: the one it chooses in the end may be another than the one it would choose now.
import { type Address, sameAddress } from '../address.ts'

/** One replica as one Sentinel sees it (SENTINEL REPLICAS). */
export interface Candidate {
  readonly address: Address
  readonly runId: string
  readonly flags: readonly string[]
  readonly priority: number
  /** slave-repl-offset of its last INFO. */
  readonly offset: number
  /** How old that INFO is, ms. */
  readonly infoAgeMs: number
  /** How long it has been without its master, ms. */
  readonly linkDownMs: number
  /** How long ago it answered PING properly, ms. */
  readonly lastPingMs: number
  /** By its last INFO it is a master, or was when this Sentinel last asked. */
  readonly isTakenForMaster: boolean
}

/** sentinel_ping_period and sentinel_info_period of sentinel.c. */
const PING_PERIOD_MS = 1_000
const INFO_PERIOD_MS = 10_000

/**
 * Why the Sentinel would not choose this replica while the master is alive; null: it may.
 * `downAfterMs`: down-after-milliseconds of the master.
 */
export function unfitness(candidate: Candidate, downAfterMs: number): string | null {
  const { flags, priority, infoAgeMs, linkDownMs, lastPingMs } = candidate
  if (flags.includes('s_down') || flags.includes('o_down')) return 'the Sentinel sees it down'
  if (flags.includes('disconnected')) return 'the Sentinel has no connection to it'
  if (lastPingMs > 5 * PING_PERIOD_MS) return `it has not answered the Sentinel for ${seconds(lastPingMs)}`
  if (priority === 0) return 'its replica-priority is 0'
  if (infoAgeMs > 3 * INFO_PERIOD_MS) return `the Sentinel's INFO of it is ${seconds(infoAgeMs)} old`
  if (linkDownMs > 10 * downAfterMs) return `its link to the master has been down for ${seconds(linkDownMs)}`
  return null
}

/** The same of the replica at `address` among those that the Sentinel lists. */
export function whyUnfit(address: Address, listed: readonly Candidate[], downAfterMs: number): string | null {
  const one = listed.find(candidate => sameAddress(candidate.address, address))
  return one === undefined ? 'the Sentinel does not list it' : unfitness(one, downAfterMs)
}

/** Those that may be chosen, the one that would be chosen first. */
export function ranked(candidates: readonly Candidate[], downAfterMs: number): Candidate[] {
  return candidates.filter(one => unfitness(one, downAfterMs) === null).sort(compare)
}

function compare(a: Candidate, b: Candidate): number {
  if (a.priority !== b.priority) return a.priority - b.priority
  if (a.offset !== b.offset) return b.offset - a.offset
  // Old servers give no run id: those come last.
  if (a.runId === '' || b.runId === '') return a.runId === b.runId ? 0 : a.runId === '' ? 1 : -1
  const [first, second] = [a.runId.toLowerCase(), b.runId.toLowerCase()]
  return first < second ? -1 : first > second ? 1 : 0
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

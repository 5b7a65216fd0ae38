// condition.ts: what one replica is good for, by what is known of it. Pure.
//
//   good      new sessions come to it, and those that move
//   behind    its sessions stay; they move when there is a good one
//   cut off   the same: its link to the master is down, or it follows another history than the master writes
//   else      its sessions leave at once, and wait
//
// How far it is behind is a time (offsets.ts), and time goes on: a replica that does not answer is further behind with
// each moment. So no reason is needed why it cannot be asked.
import { type Address, formatAddress } from '../address.ts'
import type { MoveLabel } from '../ops/counters.ts'
import type { NodeAnswer } from '../sentinel/replication-report.ts'

export interface Replica {
  readonly address: Address
  readonly key: string
  /** A majority of the Sentinels lists it. */
  listed: boolean
  /** Its last answer; null before the first. */
  answer: NodeAnswer | null
  /** When the question to that answer left. */
  askedAt: number
  /** It has all that the master had at this time, ms of a monotonic clock. */
  freshAt: number
  /** The Sentinels are about to promote it. */
  isChosen: boolean
  /** Since when it has been good, or behind for a moment; null: it is not. */
  goodSince: number | null
}

export function createReplica(address: Address): Replica {
  return {
    address,
    key: formatAddress(address),
    listed: true,
    answer: null,
    askedAt: Number.NEGATIVE_INFINITY,
    freshAt: Number.NEGATIVE_INFINITY,
    isChosen: false,
    goodSince: null,
  }
}

export type Condition = 'unknown' | 'good' | 'behind' | MoveLabel

export interface Bounds {
  readonly now: number
  readonly maxLagMs: number
  /** The history that the master writes; null while that is not known. */
  readonly replid: string | null
}

export function conditionOf(replica: Replica, { now, maxLagMs, replid }: Bounds): Condition {
  const { answer, listed, freshAt, isChosen } = replica
  if (answer === null) return 'unknown'
  if (!listed) return 'replica-unlisted'
  if (answer.kind === 'silent' || answer.kind === 'refused') return 'replica-unreachable'
  if (answer.kind === 'no-data') return 'replica-loading'
  if (answer.role === 'master' || isChosen) return 'replica-promoted'
  if (now - freshAt > maxLagMs) return 'replica-lagging'
  if (!answer.linkUp || answer.replid !== replid) return 'replica-cut-off'
  // Half of the bound is for what the next question and its answer may take.
  return now - freshAt > maxLagMs / 2 ? 'behind' : 'good'
}

/** Why its sessions must leave it now; null: they may stay. `runId`: of the process that they have read from. */
export function mustLeave(replica: Replica, runId: string | null, bounds: Bounds): MoveLabel | null {
  const condition = conditionOf(replica, bounds)
  if (condition === 'unknown') return 'replica-unreachable'
  const { answer } = replica
  // A new process may have loaded an older state from its disk.
  if (answer?.kind === 'report' && answer.runId !== runId) return 'replica-restarted'
  return condition === 'good' || condition === 'behind' || condition === 'replica-cut-off' ? null : condition
}

// state-census.ts: what the open sessions are at, counted when somebody asks. Pure.
import type { SessionStates } from '../../ops/snapshot.ts'

/** The part of a session that is looked at. */
export interface BusySession {
  readonly state: { readonly monitoring: boolean; readonly watching: boolean }
  readonly subscriptions: { readonly size: number }
  readonly transaction: object | null
  readonly pending: number
  readonly isPrivate: boolean
}

/** Each session counts for the first of these that is true of it. */
export function statesOf(sessions: Iterable<BusySession>): SessionStates {
  const counts = { subscribed: 0, monitoring: 0, inTransaction: 0, awaitingReplies: 0, idle: 0, withOwnLink: 0 }
  for (const { state, subscriptions, transaction, pending, isPrivate } of sessions) {
    if (isPrivate) counts.withOwnLink++
    if (state.monitoring) counts.monitoring++
    else if (subscriptions.size > 0) counts.subscribed++
    else if (transaction !== null || state.watching) counts.inTransaction++
    else if (pending > 0) counts.awaitingReplies++
    else counts.idle++
  }
  return counts
}

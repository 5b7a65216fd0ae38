// state-census.ts: what the open sessions are at, counted when somebody asks. Pure.
import type { SessionStateName, SessionStates } from '../../ops/snapshot.ts'

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
  for (const session of sessions) {
    if (session.isPrivate) counts.withOwnLink++
    counts[stateOf(session)]++
  }
  return counts
}

/** What one session is at. */
export function stateOf({ state, subscriptions, transaction, pending }: BusySession): SessionStateName {
  if (state.monitoring) return 'monitoring'
  if (subscriptions.size > 0) return 'subscribed'
  if (transaction !== null || state.watching) return 'inTransaction'
  return pending > 0 ? 'awaitingReplies' : 'idle'
}

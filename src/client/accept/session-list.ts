// session-list.ts: the open sessions one by one, for people (holdfast drill). Made when somebody asks. Pure.
import type { SessionSnapshot } from '../../ops/snapshot.ts'
import type { WaitSample } from '../../ops/wait-sample.ts'
import { isBlocked } from '../../relay/in-flight.ts'
import type { Lane } from '../../relay/lane.ts'
import { type BusySession, stateOf } from './state-census.ts'

/** The part of a session that is looked at. */
export interface ListedSession extends BusySession {
  readonly id: number
  readonly ends: { readonly addr: string }
  readonly state: BusySession['state'] & {
    readonly name: string
    readonly libName: string
    readonly libVersion: string
    readonly tracking: Buffer | null
  }
  readonly lane: Pick<Lane, 'link'>
  readonly lastCommand: string
  readonly place: number
  readonly inputEnded: boolean
}

/** At most `limit`, the oldest first. `waits`: those of the last pause; null: there was none. */
export function listSessions(
  sessions: Iterable<ListedSession>,
  { limit, waits }: { readonly limit: number; readonly waits: WaitSample | null },
): SessionSnapshot[] {
  const found: SessionSnapshot[] = []
  for (const session of sessions) {
    if (found.length >= limit) break
    const { id, ends, state, lastCommand, place, pending, inputEnded, isPrivate, lane } = session
    found.push({
      id,
      address: ends.addr,
      library: state.libName,
      version: state.libVersion,
      name: state.name,
      state: stateOf(session),
      command: lastCommand,
      submitted: place,
      pending,
      isLeaving: inputEnded,
      isBlocked: isPrivate && isBlocked(lane),
      isTracking: state.tracking !== null,
      lastPause: waits?.of(session) ?? null,
    })
  }
  return found
}

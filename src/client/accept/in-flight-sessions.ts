// in-flight-sessions.ts: which sessions have a command that is sent and not answered, for people who want none (holdfast
// ctl pause). Looked up when somebody asks. Pure.
import type { InFlightSession } from '../../ops/snapshot.ts'
import { isBlocked } from '../../relay/in-flight.ts'
import type { Lane } from '../../relay/lane.ts'
import type { RequestOwner } from '../../relay/request.ts'

/** The part of a session that is looked at. */
export interface LookedAt extends RequestOwner {
  readonly lane: Lane
  readonly ends: { readonly addr: string }
  readonly state: { readonly name: string; readonly libName: string; readonly libVersion: string }
  readonly lastCommand: string
  readonly lastReadAt: number
}

/** Blocked sessions first, then those that have waited longest; at most `limit`. `now`: performance.now(). */
export function inFlightSessions(sessions: Iterable<LookedAt>, now: number, limit: number): InFlightSession[] {
  const owners = new Map<Lane, ReadonlySet<RequestOwner>>()
  const ownersOn = (lane: Lane): ReadonlySet<RequestOwner> => {
    const known = owners.get(lane)
    if (known !== undefined) return known
    const found = new Set([...(lane.link?.owed() ?? [])].map(({ owner }) => owner))
    owners.set(lane, found)
    return found
  }
  const found: InFlightSession[] = []
  for (const session of sessions) {
    const { lane, pending, ends, state, lastCommand, lastReadAt } = session
    if (pending === 0 || lane.settled) continue
    const isPrivate = lane.kind === 'private'
    if (!isPrivate && !ownersOn(lane).has(session)) continue
    found.push({
      address: ends.addr,
      library: state.libName,
      version: state.libVersion,
      name: state.name,
      command: lastCommand,
      sinceMs: Math.max(0, Math.round(now - lastReadAt)),
      blocked: isPrivate && isBlocked(lane),
    })
  }
  return found.sort((a, b) => Number(b.blocked) - Number(a.blocked) || b.sinceMs - a.sinceMs).slice(0, limit)
}

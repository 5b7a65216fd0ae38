// in-flight.ts: what is sent and not fully answered, counted when somebody asks. Pure.
import type { Lane } from './lane.ts'

/** Requests, not commands: a run of plain commands from one read is one. */
export interface InFlight {
  /** The master owes them a reply, or their reply waits for replicas. */
  readonly requests: number
  /** Blocking commands, and what their sessions sent behind them. */
  readonly blocked: number
}

/** Where the first reply owed is that of a blocking command, nothing behind it can be answered before it. */
export function isBlocked({ link }: Pick<Lane, 'link'>): boolean {
  return link?.head?.blocking === true
}

export function inFlightOf(lanes: Iterable<Lane>): InFlight {
  let requests = 0
  let blocked = 0
  for (const lane of lanes) {
    if (lane.settled) continue
    const owed = Math.max(1, lane.link?.inFlight ?? 0)
    if (isBlocked(lane)) blocked += owed
    else requests += owed
  }
  return { requests, blocked }
}

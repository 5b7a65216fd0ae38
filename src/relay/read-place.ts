// read-place.ts: types alone: where sessions of the master's port may read besides the master (--read-split), as the
// sessions see it. src/proxy makes it of groups (src/replicas) and their lanes.
import type { SplitReads } from '../ops/counters.ts'
import type { Lanes } from './lanes.ts'

export interface ReadPlaces {
  readonly reads: SplitReads
  /** The one with the fewest sessions, of those whose replica may be read now; null: there is none. */
  join(): ReadPlace | null
  /** So many reads went to the master, as nothing newer is known of any replica: it is to be asked for. */
  want(reads: number): void
}

/** A group of sessions that read at one replica, or at the master while none is good. */
export interface ReadPlace {
  readonly lanes: Lanes
  /**
   * It reads from a replica that has all that the master had at this time, ms of a monotonic clock; -Infinity: from none,
   * or nobody knows.
   */
  readonly freshAt: number
  /** The session that joined leaves. */
  leave(): void
}

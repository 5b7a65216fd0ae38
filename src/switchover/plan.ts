// plan.ts: what a switchover is going to do, with whom. Only types.
import type { Through } from './client-rows.ts'
import type { NodeSight, SentinelSight } from './sight.ts'

/** What the switchover does, with whom. */
export interface Plan {
  readonly master: NodeSight
  /** The Sentinel that is asked. */
  readonly sentinel: SentinelSight
  /** Whom it would promote now. */
  readonly target: NodeSight
  /** Whom it may promote in the end: each has all data before it is asked. */
  readonly candidates: readonly NodeSight[]
  /** What comes through a Holdfast, and how many others there are. */
  readonly through: Through
}

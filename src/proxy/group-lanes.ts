// group-lanes.ts: the lanes of sessions that read from a replica, in the words of their group (src/replicas/group.ts).
//
// The same as the master's (relay/lanes.ts): to sessions a move to another replica is what a failover is to those of the
// master.
import type { MoveLabel } from '../ops/counters.ts'
import { Lanes, type LanesOptions } from '../relay/lanes.ts'
import type { GroupPlane } from '../replicas/group.ts'
import type { PausedReaders } from './paused-readers.ts'

export class GroupLanes extends Lanes {
  override readonly areOfReplicas = true

  constructor(options: LanesOptions) {
    // A group moves when its replica restarts, and mostly nobody waits.
    super({ ...options, tellsIfFelt: true })
  }

  /** Nothing of the node is delivered any more. */
  leave(cause: MoveLabel, detail: string): void {
    this.hold(cause, detail)
    this.keepOnly(null, detail)
  }

  /** What waits and what comes gets an error, until the next serve(). */
  refuse(): void {
    this.onExpired()
    this.failWaiting()
  }
}

/** What a group tells its data plane. */
export function toldBy(lanes: GroupLanes, readers: PausedReaders): Omit<GroupPlane, 'sessions'> {
  return {
    serve: node => {
      readers.onServe(lanes, node)
      lanes.serve(node)
    },
    leave: (cause, detail) => lanes.leave(cause, detail),
    pause: (cause, detail) => lanes.hold(cause, detail),
    refuse: () => lanes.refuse(),
  }
}

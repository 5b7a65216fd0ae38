// lane-parts.ts: what one lane is made of, as those parts see each other that work for all of it. Types only.
import type { Acknowledger } from './acknowledger.ts'
import type { HoldQueue } from './hold-queue.ts'
import type { LaneLink } from './lane-link.ts'
import type { LaneRefusals } from './lane-refusals.ts'
import type { Prover } from './prover.ts'

export interface LaneParts {
  /** What is not sent. */
  readonly waiting: HoldQueue
  readonly uplink: LaneLink
  readonly refusals: LaneRefusals
  /** Sends writes in blocks whose fate can be asked for; null: they go as they come. */
  readonly prover: Prover | null
  /** Withholds replies until they are confirmed; null: they go as they come. */
  readonly acks: Acknowledger | null
}

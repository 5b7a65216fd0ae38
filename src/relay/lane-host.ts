// lane-host.ts: what a lane may ask of the pool that owns it: the gate, the limits, and whom to tell.
import type { Master } from '../address.ts'
import type { BackoffLimits } from '../backoff.ts'
import type { LearnedCommands } from '../command/learned-commands.ts'
import type { Bugs } from '../ops/bugs.ts'
import type { Counters } from '../ops/counters.ts'
import type { Log } from '../ops/log.ts'
import type { Dial } from '../upstream/dial.ts'
import type { HandshakeFailure } from '../upstream/handshake.ts'
import type { Identity } from '../upstream/identity.ts'
import type { Link, LinkEnd } from '../upstream/link.ts'
import type { LiveLinks } from '../upstream/own-links.ts'
import type { Turn } from '../upstream/turn.ts'
import type { Gate } from './gate.ts'
import type { ReplayPolicy } from './replay.ts'
import type { Request } from './request.ts'

/** Whose link it is, for the log. */
export interface LaneInfo {
  readonly identity: Identity
  readonly kind: 'shared' | 'private'
}

export interface LaneHost {
  readonly gate: Gate
  /** The gate lets requests through: one comparison on the hot path. */
  readonly sendable: boolean
  readonly turn: Turn
  readonly counters: Counters
  readonly log: Log
  readonly bugs: Bugs
  readonly policy: ReplayPolicy
  /** What the master says of commands that the table does not know. */
  readonly learned: LearnedCommands
  readonly backoff: BackoffLimits
  /** Milliseconds a request may wait. */
  readonly holdLimitMs: number
  readonly connectTimeoutMs: number
  readonly dial: Dial
  /** All links of this process enter themselves here. */
  readonly live: LiveLinks
  /** On a new master one link loads the scripts, and the others wait for it. */
  mayDial(lane: LaneInfo): boolean
  /** SCRIPT LOAD commands for this lane's next link; empty for all but the one that loads them. */
  scriptsToLoad(lane: LaneInfo): readonly Buffer[]
  /** Something the control plane should look into; it answers by confirming a master or by shutting the gate. */
  observe(observation: string): void
  onLinkReady(link: Link<Request>, about: LaneInfo): void
  onLinkLost(link: Link<Request>, about: LaneInfo, end: LinkEnd<Request>): void
  /** The node refuses our own user's password, which is being changed: the lane tries again. */
  onPasswordRefused(master: Master, about: LaneInfo, reply: string): void
  onHandshakeFailed(master: Master, about: LaneInfo, failure: HandshakeFailure): void
  /** A lane has nothing waiting any more. */
  onDrained(): void
  /** A request's time has run out. */
  onExpired(): void
}

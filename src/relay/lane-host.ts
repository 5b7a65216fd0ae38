// lane-host.ts: what a lane may ask of the pool that owns it: the gate, the limits, and whom to tell.
import type { Master } from '../address.ts'
import { type BackoffLimits, holdLimitMs } from '../backoff.ts'
import { LearnedCommands } from '../command/learned-commands.ts'
import { type ErrorSpec, errors } from '../errors.ts'
import { Bugs } from '../ops/bugs.ts'
import type { Counters } from '../ops/counters.ts'
import type { Log } from '../ops/log.ts'
import { MissingRights } from '../ops/missing-rights.ts'
import { OpenFiles } from '../transport/open-files.ts'
import { Sockets } from '../transport/sockets.ts'
import { type Dial, dialPlain } from '../upstream/dial.ts'
import type { HandshakeFailure, ProofSteps } from '../upstream/handshake.ts'
import { type Identity, isBeingChanged } from '../upstream/identity.ts'
import type { Link, LinkHost } from '../upstream/link.ts'
import type { LinkEnd } from '../upstream/link-end.ts'
import { LiveLinks } from '../upstream/live-links.ts'
import type { Turn } from '../upstream/turn.ts'
import type { Acknowledgements } from './acknowledger.ts'
import type { Gate } from './gate.ts'
import { IdleEnds } from './idle-ends.ts'
import { type LaneInfo, LinkLog } from './link-log.ts'
import type { ProvenLane, Prover } from './prover.ts'
import { refusalCode } from './refusal-texts.ts'
import type { ReplayPolicy } from './replay-rule.ts'
import type { Request } from './request.ts'
import { ScriptLoading } from './script-loading.ts'
import { ScriptStore } from './script-store.ts'

/** After a change of master, replicas attach in about a second. After this long, NOREPLICAS is the true answer. */
const NOREPLICAS_WINDOW_MS = 10_000

/** Of those that may be left out each lane host makes its own. */
export interface LaneHostOptions
  extends Pick<LaneHost, 'policy' | 'backoff' | 'connectTimeoutMs' | 'counters' | 'log' | 'observe'>,
    Partial<Pick<LaneHost, 'learned' | 'dial' | 'sockets' | 'bugs' | 'prove' | 'live' | 'files'>> {
  readonly holdTimeoutMs: number
  readonly acknowledge?: ((host: LaneHost) => Acknowledgements) | null
  /** Shared with the control plane, which asks some of the same things. */
  readonly rights?: MissingRights
}

export abstract class LaneHost implements LinkHost {
  abstract readonly gate: Gate
  abstract readonly turn: Turn
  /** The gate lets requests through: one comparison on the hot path. */
  sendable = false
  /** Nothing of the master is delivered: it may be none any more. */
  withholding = false
  /** performance.now() of the last change of the master; 0: there was none. */
  protected movedAt = 0
  readonly counters: Counters
  readonly log: Log
  readonly bugs: Bugs
  readonly policy: ReplayPolicy
  /** What the master says of commands that the table does not know: else each is a write, not to be repeated. */
  readonly learned: LearnedCommands
  readonly backoff: BackoffLimits
  /** Milliseconds a request may wait. */
  readonly holdLimitMs: number
  readonly connectTimeoutMs: number
  /** By plain TCP to the address as it is, where nobody gives another. */
  readonly dial: Dial
  readonly sockets: Sockets
  /** Who may have a file descriptor, in the whole process. */
  readonly files: OpenFiles
  /** Makes the prover of a lane's writes (--retry-policy once); null: writes are not proven. */
  readonly prove: ((lane: ProvenLane, host: LaneHost) => Prover) | null
  /** Withholds replies until they are confirmed (--ack replicated); null: they go as they come. */
  readonly acks: Acknowledgements | null
  /** Something the control plane should look into; it answers by confirming a master or by shutting the gate. */
  readonly observe: (observation: string) => void
  /** Of what was not sent in time, and of what comes while earlier ones have waited in vain. */
  readonly outOfTime: ErrorSpec = errors.noMaster
  readonly tripped: ErrorSpec = errors.tripped
  /** Of what was sent, and not answered in time. */
  readonly noAnswer: ErrorSpec = errors.gaveUp
  /** Their sessions read from replicas. */
  readonly areOfReplicas: boolean = false
  readonly idleEnds = new IdleEnds()
  readonly live: LiveLinks
  readonly scripts = new ScriptStore()
  readonly loading = new ScriptLoading(this.scripts)
  readonly linkLog: LinkLog

  constructor(options: LaneHostOptions) {
    this.counters = options.counters
    this.log = options.log
    this.bugs = options.bugs ?? new Bugs(options.log, options.counters)
    this.policy = options.policy
    this.learned = options.learned ?? new LearnedCommands()
    this.backoff = options.backoff
    this.holdLimitMs = holdLimitMs(options.holdTimeoutMs, options.policy.maxRetries, options.backoff)
    this.connectTimeoutMs = options.connectTimeoutMs
    this.dial = options.dial ?? dialPlain
    this.sockets = options.sockets ?? new Sockets()
    this.files = options.files ?? new OpenFiles()
    this.observe = options.observe
    this.prove = options.prove ?? null
    this.live = options.live ?? new LiveLinks()
    this.acks = options.acknowledge?.(this) ?? null
    this.linkLog = new LinkLog(options.log, options.rights ?? new MissingRights(options.log))
  }

  /**
   * Answers false where nobody is to be told, and it is tried again: our own user's password is being changed, or a new
   * master lacks a user that the one before it knew (ACLs are not replicated), and somebody may make it there in time.
   */
  onHandshakeFailed({ master, handshake }: Link<Request>, failure: HandshakeFailure): boolean {
    const { identity, password } = handshake
    if (failure.kind === 'auth' && isBeingChanged(identity, password, failure.text)) {
      this.linkLog.passwordRefused(master, identity, failure.text)
      return false
    }
    this.counters.detail.handshakesFailed.add(failure.kind)
    const isRefused = failure.kind === 'auth' && this.linkLog.hasLetIn(identity)
    const waitsMs = isRefused ? this.#userMayComeMs() : 0
    this.linkLog.handshakeFailed(master, identity, failure, waitsMs)
    return waitsMs === 0
  }

  /** For so long a user that a new master lacks is waited for: from its first moment on, for the hold time. */
  #userMayComeMs(): number {
    if (this.movedAt === 0 || this.areOfReplicas) return 0
    return Math.max(0, this.holdLimitMs - this.ran(this.movedAt, performance.now()))
  }

  /** Milliseconds from `since` to `now` in which this process ran: what deadlines count. */
  abstract ran(since: number, now: number): number
  /** A request waits, or a link is dialled: deadlines are looked at often from now on (watchdog.ts). */
  abstract wake(): void
  /** The same where nothing has a deadline: a sweep that comes within a tenth of a second will do. */
  abstract wakeSoon(): void
  /** A refusal that is over by itself in a moment: the master loads, or its replicas are not attached yet. */
  passes(frame: Buffer): boolean {
    if (this.acks !== null) return true // as long as replies would wait for replicas, too
    return refusalCode(frame) !== 'NOREPLICAS' || performance.now() - this.gate.state.since <= NOREPLICAS_WINDOW_MS
  }

  /** A link of a session is wanted: may it be dialled in this turn? If not, the lane is asked again in the next. */
  abstract mayDialNow(): boolean
  /** A link waits for a file descriptor: ends those that nobody uses. */
  abstract makeRoom(): void
  /** A link that was made before this master was one, if there is any. */
  abstract takeAhead(identity: Identity, master: Master, proof: ProofSteps | null): Link<Request> | undefined
  abstract onLinkReady(link: Link<Request>, about: LaneInfo): void
  abstract onLinkLost(link: Link<Request>, about: LaneInfo, end: LinkEnd<Request>): void
  /** A lane has nothing waiting any more. */
  abstract onDrained(): void
  /** A request has waited for the whole hold time, and the gate was shut for all of it. */
  abstract onExpired(): void
}

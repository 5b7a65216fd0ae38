// prover.ts: what a lane asks of whoever proves which of its writes have run (src/proof), and what that one may do with
// the lane. Types only: a lane without a prover runs as if this file were not there.
import type { Handshake, ProofSteps } from '../upstream/handshake.ts'
import type { Identity } from '../upstream/identity.ts'
import type { Link } from '../upstream/link.ts'
import type { LinkEnd } from '../upstream/link-end.ts'
import type { FirstOwed, OldestLost } from './fatal-requests.ts'
import type { ServerRefusal } from './refusal-texts.ts'
import type { Request } from './request.ts'

export interface Prover {
  /** Requests wait for what the marker of their lost link says. */
  readonly isInDoubt: boolean
  /** The replies that come now are elements of EXEC's: none is a refusal of the node's. */
  readonly isExecuting: boolean
  /** Nothing of it is unanswered or waits to be sent. */
  readonly idle: boolean
  /** What a link that is being dialled asks and shows first. */
  steps(): ProofSteps
  /** False: it has to wait until the link can take markers. */
  admits(request: Request): boolean
  /** Sends it now, with the block of this turn, or behind the block that its session waits for. */
  take(link: Link<Request>, request: Request): void
  /** This turn's block goes to the link. */
  close(): void
  /** Looks at a frame first; true: it is dealt with. */
  onFrame(link: Link<Request>, request: Request, frame: Buffer, type: number): boolean
  /** All that one read brought has been looked at. */
  onReadEnd(): void
  /** A new link is up. */
  onReady(handshake: Handshake): void
  /** The node is the master and may be sent to. Answers what becomes of each request that was in doubt. */
  decide(): ((request: Request) => readonly Request[] | null) | null
  /** What the node had refused is about to be sent again. Answers what waits behind it. */
  endAside(): Request[]
  /** What the link had not written yet, and what waits here: oldest first, ready for the front of the lane. */
  recall(recalled: readonly Request[]): Request[]
  /** Of what a link owed at its end the first that a client has sent; undefined: what runs now is a block. */
  firstOwed(end: LinkEnd<Request>): FirstOwed | undefined
  /**
   * The same of all that the link owes at its end. `answered`: before that, those whose replies were withheld. `oldest`:
   * of what it owes, see fatal-requests.ts.
   */
  onLost(end: LinkEnd<Request>, answered: readonly Request[], oldest: OldestLost | null): Request[]
  /** What waits behind blocks. */
  parked(): Iterable<Request>
  /** Takes out of that what `which` holds for. */
  dropParked(which: (request: Request) => boolean): Request[]
  /** The lane is closed: answers what the link does not have. */
  drop(): Request[]
  /** The time of a request is over; null: nothing is in doubt of it. `refusedUser`: the master does not let it in. */
  errorInDoubt(request: Request, refusedUser: string | null): Buffer | null
  /** It is known that the request has not run, although it was sent. */
  hasNotRun(request: Request): boolean
  /**
   * What was sent of a request whose reply was kept over a change of the link, or is what the marker says: it ran on a
   * master before this one. Null: it is none.
   */
  provenBytes(request: Request): Buffer | null
  /** Its client has its reply. */
  forget(request: Request): void
  /** Called some times a second. */
  tick(now: number): void
}

/** The replies of a lane, as its prover sees them. */
export interface ProvenReplies {
  complete(request: Request): void
  /** One reply of a request without a handler: to its client, now or when it is confirmed. */
  answer(request: Request, frame: Buffer): void
  /** Calls `act` when all answered so far is confirmed; never, if the link is lost before. At once, if nothing is. */
  afterAck(act: () => void): void
  /** The node cannot run these now: they are sent again after a pause. None has had a reply. */
  setAside(link: Link<Request>, requests: readonly Request[], frame: Buffer): void
  /** The node has refused `request` with `frame`: no later reply of the link counts. */
  cutRefused(link: Link<Request>, request: Request, frame: Buffer, refusal: ServerRefusal): void
}

/** A lane, as its prover sees it. */
export interface ProvenLane {
  readonly identity: Identity
  readonly link: Link<Request> | null
  readonly replies: ProvenReplies
  /** See LaneOwner; of a shared lane always `none`. */
  readonly openState: 'none' | 'multi' | 'bound'
  /** See LaneOwner; of a shared lane always true. */
  readonly mayInterrupt: boolean
  readonly kind: 'shared' | 'private'
  /** Nothing keeps the lane from sending now, but for a link that is full. */
  readonly maySend: boolean
  submit(request: Request): void
  prepare(request: Request): boolean
  /** Back to the front of the lane; `pump` sends them. */
  putBack(requests: readonly Request[]): void
  pump(): void
  /** Sends these before all that wait. */
  resubmit(requests: readonly Request[]): void
  /** A request of the prover's own has its replies: the link owes less than its session knows. */
  onOwnAnswered(): void
  /** Replies are withheld until they are confirmed: what has been answered may still be in doubt. */
  readonly withholds: boolean
  onStepBug(error: unknown): void
}

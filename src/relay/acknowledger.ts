// acknowledger.ts: what a lane asks of whoever withholds replies until what they tell of is on enough replicas (src/ack),
// and what that one may do with the lane. Types only: a lane without one runs as if this file were not there.
import type { Master } from '../address.ts'
import type { ErrorSpec } from '../errors.ts'
import type { Identity } from '../upstream/identity.ts'
import type { Link } from '../upstream/link.ts'
import type { Request } from './request.ts'

/** Of one lane: its replies in the order in which they came, until they are released. */
export interface Acknowledger {
  /** It withholds nothing. */
  readonly idle: boolean
  /** False: the request waits until there is somebody who can confirm its effect. */
  admits(request: Request): boolean
  /** The error of a request that is refused at once, because earlier ones were not confirmed in time; null: it is not. */
  refusal(request: Request): Buffer | null
  /**
   * Of a request whose hold time is over, and that has not waited for a master all of it: its error where it waited for
   * `admits`; null: it did not.
   */
  outOfTime(request: Request): ErrorSpec | null
  /** Each of these answers true where it has taken what the client is not to be told yet. */
  keepsReplies(request: Request, bytes: Buffer, isWhole: boolean): boolean
  keepsFrame(request: Request, frame: Buffer, type: number): boolean
  /** The request has its last reply. */
  keepsEnd(request: Request): boolean
  keepsPush(frame: Buffer): boolean
  /** Calls `act` when all that has been answered so far is confirmed. Not at all when the link is lost before. */
  afterAck(act: () => void): void
  /** The link is lost: answers the requests whose last reply was kept, oldest first. They are the caller's now. */
  takeBack(): Request[]
  /**
   * The link is lost, and its client has sent its last byte: nothing of it goes again. Answers whether replies wait that
   * can still be confirmed, and drops those of which a part is missing. Where none can be, clients are told so.
   */
  outlivesLink(): boolean
  /** Ends what is withheld since before `now - limitMs`; `now` Infinity: all of it, where the process ends. */
  expire(now: number, limitMs: number): void
  /** The lane is closed: answers what is still here. */
  drop(): Request[]
}

/** The replies of a lane, as its acknowledger sees them. */
export interface AckedReplies {
  /** One frame of a reply to `request`, for its handler or its client. */
  reply(request: Request, frame: Buffer, type: number): void
  /** `request` has its last reply. */
  finish(request: Request): void
  push(frame: Buffer): void
}

/** A lane, as its acknowledger sees it. */
export interface AckedLane {
  readonly identity: Identity
  readonly link: Link<Request> | null
  readonly replies: AckedReplies
  /** Nothing is withheld any more. `isAnswer`: among what has ended now was a reply of the server's. */
  onAllTold(isAnswer: boolean): void
  pump(): void
  onStepBug(error: unknown): void
}

/** Of all lanes of one master. */
export interface Acknowledgements {
  /** `provenBytes`: of the lane's prover. */
  of(lane: AckedLane, provenBytes: (request: Request) => Buffer | null): Acknowledger
  /** The control plane has confirmed this master. */
  onServe(master: Master): void
  /** Nothing is sent for now, and what is confirmed from here on counts no more. */
  onShut(): void
  /** Nothing of the master is believed for now. */
  onWithhold(): void
  /** No link to another node than this one may live; null: to none. */
  keepOnly(master: Master | null, detail: string): void
  /** Called some times a second. */
  tick(now: number): void
  close(): void
}

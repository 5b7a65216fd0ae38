// fatal-requests.ts: finds the command over which the server closes the connection each time: its reply, or its bytes,
// are more than the server lets a client have (client-output-buffer-limit, client-query-buffer-limit).
//
//   links end, the same request still the oldest ──▶ one request at a time ──┬─ a reply ─▶ all again
//                                                                            └─ ends over it alone ─▶ it is the one
//
// Sent again with what others have sent, it takes the link from all of them, until its hold time is over. Never: sends,
// fails anything (lane.ts).
//
// Where the server has ended a link that owed nothing, too, it may end links for another reason (CLIENT KILL of all): then no
// request is blamed (idle-ends.ts).
//
// A write with a marker may be one of these, too: the marker says whether it has run, and what it gets (src/proof).
//
// Must stay true: no request is blamed that was not alone on a link when the server ended it.
import type { LinkEnd } from '../upstream/link-end.ts'
import type { Pauses } from '../upstream/pauses.ts'
import type { IdleEnds } from './idle-ends.ts'
import type { Request } from './request.ts'

/** What a link owed first when it was lost. */
export interface FirstOwed {
  readonly request: Request
  /** Nothing else was on the link. */
  readonly isAlone: boolean
}

/** The oldest request that a lost link owed, if it can be sent again and again without a word from anybody. */
export interface OldestLost {
  readonly request: Request
  /** The server ends each link over it. */
  readonly isFatal: boolean
  /** What goes back to the front of the lane in its place; whoever takes it back says so. */
  again: Request | undefined
}

/** What else may have ended the link. */
export interface Circumstances {
  readonly pauses: Pauses
  /** Of links that owed nothing. */
  readonly idleEnds: IdleEnds
}

/** The server has ended it, and not we. */
export function isByServer({ reason }: LinkEnd<Request>): boolean {
  return reason === 'peer-closed' || reason === 'reset'
}

/** Of a link that answers one request after the other. */
export function firstOwed({ owed, unsent }: LinkEnd<Request>): FirstOwed | undefined {
  const [request] = owed
  return request && { request, isAlone: owed.length - unsent === 1 }
}

/** After so many links in a row that ended before the oldest request had a reply, requests go one at a time. */
const SUSPICIOUS = 3

export class FatalRequests {
  /** The oldest without a reply when the last link was lost. */
  #oldest: Request | null = null
  /** Links that ended in a row without a reply to it. */
  #losses = 0

  /** One request is under way at a time. */
  get oneByOne(): boolean {
    return this.#losses >= SUSPICIOUS
  }

  /** A request has its reply, or the master is another one. */
  forget(): void {
    this.#oldest = null
    this.#losses = 0
  }

  /**
   * A link is lost. `first`: what it owed first, undefined where something else tells what becomes of that. Answers it,
   * and whether it is the reason; null: nobody is suspected.
   */
  onLost(end: LinkEnd<Request>, first: FirstOwed | undefined, { pauses, idleEnds }: Circumstances): OldestLost | null {
    const { owed, unsent } = end
    const isSuspect = isByServer(end) && owed.length > unsent && !idleEnds.onBusy(performance.now())
    // What waits for long, or for its client, is the oldest for other reasons.
    if (!isSuspect || !first || first.request.blocking || pauses.ofSessionLately) {
      this.forget()
      return null
    }
    const { request, isAlone } = first
    const isAgain = request === this.#oldest && request.expect === request.replies
    const isFatal = isAgain && this.oneByOne && isAlone
    this.#losses = isAgain ? this.#losses + 1 : 1
    return { request, isFatal, again: undefined }
  }

  /** What onLost has answered was taken back. */
  goesAgain(oldest: OldestLost | null): void {
    const again = oldest?.again
    this.#oldest = again?.local === null ? again : null
  }
}

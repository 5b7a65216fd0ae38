// fatal-requests.ts: finds the command over which the server closes the connection each time: its reply, or its bytes,
// are more than the server lets a client have (client-output-buffer-limit, client-query-buffer-limit).
//
//   links end, the same request still the oldest ──▶ one request at a time ──┬─ a reply ─▶ all again
//                                                                            └─ ends over it alone ─▶ it is the one
//
// Sent again with what others have sent, it takes the link from all of them, until its hold time is over. Never: sends,
// fails anything (lane.ts).
//
// Must stay true: no request is blamed that was not alone on a link when the server ended it.
import type { LinkEnd } from '../upstream/link.ts'
import type { Pauses } from '../upstream/pauses.ts'
import type { Request } from './request.ts'

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

  /** A link is lost. Answers whether the oldest request that it owed is the reason. */
  onLost({ reason, owed, unsent }: LinkEnd<Request>, pauses: Pauses): boolean {
    const [first] = owed
    const sent = owed.length - unsent
    const isByServer = reason === 'peer-closed' || reason === 'reset'
    // What waits for long, or for its client, is the oldest for other reasons.
    if (!isByServer || first === undefined || sent === 0 || first.blocking || pauses.ofSessionLately) {
      this.forget()
      return false
    }
    const isAgain = first === this.#oldest && first.expect === first.replies
    const isSure = isAgain && this.oneByOne && sent === 1
    this.#losses = isAgain ? this.#losses + 1 : 1
    return isSure
  }

  /** `request` goes back to the front of the lane in the place of what onLost has looked at. */
  goesAgain(request: Request | undefined): void {
    this.#oldest = request?.local === null ? request : null
  }
}

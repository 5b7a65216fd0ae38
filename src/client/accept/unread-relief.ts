// unread-relief.ts: what happens when all clients together leave more replies unread than they may.
//
//   unread > limit ──▶ links in the midst of a large reply are read no more ── unread <= 3/4 ──▶ they are read on
//                          ├─ clients take less than a quarter of the limit in 3 s ──▶ those who leave most end
//                          └─ a quarter of the limit more has come ──▶ those who leave most end at once
//
// So whoever reads waits, and only who does not is ended. Small replies go on, but for those behind a large one on a link
// that many share. So the three seconds are for all such times together: they come back slowly, and who leaves too much
// in the meantime ends at once. Of many clients that read nothing, small replies would fill the memory of a container
// within these seconds: hence the quarter.
//
// Must stay true: while commands are held nothing waits here. What the old master has answered comes first. Clients that
// do not read delay others by three seconds, and by a tenth of the time from then on.
import type { Bugs } from '../../ops/bugs.ts'
import type { Counters } from '../../ops/counters.ts'

/** After a relief at most this share of the limit is in use. */
export const RELIEVED_SHARE = 0.75
/** Clients that take this share of the limit get as much time once more. */
const PROGRESS_SHARE = 1 / 4
/** So much of the limit may come besides, before nobody waits any more. */
const EXCESS_SHARE = 1 / 4
const CHECK_MS = 10
/** Three seconds in which this process runs: a standstill has one check. */
const PATIENT_CHECKS = 300
/** So long after a relief one more check is patient again. */
const RECOVERY_MS = 100

/** All links that bring replies to these clients. */
export interface LargeLinks {
  /** Reads no more from those that are in the midst of a large reply. */
  pauseLarge(): void
  /** Reads on from all of them. */
  resumeLarge(): void
}

export interface ReliefHost {
  readonly counters: Counters
  /** Bytes that all clients together may leave unread. */
  readonly limit: number
  readonly links: LargeLinks
  /** Commands are sent: no failover is under way. */
  readonly isSending: () => boolean
  /** Ends those who leave most, until `RELIEVED_SHARE` of the limit is in use. */
  readonly endMost: () => void
  readonly bugs: Bugs
}

export class UnreadRelief {
  readonly #host: ReliefHost
  /** Runs only while there is too much. */
  #timer: NodeJS.Timeout | null = null
  /** Unread when the clients had last taken enough, and checks since then. */
  #bytes = 0
  #checks = 0
  /** Checks in which clients took too little, since long ago. */
  #spent = 0
  #endedAt = 0
  /** Above this those who leave most end at once. */
  #most = 0

  constructor(host: ReliefHost) {
    this.#host = host
  }

  /** They leave more than the limit. It is called again for each client that leaves more. */
  begin(): void {
    const { counters, limit, endMost } = this.#host
    if (this.#timer === null) {
      this.#most = counters.unreadBytes + limit * EXCESS_SHARE
      this.#timer = setInterval(() => this.#host.bugs.guard('relief of unread replies', () => this.#check()), CHECK_MS)
      this.#timer.unref()
      this.#spent = Math.max(0, this.#spent - Math.floor((performance.now() - this.#endedAt) / RECOVERY_MS))
      this.#onTaken()
    } else if (counters.unreadBytes > this.#most) {
      endMost()
      this.#end()
      return
    }
    this.#pause()
  }

  #check(): void {
    const { counters, limit, endMost } = this.#host
    if (counters.unreadBytes > limit * RELIEVED_SHARE) {
      if (counters.unreadBytes <= this.#bytes - limit * PROGRESS_SHARE) this.#onTaken()
      this.#pause()
      if (this.#spent + ++this.#checks < PATIENT_CHECKS) return
      endMost()
    } else {
      // They have taken a quarter since it began, so none of this time is spent.
      this.#checks = 0
    }
    this.#end()
  }

  #onTaken(): void {
    this.#bytes = this.#host.counters.unreadBytes
    this.#checks = 0
  }

  #pause(): void {
    const { links, isSending } = this.#host
    if (isSending()) links.pauseLarge()
    else links.resumeLarge()
  }

  #end(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#spent = Math.min(PATIENT_CHECKS, this.#spent + this.#checks)
    this.#endedAt = performance.now()
    this.#host.links.resumeLarge()
  }
}

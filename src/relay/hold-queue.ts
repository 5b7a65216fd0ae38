// hold-queue.ts: the requests of one lane that are not sent: a FIFO that keeps its own accounts.
//
// When a client leaves: a last byte (FIN) alone ends no wait. What it sent before is sent in its turn, except from the
// first blocking command on, which is taken out at once (lane.leave). Once its session is over, a private lane drops
// all at once (lane.close). On a shared lane its requests stay until they are at the front, and leave there unsent.
//
// Must stay true: every request that enters is counted as held, leaves once, and is counted by how it left.
import type { Counters } from '../ops/counters.ts'
import { Fifo } from '../upstream/fifo.ts'
import { forgetKept } from './kept-replies.ts'
import type { Request } from './request.ts'

/**
 * How a wait ends. `drained`: sent, or answered by us in its turn. `expired`: its hold time is over. `timedOut`: a
 * blocking command's own time is over. `failed`: refused for good. `gone`: its client is.
 */
export type WaitEnd = 'drained' | 'expired' | 'timedOut' | 'failed' | 'gone'

export class HoldQueue {
  readonly #counters: Counters
  #fifo = new Fifo<Request>()
  #isForUser = false

  constructor(counters: Counters) {
    this.#counters = counters
  }

  get size(): number {
    return this.#fifo.size
  }

  /** What waits here does so until the master has its user: the hold of all others ends without it. */
  waitForUser(isForUser: boolean): void {
    if (isForUser === this.#isForUser) return
    this.#isForUser = isForUser
    this.#counters.waitingForUser += isForUser ? this.size : -this.size
  }

  /** The one that has waited longest. Those in front of it whose clients are gone leave: nothing is owed to them. */
  head(): Request | undefined {
    let head = this.#fifo.peek()
    for (; head?.owner.gone; head = this.#fifo.peek()) this.shift('gone')
    return head
  }

  push(request: Request): void {
    this.#counters.held++
    this.#counters.waiting++
    this.#counters.waitingBytes += request.weight
    if (this.#isForUser) this.#counters.waitingForUser++
    if (request.heldAt === 0) request.heldAt = performance.now()
    this.#fifo.push(request)
  }

  /** Takes the oldest; the caller says what becomes of it. */
  shift(end: WaitEnd): Request | undefined {
    const request = this.#fifo.shift()
    if (request === undefined) return undefined
    this.#account(request, end)
    return request
  }

  /** Takes those for which `which` holds, oldest first; the caller says what becomes of them. */
  takeOut(which: (request: Request) => boolean, end: WaitEnd): Request[] {
    const taken: Request[] = []
    for (const request of this.#fifo.drain()) {
      if (!which(request)) this.#fifo.push(request)
      else {
        this.#account(request, end)
        taken.push(request)
      }
    }
    return taken
  }

  #account(request: Request, end: WaitEnd): void {
    const counters = this.#counters
    const { waits } = counters.detail
    waits.observe((performance.now() - request.heldAt) / 1000, request.owner)
    if (end === 'expired' || end === 'failed') waits.sample?.note(request.owner, 'failed')
    counters[end]++
    counters.waiting--
    if (this.#isForUser) counters.waitingForUser--
    counters.waitingBytes -= request.weight
    if (end === 'gone') {
      counters.pendingBytes -= request.weight
      forgetKept(request, counters)
    }
    // Sent for the first time, it starts anew if it must wait again; sent again, it keeps its first deadline.
    else if (end === 'drained' && request.sends === 0) request.heldAt = 0
  }

  /** All that wait, oldest first. */
  [Symbol.iterator](): Iterator<Request> {
    return this.#fifo[Symbol.iterator]()
  }

  /** Each stays where it is, or `by` puts others in its place. */
  replace(by: (request: Request) => readonly Request[] | null): void {
    for (const request of this.#fifo.drain()) {
      const others = by(request)
      if (others === null) this.#fifo.push(request)
      else {
        this.#account(request, 'drained')
        for (const other of others) this.push(other)
      }
    }
  }

  /**
   * Requests that were sent before all that wait now come back to the front, in their order. Nothing behind them may
   * wait for a deadline later than its own, so none of them gets a later one.
   */
  putBack(requests: readonly Request[]): void {
    let latest = this.#fifo.peek()?.heldAt ?? performance.now()
    for (const request of requests.toReversed()) {
      if (request.heldAt === 0 || request.heldAt > latest) request.heldAt = latest
      latest = request.heldAt
    }
    const younger = this.#fifo.drain()
    for (const request of requests) this.push(request)
    for (const request of younger) this.#fifo.push(request)
  }
}

// withheld.ts: the replies of one lane that their clients are not told yet, in the order in which they came.
//
//   link ─▶ reply of a write ───────────▶ [line] ── confirmed up to here ──▶ session
//           reply behind one of its own ─▶ [line]
//           any other ────────────────────────────────────────────────────▶ session
//
// Owns: the line. barrier.ts says when it may move on. Never: sends, or decides what a lost link means (src/proof).
//
// Must stay true: a session is told its replies in the order of its commands. What is told is confirmed, unless it is a
// plain read or an error of Holdfast's own.
import { type ErrorSpec, errors } from '../errors.ts'
import type { Counters } from '../ops/counters.ts'
import type { AckedLane, Acknowledger } from '../relay/acknowledger.ts'
import { forgetKept, KeptReplies } from '../relay/kept-replies.ts'
import { type Request, type RequestOwner, senderOf } from '../relay/request.ts'
import { ReplyType } from '../resp/reply-scanner.ts'
import { Fifo } from '../upstream/fifo.ts'
import { giveUp } from './given-up.ts'
import { type Needs, saysNothing } from './needs.ts'

interface Item {
  /** Null: `act` stands here. */
  readonly request: Request | null
  readonly act: (() => void) | null
  /** When it was complete, in the count of the barrier; what the barrier sent later confirms. */
  arrived: number
  readonly since: number
}

/** Who says what is confirmed, and is told what has come (barrier.ts). */
export interface Confirmer {
  readonly counters: Counters
  /** It can be asked: what is sent from now on can be confirmed. */
  readonly isReady: boolean
  /** Writes were not confirmed in time: new ones are refused until one is. */
  readonly isTripped: boolean
  /** A reply of this lane is complete. Answers its place in the count of all. */
  arrive(withheld: Withheld): number
  /** Writes were not confirmed in time. */
  trip(): void
  /** Milliseconds in which this process ran. */
  ran(since: number, now: number): number
  /** The lane is closed. */
  leave(withheld: Withheld): void
}

const INCOMPLETE = Number.POSITIVE_INFINITY
/** Of bytes that go to the client as they are. */
const AS_IT_IS = 0

export class Withheld implements Acknowledger {
  readonly lane: AckedLane
  readonly #barrier: Confirmer
  readonly #needs: Needs
  readonly #line = new Fifo<Item>()
  /** Who has something in the line, and how much: a session and what Holdfast says for it together. */
  readonly #owners = new Map<RequestOwner, number>()
  /** The last of the line, which has some of its replies. */
  #open: Item | null = null

  constructor(lane: AckedLane, barrier: Confirmer, needs: Needs) {
    this.lane = lane
    this.#barrier = barrier
    this.#needs = needs
  }

  get idle(): boolean {
    return this.#line.size === 0
  }

  admits(request: Request): boolean {
    if (request.local !== null) return true
    if (request.handler?.setsExpect === true && !this.#isFree) return false
    return this.#barrier.isReady || this.#isSignedOut || !this.#needs.request(request)
  }

  /** The server refuses whatever comes: nobody has signed in. */
  get #isSignedOut(): boolean {
    const { identity, link } = this.lane
    return link?.handshake.signedIn === false && identity.password === null && identity.own === null
  }

  /** Nothing is unanswered: the next reply can be looked at as it comes. */
  get #isFree(): boolean {
    return this.idle && (this.lane.link?.inFlight ?? 0) === 0
  }

  refusal(request: Request): Buffer | null {
    return this.#barrier.isTripped && this.#needs.request(request) ? errors.notReplicated.reply : null
  }

  outOfTime(request: Request): ErrorSpec | null {
    if (this.lane.link?.status !== 'ready' || this.#barrier.isReady || this.admits(request)) return null
    this.#barrier.trip()
    return errors.notAsked
  }

  // ---- what comes ----

  keepsReplies(request: Request, bytes: Buffer, isWhole: boolean): boolean {
    if (request.kept === null && !this.#mustWait(request)) return false
    this.#keep(request, Buffer.from(bytes), AS_IT_IS, isWhole)
    return true
  }

  keepsFrame(request: Request, frame: Buffer, type: number): boolean {
    if (request.handler?.setsExpect) return false
    if (request.kept === null) {
      const isNothing = saysNothing(frame) && !this.#owners.has(senderOf(request))
      if (isNothing || !this.#mustWait(request)) return false
    }
    this.#keep(request, frame, request.handler === null && request.skip === 0 ? AS_IT_IS : type, true)
    return true
  }

  #keep(request: Request, bytes: Buffer, type: number, isWhole: boolean): void {
    if (request.kept === null) {
      request.kept = new KeptReplies()
      this.#open = this.#push(request, INCOMPLETE)
    }
    request.kept.add(bytes, type, isWhole, this.#barrier.counters)
  }

  #mustWait(request: Request): boolean {
    return this.#owners.has(senderOf(request)) || this.#needs.reply(request)
  }

  keepsEnd(request: Request): boolean {
    const open = this.#open
    if (open?.request === request) {
      this.#open = null
      open.arrived = this.#barrier.arrive(this)
      return true
    }
    const mustWait = this.#owners.has(senderOf(request)) || (request.local !== null && this.#needs.local(request))
    if (mustWait) this.#push(request, this.#barrier.arrive(this))
    return mustWait
  }

  keepsPush(frame: Buffer): boolean {
    if (this.idle) return false
    this.#pushAct(() => this.lane.replies.push(frame))
    return true
  }

  afterAck(act: () => void): void {
    if (this.idle) act()
    else this.#pushAct(act)
  }

  #pushAct(act: () => void): void {
    // The barrier that confirms what stands before it confirms it too: it needs none of its own.
    this.#line.push({ request: null, act, arrived: 0, since: 0 })
  }

  #push(request: Request, arrived: number): Item {
    const item = { request, act: null, arrived, since: performance.now() }
    this.#line.push(item)
    const sender = senderOf(request)
    this.#owners.set(sender, (this.#owners.get(sender) ?? 0) + 1)
    this.#barrier.counters.withheldReplies++
    return item
  }

  // ---- what goes ----

  /** All that was complete before this moment of the barrier's count is confirmed. */
  release(arrived: number): void {
    let isAnswer = false
    for (let item = this.#line.peek(); item !== undefined && item.arrived <= arrived; item = this.#line.peek()) {
      this.#line.shift()
      isAnswer ||= item.request?.local === null
      if (item.request === null) item.act?.()
      else this.#tell(item.request)
    }
    if (this.idle) this.lane.onAllTold(isAnswer)
  }

  #tell(request: Request): void {
    this.#leave(request)
    const { kept, owner } = request
    forgetKept(request, this.#barrier.counters)
    const pieces = kept?.pieces ?? []
    pieces.forEach(({ bytes, type }, i) => {
      if (type === AS_IT_IS) owner.deliver(bytes)
      else {
        request.expect = pieces.length - 1 - i // as it was when it came
        this.lane.replies.reply(request, bytes, type)
      }
    })
    this.lane.replies.finish(request)
  }

  #leave(request: Request): void {
    this.#barrier.counters.withheldReplies--
    const sender = senderOf(request)
    const left = (this.#owners.get(sender) ?? 1) - 1
    if (left === 0) this.#owners.delete(sender)
    else this.#owners.set(sender, left)
  }

  expire(now: number, limitMs: number): void {
    const before = this.#line.size
    let isAnswer = false
    for (let item = this.#line.peek(); item !== undefined; item = this.#line.peek()) {
      const { request, arrived, since } = item
      if (request === null) {
        this.#line.shift()
        item.act?.()
        continue
      }
      const isLate = arrived !== INCOMPLETE && this.#barrier.ran(since, now) >= limitMs
      const isFirst = arrived !== INCOMPLETE && this.#line.size < before
      // It waits for those in front of it alone, and they have just left.
      const isFree = (isLate || isFirst) && !this.#needs.request(request)
      if (!isLate && !isFree) break
      this.#line.shift()
      isAnswer ||= request.local === null
      if (isFree) this.#tell(request)
      else {
        this.#giveUp(request)
        // Where nothing waits any longer, no time is over.
        if (Number.isFinite(now)) this.#barrier.trip()
      }
    }
    if (this.idle && this.#line.size < before) this.lane.onAllTold(isAnswer)
  }

  #giveUp(request: Request): void {
    this.#leave(request)
    giveUp(request, this.#needs, this.#barrier.counters)
    this.lane.replies.finish(request)
  }

  // ---- the end ----

  takeBack(): Request[] {
    const items = this.#line.drain()
    this.#owners.clear()
    this.#open = null
    const requests: Request[] = []
    for (const { request, arrived } of items) {
      if (request === null) continue
      this.#barrier.counters.withheldReplies--
      if (arrived !== INCOMPLETE) requests.push(request)
    }
    return requests
  }

  outlivesLink(): boolean {
    const open = this.#open
    if (open !== null) this.#dropOpen(open)
    if (!this.#barrier.isReady) this.#giveUpAll()
    return !this.idle
  }

  /** The link owed the rest of its replies. */
  #dropOpen(open: Item): void {
    this.#open = null
    for (const item of this.#line.drain()) if (item !== open) this.#line.push(item)
    if (open.request === null) return
    this.#leave(open.request)
    forgetKept(open.request, this.#barrier.counters)
  }

  /** Nobody can confirm it any more. */
  #giveUpAll(): void {
    this.expire(Number.POSITIVE_INFINITY, 0)
  }

  drop(): Request[] {
    const open = this.#open?.request
    if (open) forgetKept(open, this.#barrier.counters)
    const dropped = this.takeBack()
    for (const request of dropped) forgetKept(request, this.#barrier.counters)
    this.#barrier.leave(this)
    return dropped
  }

  /** The link that confirms is lost: what was answered, or will be, on this lane's link can be confirmed no more. */
  onBarrierLost(): void {
    const { link } = this.lane
    if (link === null) this.#giveUpAll()
    if (link?.status === 'ready' && (!this.idle || link.inFlight > 0))
      link.cut('the link that confirms replication was lost')
  }
}

/** Whether a reply is an error of the server's or of Holdfast's. */
export const isErrorReply = (reply: Buffer): boolean => reply[0] === ReplyType.error

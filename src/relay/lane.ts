// lane.ts: the ordered path of one identity (shared) or one session (private) to the master.
//
//   submit ──▶ link ready, gate open, nobody waits ──▶ link.send ──▶ lane-replies.ts ──▶ owner
//        └───▶ [waiting: oldest first] ──pump──▶ link.send
//   link lost ──▶ what it still owed goes back to the front of [waiting], in its order, as replay-rule.ts decides
//
// Owns: the order of what is sent, the waiting FIFO, and what each end of the link means for it. lane-link.ts has the link
// itself, lane-replies.ts the way back, lane-refusals.ts what the node refuses, lane-deadlines.ts what has waited for too
// long. Never: parses commands on the hot path, looks at replies, picks the master.
//
// Must stay true: requests of a lane reach the master in order of submit, replays included; a request ends exactly once
// (reply, error, owner gone); what waits is counted, and the counts add up.
// It is longer than other files: all that moves a request between the queue and the link stands here, so that the order
// can be seen.
import type { HandshakeFailure } from '../upstream/handshake.ts'
import type { Identity } from '../upstream/identity.ts'
import type { Link } from '../upstream/link.ts'
import type { LinkEnd } from '../upstream/link-end.ts'
import { Pausing } from '../upstream/pauses.ts'
import type { AckedLane, Acknowledger } from './acknowledger.ts'
import { FatalRequests, firstOwed } from './fatal-requests.ts'
import { HoldQueue } from './hold-queue.ts'
import { LaneDeadlines } from './lane-deadlines.ts'
import { handOver } from './lane-handover.ts'
import type { LaneHost } from './lane-host.ts'
import { LaneLink, type LaneOwner, type LinkedLane } from './lane-link.ts'
import { LaneRefusals } from './lane-refusals.ts'
import { LaneReplies } from './lane-replies.ts'
import type { ProvenLane, Prover } from './prover.ts'
import { failRequest, ofHandler, prepare, type Request } from './request.ts'
import { takeBack, takeBackOwed } from './take-back.ts'

export class Lane implements LinkedLane, ProvenLane, AckedLane {
  identity: Identity
  /** Sessions that use a shared lane, and since when there are none (0: there are). */
  users = 0
  unusedSince = 0
  /** The link is what `identity` says and may serve another session afterwards. */
  reusable = true
  /** The server has let a link of this lane in: what is answered here without asking it is what it would say. */
  proven = false
  /** A shared lane whose place a fresh one has taken, see shared-lanes.ts. */
  retired = false
  /** The node has answered BUSY to the last handshake: what waits here is told so at each dial. */
  refusedAsBusy = false
  /** A private lane's session; null for a shared lane. */
  readonly owner: LaneOwner | null
  readonly #host: LaneHost
  readonly #waiting: HoldQueue
  readonly #uplink: LaneLink
  readonly refusals: LaneRefusals
  readonly #fatal = new FatalRequests()
  /** The first that waits does so for a reply that the link owes. */
  #awaits = false
  /** Sends writes in blocks whose fate can be asked for; null: they go as they come. */
  readonly prover: Prover | null
  /** Withholds replies until they are confirmed; null: they go as they come. */
  readonly #acks: Acknowledger | null
  readonly withholds: boolean
  readonly deadlines: LaneDeadlines
  /** The way back. */
  readonly replies: LaneReplies

  constructor(host: LaneHost, identity: Identity, owner: LaneOwner | null) {
    this.#host = host
    this.identity = identity
    this.owner = owner
    this.#waiting = new HoldQueue(host.counters)
    this.#uplink = new LaneLink(host, this)
    this.refusals = new LaneRefusals(host, this, () => this.#uplink.onWrongNode())
    this.withholds = host.acks !== null
    this.prover = host.prove?.(this, host) ?? null
    this.#acks = host.acks?.of(this, request => this.prover?.provenBytes(request) ?? null) ?? null
    const parts = {
      waiting: this.#waiting,
      uplink: this.#uplink,
      refusals: this.refusals,
      prover: this.prover,
      acks: this.#acks,
    }
    this.deadlines = new LaneDeadlines(host, parts, this)
    this.replies = new LaneReplies(host, parts, this)
  }

  get kind(): 'shared' | 'private' {
    return this.owner === null ? 'shared' : 'private'
  }

  /** Being dialled, or ready; null: there is none. */
  get link(): Link<Request> | null {
    return this.#uplink.link
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Sessions use it, whether they wait for something now or not. */
  get inUse(): boolean {
    return this.owner !== null || (this.users > 0 && !this.retired)
  }

  /** A blocking command of its session is sent and unanswered, or waits to be sent. */
  get blocks(): boolean {
    for (const request of this.link?.owed() ?? []) if (request.blocking) return true
    for (const request of this.#waiting) if (request.blocking) return true
    return false
  }

  get idle(): boolean {
    return this.#waiting.size === 0 && this.settled
  }

  /** All that was sent is answered, and the client has the replies. */
  get settled(): boolean {
    return !this.#owes && (this.prover?.idle ?? true) && (this.#acks?.idle ?? true)
  }

  /** The link owes a reply. */
  get #owes(): boolean {
    return (this.link?.inFlight ?? 0) > 0
  }

  get maySend(): boolean {
    return this.#host.sendable && this.refusals.aside === null
  }

  get openState(): 'none' | 'multi' | 'bound' {
    return this.owner?.openState?.() ?? 'none'
  }

  get mayInterrupt(): boolean {
    return this.owner?.mayInterrupt?.() ?? true
  }

  // ---- what goes out, in order ----

  /** Takes a request; it is sent now or waits its turn. */
  submit(request: Request): void {
    const error = this.#acks === null || request.local !== null ? null : this.#acks.refusal(request)
    if (error !== null && !this.#goesInstead(request, error)) {
      this.#refuse(request, error)
      return
    }
    const link = this.#uplink.state
    if (typeof link !== 'string' && link.status === 'ready' && this.#waiting.size === 0) {
      if (request.local !== null && this.prover === null) {
        link.send(request)
        link.replies.settleHead()
        return
      }
      if (this.prover !== null) {
        const isFree = this.maySend && !link.full && !this.#waitsForOne(link)
        if (request.local !== null || (isFree && this.#admits(this.prover, request))) {
          this.prover.take(link, request)
          return
        }
      } else if (this.#host.sendable && this.refusals.aside === null && !link.full && !this.#waitsForOne(link)) {
        request.sends++
        if (request.handler !== null && !this.prepare(request)) return
        link.send(request)
        // Its handler may have answered it instead. Then no reply comes that takes it off the link.
        if (request.local !== null) link.replies.settleHead()
        link.writeIfMuch()
        return
      }
    } else if (request.local !== null && this.#waiting.size === 0) {
      this.replies.complete(request)
      return
    }
    this.#submitHeld(request)
  }

  #admits(prover: Prover, request: Request): boolean {
    return this.#acks?.admits(request) !== false && prover.admits(request)
  }

  /** What it has begun on the link is ended there, in its place. */
  #goesInstead(request: Request, error: Buffer): boolean {
    if (this.link?.status !== 'ready') return false
    if (ofHandler(request, handler => handler.refuse?.(request, error)) !== true) return false
    this.#host.counters.refusedByBreaker++
    return true
  }

  #refuse(request: Request, error: Buffer): void {
    this.#host.counters.refusedByBreaker++
    failRequest(request, error)
    // With nothing of its own session ahead of it, it does not wait behind those of others.
    if (request.owner.pending <= request.commands) this.replies.complete(request)
    else this.submit(request)
  }

  #submitHeld(request: Request): void {
    if (request.local === null && this.#host.gate.state.kind === 'tripped') {
      this.#refuse(request, this.#host.tripped.reply)
      return
    }
    this.#waiting.push(request)
    this.#host.wake()
    this.ensureLink()
  }

  /** Sends what waits, in order, as far as the link takes it. */
  pump(): void {
    const { link } = this
    if (link?.status !== 'ready' || this.refusals.aside !== null || this.#uplink.isPaused) return
    if (this.#host.sendable) this.#uplink.endInherited(link)
    // Not before: a node that may be replaced decides nothing.
    if (this.#host.sendable && this.prover?.isInDoubt) this.#waiting.replace(this.prover.decide() ?? (() => null))
    while (this.#host.sendable && !link.full && !this.#waitsForOne(link)) {
      const next = this.#waiting.head()
      if (next === undefined) break
      if (next.sends > 0 && ofHandler(next, handler => handler.awaits?.()) === true) {
        this.#awaits = true
        break
      }
      if (this.prover !== null && !this.#admits(this.prover, next)) break
      this.#waiting.shift('drained')
      if (next.local === null && next.sends > 0) this.#host.counters.replayed++
      if (this.prover !== null) {
        this.prover.take(link, next)
        continue
      }
      if (next.local === null) {
        next.sends++
        if (next.handler !== null && !this.prepare(next)) continue
      }
      link.send(next)
      if (this.#fatal.oneByOne) link.replies.settleHead()
    }
    link.replies.settleHead()
    if (this.#waiting.size === 0) this.#host.onDrained()
  }

  /** Answers whether it may be sent; if not, its session is gone. */
  prepare(request: Request): boolean {
    if (prepare(request)) return true
    this.#host.counters.pendingBytes -= request.weight
    return false
  }

  /** Writes what was submitted now: what others send in this turn must not overtake it at the server. */
  writeNow(): void {
    const { link } = this
    this.prover?.close()
    if (link?.status === 'ready') this.#host.turn.writeNow(link)
  }

  /** A reply of our own, behind those that the link still owes: it is answered out of the link's FIFO. */
  answerInTurn(request: Request): void {
    const { link } = this
    if (link?.status === 'ready') {
      link.send(request)
      link.replies.settleHead()
    } else this.replies.complete(request)
  }

  /** One request is under way at a time, and one is. */
  #waitsForOne(link: Link<Request>): boolean {
    return this.#fatal.oneByOne && !this.#isSilent(link)
  }

  /** Nothing is under way; a reply that its client has not been told would be asked for again on the next link. */
  #isSilent(link: Link<Request>): boolean {
    return link.inFlight === 0 && this.prover?.idle !== false && this.#acks?.idle !== false
  }

  /** Comes before pump(): what that sends alone keeps the others waiting, again and again while more comes. */
  #goOn(): void {
    const { link } = this
    if (link?.status !== 'ready' || !this.#fatal.oneByOne || !this.#isSilent(link)) return
    // The one that was under way has its reply: it is not the one that the server ends links for.
    this.#fatal.forget()
    this.pump()
  }

  // ---- what comes back to the front ----

  /** The gate has shut: what was to leave with this turn's write waits instead. */
  recall(): void {
    const { link } = this
    const unwritten = link?.status === 'ready' ? link.recall() : []
    const recalled = this.prover?.recall(unwritten) ?? unwritten
    if (recalled.length > 0) this.putBack(recalled.flatMap(request => takeBack(request, 'unsent', this.#host)))
    // All that a refusal had left on the link was unwritten: no read comes that would end it.
    if (link !== null && this.refusals.aside !== null && link.inFlight === 0) this.sendAgain(link)
  }

  /** A session may have ended over one of these and closed the lane; then none is kept. */
  putBack(requests: readonly Request[]): void {
    if (this.#uplink.state !== 'closed') this.#waiting.putBack(requests)
    else
      for (const { owner, commands, weight } of requests) {
        this.#host.counters.pendingBytes -= weight
        owner.onAnswered(commands, weight)
      }
    if (!this.#owes) this.#settleFront()
  }

  /** Replies of our own at the front need no link. */
  #settleFront(): void {
    for (let head = this.#waiting.head(); head?.local; head = this.#waiting.head()) {
      this.#waiting.shift('drained')
      this.replies.complete(head)
    }
  }

  resubmit(requests: readonly Request[]): void {
    if (this.#waiting.size === 0) for (const request of requests) this.submit(request)
    else {
      this.putBack(requests)
      this.pump()
    }
  }

  /** The link owes nothing more: what the node has refused is sent again after a pause, or elsewhere. */
  sendAgain(link: Link<Request>): void {
    if (this.refusals.isDeposed) {
      this.#uplink.onWrongNode()
      link.cut('the node says it is no master')
      return
    }
    link.replies.inspectAll = false
    const again = [...this.refusals.end(), ...(this.prover?.endAside() ?? [])]
    const first = again.length > 0 ? (this.owner?.saidForNext?.() ?? null) : null
    this.putBack(first === null ? again : [first, ...again])
    if (this.#waiting.size > 0) this.#uplink.pause()
  }

  /** An exception of ours keeps these commands from going back: their sessions end, rather than wait for ever. */
  #requeue(link: Link<Request>, end: LinkEnd<Request>): void {
    const { owed } = end
    try {
      const { isDeposed } = this.refusals
      const back = this.refusals.end()
      const answered = this.#uplink.state === 'closed' ? [] : (this.#acks?.takeBack() ?? [])
      const first = this.prover === null ? firstOwed(end) : this.prover.firstOwed(end)
      const { pauses } = link
      const { idleEnds } = this.#host
      const oldest = this.#fatal.onLost(end, first, { pauses, idleEnds })
      if (this.prover !== null) back.push(...this.prover.onLost(end, answered, oldest))
      else back.push(...takeBackOwed(end, { oldest, isDeposed }, this.#host))
      this.#fatal.goesAgain(oldest)
      this.putBack(back)
    } catch (error) {
      for (const { owner } of owed) owner.onBug(error)
    }
  }

  // ---- what the link and the way back report ----

  onReady(link: Link<Request>): void {
    this.#uplink.onReady(link)
    this.#waiting.waitForUser(false)
    this.refusedAsBusy = false
    this.proven = link.handshake.signedIn
    link.replies.pushes = this.owner?.pushes ?? null
    this.#host.onLinkReady(link, this)
    this.prover?.onReady(link.handshake)
    this.owner?.onLinkReady()
    this.pump()
  }

  onAnswers(): void {
    if (this.#fatal.oneByOne) this.#goOn()
    if ((this.#acks !== null || this.#awaits) && this.#waiting.size > 0) {
      this.#awaits = false
      this.pump()
    }
  }

  onAllTold(isAnswer: boolean): void {
    if (isAnswer) this.#goOn()
    this.pump()
  }

  onWritable(): void {
    this.pump()
  }

  onWriteFailed(link: Link<Request>): void {
    if (this.link === link) this.#host.observe('link reset')
  }

  onPauseOver(): void {
    try {
      if (this.link === null) this.ensureLink()
      else this.pump()
    } catch (error) {
      this.onStepBug(error)
    }
  }

  onHandshakeFailed(link: Link<Request>, failure: HandshakeFailure): void {
    this.#uplink.onHandshakeFailed(failure)
    const isTold = this.#host.onHandshakeFailed(link, failure)
    this.#waiting.waitForUser(!isTold && this.identity.own === null)
    if (!isTold) {
      this.#host.onDrained()
      return
    }
    this.refusedAsBusy = failure.kind === 'busy'
    if (failure.kind !== 'auth' && failure.kind !== 'busy') return
    for (let head = this.#waiting.head(); head !== undefined; head = this.#waiting.head()) {
      // BUSY says that a command has not run. Nobody knows that of one that was sent before.
      if (failure.kind === 'busy' && head.sends > 0) break
      this.#waiting.shift(head.local === null ? 'failed' : 'drained')
      if (head.local === null)
        failRequest(head, this.prover?.errorInDoubt(head, this.#uplink.refusedUser) ?? failure.frame)
      this.replies.complete(head)
    }
  }

  onClosed(link: Link<Request>, end: LinkEnd<Request>): void {
    if (this.link !== link) return
    const mayRun = this.prover !== null || (!end.refused && !this.refusals.isDeposed)
    this.#uplink.onLost(link, end.reason, end.owed.length > 0 && mayRun)
    this.refusals.forgetQuestion()
    this.refusals.unblocked = null
    if (end.wasReady) this.owner?.onLinkLost(link, end.reason)
    const isEmpty = this.prover?.idle !== false && this.#acks?.idle !== false
    if (end.owed.length > 0 || this.refusals.aside !== null || !isEmpty) this.#requeue(link, end)
    if (this.#uplink.state === 'closed') return
    this.#host.onLinkLost(link, this, end)
    if (!end.wasReady) this.#uplink.pause()
    this.#host.observe(`link ${end.reason}`)
  }

  onOwnAnswered(): void {
    this.owner?.onOwnAnswered?.()
  }

  /** An exception outside of a handler. The session whose reply it was ends, and the link is lost. */
  onBug(_link: Link<Request>, request: Request | undefined, error: unknown): void {
    if (request === undefined) {
      this.onStepBug(error)
      return
    }
    this.#host.counters.pendingBytes -= request.weight
    request.owner.onBug(error)
  }

  /** An exception in work for the whole lane. Of a private lane its session ends. */
  onStepBug(error: unknown): void {
    if (this.owner !== null) this.owner.onBug(error)
    else this.#host.bugs.ofStep(error, 'shared lane')
  }

  // ---- what the control plane and sessions ask for ----

  /** The control plane has just confirmed the gate's master: a lane without a link may dial. */
  onConfirmed(isNew: boolean): void {
    this.#uplink.onConfirmed(isNew)
    if (isNew) {
      this.#fatal.forget()
      this.#waiting.waitForUser(false)
    }
    this.refusals.onConfirmed()
    this.dialIfWanted()
    this.pump()
  }

  /** Our own user has a new password: a pause after the old one was refused is over. */
  onPassword(): void {
    if (this.link !== null || this.identity.own === null) return
    this.#uplink.endPause()
    this.dialIfWanted()
  }

  /** Of a lost link, whose session has its answer: until the next one is up, it may run behind what comes later. */
  get mayRunLate(): boolean {
    return this.#uplink.mayRunLate
  }

  /** A session of `left` goes on here. What it was told UNKNOWN of there is not to run behind what it sends next. */
  inherit(left: Lane): void {
    if (!left.mayRunLate) return
    this.#uplink.inherit(left.#uplink)
    const { link } = this
    if (link?.status === 'ready' && this.maySend) this.#uplink.endInherited(link)
  }

  /** Something that it had to wait for is over. */
  dialIfWanted(): void {
    if (this.inUse || this.#waiting.size > 0) this.ensureLink()
  }

  /** Dials, if there is no link and one may be had now. */
  ensureLink(): void {
    this.#uplink.ensure()
  }

  /** Takes over a link of the same identity that another session has left clean. */
  acquire(link: Link<Request>): void {
    this.#uplink.acquire(link)
    this.proven = link.handshake.signedIn
    link.replies.pushes = this.owner?.pushes ?? null
  }

  /** Gives the link away; only when idle. The lane is then closed. */
  release(): Link<Request> | null {
    return this.#uplink.release()
  }

  /**
   * A replica may be promoted in place of the link's node, so what the node says now counts only if it stays the
   * master. It stays unread, in the kernel's memory and the node's, until serve() resumes or cuts.
   */
  withhold(): void {
    const { link } = this
    if (link !== null && this.#owes && !this.refusals.isUnblocking(link)) link.pause(Pausing.withheld)
  }

  /**
   * The client has sent its last byte: from its first blocking command on, nothing is sent any more. 'sent': that
   * command is on its way; the server is told the end behind it and closes the link. 'dropped': it never will be.
   */
  leave(): 'none' | 'dropped' | 'sent' {
    this.recall()
    const { link } = this
    let sent = false
    for (const request of link?.owed() ?? []) if (request.blocking) sent = true
    let isBehind = sent
    const isDropped = (request: Request): boolean => (isBehind ||= request.blocking)
    const parked = this.prover?.dropParked(isDropped) ?? []
    for (const request of parked) this.#host.counters.pendingBytes -= request.weight
    const dropped = [...parked, ...this.#waiting.takeOut(isDropped, 'gone')]
    for (const request of dropped) request.owner.onAnswered(request.commands, request.weight)
    if (sent) link?.finish()
    else this.pump()
    return sent ? 'sent' : dropped.length > 0 ? 'dropped' : 'none'
  }

  /**
   * The link of a client that has left is lost. Answers whether it has replies that wait for replicas still: the lane
   * ends with the last of them, and sends nothing any more.
   */
  endsWithReplies(): boolean {
    const isWaiting = this.#acks?.outlivesLink() === true
    if (isWaiting) this.#uplink.release()
    return isWaiting
  }

  /** Sessions go on with `fresh`; those that can take along what they wait for do it now. Answers how many do. */
  retire(fresh: Lane): number {
    this.retired = true
    return handOver(this.link?.owed() ?? [], this.#waiting, fresh, this.#host)
  }

  /** Ends the lane: nothing waits or is sent any more. Requests still here are dropped; their owner is gone. */
  close(): void {
    const link = this.#uplink.release()
    while (this.#waiting.shift('gone') !== undefined);
    const kept = [...this.refusals.drop(), ...(this.#acks?.drop() ?? []), ...(this.prover?.drop() ?? [])]
    for (const request of kept) this.#host.counters.pendingBytes -= request.weight
    if (link === null) return
    for (const request of link.owed()) this.#host.counters.pendingBytes -= request.weight
    link.cut('the session ended')
  }
}

// lane.ts — the ordered path of one identity (shared) or one session (private) to the master: who waits, and the link
// that is up at present.
//
//   submit ──▶ link ready, gate open, nobody waits ──▶ link.send ──▶ replies ──▶ owner
//        └───▶ [waiting: oldest first] ──pump──▶ link.send
//   link lost ──▶ what it still owed goes back to the front of [waiting], in its order, as replay.ts decides
//
// Owns: the waiting FIFO, the current link, when to dial again. Never: decides who the master is (it may dial only after
// the control plane has confirmed one since the last loss), parses commands on the hot path, writes to clients.
//
// Must stay true: per lane, requests reach the master in order of submit, replays included; a request ends exactly once
// (reply, error, owner gone); what waits is counted, and the counts add up.
import { formatAddress, type Master } from '../address.ts'
import { backoffMs } from '../backoff.ts'
import { errors } from '../errors.ts'
import type { Blamed } from '../ops/bugs.ts'
import { ReplyType } from '../resp/reply-scanner.ts'
import { Handshake, type HandshakeFailure, type LostLink, type Prelude } from '../upstream/handshake.ts'
import { type Identity, isBeingChanged } from '../upstream/identity.ts'
import { type CloseReason, Link, type LinkListener, Pausing } from '../upstream/link.ts'
import { isSameTerm } from './gate.ts'
import { Waiting } from './hold-queue.ts'
import { findMovable, takeOver } from './lane-handover.ts'
import type { LaneHost } from './lane-host.ts'
import { Quiesce } from './not-ready.ts'
import { namedClassOf } from './replay.ts'
import { failRequest, makeLocal, ofHandler, prepare, type Request } from './request.ts'
import { takeBack } from './requeue.ts'
import { Doubt, type DoubtAbout, type Verdict } from './script-refusal.ts'
import { judgeError, type Refusal, refusalCode } from './server-refusal.ts'

/** What a private lane's session adds to its link, and hears besides replies. */
export interface LaneOwner extends Blamed {
  /** Frames that give a new link the session's state; null when there is none. */
  prelude(): Prelude | null
  /** The name and library that the prelude tells the link. */
  label(): string
  /** Is this frame no reply? Consulted for every frame of a private link. */
  isPush: ((frame: Buffer, type: number) => boolean) | null
  onPush(frame: Buffer): void
  /** A new link is up, its prelude answered. */
  onLinkReady(): void
  /** The link is gone; what it still owes is about to be replayed. */
  onLinkLost(link: Link<Request>, reason: CloseReason): void
}

/** After a change of master, replicas need about a second to attach; longer than this, NOREPLICAS is the true answer. */
const NOREPLICAS_WINDOW_MS = 10_000

export class Lane implements LinkListener<Request> {
  identity: Identity
  /** Sessions that use a shared lane, and since when there are none (0: there are). */
  users = 0
  unusedSince = 0
  /** The link is what `identity` says and may serve another session afterwards. */
  reusable = true
  /** The server has let a link of this lane in: what its sessions are told without asking is what it would say. */
  proven = false
  /** A shared lane whose place a fresh one has taken, see shared-lanes.ts. */
  retired = false
  /** A private lane's session; null for a shared lane. */
  readonly owner: LaneOwner | null
  readonly #host: LaneHost
  #link: Link<Request> | null = null
  readonly #waiting: Waiting
  #attempt = 0
  #timer: NodeJS.Timeout | null = null
  #awaitingConfirmation = false
  #closed = false
  /** Ids our lost links had on the node of `#fenceAt`; ended there, if it is still the same process, before anything is sent again. */
  #fence: LostLink[] = []
  #fenceAt: Link<Request>['master'] | null = null
  /** Set while the node is being cut because it is no master: what it owes was refused, not lost. */
  #cutAsRefused = false
  #quiesce: Quiesce | null = null
  /** Has the node refused a command, or was it a script's own answer? The link is stalled until this is known. */
  #doubt: Doubt | null = null
  /** What has become of it: how the frame is to be taken that the link looks at next. */
  #verdict: Refusal | 'own reply' | null = null

  constructor(host: LaneHost, identity: Identity, owner: LaneOwner | null) {
    this.#host = host
    this.identity = identity
    this.owner = owner
    this.#waiting = new Waiting(host.counters)
  }

  get kind(): 'shared' | 'private' {
    return this.owner === null ? 'shared' : 'private'
  }

  get link(): Link<Request> | null {
    return this.#link
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** A blocking command of its session is sent and unanswered, or waits to be sent. */
  get blocks(): boolean {
    for (const request of this.#link?.owed() ?? []) if (request.patient) return true
    return this.#waiting.some(request => request.patient)
  }

  /** Sessions use it, whether they wait for something now or not. */
  get inUse(): boolean {
    return this.owner !== null || (this.users > 0 && !this.retired)
  }

  get idle(): boolean {
    return this.#waiting.size === 0 && (this.#link === null || this.#link.inFlight === 0)
  }

  /** Takes a request; it is sent now or waits its turn. */
  submit(request: Request): void {
    const link = this.#link
    if (link !== null && link.status === 'ready' && this.#waiting.size === 0) {
      if (request.local !== null) {
        link.send(request)
        link.settleHead()
        return
      }
      if (this.#host.sendable && this.#quiesce === null && !link.full) {
        request.sends++
        if (request.handler !== null && !this.#prepare(request)) return
        link.send(request)
        // Its handler may have answered it instead, and then no reply comes that would take it off the link.
        if (request.local !== null) link.settleHead()
        link.writeIfMuch()
        return
      }
    } else if (request.local !== null && this.#waiting.size === 0) {
      this.#complete(request)
      return
    }
    this.#submitHeld(request)
  }

  /** What has been submitted is written now: others of this turn may not overtake it at the server. */
  hurry(): void {
    const link = this.#link
    if (link !== null && link.status === 'ready') this.#host.turn.writeNow(link)
  }

  #submitHeld(request: Request): void {
    if (request.local === null && this.#host.gate.state.kind === 'tripped') {
      this.#host.counters.refusedByBreaker++
      failRequest(request, errors.tripped.reply)
      // With nothing of its own session ahead of it, it need not wait behind those of others.
      if (request.owner.pending <= request.commands) this.#complete(request)
      else this.submit(request)
      return
    }
    this.#waiting.push(request)
    this.ensureLink()
  }

  /** Dials, if a link is wanted and may be had now. */
  ensureLink(): void {
    const master = this.#host.gate.master
    if (this.#closed || this.#link !== null || master === null) return
    if (this.#timer !== null || this.#awaitingConfirmation || !this.#host.mayDial(this)) return
    const fence = this.#fenceFor(master)
    const scripts = this.#host.scriptsToLoad(this)
    const handshake = new Handshake(this.identity, { fence, scripts }, this.owner?.prelude() ?? null)
    this.#link = new Link(master, handshake, this, {
      turn: this.#host.turn,
      connectTimeoutMs: this.#host.connectTimeoutMs,
      counters: this.#host.counters,
      live: this.#host.live,
      dial: this.#host.dial,
      busy: this.owner === null,
    })
    this.#link.label = this.owner?.label() ?? ''
  }

  /** Takes over a link of the same identity that another session has left clean. */
  adopt(link: Link<Request>): void {
    this.#link = link
    this.proven = link.handshake.signedIn
    link.setListener(this)
    link.isPush = this.owner?.isPush ?? null
  }

  /** Gives the link away; only when idle. The lane is then closed. */
  surrender(): Link<Request> | null {
    const link = this.#link
    this.#link = null
    this.#closed = true
    this.#stopTimer()
    return link
  }

  /** The control plane has just confirmed the gate's master: a lane without a link may dial. */
  onConfirmed(isNew: boolean): void {
    this.#awaitingConfirmation = false
    // A pause that the last master has earned is not for the next one.
    if (isNew) this.#stopTimer()
    if (this.#doubt?.isOpenToAll) this.#settleDoubt(this.#doubt.about, 'serves')
    if (this.#link === null && (this.inUse || this.#waiting.size > 0)) this.ensureLink()
    else this.pump()
  }

  /** The scripts are on the new master: a lane that had to wait for that may dial. */
  onLoaded(): void {
    if (this.#link === null && (this.inUse || this.#waiting.size > 0)) this.ensureLink()
  }

  /** Our own user has a new password: a pause after the old one was refused is over. */
  onPassword(): void {
    if (this.#link !== null || this.identity.own === null) return
    this.#stopTimer()
    if (this.inUse || this.#waiting.size > 0) this.ensureLink()
  }

  /**
   * The link is cut at once, without being asked to finish: the master moved, is none any more, or no longer answers. What it
   * owed with an unknown outcome may run later unless the next link ends it first: the fence.
   */
  cut(detail: string, outcome: 'unknown' | 'refused'): void {
    this.#cutAsRefused = outcome === 'refused'
    this.#link?.cut(detail)
    this.#cutAsRefused = false
  }

  /** The gate has shut: what was to leave with this turn's write waits instead. */
  recall(): void {
    const recalled = this.#link?.status === 'ready' ? this.#link.recall() : []
    if (recalled.length === 0) return
    const { policy, counters } = this.#host
    this.#putBack(recalled.flatMap(request => takeBack(request, 'unsent', policy, counters)))
    this.#settleFront()
  }

  /**
   * The session's client has sent its last byte: from its first blocking command on, nothing is sent any more. 'sent': that one
   * is on its way; the server is told the end behind it and closes the link. 'dropped': it is not, and never will be.
   */
  leave(): 'none' | 'dropped' | 'sent' {
    this.recall()
    const link = this.#link
    let sent = false
    for (const request of link?.owed() ?? []) if (request.patient) sent = true
    const dropped = this.#waiting.dropFrom(request => sent || request.patient)
    for (const request of dropped) request.owner.onAnswered(request.commands, request.weight)
    if (sent) link?.finish()
    else this.pump()
    return sent ? 'sent' : dropped.length > 0 ? 'dropped' : 'none'
  }

  /**
   * A replica may be promoted in the place of the link's node: what that says now counts only if it stays the master. It is
   * left unread, in the kernel's memory and the node's, until the control plane knows: release(), or cut().
   */
  withhold(): void {
    if (this.#link !== null && this.#link.inFlight > 0) this.#link.pause(Pausing.withheld)
  }

  /** The node has stayed the master: what it has said is delivered. */
  release(): void {
    this.#link?.resume(Pausing.withheld)
  }

  /** Ends the lane: nothing waits or is sent any more. Requests still here are dropped; their owner is gone. */
  close(): void {
    this.#closed = true
    this.#stopTimer()
    this.#endDoubt()
    while (this.#waiting.shift('gone') !== undefined);
    for (const request of this.#quiesce?.end() ?? []) this.#host.counters.pendingBytes -= request.weight
    this.#quiesce = null
    const link = this.#link
    this.#link = null
    if (link === null) return
    for (const request of link.owed()) this.#host.counters.pendingBytes -= request.weight
    link.cut('the session ended')
  }

  /** Sessions go on with `fresh`; those that can take along what they wait for do it now. Answers how many do. */
  retire(fresh: Lane): number {
    this.retired = true
    const movable = findMovable(this.#link?.owed() ?? [], this.#waiting, this.#host.learned)
    this.#waiting.takeOut(request => movable.has(request.owner))
    for (const [owner, { sent, waiting }] of movable) {
      owner.follow?.()
      for (const request of sent) fresh.submit(takeOver(request, this.#host.counters))
      for (const request of waiting) fresh.submit(request)
    }
    return movable.size
  }

  /** Sends what waits, in order, as far as the link takes it. */
  pump(): void {
    const link = this.#link
    if (link === null || link.status !== 'ready' || this.#quiesce !== null || this.#timer !== null) return
    while (this.#host.sendable && !link.full) {
      const next = this.#waiting.peek()
      if (next === undefined) break
      this.#waiting.shift(next.owner.gone ? 'gone' : 'drained')
      if (next.owner.gone) continue
      if (next.local === null) {
        if (next.sends > 0) this.#host.counters.replayed++
        next.sends++
        if (next.handler !== null && !this.#prepare(next)) continue
      }
      link.send(next)
    }
    link.settleHead()
    if (this.#waiting.size === 0) this.#host.onDrained()
  }

  /** Answers whether it may be sent; if not, its session is gone. */
  #prepare(request: Request): boolean {
    if (prepare(request)) return true
    this.#host.counters.pendingBytes -= request.weight
    return false
  }

  /** Ends what has waited for too long. `heldSince`: since when the gate is shut, or null while it is open. */
  expire(now: number, heldSince: number | null): void {
    const limit = this.#host.holdLimitMs
    const since = heldSince ?? this.#doubt?.since ?? now
    if (now - since >= limit && this.#link !== null && this.#link.inFlight > 0) this.#abandon(since)
    for (let head = this.#waiting.peek(); head !== undefined; head = this.#waiting.peek()) {
      const timeout = head.local === null ? (ofHandler(head, handler => handler.timedOut?.(now)) ?? null) : null
      if (head.local === null && timeout === null && now - head.heldAt < limit) return
      this.#waiting.shift(head.local !== null ? 'drained' : timeout !== null ? 'timedOut' : 'expired')
      if (timeout !== null) makeLocal(head, timeout)
      else if (head.local === null) {
        this.#host.onExpired()
        failRequest(head, (head.sends > 0 ? errors.gaveUp : errors.noMaster).reply)
      }
      this.#answerInTurn(head)
    }
  }

  /** A reply of our own, behind those that the link still owes: it is answered out of the link's FIFO. */
  #answerInTurn(request: Request): void {
    const link = this.#link
    if (link !== null && link.status === 'ready') {
      link.send(request)
      link.settleHead()
    } else this.#complete(request)
  }

  /** What is in flight on a link that has not answered during a whole hold: given up, the link with it. */
  #abandon(heldAt: number): void {
    const link = this.#link
    if (link === null) return
    for (const request of link.owed()) request.heldAt = request.heldAt || heldAt
    link.cut('no answer for the whole hold time')
  }

  // ---- what the link reports ----

  onReady(link: Link<Request>): void {
    this.#host.counters.linksOpened++
    this.#host.counters.detail.linksOpened.add(this.kind)
    this.#attempt = 0
    this.#fence = []
    this.#fenceAt = null
    this.proven = link.handshake.signedIn
    link.isPush = this.owner?.isPush ?? null
    if (link.handshake.warning)
      this.#host.log.warn({ event: 'link.fence', master: formatAddress(link.master) }, link.handshake.warning)
    this.#host.onLinkReady(link, this)
    this.owner?.onLinkReady()
    this.pump()
  }

  onReplies(request: Request, bytes: Buffer): void {
    if (bytes.length > 0) request.owner.deliver(bytes)
    if (request.expect === 0 && !this.#quiesce?.takeLocal(request)) this.#complete(request)
  }

  onFrame(link: Link<Request>, request: Request, frame: Buffer, type: number): void {
    const refusal = type === ReplyType.error ? this.#refusalFor(link, request, frame) : undefined
    if (refusal === 'in doubt') return
    if (this.#quiesce?.deposed) {
      this.#setAside(request, frame, type, refusal !== undefined)
      return
    }
    if (refusal === 'wrong-node') {
      request.expect++
      this.#absorb(frame)
      this.#awaitingConfirmation = true
      this.cut(frame.toString('latin1', 1, 64).trimEnd(), 'refused')
      return
    }
    if (refusal === 'not-now' && request.handler?.ofOpenTransaction) {
      request.expect++
      this.#absorb(frame)
      this.cut(frame.toString('latin1', 1, 64).trimEnd(), 'refused')
      this.#retryLater()
      return
    }
    if (refusal === 'not-now') this.#beginQuiesce(link)
    if (this.#setAside(request, frame, type, refusal !== undefined)) return
    this.#reply(request, frame, type)
    if (request.expect === 0 && !this.#closed) this.#complete(request)
  }

  #beginQuiesce(link: Link<Request>): Quiesce {
    this.#quiesce ??= new Quiesce(this.#host.learned)
    link.inspectAll = true
    return this.#quiesce
  }

  #setAside(request: Request, frame: Buffer, type: number, refused: boolean): boolean {
    if (!this.#quiesce?.take(request, frame, type, refused)) return false
    if (refused) this.#absorb(frame)
    if (request.expect === 0 && !request.unit) this.#complete(request)
    return true
  }

  #reply(request: Request, frame: Buffer, type: number): void {
    if (request.skip > 0) {
      request.skip--
      return
    }
    request.given++
    if (request.handler !== null) ofHandler(request, handler => handler.onReply(request, frame, type))
    else request.owner.deliver(frame)
  }

  #refusalFor(link: Link<Request>, request: Request, frame: Buffer): Refusal | 'in doubt' | undefined {
    const verdict = this.#verdict
    this.#verdict = null
    if (verdict !== null) return verdict === 'own reply' ? undefined : verdict
    const judged = judgeError(request, frame)
    if (judged === null) return undefined
    const since = performance.now() - this.#host.gate.state.since
    if (refusalCode(frame) === 'NOREPLICAS' && since > NOREPLICAS_WINDOW_MS) return undefined
    if (judged.proved || this.#quiesce?.deposed) return judged.refusal
    link.stall(request, frame)
    this.#doubt = new Doubt(this.#host, { link, identity: this.identity, refusal: judged.refusal }, (about, answer) =>
      this.#settleDoubt(about, answer),
    )
    return 'in doubt'
  }

  #settleDoubt({ link, refusal }: DoubtAbout, verdict: Verdict): void {
    this.#endDoubt()
    if (verdict === 'no-master') {
      this.#beginQuiesce(link).depose()
      this.#awaitingConfirmation = true
      this.#host.observe('the node says it is no master')
    }
    if (verdict === 'no-master') this.#verdict = 'wrong-node'
    else this.#verdict = verdict === 'loading' && refusal === 'not-now' ? 'not-now' : 'own reply'
    link.readOn()
  }

  #endDoubt(): void {
    this.#doubt?.cancel()
    this.#doubt = null
    this.#verdict = null
  }

  onPush(_link: Link<Request>, frame: Buffer): void {
    this.owner?.onPush(frame)
  }

  onReadEnd(link: Link<Request>): boolean {
    const taken = this.#host.turn.flushSessions()
    if (this.#quiesce !== null && link.inFlight === 0) this.#endQuiesce(link)
    return taken
  }

  onWritable(): void {
    this.pump()
  }

  onHandshakeFailed(link: Link<Request>, failure: HandshakeFailure): void {
    const { identity, password } = link.handshake
    if (failure.kind === 'auth' && isBeingChanged(identity, password, failure.text)) {
      this.#host.onPasswordRefused(link.master, this, failure.text)
      return
    }
    this.#host.onHandshakeFailed(link.master, this, failure)
    if (failure.kind !== 'auth' && failure.kind !== 'busy') return
    for (let head = this.#waiting.peek(); head !== undefined; head = this.#waiting.peek()) {
      // The node's BUSY says that a command has not run, which nobody knows of one that was sent before.
      if (failure.kind === 'busy' && head.sends > 0) break
      this.#waiting.shift(head.local === null ? 'failed' : 'drained')
      if (head.local === null) failRequest(head, failure.frame)
      this.#complete(head)
    }
  }

  /** What threw was no handler's work: whose reply it was is not served any more, and the link is lost. */
  onBug(_link: Link<Request>, request: Request | undefined, error: unknown): void {
    if (request === undefined) {
      this.onStepBug(error)
      return
    }
    this.#host.counters.pendingBytes -= request.weight
    request.owner.onBug(error)
  }

  /** An exception in what was done for the lane as a whole: of a private lane its session is to blame. */
  onStepBug(error: unknown): void {
    if (this.owner !== null) this.owner.onBug(error)
    else this.#host.bugs.ofStep(error, 'shared lane')
  }

  onClosed(link: Link<Request>, reason: CloseReason, detail: string, owed: Request[], unsent: number): void {
    if (this.#link !== link) return
    this.#link = null
    this.#endDoubt()
    this.#host.counters.linksLost++
    this.#host.counters.detail.linksLost.add(reason)
    if (link.wasReady) this.owner?.onLinkLost(link, reason)
    if (owed.length > 0 || this.#quiesce !== null) this.#requeueOrEnd(link, owed, unsent)
    if (this.#closed) return
    this.#host.onLinkLost(link, this, reason, detail)
    // Whatever ended it, the next link is dialled only to a master that is confirmed from now on.
    this.#awaitingConfirmation = true
    if (!link.wasReady) this.#retryLater()
    this.#host.observe(`link ${reason}`)
  }

  /** Whose commands cannot be put back, because of an exception of ours, is better ended than left without an answer. */
  #requeueOrEnd(link: Link<Request>, owed: Request[], unsent: number): void {
    try {
      this.#requeue(link, owed, unsent)
    } catch (error) {
      for (const { owner } of owed) owner.onBug(error)
    }
  }

  /** What the next link has to end at `master`. Where a run id is not known, the process may be another one. */
  #fenceFor(master: Master): readonly LostLink[] {
    if (this.#fenceAt === null || !isSameTerm(this.#fenceAt, master)) return []
    const isSure = this.#fenceAt.runId !== null && master.runId !== null
    return isSure ? this.#fence.map(({ clientId }) => ({ clientId, address: null })) : this.#fence
  }

  #requeue(link: Link<Request>, owed: Request[], unsent: number): void {
    const deposed = this.#quiesce?.deposed ?? false
    const refused = this.#cutAsRefused || deposed
    if (!refused && link.handshake.clientId !== 0) {
      this.#fence.push({ clientId: link.handshake.clientId, address: link.dialledFrom })
      this.#fenceAt = link.master
    }
    const back = this.#endOfQuiesce()
    owed.forEach((request, i) => {
      const lost = refused ? (i === 0 && !deposed ? 'refused' : 'behind-refused') : 'unknown'
      const outcome = i >= owed.length - unsent ? 'unsent' : lost
      back.push(...takeBack(request, outcome, this.#host.policy, this.#host.counters, this.#host.learned))
    })
    this.#putBack(back)
    this.#settleFront()
  }

  /** A lane that has been closed meanwhile, because its session ended over one of these, keeps none of them. */
  #putBack(requests: readonly Request[]): void {
    if (!this.#closed) this.#waiting.putBack(requests)
    else for (const { weight } of requests) this.#host.counters.pendingBytes -= weight
  }

  #endQuiesce(link: Link<Request>): void {
    if (this.#quiesce?.deposed) {
      link.cut('the node says it is no master')
      return
    }
    const again = this.#endOfQuiesce()
    link.inspectAll = false
    this.#putBack(again)
    this.#settleFront()
    if (this.#waiting.size > 0) this.#retryLater()
  }

  #endOfQuiesce(): Request[] {
    const quiesce = this.#quiesce
    this.#quiesce = null
    if (quiesce === null) return []
    const { counters, policy, learned } = this.#host
    return quiesce.end().flatMap(request => {
      if (quiesce.isUnknown(request)) return takeBack(request, 'unknown', policy, counters, learned)
      if (request.local === null) counters.detail.replays.add(`${namedClassOf(request)} not-now`)
      return [request]
    })
  }

  #absorb(frame: Buffer): void {
    this.#host.counters.absorbed++
    this.#host.counters.detail.absorbed.add(refusalCode(frame))
  }

  #retryLater(): void {
    if (this.#timer !== null || this.#closed) return
    this.#attempt++
    const delay = backoffMs(this.#attempt, this.#host.backoff)
    this.#timer = setTimeout(() => {
      this.#timer = null
      try {
        if (this.#link === null) this.ensureLink()
        else this.pump()
      } catch (error) {
        this.onStepBug(error)
      }
    }, delay)
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** Replies of our own that have nobody in front of them need not wait for a link. */
  #settleFront(): void {
    if (this.#link !== null && this.#link.inFlight > 0) return
    for (
      let head = this.#waiting.peek();
      head?.local !== undefined && head.local !== null;
      head = this.#waiting.peek()
    ) {
      this.#waiting.shift('drained')
      this.#complete(head)
    }
  }

  #complete(request: Request): void {
    this.#host.counters.pendingBytes -= request.weight
    const owner = request.owner
    if (request.local !== null) owner.deliver(request.local)
    owner.onAnswered(request.commands, request.weight)
  }
}

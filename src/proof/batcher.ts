// batcher.ts: the writes of one lane leave in blocks (block.ts), which turn or link makes larger, never a timer.
//
//   take ─┬─ session waits for its block ──▶ [block.behind]
//         ├─ reads, and what cannot be marked ──▶ link.send, as without blocks
//         └─ writes ──▶ [open block] ──end of the turn──▶ link ──▶ [sent, oldest first] ── EXEC's reply ──▶ free
//                                                                        └── EXEC's error: what was queued, again
//   link lost ──▶ doubts.ts, until the next link has read the marker
//
// Owns: which requests make a block, and when it leaves. Never: knows where blocks stand (standing-blocks.ts), decides
// what a marker means (verdict.ts), knows whether the node takes markers (marking-state.ts).
//
// Must stay true: a session is in at most one block that may still be aborted; what it sends meanwhile waits behind that
// block. So an aborted block is harmless: nothing that came later has run. A number is given when a block is sent, so
// numbers are in the order of the wire.
import { Marking } from '../command/marking.ts'
import type { FirstOwed, OldestLost } from '../relay/fatal-requests.ts'
import type { LaneHost } from '../relay/lane-host.ts'
import type { ProvenLane, Prover } from '../relay/prover.ts'
import { commandsIn, remainderOf } from '../relay/replay-rule.ts'
import { type Request, wholeBytes } from '../relay/request.ts'
import { settleAnswered } from '../relay/take-back.ts'
import type { Handshake, ProofSteps } from '../upstream/handshake.ts'
import type { Link } from '../upstream/link.ts'
import type { LinkEnd } from '../upstream/link-end.ts'
import { Block } from './block.ts'
import { Doubts } from './doubts.ts'
import { LostRequests } from './lost-requests.ts'
import { MarkedUnits } from './marked-units.ts'
import type { Markers, Series } from './marker.ts'
import { MarkingState } from './marking-state.ts'
import { SentBlocks } from './sent-blocks.ts'
import { SessionBounds } from './session-bounds.ts'
import { Sorter } from './sorter.ts'
import { StandingBlocks } from './standing-blocks.ts'

export class Batcher implements Prover {
  readonly #lane: ProvenLane
  readonly #host: LaneHost
  readonly #markers: Markers
  readonly #state: MarkingState
  readonly #doubts: Doubts
  readonly #sorter: Sorter
  readonly #sent: SentBlocks
  readonly #lost: LostRequests
  readonly #blocks: StandingBlocks
  #isClosing = false
  /** The link that is up has read the markers of what is in doubt. */
  #hasRead = false
  #isSendingSoon = false
  readonly #units: MarkedUnits
  /** The last block had one member: nobody else seems to speak. */
  #wasAlone = false
  readonly #bounds: SessionBounds

  constructor(lane: ProvenLane, host: LaneHost, markers: Markers) {
    this.#lane = lane
    this.#host = host
    this.#markers = markers
    this.#state = new MarkingState(lane, host, markers)
    this.#doubts = new Doubts(host, lane.withholds)
    this.#units = new MarkedUnits(lane, this.#state)
    this.#bounds = new SessionBounds(lane)
    this.#sorter = new Sorter(host.learned)
    this.#sent = new SentBlocks(lane, host, this.#state, {
      free: block => this.#blocks.free(block),
      aside: block => {
        for (const member of block.members) this.#doubts.setAside(member)
        this.#blocks.aside(block)
      },
      room: () => this.#sendUnsentSoon(),
      suspect: owner => this.#sorter.suspect(owner),
    })
    this.#blocks = new StandingBlocks(this.#sent)
    const of = { sent: this.#sent, units: this.#units, state: this.#state, doubts: this.#doubts }
    this.#lost = new LostRequests(host, of)
  }

  get isInDoubt(): boolean {
    return this.#doubts.isOpen
  }

  steps(): ProofSteps {
    return { read: this.#doubts.toRead(), prove: this.#state.steps('reads') }
  }

  get isExecuting(): boolean {
    return this.#sent.isExecuting
  }

  get idle(): boolean {
    return this.#blocks.isEmpty
  }

  admits(request: Request): boolean {
    const { link } = this.#lane
    if (link === null || request.local !== null || request.owner.block !== null) return true
    if ((this.#sorter.look(request) & Marking.writes) === 0)
      return !this.#bounds.opensWith(request) || this.#state.admits(link)
    return !this.#bounds.mayMark || this.#state.admits(link)
  }

  take(link: Link<Request>, request: Request): void {
    const { block } = request.owner
    const { open } = this.#blocks
    if (request.local === null) request.sends++
    if (block === null) this.#begin(link, request)
    else if (open === null || block !== open) block.behind.push(request)
    // A session that is in the open block goes on there, reads too.
    else if (this.#sorter.joins(request) && open.hasRoomFor(request)) open.add(request)
    else this.#park(request)
  }

  /** Nothing of its session may join the open block any more: that goes now. */
  #park(request: Request): void {
    this.close()
    const { block } = request.owner
    if (block !== null) block.behind.push(request)
    else {
      // The block could not be sent, and waits in the lane.
      if (request.local === null) request.sends--
      this.#lane.submit(request)
    }
  }

  // ---- into a block, or not ----

  #begin(link: Link<Request>, request: Request): void {
    if (request.local !== null) {
      link.send(request)
      link.replies.settleHead()
      return
    }
    this.#bounds.onSend(request)
    const bits = this.#sorter.look(request)
    if ((bits & Marking.writes) === 0) {
      this.#sendPlain(link, request)
      return
    }
    const series = request.handler !== null || this.#bounds.mayMark ? this.#state.series(link) : null
    if (series === null) this.#host.counters.unmarkedWrites++
    if (series === null || request.handler !== null) this.#sendPlain(link, request, series)
    else if (request.unit) this.#sendTransaction(link, series, request)
    else if ((bits & Marking.apart) !== 0) this.#takeApart(link, request)
    else this.#join(link, series, request)
  }

  #join(link: Link<Request>, series: Series, request: Request): void {
    const block = this.#blocks.open
    if (this.#sorter.isAlone(request)) {
      const own = new Block()
      own.add(request)
      this.#send(link, series, own)
    } else if (block === null || !block.hasRoomFor(request)) {
      this.close()
      this.#openWith(link, request)
    } else {
      block.add(request)
      request.owner.block = block
    }
  }

  #openWith(link: Link<Request>, request: Request): void {
    const block = new Block()
    block.add(request)
    request.owner.block = block
    this.#blocks.open = block
    const { turn } = this.#host
    if (this.#wasAlone && link.inFlight === 0 && turn.isFirst) {
      this.close()
      turn.writeEarly(link)
    } else if (!this.#isClosing) {
      this.#isClosing = true
      turn.defer(this.#closeLater, this.#sent.ends)
    }
  }

  readonly #closeLater = (): void => {
    this.#isClosing = false
    this.close()
  }

  /** `series`: of a request with a marker of its own. */
  #sendPlain(link: Link<Request>, request: Request, series?: Series | null): void {
    if (request.handler !== null) {
      if (!this.#lane.prepare(request)) return
      this.#units.mark(request, series?.next() ?? null)
    }
    link.send(request)
    if (request.local !== null) link.replies.settleHead()
    link.writeIfMuch()
  }

  /** A whole MULTI ... EXEC of a client, whose bytes are in hand. */
  #sendTransaction(link: Link<Request>, series: Series, request: Request): void {
    const bytes = wholeBytes(request)
    let exec = 0
    for (const { frame } of commandsIn(bytes)) exec = bytes.length - frame.length
    const block = new Block(bytes.subarray(0, exec))
    block.add(request)
    this.#send(link, series, block)
  }

  /** A run with commands that can have no marker among others. */
  #takeApart(link: Link<Request>, request: Request): void {
    const parts = remainderOf(request, true)
    if (parts[0] === request) {
      this.#sendPlain(link, request)
      return
    }
    settleAnswered(request, parts, this.#host.counters)
    for (const part of parts) {
      part.sends = request.sends - 1
      this.take(link, part)
    }
  }

  close(): void {
    const block = this.#blocks.open
    const { link } = this.#lane
    if (block === null) return
    const series = link?.status === 'ready' && this.#lane.maySend ? this.#state.series(link) : null
    if (link === null || series === null) {
      const requests = this.#blocks.dissolve([block])
      if (this.#lane.maySend) this.#lane.resubmit(requests)
      else this.#lane.putBack(requests)
      return
    }
    this.#blocks.open = null
    this.#wasAlone = block.members.length === 1
    this.#send(link, series, block)
  }

  #send(link: Link<Request>, series: Series, block: Block): void {
    for (const { owner } of block.members) owner.block = block
    const mark = this.#blocks.unsent.length === 0 ? series.next() : null
    if (mark === null) this.#blocks.unsent.push(block)
    else this.#sent.send(link, block, mark)
  }

  // ---- what the link answers ----

  onFrame(link: Link<Request>, request: Request, frame: Buffer, type: number): boolean {
    if (this.#sent.onFrame(link, request, frame, type)) return true
    if (this.#state.owns(request)) {
      if (this.#state.onFrame(link, request, frame, type))
        this.#host.turn.defer(() => this.#lane.pump(), this.#sent.ends)
      if (request.expect === 0) this.#lane.onOwnAnswered()
      return true
    }
    return this.#units.onFrame(link, request, frame, type)
  }

  onReadEnd(): void {
    this.#sendUnsent()
    const free = this.#blocks.takeFree()
    if (free !== null) this.#lane.resubmit(free)
  }

  /** Replies may be released when the link has long answered everything: nothing else would send what waits. */
  #sendUnsentSoon(): void {
    if (this.#blocks.unsent.length === 0 || this.#isSendingSoon) return
    this.#isSendingSoon = true
    this.#host.turn.defer(this.#sendUnsentLater, this.#sent.ends)
  }

  readonly #sendUnsentLater = (): void => {
    this.#isSendingSoon = false
    this.#sendUnsent()
  }

  /** Blocks on the link have their replies: others may go. */
  #sendUnsent(): void {
    if (this.#blocks.unsent.length === 0) return
    const { link } = this.#lane
    const series = link?.status === 'ready' && this.#lane.maySend ? this.#state.series(link) : null
    // Where replies wait for replicas, writes may be refused meanwhile: the lane knows.
    const isAskedAgain = series !== null && this.#lane.withholds && series.hasRoom
    if (link === null || series === null || isAskedAgain) {
      const requests = this.#blocks.takeUnsent()
      if (this.#lane.maySend) this.#lane.resubmit(requests)
      else this.#lane.putBack(requests)
      return
    }
    const { unsent } = this.#blocks
    while (unsent.length > 0 && series.hasRoom) {
      const [block] = unsent.splice(0, 1)
      const later = unsent.splice(0)
      if (block !== undefined) this.#send(link, series, block)
      unsent.push(...later)
    }
  }

  // ---- what is not sent, or lost ----

  onReady(handshake: Handshake): void {
    const { link } = this.#lane
    this.#hasRead = true
    if (link !== null) this.#state.onReady(link, handshake.proofError)
  }

  decide(): ((request: Request) => readonly Request[] | null) | null {
    const { link } = this.#lane
    const hasRead = this.#hasRead
    this.#hasRead = false
    return !hasRead || link === null ? null : this.#doubts.decide(link, this.#markers)
  }

  endAside(): Request[] {
    return this.#blocks.takeAside()
  }

  recall(recalled: readonly Request[]): Request[] {
    const back: Request[] = []
    const blocks = this.#sent.recall(recalled)
    const openings = new Map(blocks.map(block => [block.opening, block]))
    for (const request of recalled) {
      this.#units.release(request)
      const transaction = openings.get(request)?.transaction ? openings.get(request)?.members : undefined
      if (transaction !== undefined) back.push(...transaction)
      else if (this.#state.owns(request)) this.#state.recall(request)
      else if (!this.#sent.owns(request)) back.push(request)
    }
    const waited = this.#blocks.takeRecalled(blocks)
    for (const request of waited) if (request.local === null) request.sends++ // the lane counts them as taken back
    return [...back, ...waited]
  }

  firstOwed({ owed, unsent }: LinkEnd<Request>): FirstOwed | undefined {
    const sent = owed.slice(0, owed.length - unsent)
    const first = sent.find(request => !this.#state.owns(request))
    if (first === undefined || this.#sent.byMember().has(first)) return undefined
    if (!this.#sent.owns(first)) return { request: first, isAlone: sent.length === 1 }
    // Of several members none stands for the block.
    const [request, second] = this.#sent.all()[0]?.members ?? []
    if (request === undefined || second !== undefined) return undefined
    return { request, isAlone: this.#sent.size === 1 && sent.every(one => one === request || this.#sent.owns(one)) }
  }

  onLost(end: LinkEnd<Request>, answered: readonly Request[], oldest: OldestLost | null): Request[] {
    const back = this.#lost.takeBack(end, answered, oldest)
    back.push(...this.#blocks.takeAll().filter(request => this.#isHeard(request)))
    this.#forget()
    return back
  }

  #isHeard({ owner, weight }: Request): boolean {
    if (owner.gone) this.#host.counters.pendingBytes -= weight
    return !owner.gone
  }

  #forget(): void {
    this.#blocks.clear()
    this.#hasRead = false
    this.#units.clear()
    this.#bounds.forget()
    const series = this.#state.lost()
    if (series !== null && !this.#doubts.uses(series)) this.#markers.end(series)
  }

  parked(): Iterable<Request> {
    return this.#blocks.parked()
  }

  dropParked(which: (request: Request) => boolean): Request[] {
    return this.#blocks.dropParked(which)
  }

  drop(): Request[] {
    const dropped = [...this.parked()]
    this.#forget()
    this.#state.end()
    this.#doubts.drop(this.#markers)
    return dropped
  }

  errorInDoubt(request: Request, refusedUser: string | null): Buffer | null {
    return this.#doubts.giveUp(request, refusedUser)
  }

  hasNotRun(request: Request): boolean {
    return this.#doubts.hasNotRun(request)
  }

  provenBytes(request: Request): Buffer | null {
    return this.#doubts.provenBytes(request)
  }

  forget(request: Request): void {
    this.#units.release(request)
    this.#doubts.forget(request, this.#markers)
  }

  tick(now: number): void {
    const { link } = this.#lane
    // Inside a MULTI of the session's own the refresh would be one of its commands.
    const may = this.#lane.maySend && this.#bounds.mayMark && this.#lane.mayInterrupt
    if (link?.status === 'ready' && may) this.#state.tick(link, now)
  }
}

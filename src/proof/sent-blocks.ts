// sent-blocks.ts: the blocks on the link, oldest first, and what the link answers of them.
//
//   opening: +OK, QUEUED ... ─▶ exec: an array ─▶ the members' replies, of which the lane alone hears ─▶ marker
//                                     └─ an error: nothing has run (aborted.ts): again, aside, or the link is lost
//
// Must stay true: the first block is the one that the link answers now or next.
import type { LaneHost } from '../relay/lane-host.ts'
import type { ProvenLane } from '../relay/prover.ts'
import { makeLocal, type Request, type RequestOwner } from '../relay/request.ts'
import { settleAnswered } from '../relay/take-back.ts'
import { arrayLength, withoutLast } from '../resp/exec-reply.ts'
import { ReplyType } from '../resp/reply-scanner.ts'
import type { Link } from '../upstream/link.ts'
import { judgeAbort, partsOf } from './aborted.ts'
import type { Block } from './block.ts'
import type { Mark } from './marker.ts'
import type { MarkingState } from './marking-state.ts'

/** What becomes of blocks that the link is done with. */
export interface BlockEnds {
  /** What waits behind it may go on. */
  free(block: Block): void
  /** The node is not ready: the members are set aside, and what waits behind them waits on. */
  aside(block: Block): void
  /** The field of a marker may be used again, and the link may have nothing more to say. */
  room(): void
  /** A command of this session was refused, and the block with it. */
  suspect(owner: RequestOwner): void
}

const ONE = 49

export class SentBlocks {
  /** The replies that come now are those of members, elements of EXEC's. */
  isExecuting = false
  /** The owner of what is ours in a block: hears that all of it is queued. */
  readonly ends: RequestOwner
  readonly #blocks: Block[] = []
  /** Executed, with replies that are not confirmed yet: the marker of each member. */
  readonly #unconfirmed = new Map<Request, Mark>()
  readonly #lane: ProvenLane
  readonly #host: LaneHost
  readonly #state: MarkingState
  readonly #to: BlockEnds

  constructor(lane: ProvenLane, host: LaneHost, state: MarkingState, to: BlockEnds) {
    this.#lane = lane
    this.#host = host
    this.#state = state
    this.#to = to
    this.ends = {
      gone: false,
      pending: 0,
      block: null,
      deliver() {},
      onAnswered: () => this.#onQueued(),
      onBug: error => lane.onStepBug(error),
    }
  }

  get size(): number {
    return this.#blocks.length
  }

  all(): readonly Block[] {
    return this.#blocks
  }

  /** Whether it is one of the requests that stand for the block itself. */
  owns(request: Request): boolean {
    return request.owner === this.ends
  }

  /** Which block each request is a member of, but for clients' own transactions. */
  byMember(): Map<Request, Block> {
    const blocks = this.#blocks.filter(({ transaction }) => transaction === null)
    return new Map(blocks.flatMap(block => block.members.map(member => [member, block] as const)))
  }

  /** The marker of a request that has run and whose reply is withheld. */
  unconfirmed(request: Request): Mark | undefined {
    return this.#unconfirmed.get(request)
  }

  /** The client's own transaction whose first request on the link this is. */
  transactionOf(request: Request): Block | undefined {
    return this.#blocks.find(
      ({ transaction, opening, exec }) =>
        transaction !== null && request === (opening !== null && opening.expect > 0 ? opening : exec),
    )
  }

  send(link: Link<Request>, block: Block, mark: Mark): void {
    const { counters } = this.#host
    const { exchanges, pieces } = block.number(mark, this.ends)
    this.#blocks.push(block)
    counters.blocks++
    counters.blockCommands += block.queued
    link.sendTogether(exchanges, pieces)
    link.writeIfMuch()
  }

  /** Those that were not written yet, with all that was recalled from the link; they are none of ours any more. */
  recall(recalled: readonly Request[]): Block[] {
    const unwritten = new Set(recalled)
    const blocks = this.#blocks.filter(({ opening }) => opening !== null && unwritten.has(opening))
    this.#blocks.splice(this.#blocks.length - blocks.length)
    for (const { mark } of blocks) mark?.series.release(mark)
    return blocks
  }

  clear(): void {
    this.#blocks.length = 0
    this.#unconfirmed.clear()
    this.isExecuting = false
  }

  onFrame(link: Link<Request>, request: Request, frame: Buffer, type: number): boolean {
    if (request.owner !== this.ends) return false
    this.#onOwn(link, request, frame, type)
    return true
  }

  #onOwn(link: Link<Request>, request: Request, frame: Buffer, type: number): void {
    const block = this.#blocks[0]
    if (request === block?.opening) this.#onOpening(link, block, frame, type)
    else if (request === block?.exec) {
      if (type === ReplyType.array) this.#onExecuted(link, block, frame)
      else this.#onAborted(link, block, frame)
    } else if (request === block?.marker) this.#onMarker(frame, type)
  }

  #onOpening(link: Link<Request>, block: Block, frame: Buffer, type: number): void {
    const { opening } = block
    if (opening === null) return
    const place = opening.replies - opening.expect - 1
    if (block.transaction !== null) block.frames.push(frame)
    if (type === ReplyType.error) block.errors.set(place, Buffer.from(frame))
    if (place === 0 && type === ReplyType.error && block.transaction === null) this.#onNoMulti(link, block, frame)
    else if (opening.expect === 0) this.#onQueued()
  }

  /** All of the first block is queued, or refused: EXEC's reply comes next. */
  #onQueued(): void {
    if (this.#blocks[0]?.transaction === null) this.#lane.link?.replies.openNext(true)
  }

  /** MULTI itself was refused: the members run one by one, and what comes are their replies. */
  #onNoMulti(link: Link<Request>, block: Block, frame: Buffer): void {
    const { exec, marker } = block
    if (exec === null || marker === null) return
    this.#shift()
    exec.expect = 2 // of HSET, and of an EXEC without MULTI
    link.replaceFirst(block.exchangesFromExec + 1, [...block.members, exec])
    this.#state.doWithout(frame)
    this.#letGo(block)
  }

  #onExecuted(link: Link<Request>, block: Block, frame: Buffer): void {
    const { transaction, queued } = block
    if (transaction !== null) {
      const reply = withoutLast(frame, queued)
      if (reply === null) {
        link.cut('EXEC has not answered what was sent')
        return
      }
      this.#blocks.shift()
      if (block.mark !== null) block.mark.series.answered(block.mark)
      this.#keepMark(block)
      this.#answerTransaction(block, reply)
      this.#settle(block)
      return
    }
    if (arrayLength(frame) !== queued + 1) {
      link.cut('EXEC has not answered what was sent')
      return
    }
    this.isExecuting = true
    this.#keepMark(block)
    this.#letGo(block)
  }

  /** Its members have replies from now on that may be withheld. */
  #keepMark({ mark, members }: Block): void {
    if (this.#lane.withholds && mark !== null) for (const member of members) this.#unconfirmed.set(member, mark)
  }

  #answerTransaction(block: Block, exec: Buffer): void {
    const [member] = block.members
    if (member === undefined) return
    for (const frame of block.frames.slice(0, block.markerAt)) this.#lane.replies.answer(member, frame)
    this.#lane.replies.answer(member, exec)
    member.expect = 0
    this.#letGo(block)
    this.#lane.replies.complete(member)
  }

  #onMarker(frame: Buffer, type: number): void {
    this.isExecuting = false
    const block = this.#blocks.shift()
    if (block !== undefined) this.#settle(block)
    if (type === ReplyType.error) this.#state.doWithout(frame)
    else if (frame[1] === ONE) {
      this.#host.counters.markersLost++
      this.#state.hurry()
    }
    if (type !== ReplyType.error && block?.mark) block.mark.series.answered(block.mark)
  }

  /** It has run: its marker is needed until all of its replies are with the clients. */
  #settle({ mark, members }: Block): void {
    if (mark === null) return
    this.#lane.replies.afterAck(() => {
      mark.series.release(mark)
      for (const member of members) this.#unconfirmed.delete(member)
      this.#to.room()
    })
  }

  /** The first block on the link is done with, and has not run. */
  #shift(): void {
    const mark = this.#blocks.shift()?.mark
    if (mark) mark.series.release(mark)
  }

  /** Its sessions go on; those with requests behind it once these are sent. */
  #letGo(block: Block): void {
    for (const { owner } of block.members) if (owner.block === block) owner.block = null
    for (const { owner } of block.behind) owner.block = block
    if (block.behind.length > 0) this.#to.free(block)
  }

  #onAborted(link: Link<Request>, block: Block, frame: Buffer): void {
    this.#host.counters.blocksAborted++
    link.replies.openNext(false)
    const abort = judgeAbort(frame, block.errors, block.markerAt)
    if (abort.kind === 'unforeseen') {
      link.cut(`a block was refused: ${frame.toString('latin1', 1, 64).trimEnd()}`)
      return
    }
    if (abort.kind === 'refused' && abort.refusal === 'wrong-node') {
      block.refused = true
      const first = block.exec
      if (first !== null) this.#lane.replies.cutRefused(link, first, abort.line, abort.refusal)
      return
    }
    this.#shift()
    link.replaceFirst(block.exchangesFromExec, [])
    if (abort.kind === 'refused' && this.#host.passes(abort.line)) {
      this.#lane.replies.setAside(link, block.members, abort.line)
      this.#to.aside(block)
      return
    }
    if (abort.kind !== 'commands') this.#state.doWithout(abort.line)
    if (block.transaction !== null) this.#endAborted(block, frame, abort.kind !== 'commands')
    else this.#sendAgain(block, abort.kind === 'commands')
  }

  /** A client's own transaction. Its own errors are what it gets; refused for the marker alone, it goes without. */
  #endAborted(block: Block, exec: Buffer, forMarker: boolean): void {
    const ownErrors = block.errors.size - (block.errors.has(block.markerAt) ? 1 : 0)
    const [member] = block.members
    const isAnswered = member !== undefined && (!forMarker || ownErrors > 0)
    if (isAnswered) makeLocal(member, Buffer.concat([...block.frames.slice(0, block.markerAt), exec]))
    else block.behind.unshift(...block.members)
    this.#letGo(block)
    if (isAnswered) this.#lane.replies.complete(member)
  }

  #sendAgain(block: Block, hasCulprits: boolean): void {
    let place = 1
    const again: Request[] = []
    for (const member of block.members) {
      const first = place
      place += member.commands
      const parts = partsOf(member, command => block.errors.get(first + command))
      if (hasCulprits && parts.some(({ local }) => local !== null)) this.#to.suspect(member.owner)
      settleAnswered(member, parts, this.#host.counters)
      again.push(...parts)
    }
    block.behind.unshift(...again)
    this.#letGo(block)
  }
}

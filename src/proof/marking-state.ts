// marking-state.ts: may the writes of a lane's link have markers now?
//
//   unproven ──prove: MULTI, HSET 0, EXPIRE, EXEC──▶ proving ──▶ proven: blocks are sent
//      ▲  ▲                                             └──────▶ without: no rights, no memory, ... ──after a while──┐
//      │  └── another link, user or database                                                                        │
//      └─────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
//
// While it is being proven, what needs a marker waits. Without markers a lane behaves as under --retry-policy safe.
//
// Owns: the series of the link, the question to the node, the refresh. Never: builds blocks (batcher.ts).
import { isNoPerm } from '../ops/missing-rights.ts'
import type { LaneHost } from '../relay/lane-host.ts'
import type { ProvenLane } from '../relay/prover.ts'
import { serverRefusalOf } from '../relay/refusal-texts.ts'
import { createUnit, type Request, type RequestOwner } from '../relay/request.ts'
import { encodeCommand } from '../resp/encode.ts'
import { firstErrorIn } from '../resp/exec-reply.ts'
import { ReplyType } from '../resp/reply-scanner.ts'
import type { Link } from '../upstream/link.ts'
import { ours } from './block.ts'
import { type Markers, PRIVATE_SLOTS, type Series, SHARED_SLOTS } from './marker.ts'

/** Rights that are missing are asked for again after this; what may pass by itself (memory, a script) after less. */
const RIGHTS_MS = 5000
const TRANSIENT_MS = 1000

const MULTI = encodeCommand(['MULTI'])
const EXEC = encodeCommand(['EXEC'])

export class MarkingState {
  #state: 'unproven' | 'proving' | 'proven' | 'without' = 'unproven'
  #series: Series | null = null
  /** The one that is being proven. */
  #next: Series | null = null
  #link: Link<Request> | null = null
  /** performance.now() until which it does without. */
  #until = 0
  #question: Request | null = null
  #refresh: Request | null = null
  #error: Buffer | null = null
  /** A flush or an eviction took the fields: those that no block writes are missing. */
  #isWiped = false
  readonly #lane: ProvenLane
  readonly #host: LaneHost
  readonly #markers: Markers
  readonly #asker: RequestOwner

  constructor(lane: ProvenLane, host: LaneHost, markers: Markers) {
    this.#lane = lane
    this.#host = host
    this.#markers = markers
    this.#asker = {
      gone: true,
      pending: 0,
      block: null,
      deliver() {},
      onAnswered() {},
      onBug: error => lane.onStepBug(error),
    }
  }

  /** The series of the lane's link; null: no block may be sent on it now. */
  series(link: Link<Request>): Series | null {
    if (this.#state !== 'proven') return null
    if (this.#link === link && this.#series?.identityKey === this.#lane.identity.key) return this.#series
    this.#begin(link)
    return this.#state === 'proven' ? this.#series : null
  }

  /** A write may be sent: with a marker, or without one because there can be none. Else it waits for the node. */
  admits(link: Link<Request>): boolean {
    if (this.series(link) !== null) return true
    if (this.#link !== link) this.#begin(link)
    if (this.#state === 'without' && performance.now() < this.#until) return true
    if (this.#state === 'proven') return true
    if (this.#state !== 'proving') this.#prove(link)
    return false
  }

  /** Asks the node whether the link may have markers. */
  #prove(link: Link<Request>): void {
    const commands = this.steps('writes')
    this.#state = 'proving'
    this.#link = link
    this.#error = null
    this.#question = this.#ask(link, Buffer.concat(commands), commands.length)
  }

  /**
   * The commands that show it, in a series of their own; one reply each. `reads`: that markers may be read, too. Not on a
   * link that is in use: its session may have asked to be told of the keys that it has read.
   */
  steps(shows: 'reads' | 'writes'): Buffer[] {
    const { identity } = this.#lane
    if (this.#next !== null) this.#markers.end(this.#next)
    const series = this.#markers.newSeries(identity, this.#lane.kind === 'private' ? PRIVATE_SLOTS : SHARED_SLOTS)
    this.#next = series
    const prolong = this.#markers.prolong(identity.database, performance.now())
    return [MULTI, ...series.baseline(), ...(shows === 'reads' ? [series.read()] : []), prolong, EXEC]
  }

  #ask(link: Link<Request>, bytes: Buffer, replies: number): Request {
    const request = ours(createUnit(this.#asker, bytes, 0, replies, null))
    request.inspect = true
    link.send(request)
    return request
  }

  /** Another link, or another user on it. A link that was proven on another lane still is. */
  #begin(link: Link<Request>): void {
    this.#link = link
    const series = this.#markers.seriesOf(link)
    const isSame = series !== undefined && series.identityKey === this.#lane.identity.key
    this.#use(isSame ? series : null)
    this.#state = isSame ? 'proven' : 'unproven'
  }

  /** Nobody will ask for the one before any more. */
  #use(series: Series | null): void {
    if (this.#series !== null && this.#series !== series) this.#markers.end(this.#series)
    this.#series = series
  }

  /** Whether it is one of the requests of this room. */
  owns(request: Request): boolean {
    return request.owner === this.#asker
  }

  /** One reply to a request of this room. Answers whether the lane may go on with what had to wait. */
  onFrame(link: Link<Request>, request: Request, frame: Buffer, type: number): boolean {
    if (request !== this.#question) return false
    if (type === ReplyType.error) this.#error ??= Buffer.from(frame)
    if (request.expect > 0) return false
    this.#question = null
    const failed = this.#error ?? firstErrorIn(frame)
    if (failed === null) {
      this.#onProven(link)
      return true
    }
    const refusal = serverRefusalOf(failed)
    this.#state = 'unproven'
    if (refusal === 'wrong-node') this.#lane.replies.cutRefused(link, request, failed, refusal)
    else if (refusal === 'not-now' && this.#host.passes(failed)) this.#lane.replies.setAside(link, [], failed)
    else this.doWithout(failed)
    return this.#state !== 'unproven'
  }

  #onProven(link: Link<Request>): void {
    if (this.#next === null) return
    this.#markers.proven(this.#next)
    this.#next.at = link.master
    this.#use(this.#next)
    this.#next = null
    this.#link = link
    this.#state = 'proven'
    if (this.#series !== null) this.#markers.keep(link, this.#series)
  }

  /** The node has refused a marker: none is written for a while. `line`: its error line. */
  doWithout(line: Buffer): void {
    const reply = line
      .toString('latin1', 1)
      .trimEnd()
      .replace(/^EXECABORT Transaction discarded because of: /, '')
    const lasts = /^(NOPERM|NOAUTH|WRONGTYPE|ERR)\b/.test(reply)
    this.#state = 'without'
    this.#until = performance.now() + (lasts ? RIGHTS_MS : TRANSIENT_MS)
    const { identity, link } = this.#lane
    if (link === null) return
    if (isNoPerm(reply)) this.#host.linkLog.missing({ right: 'markers', lack: 'right' }, link.master, identity)
    else this.#host.linkLog.withoutMarkers(link.master, identity, reply)
  }

  /** A link is up, whose handshake had `steps`. `error`: the first error line among their replies. */
  onReady(link: Link<Request>, error: Buffer | null): void {
    this.#begin(link)
    if (error === null) this.#onProven(link)
    else if (serverRefusalOf(error) === undefined || !this.#host.passes(error)) this.doWithout(error)
  }

  /** One of the requests of this room was not sent. */
  recall(request: Request): void {
    if (request === this.#refresh) this.#refresh = null
    if (request !== this.#question) return
    this.#question = null
    this.#state = 'unproven'
  }

  /** The link is gone. Answers its series, which the caller ends: the next link may ask for it. */
  lost(): Series | null {
    const series = this.#series
    this.#series = null
    if (this.#link !== null) this.#markers.forget(this.#link)
    this.#question = null
    this.#refresh = null
    this.#state = 'unproven'
    this.#link = null
    return series
  }

  /** The lane is closed, and its link with it. */
  end(): void {
    this.#use(null)
    if (this.#next !== null) this.#markers.end(this.#next)
    this.#next = null
  }

  /** The marker was gone when a block wrote it. */
  hurry(): void {
    this.#isWiped = true
    this.#series?.wiped()
    this.#markers.hurry(this.#lane.identity.database)
  }

  /** Prolongs the life of the hash; some times a second. */
  tick(link: Link<Request>, now: number): void {
    const { database } = this.#lane.identity
    if (!(this.#isWiped || this.#markers.isDue(database, now)) || this.series(link) === null) return
    if (this.#refresh !== null && this.#refresh.expect > 0) return
    const wiped = this.#isWiped ? (this.#series?.baselineOfFree() ?? []) : []
    this.#isWiped = false
    const commands = [...wiped, ...this.#markers.refresh(database, now)]
    this.#refresh = this.#ask(link, Buffer.concat(commands), commands.length)
  }
}

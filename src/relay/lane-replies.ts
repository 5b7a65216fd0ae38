// lane-replies.ts: the way back of one lane: what the link has read, to the sessions that wait for it.
//
//   link ─▶ replies of a plain run ──────────────────────────────────────────────────────────▶ deliver ─▶ complete
//     └───▶ a frame ─┬─ the prover's own ─▶ src/proof                                             │
//                    ├─ the node refuses ─▶ lane-refusals.ts: set aside, or the link is cut       │
//                    └─ else ─▶ the request's handler, or its client ◀────────────────────────────┘
//   with an acknowledger each of these waits there first, until replicas have what it tells of
//
// Owns: nothing that lasts; the prover, the acknowledger and the refusals have their own. Never: sends, or puts anything
// back into the queue (lane.ts).
//
// Must stay true: a request is completed once, behind its last reply. Of a node that is no master no reply is delivered.
import { ReplyType } from '../resp/reply-scanner.ts'
import { WORTH_BYTES } from '../transport/read-memory.ts'
import type { Link } from '../upstream/link.ts'
import { Pausing } from '../upstream/pauses.ts'
import type { ReplyListener } from '../upstream/reply-reader.ts'
import type { AckedReplies, Acknowledger } from './acknowledger.ts'
import type { LaneHost } from './lane-host.ts'
import type { LaneLink, LaneOwner } from './lane-link.ts'
import type { LaneParts } from './lane-parts.ts'
import type { LaneRefusals } from './lane-refusals.ts'
import type { ProvenReplies, Prover } from './prover.ts'
import type { ServerRefusal } from './refusal-texts.ts'
import { giveBackBytes, ofHandler, type Request } from './request.ts'

/** The lane whose replies these are. */
export interface AnsweredLane {
  readonly owner: LaneOwner | null
  /** All that one read brought is delivered: what has waited for it may go. */
  onAnswers(): void
  /** The link owes nothing more, and replies were set aside. */
  sendAgain(link: Link<Request>): void
}

export class LaneReplies implements ReplyListener<Request, Link<Request>>, ProvenReplies, AckedReplies {
  readonly #host: LaneHost
  readonly #lane: AnsweredLane
  readonly #uplink: LaneLink
  readonly #refusals: LaneRefusals
  readonly #prover: Prover | null
  readonly #acks: Acknowledger | null

  constructor(host: LaneHost, { uplink, refusals, prover, acks }: LaneParts, lane: AnsweredLane) {
    this.#host = host
    this.#lane = lane
    this.#uplink = uplink
    this.#refusals = refusals
    this.#prover = prover
    this.#acks = acks
  }

  onReplies(request: Request, bytes: Buffer, count: number): void {
    if (bytes.length > 0 && (this.#acks === null || !this.#acks.keepsReplies(request, bytes, count > 0)))
      request.owner.deliver(bytes)
    if (request.expect !== 0 || this.#refusals.aside?.takeLocal(request)) return
    if (request.weight > WORTH_BYTES && request.kept === null) giveBackBytes(request, this.#host.sockets.memory)
    this.complete(request)
  }

  onFrame(link: Link<Request>, request: Request, frame: Buffer, type: number): void {
    if (this.#prover?.onFrame(link, request, frame, type)) return
    const mayRefuse = type === ReplyType.error && this.#prover?.isExecuting !== true
    const refusal = mayRefuse ? this.#refusals.judge(link, request, frame) : undefined
    if (refusal === 'in doubt') return
    const { isDeposed } = this.#refusals
    if (refusal !== undefined && !isDeposed) {
      // No later reply of this link counts, or what the link knows is needed to run the command again.
      if (refusal === 'wrong-node' || request.handler?.ofOpenTransaction === true) {
        this.cutRefused(link, request, frame, refusal)
        return
      }
      this.#refusals.begin(link)
    }
    if (this.#refusals.setAside(request, frame, type, refusal !== undefined)) {
      if (request.expect === 0 && !request.unit) this.complete(request)
      return
    }
    if (isDeposed) return
    if (this.#host.withholding && request === this.#refusals.unblocked) {
      link.stall(request, frame, Pausing.withheld)
      return
    }
    if (this.#acks === null || !this.#acks.keepsFrame(request, frame, type)) this.reply(request, frame, type)
    if (request.expect === 0 && this.#uplink.state !== 'closed') this.complete(request)
  }

  onPush(_link: Link<Request>, frame: Buffer): void {
    if (this.#acks?.keepsPush(frame) !== true) this.push(frame)
  }

  onReadEnd(link: Link<Request>): boolean {
    this.#prover?.onReadEnd()
    this.#lane.onAnswers()
    const taken = this.#host.turn.flushSessions()
    if (this.#refusals.aside !== null && link.inFlight === 0) this.#lane.sendAgain(link)
    return taken
  }

  setAside(link: Link<Request>, requests: readonly Request[], frame: Buffer): void {
    this.#refusals.begin(link).takeAll(requests)
    this.#refusals.absorb(frame)
  }

  cutRefused(link: Link<Request>, request: Request, frame: Buffer, refusal: ServerRefusal): void {
    request.expect++
    this.#refusals.absorb(frame)
    link.cut(frame.toString('latin1', 1, 64).trimEnd(), 'refused')
    if (refusal === 'not-now') this.#uplink.pause()
    else this.#uplink.onWrongNode()
  }

  reply(request: Request, frame: Buffer, type: number): void {
    if (request.skip > 0) {
      request.skip--
      return
    }
    request.given++
    if (request.handler !== null) ofHandler(request, handler => handler.onReply(request, frame, type))
    else request.owner.deliver(frame)
  }

  answer(request: Request, frame: Buffer): void {
    if (this.#acks === null || !this.#acks.keepsReplies(request, frame, true)) request.owner.deliver(frame)
  }

  afterAck(act: () => void): void {
    if (this.#acks === null) act()
    else this.#acks.afterAck(act)
  }

  push(frame: Buffer): void {
    this.#lane.owner?.onPush(frame)
  }

  /** The request has its last reply, or is one of our own whose turn has come. */
  complete(request: Request): void {
    if (this.#acks?.keepsEnd(request) !== true) this.finish(request)
  }

  finish(request: Request): void {
    if (this.#acks !== null) this.#prover?.forget(request)
    this.#host.counters.pendingBytes -= request.weight
    const owner = request.owner
    if (request.local !== null) owner.deliver(request.local)
    owner.onAnswered(request.commands, request.weight)
  }
}

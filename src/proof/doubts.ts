// doubts.ts: requests whose link was lost: the marker says whether they have run. They wait at the front of their lane,
// in their order, until the next link has read it; then each becomes what verdict.ts says.
//
// Must stay true: nothing is sent again before the marker is read, and each request leaves once.
import { classifyCommand } from '../command/classify.ts'
import { Marking, markingOf } from '../command/marking.ts'
import { errors } from '../errors.ts'
import type { LaneHost } from '../relay/lane-host.ts'
import { decideReplay, namedClassOf, remainderOf } from '../relay/replay-rule.ts'
import { failRequest, makeLocal, ofHandler, type Request, type RequestOwner, wholeBytes } from '../relay/request.ts'
import { restartUnit, settleAnswered } from '../relay/take-back.ts'
import { commandArgs } from '../resp/decode.ts'
import type { Handshake, MarkerRead } from '../upstream/handshake.ts'
import type { Mark, Markers, Series } from './marker.ts'
import { judge, replyTo, transactionReply, type Verdict } from './verdict.ts'

export class Doubts {
  readonly #host: LaneHost
  /** In the order in which they were sent, each with the number of its block. */
  readonly #marks = new Map<Request, Mark>()
  /** Known not to have run, although they were sent. */
  readonly #notRun = new WeakSet<Request>()

  constructor(host: LaneHost) {
    this.#host = host
  }

  get toRead(): MarkerRead | null {
    return this.series
  }

  /** Of the link that was lost; null: nothing is in doubt. */
  get series(): Series | null {
    const [mark] = this.#marks.values()
    return mark?.series ?? null
  }

  /** Nobody waits for them any more. */
  drop(markers: Markers): void {
    const { series } = this
    this.#marks.clear()
    if (series !== null) markers.end(series)
  }

  hasNotRun(request: Request): boolean {
    return this.#notRun.has(request)
  }

  /** The request waits for its verdict no longer: its time is over. Null: it did not. */
  giveUp(request: Request): Buffer | null {
    if (!this.#marks.delete(request)) return null
    this.#host.counters.unknownOutcomes++
    return errors.undecided.reply
  }

  /** What goes back to the front of the lane of a request whose block is in doubt; empty when its client is gone. */
  add(request: Request, mark: Mark): Request[] {
    const { counters } = this.#host
    if (request.owner.gone) {
      counters.pendingBytes -= request.weight
      return []
    }
    const rest = remainderOf(request, false)
    if (rest[0] !== request) settleAnswered(request, rest, counters)
    for (const part of rest) {
      if (!part.unit) part.expect = part.commands
      this.#marks.set(part, mark)
    }
    return rest
  }

  /** The next link is up and has read the marker. Answers what becomes of each request; null where nothing does. */
  decide(handshake: Handshake, markers: Markers): ((request: Request) => readonly Request[] | null) | null {
    if (this.#marks.size === 0) return null
    const decided = new Map<Request, readonly Request[]>()
    /** From the last to the first, so that it is known which session has a write behind. */
    const wrote = new Map<Mark, Set<RequestOwner>>()
    for (const [request, mark] of [...this.#marks].reverse()) {
      const verdict = judge(mark.seq, handshake.markers[mark.slot] ?? null, handshake.fenced)
      if (request.owner.gone) continue // it leaves the lane by itself
      const writers = wrote.get(mark) ?? new Set<RequestOwner>()
      wrote.set(mark, writers)
      decided.set(request, this.#end(request, verdict, writers))
    }
    this.drop(markers)
    return request => decided.get(request) ?? null
  }

  #end(request: Request, verdict: Verdict, writers: Set<RequestOwner>): readonly Request[] {
    const { counters } = this.#host
    if (verdict === 'not-applied') return this.#again(request, 'lost')
    if (verdict === 'unknown') counters.proofsLost++
    if (request.unit) return this.#endUnit(request, verdict)
    const parts = remainderOf(request, true)
    if (parts[0] !== request) settleAnswered(request, parts, counters)
    for (const part of parts.toReversed()) this.#endCommand(part, verdict, writers)
    return parts
  }

  /** Its block was refused as a whole. Answers what goes back to the front of the lane. */
  refused(request: Request): readonly Request[] {
    if (!request.owner.gone) return this.#again(request, 'refused')
    this.#host.counters.pendingBytes -= request.weight
    return []
  }

  /** It is not in the history that survives. */
  #again(request: Request, reason: 'lost' | 'refused'): readonly Request[] {
    const { policy, counters } = this.#host
    const error = decideReplay('refused', 'read', request.sends, policy)
    if (error !== null) failRequest(request, error.reply)
    else {
      counters.detail.replays.add(`${namedClassOf(request)} ${reason}`)
      if (request.unit) restartUnit(request, 0)
      this.#notRun.add(request)
    }
    return [request]
  }

  #endCommand(part: Request, verdict: 'applied' | 'unknown', writers: Set<RequestOwner>): void {
    const { counters } = this.#host
    const args = commandArgs(wholeBytes(part))
    const name = args[0]?.toString('latin1').toLowerCase() ?? ''
    const writes = markingOf(name, classifyCommand(args, Date.now())) !== Marking.none
    const reply = replyTo(args, verdict, { writes, isBehind: !writers.has(part.owner) })
    if (writes) writers.add(part.owner)
    if (reply === null) {
      counters.detail.replays.add('read lost')
      return
    }
    if (writes && verdict === 'applied') counters.appliedUnanswered++
    if (writes && verdict === 'unknown') counters.unknownOutcomes++
    makeLocal(part, reply)
  }

  #endUnit(request: Request, verdict: 'applied' | 'unknown'): readonly Request[] {
    const { counters } = this.#host
    if (verdict === 'applied') counters.appliedUnanswered++
    else counters.unknownOutcomes++
    const exec = (verdict === 'applied' ? errors.applied : errors.markerLost).reply
    if (request.handler === null) makeLocal(request, transactionReply(request.commands, exec))
    else {
      restartUnit(request, 0)
      ofHandler(request, handler => handler.onDecided?.(request, exec))
    }
    return [request]
  }
}

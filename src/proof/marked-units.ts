// marked-units.ts: requests of private links that carry a marker themselves: an EXEC whose MULTI is open on the link. The
// marker goes before it, as the transaction's last command.
import { isRefusedToSubscriber } from '../errors.ts'
import type { ProvenLane } from '../relay/prover.ts'
import type { Request } from '../relay/request.ts'
import { arrayLength } from '../resp/exec-reply.ts'
import { ReplyType } from '../resp/reply-scanner.ts'
import type { Link } from '../upstream/link.ts'
import { judgeAbort } from './aborted.ts'
import type { Mark } from './marker.ts'
import type { MarkingState } from './marking-state.ts'

export class MarkedUnits {
  readonly #marks = new Map<Request, Mark>()
  readonly #lane: ProvenLane
  readonly #state: MarkingState

  constructor(lane: ProvenLane, state: MarkingState) {
    this.#lane = lane
    this.#state = state
  }

  /** The request is about to be sent; its handler says whether it takes the mark. Null: there is none. */
  mark(request: Request, mark: Mark | null): void {
    const marker = mark === null ? null : Buffer.from(mark.series.write(mark))
    const isMarked = request.handler?.mark?.(request, marker) === true
    if (mark === null) return
    if (isMarked) this.#marks.set(request, mark)
    else mark.series.release(mark)
  }

  markOf(request: Request): Mark | undefined {
    return this.#marks.get(request)
  }

  /** Its client has the reply, or it was not sent. */
  release(request: Request): void {
    const mark = this.#marks.get(request)
    if (mark === undefined) return
    this.#marks.delete(request)
    mark.series.release(mark)
  }

  clear(): void {
    this.#marks.clear()
  }

  /** True: the lane is not to see this reply. */
  onFrame(link: Link<Request>, request: Request, frame: Buffer, type: number): boolean {
    const mark = this.#marks.get(request)
    if (mark === undefined) return false
    if (request.expect === 0) {
      // A nil says that nothing of it has run.
      if (type === ReplyType.array && arrayLength(frame) > 0) mark.series.answered(mark)
      // Withheld, its reply may still be in doubt: forget() releases it then.
      if (!this.#lane.withholds) this.release(request)
      return false
    }
    // A subscriber's MULTI was refused like the marker, and so is its EXEC.
    if (type !== ReplyType.error || isRefusedToSubscriber(frame)) return false
    if (judgeAbort(frame, new Map([[0, frame]]), 0).kind !== 'marker') return false
    // Its MULTI is aborted with the marker: it is queued again on a new link, and goes without.
    this.#marks.delete(request)
    this.#state.doWithout(frame)
    this.#lane.replies.cutRefused(link, request, frame, 'not-now')
    return true
  }
}

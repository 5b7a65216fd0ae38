// lost-requests.ts: a link is lost: what goes back to the front of its lane of what it had answered and of what it owes,
// and which of it has to wait for what a marker says.
//
//   answered, reply withheld ─┬─ marked ─▶ doubts.ts, with its reply
//                             └─ not ────▶ as if the server had not answered
//   owed ─┬─ not written, or refused as a whole ─▶ sent again
//         ├─ marked ─────────────────────────────▶ doubts.ts
//         └─ not ────────────────────────────────▶ as replay-rule.ts decides
//
// Never: decides what a marker means (verdict.ts), sends anything.
import { forgetKept, forgetReplies } from '../relay/kept-replies.ts'
import type { LaneHost } from '../relay/lane-host.ts'
import type { Request } from '../relay/request.ts'
import { takeBack } from '../relay/take-back.ts'
import type { LinkEnd } from '../upstream/link.ts'
import type { Block } from './block.ts'
import type { Doubts } from './doubts.ts'
import type { MarkedUnits } from './marked-units.ts'
import type { Mark } from './marker.ts'
import type { MarkingState } from './marking-state.ts'
import type { SentBlocks } from './sent-blocks.ts'

/** Who knows what of the requests on the link. */
export interface Knowing {
  readonly sent: SentBlocks
  readonly units: MarkedUnits
  readonly state: MarkingState
  readonly doubts: Doubts
}

export class LostRequests {
  readonly #host: LaneHost
  readonly #knowing: Knowing

  constructor(host: LaneHost, knowing: Knowing) {
    this.#host = host
    this.#knowing = knowing
  }

  /** Oldest first. `answered`: those whose replies were withheld. */
  takeBack(end: LinkEnd<Request>, answered: readonly Request[]): Request[] {
    const { sent, state, doubts } = this.#knowing
    const { owed, unsent } = end
    doubts.reopen()
    const blockOf = sent.byMember()
    const back = answered.flatMap(request => this.#ofAnswered(request))
    owed.forEach((request, i) => {
      const isUnsent = i >= owed.length - unsent
      if (state.owns(request)) return
      if (!sent.owns(request)) back.push(...this.#ofOwed(request, blockOf.get(request), end, isUnsent))
      else {
        const block = sent.transactionOf(request)
        for (const member of block?.members ?? []) back.push(...this.#ofOwed(member, block, end, isUnsent))
      }
    })
    return back
  }

  /** Its client was told nothing. */
  #ofAnswered(request: Request): readonly Request[] {
    const { counters } = this.#host
    if (request.owner.gone) {
      forgetKept(request, counters)
      return takeBack(request, 'unknown', this.#host)
    }
    if (request.local !== null || this.#knowing.doubts.holds(request)) return [request]
    const mark = this.#markOf(request)
    if (mark !== undefined) return this.#knowing.doubts.add(request, mark)
    forgetReplies(request, counters)
    return takeBack(request, 'unknown', this.#host)
  }

  #ofOwed(
    request: Request,
    block: Block | undefined,
    { owed, refused }: LinkEnd<Request>,
    isUnsent: boolean,
  ): readonly Request[] {
    const { doubts } = this.#knowing
    if (doubts.holds(request)) return [request]
    if (isUnsent) return takeBack(request, 'unsent', this.#host)
    if (block?.refused) return doubts.refused(request)
    const isRefused = refused && request === owed[0]
    const mark = block?.mark ?? this.#markOf(request)
    if (mark !== undefined && !isRefused) return doubts.add(request, mark)
    forgetReplies(request, this.#host.counters)
    return takeBack(request, !refused ? 'unknown' : isRefused ? 'refused' : 'behind-refused', this.#host)
  }

  #markOf(request: Request): Mark | undefined {
    const { sent, units } = this.#knowing
    return sent.unconfirmed(request) ?? units.markOf(request)
  }
}

// lost-requests.ts: a link is lost: what goes back to the front of its lane of what it had answered and of what it owes,
// and which of it has to wait for what a marker says.
//
//   answered, reply withheld ─┬─ marked ─▶ doubts.ts, with its reply
//                             └─ not ────▶ as if the server had not answered
//   owed ─┬─ not written, or refused as a whole ─▶ sent again
//         ├─ marked ─────────────────────────────▶ doubts.ts
//         └─ not ─┬─ reads before a block of their session ─▶ doubts.ts: sent again, they would see what it wrote
//                 └─ any other ─────────────────────────────▶ as replay-rule.ts decides
//
// Never: decides what a marker means (verdict.ts), sends anything.
import { Marking, showsData } from '../command/marking.ts'
import type { OldestLost } from '../relay/fatal-requests.ts'
import { forgetKept, forgetReplies } from '../relay/kept-replies.ts'
import type { LaneHost } from '../relay/lane-host.ts'
import { commandsIn } from '../relay/replay-rule.ts'
import { type Request, type RequestOwner, senderOf, wholeBytes } from '../relay/request.ts'
import { takeBack, takeBackOldest } from '../relay/take-back.ts'
import type { LinkEnd } from '../upstream/link-end.ts'
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

  /** Oldest first. `answered`: those whose replies were withheld. `oldest`: of what the link owes. */
  takeBack(end: LinkEnd<Request>, answered: readonly Request[], oldest: OldestLost | null): Request[] {
    const { sent, state, doubts } = this.#knowing
    const { owed, unsent } = end
    doubts.reopen()
    const blockOf = sent.byMember()
    const before = this.#readsBefore(answered, end, blockOf)
    const back = answered.flatMap(request => this.#ofAnswered(request, before.get(request)))
    owed.forEach((request, i) => {
      const isUnsent = i >= owed.length - unsent
      if (state.owns(request)) return
      const behind = before.get(request)
      const add = (one: Request, block: Block | undefined): void => {
        if (one === oldest?.request) back.push(...this.#ofOldest(oldest, block, end, isUnsent, behind))
        else back.push(...this.#ofOwed(one, block, end, isUnsent, behind))
      }
      if (!sent.owns(request)) add(request, blockOf.get(request))
      else {
        const block = sent.transactionOf(request)
        for (const member of block?.members ?? []) add(member, block)
      }
    })
    return back
  }

  /** Reads that have no marker, each with that of the first thing behind it that its session wrote. */
  #readsBefore(
    answered: readonly Request[],
    { owed, unsent, refused }: LinkEnd<Request>,
    blockOf: ReadonlyMap<Request, Block>,
  ): Map<Request, Mark> {
    const { sent, state } = this.#knowing
    const before = new Map<Request, Mark>()
    if (refused) return before
    const next = new Map<RequestOwner, Mark>()
    const written = [...answered, ...owed.slice(0, owed.length - unsent)]
    for (const request of written.reverse()) {
      if (state.owns(request)) continue
      const block = sent.owns(request) ? sent.transactionOf(request) : blockOf.get(request)
      const mark = block?.mark ?? this.#markOf(request)
      if (mark !== undefined) for (const writer of block?.members ?? [request]) next.set(senderOf(writer), mark)
      else if (isPlainRead(request)) {
        const behind = next.get(senderOf(request))
        if (behind !== undefined) before.set(request, behind)
      }
    }
    return before
  }

  /** Its client was told nothing. */
  #ofAnswered(request: Request, behind: Mark | undefined): readonly Request[] {
    const { counters } = this.#host
    if (request.owner.gone) {
      forgetKept(request, counters)
      return takeBack(request, 'unknown', this.#host)
    }
    if (request.local !== null || this.#knowing.doubts.holds(request)) return [request]
    const mark = this.#markOf(request) ?? behind
    if (mark !== undefined) return this.#knowing.doubts.add(request, mark)
    forgetReplies(request, counters)
    return takeBack(request, 'unknown', this.#host)
  }

  /** Where a marker tells of it, that says what it gets. */
  #ofOldest(
    oldest: OldestLost,
    block: Block | undefined,
    end: LinkEnd<Request>,
    isUnsent: boolean,
    behind?: Mark,
  ): readonly Request[] {
    const { request, isFatal } = oldest
    const { doubts } = this.#knowing
    const isMarked = doubts.holds(request) || (block?.mark ?? this.#markOf(request) ?? behind) !== undefined
    if (isMarked && isFatal) doubts.blame(request)
    if (isMarked || !isFatal) {
      const back = this.#ofOwed(request, block, end, isUnsent, behind)
      oldest.again = back[0]
      return back
    }
    forgetReplies(request, this.#host.counters)
    return takeBackOldest(oldest, 'unknown', this.#host)
  }

  #ofOwed(
    request: Request,
    block: Block | undefined,
    { owed, refused }: LinkEnd<Request>,
    isUnsent: boolean,
    behind?: Mark,
  ): readonly Request[] {
    const { doubts } = this.#knowing
    if (doubts.holds(request)) return [request]
    if (isUnsent) return takeBack(request, 'unsent', this.#host)
    if (block?.refused) return doubts.refused(request)
    const isRefused = refused && request === owed[0]
    const mark = block?.mark ?? this.#markOf(request) ?? behind
    if (mark !== undefined && !isRefused) return doubts.add(request, mark)
    forgetReplies(request, this.#host.counters)
    return takeBack(request, !refused ? 'unknown' : isRefused ? 'refused' : 'behind-refused', this.#host)
  }

  #markOf(request: Request): Mark | undefined {
    const { sent, units } = this.#knowing
    return sent.unconfirmed(request) ?? units.markOf(request)
  }
}

/** A run that changes nothing and shows data; the batcher has looked at it. */
function isPlainRead(request: Request): boolean {
  const { handler, unit, blocking, local, marking } = request
  if (handler !== null || unit || blocking || local !== null) return false
  if ((marking & (Marking.writes | Marking.unsure)) !== 0) return false
  for (const { spec } of commandsIn(wholeBytes(request))) if (showsData(spec)) return true
  return false
}

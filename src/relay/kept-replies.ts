// kept-replies.ts: replies that the server has given and the client has not been told yet (--ack replicated, --reads
// committed): they lie at their request until the effects they tell of are on enough replicas.
//
// Must stay true: their bytes are counted with those that clients wait for (--max-held-bytes), and leave the count once.
import type { Counters } from '../ops/counters.ts'

/** One frame for the request's handler, or, with `type` 0, bytes of one or more replies that go to the client as they are. */
export interface KeptPiece {
  readonly bytes: Buffer
  readonly type: number
}

export class KeptReplies {
  readonly pieces: KeptPiece[] = []
  size = 0
  /** So many of the pieces end where a reply ends. */
  #whole = 0

  /** `bytes` must be the caller's to keep. `isWhole`: a reply ends with them. */
  add(bytes: Buffer, type: number, isWhole: boolean, counters: Counters): void {
    this.pieces.push({ bytes, type })
    this.size += bytes.length
    counters.pendingBytes += bytes.length
    counters.withheldBytes += bytes.length
    if (isWhole) this.#whole = this.pieces.length
  }

  /** All whole replies, as the server sent them. */
  bytes(): Buffer {
    return Buffer.concat(this.pieces.slice(0, this.#whole).map(({ bytes }) => bytes))
  }

  /** The last of them. */
  get last(): Buffer | undefined {
    return this.pieces[this.#whole - 1]?.bytes
  }
}

/** Whose replies they are. */
interface Keeper {
  kept: KeptReplies | null
  expect: number
  readonly replies: number
  readonly local: Buffer | null
}

/** The client has them, or never will. */
export function forgetKept(request: Pick<Keeper, 'kept'>, counters: Counters): void {
  if (request.kept === null) return
  counters.pendingBytes -= request.kept.size
  counters.withheldBytes -= request.kept.size
  request.kept = null
}

/** The replies that were kept count no more: it is as if the server had given none. */
export function forgetReplies(request: Keeper, counters: Counters): void {
  if (request.kept === null) return
  forgetKept(request, counters)
  if (request.local === null) request.expect = request.replies
}

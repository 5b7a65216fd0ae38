// standing-blocks.ts: where the blocks of one lane stand, and the requests that wait in them or behind them.
//
//   open ─▶ unsent ─▶ on the link (sent-blocks.ts) ─▶ free      executed or aborted: what waits behind may go on
//                                                  └▶ aside     refused by a node that is not ready
//
// Owns: the places but that on the link; whose session is in which block. Never: sends a block, decides what one holds.
//
// Must stay true: each block stands in one place. A session is in a block until that is dissolved, so that nothing of it
// goes anywhere else meanwhile.
import type { Request } from '../relay/request.ts'
import type { Block } from './block.ts'
import type { SentBlocks } from './sent-blocks.ts'

export class StandingBlocks {
  /** Takes more requests until it is closed. */
  open: Block | null = null
  /** Closed, and as many are on the link as can be told apart. */
  readonly unsent: Block[] = []
  readonly #sent: SentBlocks
  /** Executed or aborted, with requests behind that may go on. */
  #free: Block[] = []
  /** Refused by a node that is not ready: their members are set aside, and what comes meanwhile waits behind them. */
  #aside: Block[] = []

  constructor(sent: SentBlocks) {
    this.#sent = sent
  }

  get isEmpty(): boolean {
    return this.open === null && this.#sent.size + this.unsent.length + this.#free.length + this.#aside.length === 0
  }

  /** None of them is there any more. */
  clear(): void {
    this.#sent.clear()
    this.unsent.length = 0
    this.#free = []
    this.#aside = []
    this.open = null
  }

  free(block: Block): void {
    this.#free.push(block)
  }

  aside(block: Block): void {
    this.#aside.push(block)
  }

  /** What waits behind blocks that the link is done with, in order; null: there is no such block. */
  takeFree(): Request[] | null {
    if (this.#free.length === 0) return null
    const free = this.#free
    this.#free = []
    return this.dissolve(free)
  }

  takeAside(): Request[] {
    return this.dissolve(this.#aside.splice(0))
  }

  takeUnsent(): Request[] {
    return this.dissolve(this.unsent.splice(0))
  }

  /** What waits in `recalled` blocks, which the link has given back unwritten, and in those that it never had. */
  takeRecalled(recalled: readonly Block[]): Request[] {
    const waited = this.dissolve([...recalled, ...this.#notSent()])
    this.unsent.length = 0
    return waited
  }

  /** What waits in all blocks, wherever they stand, oldest first. */
  takeAll(): Request[] {
    return this.dissolve(this.#oldestFirst())
  }

  /** Everything that waits in these blocks, in order; none is a block any more. */
  dissolve(blocks: readonly Block[]): Request[] {
    const requests: Request[] = []
    for (const block of blocks) {
      if (block.mark === null) requests.push(...block.members)
      for (const { owner } of block.members) if (owner.block === block) owner.block = null
      if (block === this.open) this.open = null
      requests.push(...block.behind.splice(0))
    }
    for (const request of requests) {
      request.owner.block = null
      if (request.local === null && request.sends > 0) request.sends--
    }
    return requests
  }

  /** The requests that the link does not have. */
  *parked(): Generator<Request> {
    for (const block of this.#each()) {
      const isOnLink = block.mark !== null && block.transaction === null
      if (!isOnLink && !this.#aside.includes(block)) yield* block.members
      yield* block.behind
    }
  }

  /** Of those that wait behind a block: takes out the ones that are meant. */
  dropParked(which: (request: Request) => boolean): Request[] {
    const dropped: Request[] = []
    for (const { behind } of this.#each()) {
      const kept = behind.filter(request => !which(request) || dropped.push(request) === 0)
      behind.splice(0, behind.length, ...kept)
    }
    return dropped
  }

  *#notSent(): Generator<Block> {
    yield* this.unsent
    if (this.open !== null) yield this.open
  }

  #oldestFirst(): Block[] {
    return [...this.#aside, ...this.#free, ...this.#sent.all(), ...this.#notSent()]
  }

  /** Each block once, in which requests are or wait that the link does not have. */
  #each(): Set<Block> {
    return new Set(this.#oldestFirst())
  }
}

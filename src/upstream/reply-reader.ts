// reply-reader.ts: whose the replies are that a link has read.
//
//   chunk ─▶ scanner ─┬─ replies that nobody looks into ─▶ onReplies: a run of them as one slice
//                     ├─ a frame to be looked into ──────▶ onFrame
//                     └─ no reply at all ────────────────▶ onPush
//   [fifo: oldest first] each reply counts down what its oldest owes, which leaves with its last
//
// Owns: the scanner, the part of a reply that has come so far. Never: reads from a socket, sends, ends a link (link.ts).
//
// Must stay true: replies are given in the order of the FIFO. Once the link is not ready, nothing more is.
import { ReplyScanner, ReplyType } from '../resp/reply-scanner.ts'
import type { ReadMemory } from '../transport/read-memory.ts'
import type { Fifo } from './fifo.ts'
import type { Pauses } from './pauses.ts'
import type { ReadBuffer } from './read-buffer.ts'
import { viewReplies } from './reply-view.ts'

/** What a link needs to know of a request. */
export interface Exchange {
  /** Whole command frames. Empty: answered by the proxy, in its turn (expect is 0). */
  bytes: Buffer
  /** What follows `bytes` of a large command that was read in parts; null: nothing does. */
  rest: readonly Buffer[] | null
  /** Replies still owed by the server. */
  expect: number
  /** True: replies of this request go frame by frame to onFrame; false: in runs, uninspected, to onReplies. */
  inspect: boolean
}

/** Which frames of a link answer no request. */
export interface PushFilter {
  /** A frame that begins with this byte may be one: it is looked at as a whole. */
  mayBe(type: number): boolean
  is(frame: Buffer, type: number): boolean
}

/** Who hears what a link has read. `L`: the link. */
export interface ReplyListener<E extends Exchange, L> {
  /**
   * `count` whole replies of `exchange` (0: `bytes` is a first part of one), to be passed on unchanged. It is complete
   * when its `expect` is 0. On a busy link the bytes are good until onReadEnd returns, and longer only if that answers
   * false.
   */
  onReplies(exchange: E, bytes: Buffer, count: number): void
  /** One whole reply of an inspected exchange, or an error reply of any. The link has counted it already. */
  onFrame(link: L, exchange: E, frame: Buffer, type: number): void
  /** A frame that answers no request: a RESP3 push, or what `pushes` claims. */
  onPush(link: L, frame: Buffer): void
  /** All that one read brought has been delivered. Answers whether none of its bytes are needed any more. */
  onReadEnd(link: L): boolean
}

/** The link that has read it. */
export interface ReadLink<E> {
  readonly status: 'dialing' | 'ready' | 'closed'
  readonly pauses: Pauses
  /** The listener threw, over `exchange` if that is known. */
  onBug(error: unknown, exchange?: E): void
}

const NOTHING = Buffer.alloc(0)

export class ReplyReader<E extends Exchange, L extends ReadLink<E>> {
  /** True: every reply goes frame by frame to onFrame, whatever its exchange says. */
  inspectAll = false
  /** Set by an owner whose replies mix with messages that are no RESP3 pushes (RESP2 subscriptions, MONITOR). */
  pushes: PushFilter | null = null
  listener: ReplyListener<E, L>
  readonly #link: L
  readonly #fifo: Fifo<E>
  readonly #scanner = new ReplyScanner()
  /** Of a busy link: where its reads go; null: each has memory of its own. */
  readonly #buffer: ReadBuffer | null
  /** Of copies of what was read. */
  readonly #memory: ReadMemory
  /** One that the proxy answers itself, while it does. */
  #answering: E | undefined
  #partial: Buffer[] = []

  constructor(
    link: L,
    listener: ReplyListener<E, L>,
    {
      fifo,
      buffer,
      memory,
    }: { readonly fifo: Fifo<E>; readonly buffer: ReadBuffer | null; readonly memory: ReadMemory },
  ) {
    this.#link = link
    this.listener = listener
    this.#fifo = fifo
    this.#buffer = buffer
    this.#memory = memory
  }

  /** A reply of several reads has begun, and is not whole. */
  get isAmidLarge(): boolean {
    return this.#partial.length > 1
  }

  /** From within the listener's calls: is the next reply an array whose elements are replies of their own? */
  openNext(opens: boolean): void {
    this.#scanner.opensArray = opens
  }

  /**
   * Of what was read, all from `from` on. Answers false where it is no reply. The hot loop: runs of uninspected replies of
   * one exchange become one slice.
   */
  read(chunk: Buffer, from: number): boolean {
    const link = this.#link
    const scanner = this.#scanner
    const fifo = this.#fifo
    const listener = this.listener
    let at = from
    let runStart = from
    let run = 0
    let head = fifo.peek()
    try {
      while (at < chunk.length) {
        let end = at
        let taken = 0
        if (head !== undefined && !head.inspect && !this.inspectAll && this.pushes === null) {
          end = scanner.takePlain(chunk, at, head.expect)
          taken = scanner.taken
        }
        let looksIn = false
        if (taken === 0) {
          end = scanner.next(chunk, at)
          if (end < 0) break
          taken = 1
          looksIn = this.#looksInto(scanner.type)
        }
        if (head !== undefined && !head.inspect && !looksIn && this.#partial.length === 0) {
          run += taken
          at = end
          head.expect -= taken
          if (head.expect === 0) {
            fifo.shift()
            listener.onReplies(head, viewReplies(chunk, runStart, end), run)
            if (link.status !== 'ready') return true
            runStart = end
            run = 0
            head = this.#nextHead()
          }
          continue
        }
        if (run > 0 && head !== undefined) {
          listener.onReplies(head, chunk.subarray(runStart, at), run)
          run = 0
        }
        const frame = chunk.subarray(at, end)
        const own = this.#buffer === null ? this.#memory.apart(frame, chunk) : frame
        this.#onSlowFrame(own, scanner.type, looksIn)
        if (link.status !== 'ready') return true
        at = end
        runStart = end
        if (link.pauses.stalled !== null) break
        head = this.#nextHead()
      }
      if (run > 0 && head !== undefined) listener.onReplies(head, chunk.subarray(runStart, at), run)
      if (scanner.broken) return false
      if (at < chunk.length) {
        const behind = link.pauses.stalled ?? this.#partial
        behind.push(this.kept(at === 0 ? chunk : chunk.subarray(at), chunk))
      }
      if (!listener.onReadEnd(link)) this.#buffer?.keep()
    } catch (error) {
      link.onBug(error, this.#answering ?? head)
    }
    return true
  }

  /** Is this reply to be looked at, whatever its exchange says? */
  #looksInto(type: number): boolean {
    const { error, push } = ReplyType
    return type === error || type === push || this.inspectAll || this.pushes?.mayBe(type) === true
  }

  /** The next exchange that waits for the server; those the proxy answers itself are completed on the way. */
  #nextHead(): E | undefined {
    let head = this.#fifo.peek()
    while (head !== undefined && head.expect === 0) {
      this.#fifo.shift()
      this.#answering = head
      this.listener.onReplies(head, NOTHING, 0)
      head = this.#fifo.peek()
    }
    this.#answering = undefined
    return head
  }

  /** Answers what needs no server, when it is at the head already. */
  settleHead(): void {
    try {
      this.#nextHead()
    } catch (error) {
      this.#link.onBug(error, this.#answering)
    }
  }

  /** `looksIn`: its owner does, whatever the exchange says. */
  #onSlowFrame(end: Buffer, type: number, looksIn: boolean): void {
    const listener = this.listener
    const partial = this.#partial
    const head = this.#fifo.peek()
    if (head !== undefined && !head.inspect && !looksIn) {
      // A long reply in parts: passed on as it lies, it is whole now.
      this.#partial = []
      for (const part of partial) listener.onReplies(head, part, 0)
      if (--head.expect === 0) this.#fifo.shift()
      listener.onReplies(head, end, 1)
      return
    }
    let frame: Buffer
    if (partial.length > 0) {
      partial.push(end)
      frame = Buffer.concat(partial)
      this.#partial = []
      this.#memory.giveBackAll(partial)
    } else {
      frame = Buffer.from(end) // who looks into a frame may keep it
      this.#memory.giveBack(end)
    }
    const push = this.pushes === null ? type === ReplyType.push : this.pushes.is(frame, type)
    if (push || head === undefined) {
      listener.onPush(this.#link, frame)
      return
    }
    head.expect--
    listener.onFrame(this.#link, head, frame, type)
    if (this.#link.status === 'ready' && head.expect === 0 && this.#fifo.peek() === head) this.#fifo.shift()
  }

  /** Bytes of `chunk` that are still good after this read. */
  kept(bytes: Buffer, chunk: Buffer): Buffer {
    return this.#buffer?.kept(bytes) ?? this.#memory.apart(bytes, chunk)
  }

  /** The link has ended. */
  drop(): void {
    this.#partial = []
  }
}

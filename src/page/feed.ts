// feed.ts: the pages that are open: server-sent events, one message a second for all of them.
//
//   sampler ─▶ tick: encoded once ─▶ each viewer that keeps up
//                                 └▶ one whose socket is full is left out; when it is empty again it gets everything anew
//
// Owns: the viewers, bounded in number and in what waits for each. Never: knows what the messages say.
import type { ServerResponse } from 'node:http'

/** So many pages may be open. */
export const MAX_VIEWERS = 64
/** A viewer that has read nothing for so long is gone, or as good as gone. */
const STUCK_MS = 10_000
/** After what time the browser should come back, ms. */
const RETRY_MS = 1_000

export interface FeedStats {
  viewers: number
  /** Those that found all places taken, and those that read too slowly. */
  refused: number
  dropped: number
}

interface Viewer {
  readonly response: ServerResponse
  /** performance.now() when its socket was full; null while it keeps up. */
  fullSince: number | null
  /** A message was left out while it was. */
  missed: boolean
}

export class Feed {
  readonly stats: FeedStats
  readonly most: number
  readonly #viewers = new Set<Viewer>()
  readonly #hello: () => string
  #greeting: string | null = null

  /** `hello`: the whole message for a viewer that knows nothing. `most`: viewers that the limit of open files allows. */
  constructor(stats: FeedStats, hello: () => string, most = MAX_VIEWERS) {
    this.most = Math.min(MAX_VIEWERS, most)
    this.stats = stats
    this.#hello = hello
  }

  get isFull(): boolean {
    return this.#viewers.size >= this.most
  }

  /** The response becomes a stream of messages until either side ends it. Only while not full. */
  add(response: ServerResponse): void {
    const viewer: Viewer = { response, fullSince: null, missed: false }
    this.#viewers.add(viewer)
    this.stats.viewers = this.#viewers.size
    response.once('close', () => {
      this.#viewers.delete(viewer)
      this.stats.viewers = this.#viewers.size
    })
    response.on('drain', () => this.#catchUp(viewer))
    this.#write(viewer, `retry: ${RETRY_MS}\n\n${this.#greet()}`)
  }

  /** A message for all; `encode` is called once, and only when somebody is there. */
  send(encode: () => string, now: number): void {
    this.#greeting = null
    if (this.#viewers.size === 0) return
    const message = encode()
    for (const viewer of this.#viewers) {
      if (viewer.fullSince === null) this.#write(viewer, message)
      else if (now - viewer.fullSince < STUCK_MS) viewer.missed = true
      else {
        this.stats.dropped++
        viewer.response.destroy()
      }
    }
  }

  close(): void {
    for (const { response } of this.#viewers) response.destroy()
  }

  /** Many that come in one second get one text. */
  #greet(): string {
    this.#greeting ??= this.#hello()
    return this.#greeting
  }

  #write(viewer: Viewer, message: string): void {
    if (!viewer.response.write(message)) viewer.fullSince = performance.now()
  }

  /** What it has missed is in the history. */
  #catchUp(viewer: Viewer): void {
    viewer.fullSince = null
    if (!viewer.missed) return
    viewer.missed = false
    this.#write(viewer, this.#greet())
  }
}

/** One message of the stream (HTML standard, 9.2.6). JSON has no line end in it. */
export function encodeEvent(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}

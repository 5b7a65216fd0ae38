// page-feed.ts: reads the stream of the admin port's page as a browser does, over a socket of its own.
// Owns: its connections, each ended with the test or by `close`.
import { type ClientRequest, get, type IncomingMessage } from 'node:http'
import { waitUntil } from './wait-until.ts'

export interface FeedEvent {
  readonly name: string
  readonly data: Record<string, unknown>
}

export interface PageFeed {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly events: readonly FeedEvent[]
  /** The text of an answer that is no stream. */
  text(): string
  isClosed(): boolean
  /** Reads no more; what comes stays in the socket. */
  pause(): void
  resume(): void
  close(): void
}

interface Teardown {
  teardown(act: () => unknown): void
}

/** Resolves when the headers are there. `admin` is the port's URL. */
export function openFeed(
  t: Teardown,
  admin: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<PageFeed> {
  return new Promise((resolve, reject) => {
    const request: ClientRequest = get(`${admin}/page/feed`, { agent: false, headers }, response => {
      const events: FeedEvent[] = []
      let text = ''
      let closed = false
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
        if (response.statusCode !== 200) return
        const blocks = text.split('\n\n')
        text = blocks.pop() ?? ''
        for (const block of blocks) {
          const [, name, json] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? []
          if (name !== undefined && json !== undefined) events.push({ name, data: JSON.parse(json) })
        }
      })
      response.once('close', () => {
        closed = true
      })
      response.on('error', () => {})
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        events,
        text: () => text,
        isClosed: () => closed,
        pause: () => response.pause(),
        resume: () => response.resume(),
        close: () => request.destroy(),
      })
    })
    t.teardown(() => request.destroy())
    request.once('error', reject)
  })
}

/** The first event of a name from index `from` on. */
export function nextEvent(feed: PageFeed, name: string, from = 0): Promise<FeedEvent> {
  return waitUntil(`the feed says ${name}`, () => feed.events.slice(from).find(one => one.name === name), {
    withinMs: 10_000,
  })
}

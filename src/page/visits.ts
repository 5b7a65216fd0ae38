// visits.ts: answers browsers: the files of the page, and the stream of messages that fills it.
//
// A page of another site may not use any of it: it cannot frame it, and may not open its stream, which would take places
// from people. What runs in the page comes from here alone, and nothing of it is written in the HTML (the policy below).
// Owns: what HTTP says of each. Never: reads a name of a file from a request.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Asset, readAssets } from './assets.ts'
import { encodeEvent, Feed, type FeedStats } from './feed.ts'
import { type MessageSources, Messages } from './messages.ts'
import type { Sampler } from './sampler.ts'

const FEED = '/page/feed'

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const always = {
  'Content-Security-Policy': policy,
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

export class Visits {
  readonly #assets: ReadonlyMap<string, Asset>
  readonly #feed: Feed
  readonly #messages: Messages

  constructor(assets: ReadonlyMap<string, Asset>, messages: Messages, stats: FeedStats, most?: number) {
    this.#assets = assets
    this.#messages = messages
    this.#feed = new Feed(stats, () => encodeEvent('hello', messages.hello()), most)
  }

  /** The sampler has a new sample. */
  onSample(now: number): void {
    this.#feed.send(() => encodeEvent('tick', this.#messages.tick()), now)
  }

  answer(path: string, request: IncomingMessage, response: ServerResponse): void {
    const asset = this.#assets.get(path)
    if (path === FEED) this.#stream(request, response)
    else if (asset !== undefined) sendAsset(asset, request, response)
    else sendText(response, 404, 'no such file of the page; it is at /\n')
  }

  close(): void {
    this.#feed.close()
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    // Browsers say where a question comes from, and no page can make them lie (Fetch Metadata).
    const site = request.headers['sec-fetch-site']
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
      sendText(response, 403, 'only the page of this port may read this; open it at /\n')
      return
    }
    const isHead = request.method === 'HEAD'
    if (this.#feed.isFull) {
      if (!isHead) this.#feed.stats.refused++
      response.setHeader('Retry-After', '10')
      sendText(response, 503, `${this.#feed.most} pages are open already, and there may be no more; close one\n`)
      return
    }
    response.writeHead(200, { ...always, 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    if (isHead) response.end()
    else this.#feed.add(response)
  }
}

/** Reads the files. @throws Error where one is missing. */
export async function openVisits(
  sources: MessageSources & { readonly mostViewers?: number },
  sampler: Sampler,
  stats: FeedStats,
): Promise<Visits> {
  return new Visits(await readAssets(), new Messages(sources, sampler), stats, sources.mostViewers)
}

/** A browser may keep the file and asks whether it is still the same: after an update it must not mix two versions. */
function sendAsset({ type, bytes, etag }: Asset, request: IncomingMessage, response: ServerResponse): void {
  const headers = { ...always, 'Cache-Control': 'no-cache', ETag: etag }
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end()
    return
  }
  response.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': bytes.length })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

function sendText(response: ServerResponse, status: number, text: string): void {
  const bytes = Buffer.from(text)
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': bytes.length }
  response.writeHead(status, { ...always, ...headers, 'Cache-Control': 'no-store' })
  response.end(response.req.method === 'HEAD' ? undefined : bytes)
}

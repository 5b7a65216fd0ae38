// admin.ts: the HTTP port for people and machines that watch the program: /startup, /ready, /live, /status, /metrics, and
// the page at / (src/page), which it knows as paths that somebody else answers.
//
// It answers GET and HEAD and reads only the request line and headers; a body ends the connection. Slow clients are cut
// after seconds, and few connections are open at a time (admin-guard.ts).
// Owns: the server and its limits. Never: changes anything, or waits for Redis or Sentinel.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Address } from '../address.ts'
import { keepNewest, mayAsk } from './admin-guard.ts'
import { type Health, live, ready, startup, statusOf } from './admin-pages.ts'
import { createExposition } from './exposition.ts'
import type { Log } from './log.ts'
import { metricsTable, type PageStats } from './metrics.ts'
import { ProcessStats } from './process-stats.ts'
import type { Snapshot } from './snapshot.ts'

/** A probe's request comes in one packet; what takes longer than this is no probe. */
const REQUEST_MS = 5_000
/** A connection without a byte in either direction ends after this. */
const IDLE_MS = 10_000
/** How often Node looks for requests that take too long. Each look wakes an idle process. */
const CHECK_MS = 5_000
const MAX_HEADER_BYTES = 8 * 1024
/** Connections at a time, where the limit of open files allows them. */
const MAX_CONNECTIONS = 128

const health: Readonly<Record<string, (snapshot: Snapshot) => Health>> = {
  '/startup': startup,
  '/ready': ready,
  '/live': live,
}
const ownPaths = [...Object.keys(health), '/status', '/metrics']

/** The page for people, as far as this port knows it. */
export interface AdminPage {
  /** Whether the path is one of its own. */
  owns(path: string): boolean
  readonly stats: PageStats
  /** The event loop was `lateMs` behind its time. Called many times a second. */
  onLook(lateMs: number): void
  /** A GET or a HEAD of one of its paths. */
  answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void>
  close(): void
}

export class Admin {
  readonly #server: Server
  readonly #takeSnapshot: () => Snapshot
  readonly #log: Log
  readonly #process = new ProcessStats()
  readonly #exposition: ReturnType<typeof createExposition>
  readonly #page: AdminPage
  #listenHost = ''

  /** `most`: connections that the limit of open files allows. */
  constructor(takeSnapshot: () => Snapshot, page: AdminPage, log: Log, most = Number.POSITIVE_INFINITY) {
    this.#takeSnapshot = takeSnapshot
    this.#log = log
    this.#page = page
    this.#exposition = createExposition(metricsTable(this.#process, page.stats))
    this.#server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: REQUEST_MS,
        requestTimeout: REQUEST_MS,
        keepAliveTimeout: REQUEST_MS,
        connectionsCheckingInterval: CHECK_MS,
      },
      (request, response) => {
        this.#answer(request, response).catch(error => {
          this.#log.error(
            { event: 'admin.broken', err: error },
            'an error in Holdfast: the admin port failed to answer one request; please report this line',
          )
          response.destroy()
        })
      },
    )
    this.#server.on('connection', keepNewest(Math.min(MAX_CONNECTIONS, most)))
    this.#server.setTimeout(IDLE_MS)
  }

  /** Resolves with the bound address; rejects with the error of the system (EADDRINUSE, EACCES, ...). */
  async listen({ host, port }: Address): Promise<Address> {
    this.#listenHost = host
    this.#server.listen({ host, port })
    await once(this.#server, 'listening')
    this.#server.on('error', error => this.#log.error({ event: 'admin.error', err: error }, 'the admin port failed'))
    const bound = this.#server.address()
    return { host, port: bound !== null && typeof bound === 'object' ? bound.port : port }
  }

  /** The event loop was so many milliseconds behind its time. */
  noteDelay(ms: number): void {
    this.#process.noteDelay(ms)
    this.#page.onLook(ms)
  }

  /** Ends at once, in the middle of answers too. */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    this.#page.close()
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A body would have to be read before the next request, and nobody has a reason to send one.
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
    if ((length !== undefined && length !== '0') || encoding !== undefined) response.setHeader('Connection', 'close')
    if (!mayAsk(request.socket, request.headers.host, this.#listenHost)) {
      response.setHeader('Connection', 'close')
      send(response, 421, 'this port answers for addresses and for names of this host; ask it by its address\n')
      return
    }
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    const isOfPage = this.#page.owns(path)
    if (!isOfPage && !ownPaths.includes(path)) {
      send(response, 404, `no such page; there are /, ${ownPaths.join(', ')}\n`)
      return
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      send(response, 405, 'this page is for GET and HEAD\n')
      return
    }
    const check = health[path]
    if (isOfPage) await this.#page.answer(path, request, response)
    else if (check !== undefined) {
      const { ok, text } = check(this.#takeSnapshot())
      send(response, ok ? 200 : 503, `${text}\n`)
    } else if (path === '/status') {
      const status = statusOf(this.#takeSnapshot(), Date.now())
      send(response, 200, `${JSON.stringify(status, null, 2)}\n`, 'application/json')
    } else {
      send(response, 200, await this.#exposition.render(this.#takeSnapshot), this.#exposition.contentType)
    }
  }
}

function send(response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(response.req.method === 'HEAD' ? undefined : bytes)
}

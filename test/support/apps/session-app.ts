// session-app.ts: a web application that keeps its sessions in Redis (Express, express-session, connect-redis on
// node-redis), and the browsers that use it.
//
// Owns: the HTTP server, its Redis client, the loops of requests and their record. Never: repeats a request.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { createClient } from 'redis'
import { nowMs } from '../ledger.ts'
import { waitUntil } from '../wait-until.ts'
import { TroubleList } from './client-driver.ts'

declare module 'express-session' {
  interface SessionData {
    user: string
    views: number
  }
}

export interface SessionApp {
  readonly url: string
  /** Error, reconnecting and end events of its Redis client. */
  readonly troubles: readonly string[]
  close(): Promise<void>
}

/** Answers when it listens, on a port of the system's choosing. */
export async function startSessionApp(redisPort: number): Promise<SessionApp> {
  const list = new TroubleList()
  const client = createClient({ socket: { host: '127.0.0.1', port: redisPort } })
  for (const event of ['error', 'reconnecting', 'end', 'terminated'] as const)
    client.on(event, list.listener('store', event))
  await client.connect()
  const app = express()
  app.use(session({ store: new RedisStore({ client }), secret: 'of a test', resave: false, saveUninitialized: false }))
  app.post('/login/:user', (request, response) => {
    request.session.user = request.params.user
    request.session.views = 0
    response.json({ user: request.session.user })
  })
  app.get('/me', (request, response) => {
    const { user, views } = request.session
    if (user === undefined || views === undefined) {
      response.status(401).json({})
      return
    }
    request.session.views = views + 1
    response.json({ user, views: request.session.views })
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    troubles: list.troubles,
    close: async () => {
      list.closing()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      if (client.isOpen) client.destroy()
    },
  }
}

export interface Visit {
  readonly startedAt: number
  readonly endedAt: number
  /** The HTTP status; 0 where the request failed. */
  readonly status: number
  readonly user: string
  /** By how much the session's counter of views went up since the visit before. */
  readonly step: number
}

/** One signed-in browser, which asks for one page after the other. */
export class Browser {
  readonly user: string
  readonly visits: Visit[] = []
  readonly #url: string
  readonly #cookie: string
  #views = 0
  #stopping = false
  #ended: Promise<void> = Promise.resolve()

  private constructor(url: string, user: string, cookie: string) {
    this.#url = url
    this.user = user
    this.#cookie = cookie
  }

  static async signIn(url: string, user: string): Promise<Browser> {
    const response = await fetch(`${url}/login/${user}`, { method: 'POST' })
    const [cookie = ''] = (response.headers.get('set-cookie') ?? '').split(';')
    if (response.status !== 200 || cookie === '') throw new Error(`sign-in: status ${response.status}`)
    return new Browser(url, user, cookie)
  }

  start(): void {
    const run = async (): Promise<void> => {
      while (!this.#stopping) {
        await this.#visit()
        await pause(15)
      }
    }
    this.#ended = run()
  }

  async #visit(): Promise<void> {
    const startedAt = nowMs()
    try {
      const response = await fetch(`${this.#url}/me`, { headers: { cookie: this.#cookie } })
      const { user = '', views = 0 } = (await response.json()) as { user?: string; views?: number }
      this.visits.push({ startedAt, endedAt: nowMs(), status: response.status, user, step: views - this.#views })
      this.#views = views
    } catch {
      this.visits.push({ startedAt, endedAt: nowMs(), status: 0, user: '', step: 0 })
    }
  }

  /** Waits for `more` visits that began from now on. */
  async advance(more: number): Promise<void> {
    const from = nowMs()
    const enough = (): boolean => this.visits.filter(({ startedAt }) => startedAt >= from).length >= more
    await waitUntil(`${this.user} goes on`, enough, { withinMs: 30_000, everyMs: 20 })
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#ended
  }
}

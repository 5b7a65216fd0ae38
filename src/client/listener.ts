// listener.ts — accepts clients and counts them; each becomes a session.
import { createServer, type Server } from 'node:net'
import type { Address } from '../address.ts'
import { errors } from '../errors.ts'
import { Session } from './session.ts'
import type { SessionHost } from './session-host.ts'

/** Accepts on one address until stopped. */
export class Listener {
  readonly #server: Server
  readonly #sessions = new Map<number, Session>()
  #nextId = 1

  constructor(host: Omit<SessionHost, 'onClosed' | 'findSession' | 'redirects'>, options: { maxSessions: number }) {
    const { counters, log } = host
    const sessionHost: SessionHost = {
      ...host,
      redirects: new Map(),
      findSession: id => this.#sessions.get(id),
      onClosed: session => {
        counters.sessions--
        this.#sessions.delete(session.id)
        log.debug({ event: 'session.closed', session: session.id }, 'client is gone')
      },
    }
    this.#server = createServer({ noDelay: true, keepAlive: true, allowHalfOpen: true }, socket => {
      if (options.maxSessions > 0 && counters.sessions >= options.maxSessions) {
        log.warn({ event: 'session.refused', limit: options.maxSessions }, 'too many sessions (--max-sessions)')
        socket.on('error', () => {})
        socket.end(errors.tooManySessions.reply)
        return
      }
      const id = this.#nextId++
      counters.sessions++
      counters.sessionsTotal++
      this.#sessions.set(id, new Session(id, socket, sessionHost))
      log.debug({ event: 'session.open', session: id, client: socket.remoteAddress, port: socket.remotePort }, 'client')
    })
  }

  /** Resolves with the address bound; rejects with the system's error (EADDRINUSE, EACCES, ...). */
  listen(address: Address): Promise<Address> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host: address.host, port: address.port, backlog: 1024 }, () => {
        this.#server.off('error', reject)
        const bound = this.#server.address()
        const port = bound !== null && typeof bound === 'object' ? bound.port : address.port
        resolve({ host: address.host, port })
      })
    })
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Accepts no more; resolves when the last session is gone, or after `graceMs`, when those left are ended. */
  async stop(graceMs: number): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    const timer = setTimeout(() => {
      for (const session of [...this.#sessions.values()]) session.destroy()
    }, graceMs)
    await closed
    clearTimeout(timer)
  }
}

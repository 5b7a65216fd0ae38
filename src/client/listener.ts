// listener.ts — accepts clients and counts them; each becomes a session.
import { createServer, type Server } from 'node:net'
import type { Address } from '../address.ts'
import { errors } from '../errors.ts'
import { LimitLog } from './limit-log.ts'
import { hangUp, Session } from './session.ts'
import type { SessionHost } from './session-host.ts'
import { Sweep } from './sweep.ts'

/** What the listener adds to what it is given for its sessions. */
type Given = 'onClosed' | 'findSession' | 'redirects' | 'limitLog' | 'highWater' | 'relieve'

/** How long, behind the grace period, replies that are on their way may still take. */
export const LAST_REPLIES_MS = 500

/** Accepts on one address until stopped. */
export class Listener {
  readonly #server: Server
  readonly #sessions = new Map<number, Session>()
  #nextId = 1
  readonly #sweep: Sweep

  constructor(host: Omit<SessionHost, Given>, options: { maxSessions: number; frameTimeoutMs: number }) {
    const { counters, log } = host
    const limitLog = new LimitLog(log)
    this.#sweep = new Sweep(this.#sessions, counters, {
      frameTimeoutMs: options.frameTimeoutMs,
      maxUnreadInAll: host.maxHeldBytes,
    })
    const sessionHost: SessionHost = {
      ...host,
      redirects: new Map(),
      limitLog,
      highWater: host.maxHeldBytes / 2,
      relieve: () => this.#sweep.relieve(),
      findSession: id => this.#sessions.get(id),
      onClosed: session => {
        counters.sessions--
        this.#sessions.delete(session.id)
        log.debug({ event: 'session.closed', session: session.id }, 'client is gone')
      },
    }
    this.#server = createServer({ noDelay: true, keepAlive: true, allowHalfOpen: true }, socket => {
      if (options.maxSessions > 0 && counters.sessions >= options.maxSessions) {
        counters.sessionsRefused++
        limitLog.warn('session.refused', { limit: options.maxSessions }, 'too many sessions (--max-sessions)')
        socket.on('error', () => {})
        socket.write(errors.tooManySessions.reply)
        hangUp(socket)
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
    this.#sweep.start()
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

  /**
   * Accepts no more; resolves when the last session is gone. Those that are left after `graceMs` are not read from any
   * more (`onGraceOver` is called first): idle ones end, others when they have their replies, all after LAST_REPLIES_MS.
   */
  async stop(graceMs: number, onGraceOver: () => void): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    const eachSession = (act: (session: Session) => void): void => {
      for (const session of [...this.#sessions.values()]) act(session)
    }
    const timers = [
      setTimeout(() => {
        onGraceOver()
        eachSession(session => session.leave())
      }, graceMs),
      setTimeout(() => eachSession(session => session.destroy()), graceMs + LAST_REPLIES_MS),
    ]
    await closed
    this.#sweep.stop()
    for (const timer of timers) clearTimeout(timer)
  }
}

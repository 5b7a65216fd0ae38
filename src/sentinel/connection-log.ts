// connection-log.ts: what the log says of one Sentinel: each trouble once, until another one comes or all is well.
// Owns: what is wrong now, and what of it is logged. Never: closes or dials anything.
import type { Log } from '../ops/log.ts'
import { MissingRights, missingOf, type Right } from '../ops/missing-rights.ts'
import type { Login } from '../transport/password.ts'
import type { ServerRoutes } from '../transport/server-route.ts'
import { tlsHint } from '../transport/tls-trouble.ts'
import { reasonOf } from './ioredis-client.ts'
import { isNoSentinel, isWrongPassword, sentinelRemedy } from './remedies.ts'

export interface ConnectionLogOptions {
  readonly sentinelLogin: Login
  readonly sentinelRoutes: ServerRoutes
  readonly log: Log
}

export class ConnectionLog {
  /** Why the Sentinel cannot be asked or has no answer for us; null while all is well. */
  cause: string | null = null
  readonly #sentinel: string
  readonly #options: ConnectionLogOptions
  readonly #rights: MissingRights
  #logged: string | null = null

  constructor(sentinel: string, options: ConnectionLogOptions, rights = new MissingRights(options.log)) {
    this.#sentinel = sentinel
    this.#options = options
    this.#rights = rights
  }

  /** What the same Sentinel says of one master: troubles of its own, and the rights of the connection. */
  forMaster(log: Log): ConnectionLog {
    return new ConnectionLog(this.#sentinel, { ...this.#options, log }, this.#rights)
  }

  up(runId: string | null): void {
    this.cause = null
    this.#logged = null
    const { log } = this.#options
    log.info({ event: 'sentinel.up', sentinel: this.#sentinel, runId }, 'this Sentinel answers questions')
  }

  /** A connection that was up has ended. */
  lost(cause: string): void {
    this.cause = cause
    this.#logged = cause
    this.#options.log.warn({ event: 'sentinel.lost', sentinel: this.#sentinel, cause }, 'this Sentinel is gone')
  }

  /** Logs each text once, not at every dial; null: the trouble is over. */
  trouble(cause: string | null): void {
    this.cause = cause
    if (cause === this.#logged) return
    this.#logged = cause
    if (cause === null) return
    const { sentinelLogin: login, sentinelRoutes: routes, log } = this.#options
    const remedy = sentinelRemedy(cause, login.username)
    const shown = remedy ?? tlsHint(cause, routes)
    const fields = { event: 'sentinel.trouble', sentinel: this.#sentinel, cause, ...(shown && { remedy: shown }) }
    const passes = isWrongPassword(cause) && login.password.file !== null
    log[remedy && !passes ? 'error' : 'warn'](fields, 'this Sentinel cannot be asked')
  }

  passwordRefused(cause: string): void {
    this.#options.log.warn(
      { event: 'sentinel.password', sentinel: this.#sentinel, cause },
      'this Sentinel refuses the new password: the connection stays; from now on both passwords are tried',
    )
  }

  /** The right or the command is missing where the error says so. */
  refused(right: Right, error: unknown): void {
    const reason = reasonOf(error)
    const missing = missingOf(right, reason)
    if (missing === null || isNoSentinel(reason)) return
    this.#rights.logMissing(missing, { node: this.#sentinel, user: this.#options.sentinelLogin.username })
  }

  broken(error: unknown): void {
    this.#options.log.error(
      { event: 'sentinel.broken', sentinel: this.#sentinel, err: reasonOf(error) },
      'this Sentinel sent an answer that is none: Holdfast connects again',
    )
  }
}

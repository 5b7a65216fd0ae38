// connection.ts — one Sentinel: a connection kept up, its publications heard, our question put when told to.
//
//   dialing ──ready──▶ subscribing ──▶ up ◀──▶ asking (one question at a time; "again" joins all asked meanwhile)
//      ▲                                │
//      └── after a growing pause ── lost ◀── closed, silent for too long, refused
//
// Owns: the ioredis client, the timer until the next dial. Decides nothing: what it hears goes to its listener.
// RESP3 lets PSUBSCRIBE and questions share the connection. A name is resolved anew with every dial.
import type { Redis } from 'ioredis'
import { type Address, formatAddress } from '../address.ts'
import { type BackoffLimits, backoffMs } from '../backoff.ts'
import type { Log } from '../ops/log.ts'
import { isNoPerm, MissingRights, type Right } from '../ops/missing-rights.ts'
import type { Login } from '../transport/password.ts'
import type { Secret } from '../transport/secret.ts'
import type { ServerRoutes } from '../transport/server-route.ts'
import { tlsHint, tlsRemedy } from '../transport/tls-trouble.ts'
import { parseEvent, type SentinelEvent } from './events.ts'
import { closeClient, createClient, reasonOf } from './ioredis-client.ts'
import { type Answer, type Peer, type Reply, readAnswer, readPeers } from './sentinel-view.ts'

export interface SentinelConnectionOptions {
  readonly address: Address
  readonly masterName: string
  readonly login: Login
  readonly routes: ServerRoutes
  readonly log: Log
  readonly connectTimeoutMs: number
  readonly answerTimeoutMs: number
}

export interface SentinelConnectionListener {
  /** Subscribed and ready to be asked. `runId` null: it will not tell. */
  onUp(runId: string | null): void
  onDown(why: string): void
  onAnswer(answer: Answer): void
  onPeers(peers: readonly Peer[]): void
  onEvent(event: SentinelEvent): void
}

const REDIAL: BackoffLimits = { minMs: 100, maxMs: 1_000 }
/** Two addresses in one answer: the configuration is changing this instant. More often than this it is a lie. */
const tornLimit = 3

/** Where the ACL of a Sentinel does not allow `PSUBSCRIBE *`: what matters, one by one. */
const channels = [
  '+try-failover',
  '+elected-leader',
  '+failover-state-select-slave',
  '+selected-slave',
  '+failover-state-send-slaveof-noone',
  '+failover-state-wait-promotion',
  '+promoted-slave',
  '+failover-state-reconf-slaves',
  '-failover-abort-not-elected',
  '-failover-abort-no-good-slave',
  '-failover-abort-slave-timeout',
  '-failover-abort-master-is-back',
  '+failover-end',
  '+config-update-from',
  '+switch-master',
  '+sdown',
  '-sdown',
  '+odown',
  '-odown',
  '+tilt',
  '-tilt',
  '+monitor',
  '-monitor',
  '+reset-master',
]

export class SentinelConnection {
  readonly key: string
  readonly #options: SentinelConnectionOptions
  readonly #listener: SentinelConnectionListener
  #client: Redis | null = null
  #up = false
  #stopped = false
  #asking = false
  #again = false
  #attempts = 0
  #redial: NodeJS.Timeout | null = null
  #lastError: string | null = null
  #loggedError: string | null = null
  readonly #rights: MissingRights
  /** The password of the last dial. */
  #tried: Secret | null = null

  constructor(options: SentinelConnectionOptions, listener: SentinelConnectionListener) {
    this.key = formatAddress(options.address)
    this.#options = options
    this.#rights = new MissingRights(options.log)
    this.#listener = listener
  }

  start(): void {
    this.#dial()
  }

  /** Why it cannot be asked or has no answer for us; null while all is well. */
  get error(): string | null {
    return this.#lastError
  }

  /** The address it is connected to, after name resolution; null while it is not. */
  remote(): Address | null {
    const stream = this.#up ? this.#client?.stream : undefined
    const { remoteAddress: host, remotePort: port } = stream ?? {}
    return host && port ? { host: host.replace(/^::ffff:/, ''), port } : null
  }

  /** Puts the question now, or as soon as the one under way is answered. */
  ask(): void {
    if (!this.#up || !this.#client) return
    if (this.#asking) this.#again = true
    else this.#question(this.#client).catch(error => this.#broken(error))
  }

  /** Asks for the other Sentinels it knows. */
  askPeers(): void {
    const client = this.#client
    if (!this.#up || !client) return
    client
      .call('SENTINEL', 'SENTINELS', this.#options.masterName)
      .then(
        reply => {
          if (client === this.#client && !this.#stopped) this.#listener.onPeers(readPeers(reply))
        },
        error => this.#lacks('sentinel|sentinels', error), // the question proper reports what else is wrong
      )
      .catch(error => this.#broken(error))
  }

  /** The password has changed: it is told to the connection that is up; one that waits to be dialled is dialled now. */
  signIn(): void {
    const client = this.#client
    const { username, password } = this.#options.login
    if (this.#up && client && password.current !== null) {
      const tried = password.current
      client.call('AUTH', username ?? 'default', tried).catch(error => {
        if (isWrongPassword(reasonOf(error))) password.refused(tried)
        this.#options.log.warn(
          { event: 'sentinel.password', sentinel: this.key, cause: reasonOf(error) },
          'this Sentinel does not take the new password yet; the connection stays, and both are tried from now on',
        )
      })
    } else if (this.#redial !== null) {
      clearTimeout(this.#redial)
      this.#attempts = 0
      this.#dial()
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#up = false
    if (this.#redial) clearTimeout(this.#redial)
    const client = this.#client
    this.#client = null
    if (client) await closeClient(client)
  }

  #dial(): void {
    if (this.#stopped) return
    this.#redial = null
    try {
      this.#connect()
    } catch (error) {
      // No configuration or server leads here either; it is dialled again all the same.
      this.#broken(error)
      this.#dialLater()
    }
  }

  #connect(): void {
    const { address, login, routes, connectTimeoutMs, answerTimeoutMs } = this.#options
    const { username } = login
    const password = login.password.current
    this.#tried = password
    const route = routes.route(address)
    const limits = { connectTimeoutMs, commandTimeoutMs: answerTimeoutMs, silenceTimeoutMs: 2 * answerTimeoutMs }
    const client = createClient({ route, protocol: 3, username, password, name: 'holdfast', ...limits }, error => {
      if (client === this.#client) this.#lastError = reasonOf(error)
    })
    this.#client = client
    client.on('pmessage', (_pattern, channel, text) => this.#hear(client, channel, text))
    client.on('message', (channel, text) => this.#hear(client, channel, text))
    client.once('ready', () => this.#greet(client).catch(error => this.#broken(error)))
    client.once('end', () => this.#lost(client))
    client.connect().catch(() => undefined)
  }

  #lacks(right: Right, error: unknown): void {
    if (isNoPerm(reasonOf(error))) this.#rights.tell(right, { node: this.key, user: this.#options.login.username })
  }

  #hear(client: Redis, channel: string, text: string): void {
    if (client !== this.#client || this.#stopped) return
    try {
      const event = parseEvent(channel, text, this.#options.masterName)
      if (event) this.#listener.onEvent(event)
    } catch (error) {
      this.#broken(error)
    }
  }

  /** Subscribes first: what happens between an answer and the subscription would not be heard. */
  async #greet(client: Redis): Promise<void> {
    await this.#subscribe(client)
    const runId = await client.call('SENTINEL', 'MYID').catch(error => {
      this.#lacks('sentinel|myid', error)
      return null
    })
    if (client !== this.#client || this.#stopped || client.status !== 'ready') return
    this.#up = true
    this.#asking = false
    this.#again = false
    this.#attempts = 0
    this.#lastError = null
    this.#loggedError = null
    this.#options.log.info({ event: 'sentinel.up', sentinel: this.key, runId, msg: 'this Sentinel can be asked' })
    this.#listener.onUp(typeof runId === 'string' ? runId : null)
    this.ask()
    this.askPeers()
  }

  async #subscribe(client: Redis): Promise<void> {
    const { log } = this.#options
    try {
      await client.psubscribe('*')
    } catch (error) {
      // Anything else than a missing right passes, or is the end of the connection: it is tried again as a whole.
      if (!isNoPerm(reasonOf(error))) throw error
      const heard = await Promise.allSettled(channels.map(channel => client.subscribe(channel)))
      const failed = heard.find(one => one.status === 'rejected' && !isNoPerm(reasonOf(one.reason)))
      if (failed?.status === 'rejected') throw failed.reason
      const refused = channels.filter((_, i) => heard[i]?.status === 'rejected')
      if (client.status !== 'ready' || refused.length === 0) return
      log.error({
        event: 'sentinel.deaf',
        sentinel: this.key,
        refused,
        err: reasonOf(error),
        msg: 'planned failovers are noticed late and may lose writes; allow the user: +subscribe +psubscribe &*',
      })
    }
    if (client.mode !== 'subscriber') return
    await client.punsubscribe('*')
    log.error({
      event: 'sentinel.too-old',
      sentinel: this.key,
      msg: 'it does not speak RESP3 (Redis 6 or later): it is polled only, planned failovers are noticed late',
    })
  }

  async #question(client: Redis): Promise<void> {
    const { masterName } = this.#options
    this.#asking = true
    for (let torn = 0; ; torn++) {
      this.#again = false
      const askedAt = performance.now()
      const replies: Reply[] | null = await client
        .pipeline()
        .call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName)
        .call('SENTINEL', 'MASTER', masterName)
        .call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName)
        .exec()
      if (client !== this.#client || !this.#up) return
      const answer = readAnswer(replies ?? [], askedAt, performance.now())
      if (answer.kind === 'torn' && torn < tornLimit) continue
      this.#report(answer)
      if (client !== this.#client || !this.#up) return
      if (!this.#again) break
    }
    this.#asking = false
  }

  #report(answer: Answer): void {
    const error = answer.kind === 'view' ? null : answer.kind === 'failed' ? answer.why : answerTexts[answer.kind]
    this.#lastError = error
    if (error !== null) this.#complain(error)
    else this.#loggedError = null
    this.#listener.onAnswer(answer)
  }

  #lost(client: Redis): void {
    if (client !== this.#client || this.#stopped) return
    const why = this.#lastError ?? 'it closed the connection'
    if (isWrongPassword(why)) this.#options.login.password.refused(this.#tried)
    this.#client = null
    this.#lastError = why
    this.#asking = false
    if (this.#up) {
      this.#up = false
      this.#options.log.warn({ event: 'sentinel.lost', sentinel: this.key, cause: why, msg: 'this Sentinel is gone' })
      this.#loggedError = why
      this.#listener.onDown(why)
    } else {
      this.#complain(why)
    }
    this.#dialLater()
  }

  #dialLater(): void {
    this.#redial = setTimeout(() => this.#dial(), backoffMs(++this.#attempts, REDIAL))
  }

  /** Once per text, not once per try. */
  #complain(error: string): void {
    if (error === this.#loggedError) return
    this.#loggedError = error
    const { login, routes, log } = this.#options
    const remedy = remedyFor(error, login.username)
    const shown = remedy ?? tlsHint(error, routes)
    const fields = { event: 'sentinel.trouble', sentinel: this.key, cause: error, ...(shown && { remedy: shown }) }
    const passes = isWrongPassword(error) && login.password.file !== null
    if (remedy && !passes) log.error(fields)
    else log.warn(fields)
  }

  /** No reply of a server leads here; if it happens, the connection is not to be trusted any more. */
  #broken(error: unknown): void {
    this.#options.log.error({ event: 'sentinel.broken', sentinel: this.key, err: reasonOf(error) })
    this.#asking = false
    this.#client?.disconnect()
  }
}

const answerTexts = {
  torn: 'it gives two addresses at once',
  'unknown-name': 'it does not know the master name',
} as const

function isWrongPassword(error: string): boolean {
  return /WRONGPASS|invalid password|invalid username/i.test(error)
}

/** What a person can do about an error of a Sentinel that will not pass by itself; null for those that may. */
export function remedyFor(error: string, username: string | null): string | null {
  const who = username === null ? 'the default user' : `the user ${username}`
  if (isWrongPassword(error)) {
    return `this Sentinel refuses the password of ${who}: correct the Sentinel user or password in our configuration`
  }
  if (/NOAUTH/.test(error)) return 'this Sentinel asks for a password: set the Sentinel password in our configuration'
  if (/NOPERM/.test(error)) {
    const needs = '+subscribe +psubscribe &* +sentinel|get-master-addr-by-name +sentinel|master'
    return `allow ${who} on this Sentinel: ${needs} +sentinel|sentinels +sentinel|myid +client|setname`
  }
  return tlsRemedy(error, 'sentinel')
}

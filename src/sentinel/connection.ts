// connection.ts: keeps a connection to one Sentinel up, for the masters that it is asked about.
//
//   paused ──▶ dialling (connects, subscribes) ──▶ up (each master-asker.ts asks)
//     ▲                    │                        │
//     └── growing pause ───┴── closed, silent, refused ┘              the last asker leaves ──▶ stopped
//
// RESP3 lets PSUBSCRIBE and questions share the connection. Every dial resolves the name anew.
// Owns: the ioredis client, the timer until the next dial. Never: decides anything; its askers get what it hears.
import type { Redis } from 'ioredis'
import { type Address, formatAddress } from '../address.ts'
import { type BackoffLimits, backoffMs } from '../backoff.ts'
import type { Secret } from '../transport/secret.ts'
import { ConnectionLog, type ConnectionLogOptions } from './connection-log.ts'
import { closeClient, createClient, isWritable, reasonOf } from './ioredis-client.ts'
import type { MasterAsker, SharedConnection, UpConnection } from './master-asker.ts'
import { isWrongPassword } from './remedies.ts'
import { subscribe } from './subscription.ts'

export interface SentinelOptions extends ConnectionLogOptions {
  readonly connectTimeoutMs: number
  readonly answerTimeoutMs: number
}

/** A client of ioredis lives for one dial. Its late callbacks find another state current, and do nothing. */
interface Dialled {
  readonly client: Redis
  readonly password: Secret | null
}

interface Dialling extends Dialled {
  readonly kind: 'dialling'
  /** No process listens there. */
  isRefused: boolean
}

interface Up extends Dialled, UpConnection {
  readonly kind: 'up'
}

type State =
  /** `timer` runs until the next dial; null before the start. */
  { readonly kind: 'paused'; readonly timer: NodeJS.Timeout | null } | Dialling | Up | { readonly kind: 'stopped' }

/** A Sentinel that comes back has all sidecars at its door within the longest of these. */
const REDIAL: BackoffLimits = { minMs: 100, maxMs: 2_000 }

export class SentinelConnection implements SharedConnection {
  readonly key: string
  readonly log: ConnectionLog
  readonly #address: Address
  readonly #options: SentinelOptions
  readonly #onUnused: () => void
  readonly #askers = new Set<MasterAsker>()
  #state: State = { kind: 'paused', timer: null }
  /** Failed dials in a row. */
  #failures = 0

  /** It is dialled when the first asker joins. `onUnused`: the last one has left, and it is of no more use. */
  constructor(address: Address, options: SentinelOptions, onUnused: () => void) {
    this.key = formatAddress(address)
    this.log = new ConnectionLog(this.key, options)
    this.#address = address
    this.#options = options
    this.#onUnused = onUnused
  }

  /** Null while it takes no questions. */
  get up(): UpConnection | null {
    return this.#state.kind === 'up' ? this.#state : null
  }

  join(asker: MasterAsker): void {
    this.#askers.add(asker)
    const state = this.#state
    if (state.kind === 'paused' && state.timer === null) this.#dial()
    // Whoever joins is in the middle of a step of its own.
    if (state.kind === 'up')
      setImmediate(() => {
        if (this.#state === state && this.#askers.has(asker)) asker.onUp(state)
      })
  }

  async leave(asker: MasterAsker): Promise<void> {
    this.#askers.delete(asker)
    if (this.#askers.size > 0 || this.#state.kind === 'stopped') return
    this.#onUnused()
    await this.#stop()
  }

  /** The address of the connection, after name resolution; null while it is not up. */
  remote(): Address | null {
    const stream = this.#state.kind === 'up' ? this.#state.client.stream : undefined
    const { remoteAddress: host, remotePort: port } = stream ?? {}
    return host && port ? { host: host.replace(/^::ffff:/, ''), port } : null
  }

  /** The password has changed: a connection that is up signs in with it, and one that waits is dialled now. */
  signIn(): void {
    const state = this.#state
    const { username, password } = this.#options.sentinelLogin
    if (state.kind === 'up' && password.current !== null) {
      const tried = password.current
      state.client.call('AUTH', username ?? 'default', tried).catch(error => {
        if (isWrongPassword(reasonOf(error))) password.refused(tried)
        this.log.passwordRefused(reasonOf(error))
      })
    } else if (state.kind === 'paused' && state.timer !== null) {
      clearTimeout(state.timer)
      this.#failures = 0
      this.#dial()
    }
  }

  async #stop(): Promise<void> {
    const state = this.#state
    this.#state = { kind: 'stopped' }
    if (state.kind === 'paused' && state.timer !== null) clearTimeout(state.timer)
    if ('client' in state) await closeClient(state.client)
  }

  #dial(): void {
    if (this.#state.kind === 'stopped') return
    try {
      this.#connect()
    } catch (error) {
      // No configuration and no server leads here; the Sentinel is dialled again all the same.
      this.broken(error)
      this.#dialLater()
    }
  }

  #connect(): void {
    const { sentinelLogin: login, sentinelRoutes: routes, connectTimeoutMs, answerTimeoutMs } = this.#options
    const { username } = login
    const password = login.password.current
    const route = routes.route(this.#address)
    const limits = { connectTimeoutMs, commandTimeoutMs: answerTimeoutMs, silenceTimeoutMs: 2 * answerTimeoutMs }
    const client = createClient({ route, protocol: 3, username, password, name: 'holdfast', ...limits }, error => {
      if (!this.#isCurrent(client)) return
      this.log.cause = reasonOf(error)
      dialling.isRefused = 'code' in error && error.code === 'ECONNREFUSED'
    })
    const dialling: Dialling = { kind: 'dialling', client, password, isRefused: false }
    this.#state = dialling
    client.on('pmessage', (_pattern, channel, text) => this.#hear(client, channel, text))
    client.on('message', (channel, text) => this.#hear(client, channel, text))
    client.once('ready', () => this.#greet(dialling).catch(error => this.broken(error)))
    client.once('end', () => this.#lost(client))
    client.connect().catch(() => undefined)
  }

  #isCurrent(client: Redis): boolean {
    return 'client' in this.#state && this.#state.client === client
  }

  #hear(client: Redis, channel: string, text: string): void {
    if (!this.#isCurrent(client)) return
    try {
      for (const asker of this.#askers) asker.onMessage(channel, text)
    } catch (error) {
      this.broken(error)
    }
  }

  /** Subscribes before it asks: nobody would hear what happens between an answer and a later subscription. */
  async #greet(dialling: Dialling): Promise<void> {
    const { client, password } = dialling
    let hears: boolean
    try {
      hears = await subscribe(client, { sentinel: this.key, log: this.#options.log })
    } catch (error) {
      this.#giveUp(client, error)
      return
    }
    const reply = await client.call('SENTINEL', 'MYID').catch(error => {
      this.log.refused('sentinel|myid', error)
      return null
    })
    if (this.#state !== dialling || client.status !== 'ready') return
    const runId = typeof reply === 'string' ? reply : null
    const up: Up = { kind: 'up', client, password, runId, hears }
    this.#state = up
    this.#failures = 0
    this.log.up(runId)
    for (const asker of [...this.#askers]) if (this.#state === up) asker.onUp(up)
  }

  /** The subscription failed, so the dial has. After stop() this does nothing. */
  #giveUp(client: Redis, error: unknown): void {
    if (!this.#isCurrent(client)) return
    // Where the connection was lost meanwhile, the error of its socket says more.
    if (isWritable(client)) this.log.cause = reasonOf(error)
    client.disconnect()
  }

  #lost(client: Redis): void {
    const state = this.#state
    if (!('client' in state) || state.client !== client) return
    const why = this.log.cause ?? 'it closed the connection'
    if (isWrongPassword(why)) this.#options.sentinelLogin.password.refused(state.password)
    this.#dialLater()
    if (state.kind === 'up') {
      this.log.lost(why)
      for (const asker of [...this.#askers]) asker.onDown()
    } else {
      this.log.trouble(why)
      if (state.isRefused) for (const asker of [...this.#askers]) asker.onRefused()
    }
  }

  #dialLater(): void {
    const timer = setTimeout(() => this.#dial(), backoffMs(++this.#failures, REDIAL))
    this.#state = { kind: 'paused', timer }
  }

  /** No reply of a server leads here. If one does, the connection cannot be trusted. */
  broken(error: unknown): void {
    this.log.broken(error)
    if ('client' in this.#state) this.#state.client.disconnect()
  }
}

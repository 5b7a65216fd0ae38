// connection.ts: keeps a connection to one Sentinel up, passes on what it publishes, and asks it on demand.
//
//   paused ──▶ dialling (connects, subscribes) ──▶ up (questions.ts asks)
//     ▲                    │                        │
//     └── growing pause ───┴── closed, silent, refused ┘                          any ── stop ──▶ stopped
//
// RESP3 lets PSUBSCRIBE and questions share the connection. Every dial resolves the name anew.
// Owns: the ioredis client, the timer until the next dial. Never: decides anything; its listener gets what it hears.
import type { Redis } from 'ioredis'
import { type Address, formatAddress } from '../address.ts'
import { type BackoffLimits, backoffMs } from '../backoff.ts'
import type { Secret } from '../transport/secret.ts'
import { ConnectionLog, type ConnectionLogOptions } from './connection-log.ts'
import { parseEvent, type SentinelEvent } from './events.ts'
import { closeClient, createClient, isWritable, reasonOf } from './ioredis-client.ts'
import { Questions } from './questions.ts'
import { isWrongPassword } from './remedies.ts'
import type { Answer, Peer } from './sentinel-view.ts'
import { subscribe } from './subscription.ts'

export interface SentinelOptions extends ConnectionLogOptions {
  readonly masterName: string
  readonly connectTimeoutMs: number
  readonly answerTimeoutMs: number
}

export interface SentinelConnectionListener {
  /** The connection is subscribed and takes questions. `runId` is null where the Sentinel does not give it. */
  onUp(runId: string | null): void
  onDown(): void
  onAnswer(answer: Answer): void
  onPeers(peers: readonly Peer[]): void
  onEvent(event: SentinelEvent): void
}

/** A client of ioredis lives for one dial. Its late callbacks find another state current, and do nothing. */
interface Dialled {
  readonly client: Redis
  readonly password: Secret | null
}

interface Dialling extends Dialled {
  readonly kind: 'dialling'
}

interface Up extends Dialled {
  readonly kind: 'up'
  readonly runId: string | null
  readonly questions: Questions
}

type State =
  /** `timer` runs until the next dial; null before the start. */
  { readonly kind: 'paused'; readonly timer: NodeJS.Timeout | null } | Dialling | Up | { readonly kind: 'stopped' }

const REDIAL: BackoffLimits = { minMs: 100, maxMs: 1_000 }

export class SentinelConnection {
  readonly key: string
  readonly #address: Address
  readonly #options: SentinelOptions
  readonly #listener: SentinelConnectionListener
  readonly #log: ConnectionLog
  #state: State = { kind: 'paused', timer: null }
  /** Failed dials in a row. */
  #failures = 0
  #settled = false

  constructor(address: Address, options: SentinelOptions, listener: SentinelConnectionListener) {
    this.key = formatAddress(address)
    this.#address = address
    this.#options = options
    this.#log = new ConnectionLog(this.key, options)
    this.#listener = listener
  }

  start(): void {
    this.#dial()
  }

  /** Why the Sentinel cannot be asked or has no answer for us; null while all is well. */
  get error(): string | null {
    return this.#log.cause
  }

  /** The Sentinel's run id; null while it is not up, or where it does not give one. */
  get runId(): string | null {
    return this.#state.kind === 'up' ? this.#state.runId : null
  }

  /** The address of the connection, after name resolution; null while it is not up. */
  remote(): Address | null {
    const stream = this.#state.kind === 'up' ? this.#state.client.stream : undefined
    const { remoteAddress: host, remotePort: port } = stream ?? {}
    return host && port ? { host: host.replace(/^::ffff:/, ''), port } : null
  }

  /** Puts the question now, or after the answer to the one under way. */
  ask(): void {
    if (this.#state.kind === 'up') this.#state.questions.ask()
  }

  /** Puts the question within a second. */
  askSoon(): void {
    if (this.#state.kind === 'up') this.#state.questions.askSoon()
  }

  /** Asks soon for the other Sentinels that this one knows. */
  askPeers(): void {
    if (this.#state.kind === 'up') this.#state.questions.askPeers()
  }

  /** Whether something is undecided, or about to be: the Sentinel is then asked more often. */
  settle(settled: boolean): void {
    this.#settled = settled
    if (this.#state.kind === 'up') this.#state.questions.settle(settled)
  }

  /** The password has changed: a connection that is up signs in with it, and one that waits is dialled now. */
  signIn(): void {
    const state = this.#state
    const { username, password } = this.#options.sentinelLogin
    if (state.kind === 'up' && password.current !== null) {
      const tried = password.current
      state.client.call('AUTH', username ?? 'default', tried).catch(error => {
        if (isWrongPassword(reasonOf(error))) password.refused(tried)
        this.#log.passwordRefused(reasonOf(error))
      })
    } else if (state.kind === 'paused' && state.timer !== null) {
      clearTimeout(state.timer)
      this.#failures = 0
      this.#dial()
    }
  }

  async stop(): Promise<void> {
    const state = this.#state
    this.#state = { kind: 'stopped' }
    if (state.kind === 'paused' && state.timer !== null) clearTimeout(state.timer)
    if (state.kind === 'up') state.questions.stop()
    if ('client' in state) await closeClient(state.client)
  }

  #dial(): void {
    if (this.#state.kind === 'stopped') return
    try {
      this.#connect()
    } catch (error) {
      // No configuration and no server leads here; the Sentinel is dialled again all the same.
      this.#broken(error)
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
      if (this.#isCurrent(client)) this.#log.cause = reasonOf(error)
    })
    const dialling: Dialling = { kind: 'dialling', client, password }
    this.#state = dialling
    client.on('pmessage', (_pattern, channel, text) => this.#hear(client, channel, text))
    client.on('message', (channel, text) => this.#hear(client, channel, text))
    client.once('ready', () => this.#greet(dialling).catch(error => this.#broken(error)))
    client.once('end', () => this.#lost(client))
    client.connect().catch(() => undefined)
  }

  #isCurrent(client: Redis): boolean {
    return 'client' in this.#state && this.#state.client === client
  }

  #hear(client: Redis, channel: string, text: string): void {
    if (!this.#isCurrent(client)) return
    try {
      const event = parseEvent(channel, text, this.#options.masterName)
      if (event?.kind === 'failover-promoted' && this.#state.kind === 'up') this.#state.questions.expectPromotion()
      if (event) this.#listener.onEvent(event)
    } catch (error) {
      this.#broken(error)
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
      this.#log.refused('sentinel|myid', error)
      return null
    })
    if (this.#state !== dialling || client.status !== 'ready') return
    const runId = typeof reply === 'string' ? reply : null
    const questions = this.#questions(client, hears)
    this.#state = { kind: 'up', client, password, runId, questions }
    this.#failures = 0
    this.#log.up(runId)
    this.#listener.onUp(runId)
    questions.start()
  }

  #questions(client: Redis, hears: boolean): Questions {
    const { masterName } = this.#options
    const questions = new Questions(
      { client, masterName, hears, log: this.#log },
      {
        onAnswer: answer => this.#listener.onAnswer(answer),
        onPeers: peers => this.#listener.onPeers(peers),
        onBroken: error => this.#broken(error),
      },
    )
    questions.settle(this.#settled)
    return questions
  }

  /** The subscription failed, so the dial has. After stop() this does nothing. */
  #giveUp(client: Redis, error: unknown): void {
    if (!this.#isCurrent(client)) return
    // Where the connection was lost meanwhile, the error of its socket says more.
    if (isWritable(client)) this.#log.cause = reasonOf(error)
    client.disconnect()
  }

  #lost(client: Redis): void {
    const state = this.#state
    if (!('client' in state) || state.client !== client) return
    const why = this.#log.cause ?? 'it closed the connection'
    if (isWrongPassword(why)) this.#options.sentinelLogin.password.refused(state.password)
    this.#dialLater()
    if (state.kind === 'up') {
      state.questions.stop()
      this.#log.lost(why)
      this.#listener.onDown()
    } else {
      this.#log.trouble(why)
    }
  }

  #dialLater(): void {
    const timer = setTimeout(() => this.#dial(), backoffMs(++this.#failures, REDIAL))
    this.#state = { kind: 'paused', timer }
  }

  /** No reply of a server leads here. If one does, the connection cannot be trusted. */
  #broken(error: unknown): void {
    this.#log.broken(error)
    if ('client' in this.#state) this.#state.client.disconnect()
  }
}

// connection.ts: keeps a connection to one Sentinel up, passes on what it publishes, and asks it on demand.
//
//   paused ──▶ dialling (connects, subscribes) ──▶ up (one question at a time; "again" joins all asked meanwhile)
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
import { isWrongPassword } from './remedies.ts'
import { type Answer, type Peer, type Reply, readAnswer, readPeers } from './sentinel-view.ts'
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
  /** The question under way, if any. `again`: it is put once more after its answer. */
  question: { again: boolean } | null
}

type State =
  /** `timer` runs until the next dial; null before the start. */
  { readonly kind: 'paused'; readonly timer: NodeJS.Timeout | null } | Dialling | Up | { readonly kind: 'stopped' }

const REDIAL: BackoffLimits = { minMs: 100, maxMs: 1_000 }
/** Two addresses in one answer: the configuration changes this instant. More often in a row than this is a lie. */
const MAX_TORN = 3

export class SentinelConnection {
  readonly key: string
  readonly #address: Address
  readonly #options: SentinelOptions
  readonly #listener: SentinelConnectionListener
  readonly #log: ConnectionLog
  #state: State = { kind: 'paused', timer: null }
  /** Failed dials in a row. */
  #failures = 0

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
    const up = this.#state
    if (up.kind !== 'up') return
    if (up.question) up.question.again = true
    else this.#question(up).catch(error => this.#broken(error))
  }

  /** Asks for the other Sentinels that this one knows. */
  askPeers(): void {
    const up = this.#state
    if (up.kind !== 'up') return
    up.client
      .call('SENTINEL', 'SENTINELS', this.#options.masterName)
      .then(
        reply => {
          if (this.#state === up) this.#listener.onPeers(readPeers(reply))
        },
        error => this.#log.refused('sentinel|sentinels', error), // #question() reports every other error
      )
      .catch(error => this.#broken(error))
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
      if (event) this.#listener.onEvent(event)
    } catch (error) {
      this.#broken(error)
    }
  }

  /** Subscribes before it asks: nobody would hear what happens between an answer and a later subscription. */
  async #greet(dialling: Dialling): Promise<void> {
    const { client, password } = dialling
    try {
      await subscribe(client, { sentinel: this.key, log: this.#options.log })
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
    this.#state = { kind: 'up', client, password, runId, question: null }
    this.#failures = 0
    this.#log.up(runId)
    this.#listener.onUp(runId)
    this.ask()
    this.askPeers()
  }

  /** The subscription failed, so the dial has. After stop() this does nothing. */
  #giveUp(client: Redis, error: unknown): void {
    if (!this.#isCurrent(client)) return
    // Where the connection was lost meanwhile, the error of its socket says more.
    if (isWritable(client)) this.#log.cause = reasonOf(error)
    client.disconnect()
  }

  async #question(up: Up): Promise<void> {
    const { masterName } = this.#options
    for (let torn = 0; ; torn++) {
      const question = { again: false }
      up.question = question
      const askedAt = performance.now()
      const replies: Reply[] | null = await up.client
        .pipeline()
        .call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName)
        .call('SENTINEL', 'MASTER', masterName)
        .call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName)
        .exec()
      if (this.#state !== up) return
      const answer = readAnswer(replies ?? [], askedAt, performance.now())
      if (answer.kind === 'torn' && torn < MAX_TORN) continue
      this.#pass(answer)
      if (this.#state !== up) return
      if (!question.again) break
    }
    up.question = null
  }

  #pass(answer: Answer): void {
    const error = answer.kind === 'view' ? null : answer.kind === 'failed' ? answer.why : answerTexts[answer.kind]
    this.#log.trouble(error)
    this.#listener.onAnswer(answer)
  }

  #lost(client: Redis): void {
    const state = this.#state
    if (!('client' in state) || state.client !== client) return
    const why = this.#log.cause ?? 'it closed the connection'
    if (isWrongPassword(why)) this.#options.sentinelLogin.password.refused(state.password)
    this.#dialLater()
    if (state.kind === 'up') {
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
    const state = this.#state
    if (state.kind === 'up') state.question = null
    if ('client' in state) state.client.disconnect()
  }
}

const answerTexts = {
  torn: 'it gives two addresses at once',
  'unknown-name': 'it does not know the master name',
} as const

// master-asker.ts: what one master has of the connection to one Sentinel, which it may share with other masters: its
// questions while that connection is up, and the events about it.
//
//   connection.ts ── up ──────▶ questions.ts asks ── answers ──────▶ listener
//                 ── message ──▶ events.ts, by the master's name ──▶ listener
//
// Owns: the questions, and what is wrong with their answers. Never: dials, decides anything.
import type { Redis } from 'ioredis'
import type { Address } from '../address.ts'
import type { Log } from '../ops/log.ts'
import type { ConnectionLog } from './connection-log.ts'
import { parseEvent, type SentinelEvent } from './events.ts'
import { Questions } from './questions.ts'
import type { Answer, Peer } from './sentinel-view.ts'

export interface MasterAskerOptions {
  readonly masterName: string
  readonly log: Log
}

export interface MasterAskerListener {
  /** The connection is subscribed and takes questions. `runId` is null where the Sentinel does not give it. */
  onUp(runId: string | null): void
  onDown(): void
  /** A dial has failed because no process listens there. */
  onRefused(): void
  onAnswer(answer: Answer): void
  onPeers(peers: readonly Peer[]): void
  /** A pause is over while nothing is undecided, and the question is put. */
  onSettledAsk(): void
  onEvent(event: SentinelEvent): void
}

/** A connection that is up, as its askers see it. */
export interface UpConnection {
  readonly client: Redis
  readonly runId: string | null
  /** It is subscribed to what the Sentinel publishes. */
  readonly hears: boolean
}

/** What an asker needs of its connection (connection.ts). */
export interface SharedConnection {
  /** The address in --sentinels or in a list. */
  readonly key: string
  readonly log: ConnectionLog
  readonly up: UpConnection | null
  /** The address of the connection, after name resolution; null while it is not up. */
  remote(): Address | null
  join(asker: MasterAsker): void
  /** Resolves when the connection is closed, or at once where others still ask over it. */
  leave(asker: MasterAsker): Promise<void>
  /** An answer was none: the connection cannot be trusted. */
  broken(error: unknown): void
}

export class MasterAsker {
  readonly #connection: SharedConnection
  readonly #options: MasterAskerOptions
  readonly #listener: MasterAskerListener
  #asking: { readonly questions: Questions; readonly log: ConnectionLog } | null = null
  #settled = false

  constructor(connection: SharedConnection, options: MasterAskerOptions, listener: MasterAskerListener) {
    this.#connection = connection
    this.#options = options
    this.#listener = listener
  }

  get key(): string {
    return this.#connection.key
  }

  /** Why the Sentinel cannot be asked or has no answer for us; null while all is well. */
  get error(): string | null {
    return this.#connection.log.cause ?? this.#asking?.log.cause ?? null
  }

  /** The Sentinel's run id; null while it is not up, or where it does not give one. */
  get runId(): string | null {
    return this.#connection.up?.runId ?? null
  }

  /** Whether the Sentinel can be asked. */
  get isUp(): boolean {
    return this.#asking !== null
  }

  remote(): Address | null {
    return this.#connection.remote()
  }

  start(): void {
    this.#connection.join(this)
  }

  /** Puts the question now, or after the answer to the one under way. */
  ask(): void {
    this.#asking?.questions.ask()
  }

  /** Puts the question within a second. */
  askSoon(): void {
    this.#asking?.questions.askSoon()
  }

  /** Puts the question if its pause may be over. */
  askAlong(): void {
    this.#asking?.questions.askAlong()
  }

  /** Asks soon for the other Sentinels that this one knows. */
  askPeers(): void {
    this.#asking?.questions.askPeers()
  }

  /** The replicas that this Sentinel lists; null: it cannot be asked, or gives no list. Never rejects. */
  async replicas(): Promise<readonly Address[] | null> {
    return (await this.#asking?.questions.replicas()) ?? null
  }

  /** Whether something is undecided, or about to be: the Sentinel is then asked more often. */
  settle(settled: boolean): void {
    this.#settled = settled
    this.#asking?.questions.settle(settled)
  }

  /** Asks and hears nothing from here on; resolves as `leave` of the connection does. */
  stop(): Promise<void> {
    this.#end()
    return this.#connection.leave(this)
  }

  // ---- what the connection tells ----

  onUp({ client, runId, hears }: UpConnection): void {
    const log = this.#connection.log.forMaster(this.#options.log)
    const questions = new Questions(
      { client, masterName: this.#options.masterName, hears, log },
      {
        onAnswer: answer => {
          // An error of the socket that did not end it is over.
          if (answer.kind === 'view') this.#connection.log.trouble(null)
          this.#listener.onAnswer(answer)
        },
        onPeers: peers => this.#listener.onPeers(peers),
        onSettledAsk: () => this.#listener.onSettledAsk(),
        onBroken: error => this.#connection.broken(error),
      },
    )
    questions.settle(this.#settled)
    this.#asking = { questions, log }
    this.#listener.onUp(runId)
    questions.start()
  }

  onDown(): void {
    if (this.#asking === null) return
    this.#end()
    this.#listener.onDown()
  }

  onRefused(): void {
    this.#listener.onRefused()
  }

  onMessage(channel: string, text: string): void {
    this.#asking?.questions.heard()
    const event = parseEvent(channel, text, this.#options.masterName)
    if (event?.kind === 'failover-promoted') this.#asking?.questions.expectPromotion()
    if (event) this.#listener.onEvent(event)
  }

  #end(): void {
    this.#asking?.questions.stop()
    this.#asking = null
  }
}

// sentinel-pool.ts: keeps one connection to each Sentinel that is asked: the seeds, and those that they list.
//
//   seeds ─────────────────────────────────────────▶ connections ──answers, events──▶ feed(Input)
//   lists of peers (SENTINEL SENTINELS) ─▶ membership.ts ──▲
//
// Owns: the connections, and what each Sentinel listed last. Never: decides who the master is.
import { type Address, formatAddress, sameAddress } from '../address.ts'
import { Closing } from './closing-connections.ts'
import { SentinelConnection, type SentinelOptions } from './connection.ts'
import { type Discovered, nextDiscovered, type PeerList } from './membership.ts'
import type { Observation } from './topology-state.ts'

export interface MembersOptions extends SentinelOptions {
  readonly sentinels: readonly Address[]
}

export class Members {
  readonly #options: MembersOptions
  readonly #feed: (observation: Observation) => void
  /** By the address in --sentinels or in the list. */
  readonly #connections = new Map<string, SentinelConnection>()
  readonly #seeds: ReadonlySet<string>
  readonly #peerLists = new Map<string, PeerList>()
  readonly #closing = new Closing()
  #discovered: readonly Discovered[] = []
  #settled = false
  #isStopped = false

  constructor(options: MembersOptions, feed: (observation: Observation) => void) {
    this.#options = options
    this.#feed = feed
    this.#seeds = new Set(options.sentinels.map(formatAddress))
  }

  start(): void {
    for (const address of this.#options.sentinels) this.#connect(address)
  }

  /** Asks this Sentinel, or all of them, who the master is. */
  ask(key: string | null = null): void {
    for (const connection of this.#connections.values()) if (key === null || connection.key === key) connection.ask()
  }

  /** Asks this Sentinel within a second who the master is. */
  askSoon(key: string): void {
    this.#connections.get(key)?.askSoon()
  }

  /** Asks this Sentinel soon for those it knows. */
  askPeers(key: string): void {
    this.#connections.get(key)?.askPeers()
  }

  /** Whether something is undecided, or about to be: all Sentinels are then asked more often. */
  settle(settled: boolean): void {
    if (settled === this.#settled) return
    this.#settled = settled
    for (const connection of this.#connections.values()) connection.settle(settled)
  }

  /** The password has changed. */
  signIn(): void {
    for (const connection of this.#connections.values()) connection.signIn()
  }

  /** Why each Sentinel cannot be asked; null for one that can. */
  errors(): Map<string, string | null> {
    return new Map([...this.#connections].map(([key, connection]) => [key, connection.error]))
  }

  /** Feeds nothing from here on; resolves when every connection is closed. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const connection of this.#connections.values()) this.#closing.add(connection.stop())
    await this.#closing.all()
  }

  #connect(address: Address): void {
    const key = formatAddress(address)
    if (this.#connections.has(key)) return
    const seed = this.#seeds.has(key)
    const feed = (observation: Observation): void => {
      if (this.#connections.get(key) === connection) this.#feed(observation)
    }
    const connection = new SentinelConnection(address, this.#options, {
      onUp: runId => {
        feed({ kind: 'up', key, runId })
        this.review()
      },
      onDown: () => feed({ kind: 'down', key }),
      onAnswer: answer => feed({ kind: 'answer', key, view: answer.kind === 'view' ? answer.view : null }),
      onEvent: event => feed({ kind: 'event', key, event }),
      onPeers: peers => {
        this.#peerLists.set(key, { seed, at: performance.now(), peers })
        feed({ kind: 'peers', key, peers })
        this.review()
      },
    })
    this.#connections.set(key, connection)
    this.#feed({ kind: 'joined', key, seed })
    connection.settle(this.#settled)
    connection.start()
  }

  #disconnect(key: string, connection: SentinelConnection): void {
    this.#connections.delete(key)
    this.#peerLists.delete(key)
    this.#closing.add(connection.stop())
    this.#feed({ kind: 'left', key })
  }

  /** Connects to listed Sentinels that are no seed; leaves those that nobody lists, or that turn out to be a seed. */
  review(): void {
    if (this.#isStopped) return
    this.#discovered = nextDiscovered(this.#discovered, [...this.#peerLists.values()], performance.now())
    const wanted = this.#discovered.filter(one => !this.#isSeed(one)).map(one => one.address)
    const keys = new Set(wanted.map(formatAddress))
    for (const [key, connection] of this.#connections)
      if (!keys.has(key) && !this.#seeds.has(key)) this.#disconnect(key, connection)
    for (const address of wanted) this.#connect(address)
  }

  #isSeed({ runId, address }: Discovered): boolean {
    const target = this.#options.sentinelRoutes.target(address)
    for (const key of this.#seeds) {
      if (key === formatAddress(address)) return true
      const connection = this.#connections.get(key)
      const remote = connection?.remote()
      if (connection?.runId === runId || (remote && sameAddress(remote, target))) return true
    }
    return false
  }
}

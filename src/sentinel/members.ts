// members.ts: the Sentinels that are asked about one master: the seeds, and those that they list.
//
//   seeds ─────────────────────────────────────────▶ askers ──answers, events──▶ feed(Input)
//   lists of peers (SENTINEL SENTINELS) ─▶ membership.ts ──▲ │
//                                                            └──▶ sentinel-pool.ts: one connection to each Sentinel
//
// Owns: which Sentinels those are, and what each listed last. Never: decides who the master is, or dials.
import { type Address, formatAddress, sameAddress } from '../address.ts'
import type { ServerRoutes } from '../transport/server-route.ts'
import { Closing } from './closing-connections.ts'
import type { MasterAsker, MasterAskerOptions } from './master-asker.ts'
import { type Discovered, membershipTiming, nextDiscovered, type PeerList } from './membership.ts'
import type { SentinelPool } from './sentinel-pool.ts'
import type { Observation } from './topology-state.ts'

export interface MembersOptions extends MasterAskerOptions {
  readonly sentinels: readonly Address[]
  readonly sentinelRoutes: ServerRoutes
}

export class Members {
  readonly #options: MembersOptions
  readonly #pool: SentinelPool
  readonly #feed: (observation: Observation) => void
  /** By the address in --sentinels or in the list. */
  readonly #askers = new Map<string, MasterAsker>()
  readonly #seeds: ReadonlySet<string>
  readonly #peerLists = new Map<string, PeerList>()
  readonly #closing = new Closing()
  #discovered: readonly Discovered[] = []
  /** Set by the first list of a seed: the others have so long to give theirs. */
  #awaiting: NodeJS.Timeout | 'none yet' | 'over' = 'none yet'
  #settled = false
  #isStopped = false

  constructor(options: MembersOptions, pool: SentinelPool, feed: (observation: Observation) => void) {
    this.#options = options
    this.#pool = pool
    this.#feed = feed
    this.#seeds = new Set(options.sentinels.map(formatAddress))
  }

  start(): void {
    for (const address of this.#options.sentinels) this.#join(address)
  }

  /** Asks this Sentinel, or all of them, who the master is. */
  ask(key: string | null = null): void {
    for (const asker of this.#askers.values()) if (key === null || asker.key === key) asker.ask()
  }

  /** Asks this Sentinel within a second who the master is. */
  askSoon(key: string): void {
    this.#askers.get(key)?.askSoon()
  }

  /** Asks this Sentinel soon for those it knows. */
  askPeers(key: string): void {
    this.#askers.get(key)?.askPeers()
  }

  /** Whether a Sentinel is dead that cannot be asked, the others know: asks them soon, where there is one. */
  askOfAbsent(): void {
    const askers = [...this.#askers.values()]
    if (askers.every(asker => asker.isUp)) return
    for (const asker of askers) asker.askPeers()
  }

  /** The replicas that each Sentinel lists, those that give no list left out. Two addresses of one count once. */
  async replicas(): Promise<readonly (readonly Address[])[]> {
    const lists = new Map<string, readonly Address[]>()
    const each = [...this.#askers.values()].map(async asker => {
      const list = await asker.replicas()
      if (list !== null) lists.set(asker.runId ?? asker.key, list)
    })
    await Promise.all(each)
    return [...lists.values()]
  }

  /** Whether something is undecided, or about to be: all Sentinels are then asked more often. */
  settle(settled: boolean): void {
    if (settled === this.#settled) return
    this.#settled = settled
    for (const asker of this.#askers.values()) asker.settle(settled)
  }

  /** Why each Sentinel cannot be asked; null for one that can. */
  errors(): Map<string, string | null> {
    return new Map([...this.#askers].map(([key, asker]) => [key, asker.error]))
  }

  /** Feeds nothing from here on; resolves when every connection that nobody else needs is closed. */
  async stop(): Promise<void> {
    this.#isStopped = true
    if (typeof this.#awaiting === 'object') clearTimeout(this.#awaiting)
    for (const asker of this.#askers.values()) this.#closing.add(asker.stop())
    await this.#closing.all()
  }

  #join(address: Address): void {
    const key = formatAddress(address)
    if (this.#askers.has(key)) return
    const seed = this.#seeds.has(key)
    const feed = (observation: Observation): void => {
      if (this.#askers.get(key) === asker) this.#feed(observation)
    }
    const asker = this.#pool.attach(address, this.#options, {
      onUp: runId => {
        feed({ kind: 'up', key, runId })
        this.review()
      },
      onDown: () => feed({ kind: 'down', key }),
      onRefused: () => feed({ kind: 'refused', key }),
      onAnswer: answer => feed({ kind: 'answer', key, view: answer.kind === 'view' ? answer.view : null }),
      onEvent: event => feed({ kind: 'event', key, event }),
      onPeers: peers => {
        this.#peerLists.set(key, { seed, at: performance.now(), peers })
        if (seed) this.#awaitOthers()
        feed({ kind: 'peers', key, peers })
        this.review()
      },
      onSettledAsk: () => {
        for (const other of this.#askers.values()) if (other !== asker) other.askAlong()
      },
    })
    this.#askers.set(key, asker)
    this.#feed({ kind: 'joined', key, seed })
    asker.settle(this.#settled)
    asker.start()
  }

  #leave(key: string, asker: MasterAsker): void {
    this.#askers.delete(key)
    this.#peerLists.delete(key)
    this.#closing.add(asker.stop())
    this.#feed({ kind: 'left', key })
  }

  #awaitOthers(): void {
    if (this.#awaiting !== 'none yet') return
    this.#awaiting = setTimeout(() => {
      this.#awaiting = 'over'
      this.review()
    }, membershipTiming.awaitedMs)
  }

  /** Seeds that may still list those that the first ones to answer do not. */
  get #awaited(): number {
    if (this.#awaiting === 'over') return 0
    return [...this.#seeds].filter(key => !this.#peerLists.has(key)).length
  }

  /** Asks listed Sentinels that are no seed; leaves those that nobody lists, or that turn out to be a seed. */
  review(): void {
    if (this.#isStopped) return
    const [lists, now] = [[...this.#peerLists.values()], performance.now()]
    this.#discovered = nextDiscovered(this.#discovered, lists, { awaited: this.#awaited, now })
    const wanted = this.#discovered.filter(one => !this.#isSeed(one)).map(one => one.address)
    const keys = new Set(wanted.map(formatAddress))
    for (const [key, asker] of this.#askers) if (!keys.has(key) && !this.#seeds.has(key)) this.#leave(key, asker)
    for (const address of wanted) this.#join(address)
  }

  #isSeed({ runId, address }: Discovered): boolean {
    const target = this.#options.sentinelRoutes.target(address)
    for (const key of this.#seeds) {
      if (key === formatAddress(address)) return true
      const asker = this.#askers.get(key)
      const remote = asker?.remote()
      if (asker?.runId === runId || (remote && sameAddress(remote, target))) return true
    }
    return false
  }
}

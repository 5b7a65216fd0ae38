// sentinel-set.ts: a real master with replicas and Sentinels on the loopback, and what a failover test does to them.
//
// Owns: the processes and their folder, from `start` to `stopAll`. Never: shares a server between sets, uses fixed
// ports, says a step is done before the servers themselves say so. Every wait is bounded and fails with what it last
// saw.

import type { ConnectionOptions } from 'node:tls'
import { askMajority, type MajorityWatch, watchMajority } from './majority.ts'
import { addExcuse } from './pace.ts'
import { PlannedFailover } from './planned-failover.ts'
import { type Argument, ask, type Value } from './resp-client.ts'
import { dataConfig, type Plan, sentinelConfig, sentinelId } from './sentinel-config.ts'
import { hurry, shortenTilt } from './sentinel-pace.ts'
import {
  anyFlavour,
  endServer,
  type Flavour,
  freePort,
  isRunning,
  makeFolder,
  moveServer,
  type Node,
  PortTaken,
  removeFolder,
  restartServer,
  resumeServer,
  startServer,
  stopServer,
  termServer,
} from './servers.ts'
import { fieldsOf, nodeHealth, sentinelHealth, streamHealth, tiltOf } from './set-health.ts'
import { settings } from './settings.ts'
import { waitUntil } from './wait-until.ts'

export type { Node } from './servers.ts'

export interface SentinelSetOptions {
  /** redis where it is installed, else valkey. */
  readonly flavour?: Flavour
  /** 2 */
  readonly replicas?: number
  /** Just as many, although replies wait for replicas elsewhere (settings.ts): no Holdfast serves it. */
  readonly isExact?: boolean
  /** 3 */
  readonly sentinels?: number
  /** 2000. At 1000, Sentinel's own ping period, one failover is at times followed by a second. */
  readonly downAfterMs?: number
  /** 10000 */
  readonly failoverTimeoutMs?: number
  /** More than half of the Sentinels. */
  readonly quorum?: number
  /** mymaster */
  readonly masterName?: string
  /** Password of the data nodes' default user. */
  readonly requirePass?: string
  /** Password of the Sentinels' default user. */
  readonly sentinelPass?: string
  /** Extra config lines of the data nodes. */
  readonly dataConfig?: readonly string[]
  /** Extra config lines of the Sentinels. */
  readonly sentinelConfig?: readonly string[]
  /** 127.0.0.1; ::1, or localhost for a set that announces the name. */
  readonly host?: '127.0.0.1' | '::1' | 'localhost'
  /** All speak TLS, with one another too: these config lines, and how our own questions are asked. */
  readonly tls?: { readonly config: readonly string[]; readonly client: ConnectionOptions }
}

/** How long a node is silent before the Sentinels hold it for dead, where nothing else is given. */
export const DOWN_AFTER_MS = 2000
/** Longer than any test lets a node be silent without meaning to. */
export const PATIENT_MS = 120_000

const startAttempts = 5
/** How often it is asked whether a planned failover still goes on. */
const PLANNED_EVERY_MS = 1000

export class SentinelSet {
  readonly masterName: string
  readonly flavour: Flavour
  /** The data nodes; the first was master at the start. */
  readonly nodes: readonly Node[]
  readonly sentinels: readonly Node[]
  /** Holds every config and log file; gone after `stopAll`. */
  readonly dir: string
  readonly #stopped = new Set<Node>()
  readonly #watches = new Set<MajorityWatch>()
  readonly #endExcuse: () => void
  readonly #planned: PlannedFailover

  private constructor(plan: Plan, dir: string, flavour: Flavour, nodes: Node[], sentinels: Node[]) {
    this.masterName = plan.masterName
    this.flavour = flavour
    this.dir = dir
    this.nodes = nodes
    this.sentinels = sentinels
    this.#planned = new PlannedFailover(plan.masterName)
    this.#endExcuse = addExcuse(() => tiltOf(this.living().filter(node => node.kind === 'sentinel')))
  }

  /** Starts everything; answers when the replicas are linked, the Sentinels know all of it and CKQUORUM is OK. */
  static async start(options: SentinelSetOptions = {}): Promise<SentinelSet> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await SentinelSet.#startOnce(options)
      } catch (error) {
        if (!(error instanceof PortTaken) || attempt === startAttempts) throw error
      }
    }
  }

  static async #startOnce(options: SentinelSetOptions): Promise<SentinelSet> {
    const flavour = options.flavour ?? anyFlavour()
    const plan = await makePlan(options)
    const dir = await makeFolder()
    const started: Node[] = []
    let set: SentinelSet | null = null
    const launch = async (kind: Node['kind'], port: number, index: number): Promise<Node> => {
      const data = kind === 'data'
      const node = await startServer({
        flavour,
        kind,
        dir,
        port,
        name: `${kind}-${index + 1}`,
        config: data ? dataConfig(plan, port) : sentinelConfig(plan, port),
        password: data ? plan.requirePass : plan.sentinelPass,
        tls: options.tls?.client,
        host: plan.host,
      })
      started.push(node)
      return node
    }
    try {
      const master = await launch('data', plan.masterPort, 0)
      const replicas = await all(plan.replicaPorts.map((port, i) => launch('data', port, i + 1)))
      // A Sentinel reads INFO at once and then every 10 s: it must not meet a replica whose link is not up yet.
      await linked(replicas)
      const sentinels = await all(plan.sentinels.map(({ port }, i) => launch('sentinel', port, i)))
      set = new SentinelSet(plan, dir, flavour, [master, ...replicas], sentinels)
      await shortenTilt(sentinels)
      await set.#becomeWhole(20_000)
      return set
    } catch (error) {
      if (set !== null) set.#endExcuse()
      await Promise.all(started.map(endServer))
      await removeFolder(dir)
      throw error
    }
  }

  /** Sentinel addresses as '127.0.0.1:port'. */
  sentinelAddresses(): string[] {
    return this.sentinels.map(node => (node.host === '::1' ? `[::1]:${node.port}` : `${node.host}:${node.port}`))
  }

  /** The master by a majority of the Sentinels that can be reached. */
  async currentMaster(): Promise<Node> {
    return waitUntil('a majority of the Sentinels name a master', () => this.#masterNow(), { withinMs: 3000 })
  }

  async #masterNow(): Promise<Node | undefined> {
    return this.#at(await askMajority(this.sentinels, this.masterName))
  }

  #at(address: string): Node | undefined {
    return this.nodes.find(node => `${node.host}:${node.port}` === address)
  }

  /** SIGKILL; answers when the process is gone. */
  async kill(node: Node): Promise<void> {
    this.#planned.forget()
    this.#stopped.delete(node)
    await endServer(node)
  }

  /** SIGTERM; answers when the process has ended by itself (a master waits up to 10 s for its replicas). */
  async term(node: Node): Promise<void> {
    this.#planned.forget()
    await termServer(node)
  }

  /** SIGSTOP: sockets stay open, nothing answers. */
  async stop(node: Node): Promise<void> {
    this.#planned.forget()
    this.#stopped.add(node)
    await stopServer(node)
  }

  /** SIGCONT */
  async resume(node: Node): Promise<void> {
    this.#stopped.delete(node)
    resumeServer(node)
  }

  /**
   * Starts an ended node again, on its port, with the config it had when it ended: an old master comes back as master.
   */
  async restart(node: Node): Promise<void> {
    await restartServer(node)
  }

  /** Starts an ended node again on another port, as after a move to another machine. */
  async move(node: Node): Promise<void> {
    await moveServer(node, await freePort())
  }

  /** Nodes whose process runs and is not stopped. */
  living(): Node[] {
    return [...this.nodes, ...this.sentinels].filter(node => isRunning(node) && !this.#stopped.has(node))
  }

  /**
   * How long a node is silent before the living Sentinels hold it for dead. With PATIENT_MS there is no failover but
   * what the test makes: on a busy machine a master may be silent for seconds.
   */
  async setDownAfter(ms: number): Promise<void> {
    const words = ['SENTINEL', 'SET', this.masterName, 'down-after-milliseconds', String(ms)]
    const sentinels = this.living().filter(node => node.kind === 'sentinel')
    const take = async (node: Node): Promise<boolean> => (await this.command(node, ...words)) === 'OK'
    await Promise.all(sentinels.map(node => waitUntil(`${node.name} takes it`, () => take(node), { withinMs: 10_000 })))
  }

  /**
   * SENTINEL FAILOVER, accepted by one Sentinel; the failover itself goes on after this.
   * "In progress" and "no good replica" pass by themselves and are asked again within `withinMs` (15000).
   */
  async failover(options: { readonly withinMs?: number } = {}): Promise<void> {
    const [sentinel] = this.sentinels.filter(node => this.living().includes(node))
    if (!sentinel) throw new Error('no living Sentinel to ask for a failover')
    await waitUntil('SENTINEL FAILOVER is accepted', () => this.#planned.begin(sentinel), {
      withinMs: options.withinMs ?? 15_000,
      everyMs: 100,
    })
  }

  /**
   * Waits until more than half of all Sentinels name another master than `old`. A planned failover that its Sentinel has
   * given up, because this machine stood still, is asked for again. `majorityAt` is Date.now() of the moment, seen within
   * 5 ms.
   */
  async waitForNewMaster(
    old: Node,
    options: { readonly withinMs: number },
  ): Promise<{ node: Node; majorityAt: number }> {
    const watch = this.watchMajority()
    try {
      let lookAt = performance.now() + PLANNED_EVERY_MS
      const isNew = async () => {
        const found = watch.history.find(({ address }) => address !== '' && address !== `${old.host}:${old.port}`)
        if (found !== undefined || performance.now() < lookAt) return found
        await this.#planned.goOn(old).catch(() => {})
        lookAt = performance.now() + PLANNED_EVERY_MS
        return undefined
      }
      const change = await waitUntil(`a majority names another master than ${old.name}`, isNew, {
        withinMs: options.withinMs,
        everyMs: 5,
      })
      const node = this.#at(change.address)
      if (!node) throw new Error(`the majority names ${change.address}, which is no node of this set`)
      return { node, majorityAt: change.at }
    } finally {
      this.#planned.forget()
      watch.stop()
    }
  }

  /** Records every change of the majority's answer until `stop()` (or `stopAll`). */
  watchMajority(): MajorityWatch {
    const watch = watchMajority(this.sentinels, {
      masterName: this.masterName,
      password: this.sentinels[0]?.password,
    })
    this.#watches.add(watch)
    return {
      history: watch.history,
      current: watch.current,
      stop: () => {
        this.#watches.delete(watch)
        watch.stop()
      },
    }
  }

  /**
   * Waits until the set is whole again: the majority's master says master, all other living nodes are its replicas with
   * the link up and receive what it writes, every living Sentinel sees that and acts (no TILT), no failover runs. An old
   * master that comes back, or that was replaced by a planned failover, is demoted only after some 10 to 18 s: the
   * Sentinels work faster until it is (sentinel-pace.ts), unless `pace` is usual, because it is the demotion that a test
   * is about.
   */
  async settle(options: { readonly withinMs?: number; readonly pace?: 'fast' | 'usual' } = {}): Promise<void> {
    const withinMs = options.withinMs ?? 60_000
    if (options.pace === 'usual') return this.#becomeWhole(withinMs)
    const slowDown = await hurry(this.living().filter(node => node.kind === 'sentinel'))
    try {
      await this.#becomeWhole(withinMs)
    } finally {
      await slowDown()
    }
  }

  async #becomeWhole(withinMs: number): Promise<void> {
    const healthy = async (): Promise<true> => {
      const master = await this.#masterNow()
      if (!master) throw new Error('no majority')
      const living = this.living()
      const data = living.filter(node => node.kind === 'data')
      const sentinels = living.filter(node => node.kind === 'sentinel')
      const complete = living.length === this.nodes.length + this.sentinels.length
      const complaints = await Promise.all([
        ...data.map(node => nodeHealth(node, master)),
        ...sentinels.map(node =>
          sentinelHealth(node, {
            masterName: this.masterName,
            master,
            replicas: data.filter(other => other !== master),
            otherSentinels: this.sentinels.length - 1,
            complete,
          }),
        ),
      ])
      const wrong = complaints.filter(complaint => complaint !== '')
      if (wrong.length === 0) wrong.push(await streamHealth(master, data.length - 1), (await tiltOf(sentinels)) ?? '')
      if (wrong.some(complaint => complaint !== '')) throw new Error(wrong.join('; '))
      return true
    }
    await waitUntil('the set is healthy', healthy, { withinMs, everyMs: 50 })
  }

  /** One command on a connection of its own (1 s at most), signed in where the set has passwords. */
  async command(node: Node, ...args: Argument[]): Promise<Value> {
    return ask(node, args, { timeoutMs: 1000, password: node.password })
  }

  /** The config epoch a Sentinel knows for the master. */
  async configEpoch(sentinel: Node): Promise<number> {
    return Number(fieldsOf(await this.command(sentinel, 'SENTINEL', 'MASTER', this.masterName)).get('config-epoch'))
  }

  /** Ends every process, removes the folder. May be called twice. */
  async stopAll(): Promise<void> {
    this.#endExcuse()
    for (const watch of this.#watches) watch.stop()
    this.#watches.clear()
    this.#stopped.clear()
    await Promise.all([...this.nodes, ...this.sentinels].map(endServer))
    await removeFolder(this.dir)
  }
}

async function makePlan(options: SentinelSetOptions): Promise<Plan> {
  const sentinels: { port: number; id: string }[] = []
  const replicaPorts: number[] = []
  const masterPort = await freePort()
  // Where replies wait for replicas there must be one, and after a failover another one.
  const { replicas: wanted = 2, isExact = false } = options
  const replicas = settings.isReplicated && !isExact ? Math.max(wanted === 0 ? 1 : 2, wanted) : wanted
  for (let i = 0; i < replicas; i++) replicaPorts.push(await freePort())
  for (let i = 0; i < (options.sentinels ?? 3); i++) sentinels.push({ port: await freePort(), id: sentinelId() })
  return {
    masterName: options.masterName ?? 'mymaster',
    masterPort,
    replicaPorts,
    sentinels,
    quorum: options.quorum ?? Math.floor(sentinels.length / 2) + 1,
    downAfterMs: options.downAfterMs ?? DOWN_AFTER_MS,
    failoverTimeoutMs: options.failoverTimeoutMs ?? 10_000,
    requirePass: options.requirePass,
    sentinelPass: options.sentinelPass,
    dataConfig: options.dataConfig ?? [],
    sentinelConfig: options.sentinelConfig ?? [],
    host: options.host ?? '127.0.0.1',
    tlsConfig: options.tls?.config ?? [],
  }
}

/** As Promise.all, but the others have ended too when one fails: nothing may start behind a teardown's back. */
async function all<T>(promises: Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises)
  return results.map(result => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

async function linked(replicas: readonly Node[]): Promise<void> {
  const up = async (node: Node): Promise<boolean> => {
    const info = await ask(node, ['INFO', 'replication'], { password: node.password })
    return String(info).includes('master_link_status:up')
  }
  const bound = { withinMs: 10_000, everyMs: 15 }
  await Promise.all(replicas.map(node => waitUntil(`${node.name} is linked`, () => up(node), bound)))
}

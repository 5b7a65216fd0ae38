// watcher-world.ts: a watcher between fake Sentinels and fake nodes, with everything it decided and logged in lists.

import { pino } from 'pino'
import type { Address, Master } from '../../src/address.ts'
import { Bugs } from '../../src/ops/bugs.ts'
import { createCounters } from '../../src/ops/counters.ts'
import { createLog } from '../../src/ops/log.ts'
import type { LinkWitness } from '../../src/sentinel/prober.ts'
import type { SentinelPool } from '../../src/sentinel/sentinel-pool.ts'
import type { HoldCause } from '../../src/sentinel/topology-state.ts'
import { Watcher, type WatcherOptions } from '../../src/sentinel/watcher.ts'
import { createNatMap, type NatMap } from '../../src/transport/nat-map.ts'
import { Password } from '../../src/transport/password.ts'
import { ServerRoutes } from '../../src/transport/server-route.ts'
import { tellOnFailure } from '../support/facts.ts'
import { FakeRedis, type Handler, type Teardown } from '../support/fake-redis.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { bulk } from '../support/resp-encoder.ts'
import { waitUntil } from '../support/wait-until.ts'

export type Decision =
  | { readonly kind: 'serve'; readonly master: Master; readonly at: number }
  | { readonly kind: 'hold'; readonly cause: HoldCause; readonly detail: string; readonly at: number }

export interface Line {
  readonly level: string
  readonly event: string
  readonly [field: string]: unknown
}

export interface ObservedOptions extends Pick<WatcherOptions, 'sentinels'> {
  readonly masterName?: string
  readonly sentinelPassword?: string | null
  readonly redisUsername?: string | null
  readonly redisPassword?: string | null
  readonly connectTimeoutMs?: number
  readonly answerTimeoutMs?: number
  readonly links?: LinkWitness
  /** The connections that several watchers share; left out: the watcher has its own. */
  readonly pool?: SentinelPool
  /** For the addresses of Sentinels. */
  readonly nat?: NatMap
  /** Called from within onServe, as the data plane calls the watcher then. */
  readonly onServe?: (watcher: Watcher) => void
  readonly onHold?: (cause: HoldCause) => void
  readonly beforeDecision?: (watcher: Watcher) => void
  /** Its log is the program's, which keeps lines while clients wait; left out: each line is written at once. */
  readonly keepsLines?: boolean
}

/** A watcher whose decisions and log lines are kept; stopped in the test's teardown. */
export class Observed {
  readonly decisions: Decision[] = []
  readonly lines: Line[] = []
  readonly watcher: Watcher
  readonly #given: number

  constructor(t: Teardown, options: ObservedOptions) {
    this.#given = options.sentinels.length
    const sink = { write: (line: string) => void this.lines.push(JSON.parse(line)) }
    const log =
      options.keepsLines === true
        ? createLog('debug', sink)
        : pino({ level: 'debug', base: null, formatters: { level: level => ({ level }) } }, sink)
    const {
      sentinels,
      masterName = 'mymaster',
      sentinelPassword = null,
      redisUsername = null,
      redisPassword = null,
    } = options
    const plain = { tls: null, nat: createNatMap([]) }
    this.watcher = new Watcher(
      {
        sentinels,
        masterName,
        sentinelLogin: { username: null, password: new Password(sentinelPassword) },
        redisLogin: { username: redisUsername, password: new Password(redisPassword) },
        sentinelRoutes: new ServerRoutes('sentinel', { ...plain, nat: options.nat ?? plain.nat }),
        redisRoutes: new ServerRoutes('redis', plain),
        log,
        bugs: new Bugs(log, createCounters()),
        connectTimeoutMs: options.connectTimeoutMs ?? 1_000,
        answerTimeoutMs: options.answerTimeoutMs ?? 500,
        ...(options.links && { links: options.links }),
        ...(options.pool && { pool: options.pool }),
      },
      {
        onServe: master => {
          this.decisions.push({ kind: 'serve', master, at: performance.now() })
          options.onServe?.(this.watcher)
        },
        beforeDecision: () => options.beforeDecision?.(this.watcher),
        onWithhold: () => {},
        onHold: (cause, detail) => {
          this.decisions.push({ kind: 'hold', cause, detail, at: performance.now() })
          options.onHold?.(cause)
        },
      },
    )
    t.teardown(() => this.watcher.stop())
    tellOnFailure(t, this.lines)
    this.watcher.start()
  }

  /** What was decided, in order: `serve PORT@EPOCH` or `hold CAUSE`. */
  story(): string[] {
    return this.decisions.map(one =>
      one.kind === 'serve' ? `serve ${one.master.port}@${one.master.epoch}` : `hold ${one.cause}`,
    )
  }

  /** Waits until the last decision reads so; answers it. */
  async until(last: string, withinMs = 3_000): Promise<Decision> {
    await waitUntil(`the watcher decides ${last}`, () => (this.story().at(-1) === last ? true : null), {
      withinMs,
      everyMs: 2,
    })
    const decision = this.decisions.at(-1)
    if (!decision) throw new Error('no decision')
    return decision
  }

  /**
   * As `until`, and every Sentinel given can be asked and is subscribed to: two of three are enough for a decision, and
   * what the third publishes before it is heard is lost.
   */
  async untilAllHeard(last: string): Promise<Decision> {
    await waitUntil('all Sentinels are heard', () => this.watcher.status().reachableSentinels === this.#given, {
      withinMs: 3_000,
      everyMs: 2,
    })
    return this.until(last)
  }

  logged(event: string): Line[] {
    return this.lines.filter(line => line.event === event)
  }

  async untilLogged(event: string, withinMs = 3_000): Promise<Line> {
    return waitUntil(`${event} is logged`, () => this.logged(event)[0], { withinMs, everyMs: 5 })
  }
}

export interface World {
  readonly a: FakeRedis
  readonly b: FakeRedis
  readonly sentinels: readonly [FakeSentinel, FakeSentinel, FakeSentinel]
  readonly seeds: Address[]
}

/** Two nodes that say they are masters and three Sentinels that know each other and name `a` at epoch 1. */
export async function makeWorld(t: Teardown, nodePassword?: string): Promise<World> {
  const options = nodePassword === undefined ? {} : { password: nodePassword }
  const a = await FakeRedis.start(t, undefined, options)
  const b = await FakeRedis.start(t, undefined, options)
  const start = (): Promise<FakeSentinel> => FakeSentinel.start(t, { master: place(a) })
  const sentinels: [FakeSentinel, FakeSentinel, FakeSentinel] = [await start(), await start(), await start()]
  for (const one of sentinels) {
    one.known = sentinels.filter(other => other !== one).map(({ host, port, runId }) => ({ host, port, runId }))
  }
  return { a, b, sentinels, seeds: sentinels.map(place) }
}

export function place({ host, port }: Address): Address {
  return { host, port }
}

/** The words of an event about the master a Sentinel names. */
export function aboutMaster({ masterName, master }: FakeSentinel): string {
  return `master ${masterName} ${master?.host} ${master?.port}`
}

/** The words of an event about a replica that is to replace it. */
export function aboutReplica(
  { masterName, master }: Pick<FakeSentinel, 'masterName' | 'master'>,
  { host, port }: Address,
): string {
  return `slave ${host}:${port} ${host} ${port} @ ${masterName} ${master?.host} ${master?.port}`
}

/** Puts `override` in front of what a fake server answers; its undefined leaves the answer as it was. */
export function intercept(server: FakeRedis, override: Handler): void {
  const before = server.handler
  server.handler = async (argv, context) => (await override(argv, context)) ?? before(argv, context)
}

/** Makes SENTINEL MASTER show a failover at this state (a state of sentinel.c); null: none any more. */
export function showFailover(sentinel: FakeSentinel): (state: string | null) => void {
  let shown: string | null = null
  const before = sentinel.server.handler
  sentinel.server.handler = async (argv, context) => {
    const answer = await before(argv, context)
    if (shown === null || argv[1]?.toUpperCase() !== 'MASTER' || typeof answer !== 'string') return answer
    const fields = Number(/^%(\d+)/.exec(answer)?.[1])
    return answer.replace(/^%\d+/, `%${fields + 1}`) + bulk('failover-state') + bulk(shown)
  }
  return state => {
    shown = state
    sentinel.flags = state === null ? 'master' : 'master,failover_in_progress'
  }
}

/** How often this node was asked for its role. */
export function roleQuestions(node: FakeRedis): number {
  return node.received.filter(({ argv }) => argv[0]?.toUpperCase() === 'ROLE').length
}

// steps.ts: plays inputs into the topology and remembers what it wanted done. No clock but the test's own.
import { type Address, type Master, parseAddress } from '../../../src/address.ts'
import { parseEvent, type SentinelEvent } from '../../../src/sentinel/events.ts'
import type { FailoverStage, View } from '../../../src/sentinel/sentinel-view.ts'
import { createTopology, next } from '../../../src/sentinel/topology.ts'
import type {
  Effect,
  HoldCause,
  LinkSign,
  Observation,
  ProbeResult,
  Topology,
} from '../../../src/sentinel/topology-state.ts'

export const masterName = 'mymaster'

export interface Said {
  readonly epoch?: number
  readonly failover?: FailoverStage
  readonly listed?: string
  readonly knownSentinels?: number
  readonly askedAt?: number
  readonly failoverTimeoutMs?: number
  readonly quorum?: number
  readonly runId?: string
}

export function at(text: string): Address {
  const address = parseAddress(text.includes(':') ? text : `10.0.0.1:${text.charCodeAt(0)}`)
  if (!address) throw new Error(`no address: ${text}`)
  return address
}

export function viewOf(place: string, now: number, said: Said = {}): View {
  return {
    askedAt: said.askedAt ?? now,
    answeredAt: now,
    address: at(place),
    epoch: said.epoch ?? 1,
    listed: at(said.listed ?? place),
    failover: said.failover ?? null,
    flags: said.failover ? 'master,failover_in_progress' : 'master',
    knownSentinels: said.knownSentinels ?? 3,
    quorum: said.quorum ?? 2,
    failoverTimeoutMs: said.failoverTimeoutMs ?? 10_000,
    ...(said.runId !== undefined && { runId: said.runId }),
  }
}

/** A topology in play. Places are letters (`A`, `B`) or `host:port`. */
export class Play {
  now = 1_000
  topology: Topology = createTopology(1_000)
  /** Everything since the last take(). */
  effects: Effect[] = []

  /** With these seeds, all up. */
  static with(...keys: string[]): Play {
    const play = new Play()
    for (const key of keys) play.input({ kind: 'joined', key, seed: true })
    for (const key of keys) play.up(key)
    play.take()
    return play
  }

  /** Three Sentinels, A served at epoch 1, a bit later. */
  static serving(epoch = 1): Play {
    const play = Play.with('s1', 's2', 's3')
    play.all('A', { epoch })
    play.probed('A')
    play.later(100)
    play.take()
    return play
  }

  input(input: Observation): this {
    const step = next(this.topology, input, this.now)
    this.topology = step.topology
    this.effects.push(...step.effects)
    return this
  }

  later(ms: number): this {
    this.now += ms
    return this.input({ kind: 'tick' })
  }

  up(key: string, runId: string | null = `run-${key}`): this {
    return this.input({ kind: 'up', key, runId })
  }

  down(key: string): this {
    return this.input({ kind: 'down', key })
  }

  refused(key: string): this {
    return this.input({ kind: 'refused', key })
  }

  answer(key: string, place: string | null, said: Said = {}): this {
    return this.input({ kind: 'answer', key, view: place === null ? null : viewOf(place, this.now, said) })
  }

  /** The same answer of every Sentinel that is up. */
  all(place: string, said: Said = {}): this {
    for (const [key, one] of this.topology.sentinels) if (one.up) this.answer(key, place, said)
    return this
  }

  event(key: string, event: SentinelEvent): this {
    return this.input({ kind: 'event', key, event })
  }

  /** An event in Sentinel's own words, about the master at `place`. */
  publish(key: string, channel: string, place: string): this {
    const { host, port } = at(place)
    const event = parseEvent(channel, `master ${masterName} ${host} ${port}`, masterName)
    if (!event) throw new Error(`not an event: ${channel}`)
    return this.event(key, event)
  }

  /** It lists these others, those of `dead` as down. */
  lists(key: string, alive: readonly string[], dead: readonly string[] = []): this {
    const peers = [...alive, ...dead].map(runId => ({
      runId,
      address: at(`${runId}:26379`),
      down: dead.includes(runId),
    }))
    return this.input({ kind: 'peers', key, peers })
  }

  confirm(): this {
    return this.input({ kind: 'confirm' })
  }

  standStill(ms: number): this {
    this.now += ms
    return this.input({ kind: 'stood-still' })
  }

  /** The answer to the probe that runs; `place` says which node it must be. The run id of A is `r`, of B `r-B`. */
  probed(
    place: string,
    result: ProbeResult = { kind: 'master', runId: place === 'A' ? 'r' : `r-${place}` },
    links: LinkSign = 'none',
  ): this {
    const { probe } = this.topology
    if (!probe || probe.result || probe.address.port !== at(place).port) throw new Error(`${place} is not being probed`)
    const retryAt = result.kind === 'master' ? this.now : this.now + 50
    return this.input({ kind: 'probed', address: probe.address, startedAt: probe.startedAt, result, links, retryAt })
  }

  /** The decisions since the last call: `serve A@1`, `hold cause`, `probe A`. Notes and questions are left out. */
  take(): string[] {
    const taken = this.effects.flatMap(effect => {
      if (effect.kind === 'serve') return [`serve ${letter(effect.master)}@${effect.master.epoch}`]
      if (effect.kind === 'hold') return [`hold ${effect.cause}`]
      return effect.kind === 'probe' ? [`probe ${letter(effect.address)}`] : []
    })
    this.effects = []
    return taken
  }

  /** The names of the notes, without taking the effects. */
  notes(): string[] {
    return this.effects.flatMap(effect => (effect.kind === 'note' ? [effect.event] : []))
  }

  cause(): HoldCause | 'unconfirmed' | 'open' {
    return this.topology.gate.kind === 'open' ? 'open' : this.topology.gate.cause
  }

  master(): string | null {
    const { master } = this.topology
    return master && `${letter(master)}@${master.epoch}`
  }
}

export function letter(address: Address | Master): string {
  return address.host === '10.0.0.1' ? String.fromCharCode(address.port) : `${address.host}:${address.port}`
}

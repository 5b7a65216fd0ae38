// prober.ts: asks data nodes what they are: one probe for each node, kept while the node may be asked again.
//
// Owns: the probes, and which refusals it has logged. Never: decides what an answer means for the master.
import { type Address, formatAddress, sameAddress } from '../address.ts'
import { type BackoffLimits, backoffMs, promotionDial } from '../backoff.ts'
import type { Log } from '../ops/log.ts'
import { type MissingRights, missingOf } from '../ops/missing-rights.ts'
import { tlsHint, tlsRemedy } from '../transport/tls-trouble.ts'
import { Closing } from './closing-connections.ts'
import { Probe, type ProbeOptions } from './probe.ts'
import { knowsNoAuth, nodePasswordRemedy, replacedRemedy, roleRemedy } from './remedies.ts'
import type { LinkSign, Observation, ProbeResult } from './topology-state.ts'

/** What speaks for a node that does not answer in time or will not say what it is: links to it that work. */
export interface LinkWitness {
  /** Bytes that all links have received so far: grows with every reply. */
  bytesIn(): number
  /** Whether a link to this node is up. */
  isUpTo(address: Address): boolean
}

export interface ProberOptions extends ProbeOptions {
  readonly log: Log
  /** What the data plane knows of its links; left out: there are none. */
  readonly links?: LinkWitness
}

const RETRY: BackoffLimits = { minMs: 50, maxMs: 500 }
const TIDY_MS = 1_000
/** How often a node that has refused our password from the start is asked whether it takes it now. */
const LOGIN_MS = 1_000

type Told = Extract<Observation, { readonly kind: 'probed' | 'warm' | 'cold' }>

export class Prober {
  readonly #options: ProberOptions
  readonly #rights: MissingRights
  readonly #tell: (told: Told) => void
  readonly #probes = new Map<string, Probe>()
  readonly #closing = new Closing()
  /** By node and cause: each is logged once. */
  readonly #logged = new Set<string>()
  /** The replica under promotion, and until when that is worth a dial. */
  #expected: { readonly address: Address; readonly until: number } | null = null
  #warming: NodeJS.Timeout | null = null
  /** The node that was served last. */
  #kept = ''
  #tidying: NodeJS.Timeout | null = null
  #signingIn: NodeJS.Timeout | null = null
  #isStopped = false

  constructor(options: ProberOptions, rights: MissingRights, tell: (told: Told) => void) {
    this.#options = options
    this.#rights = rights
    this.#tell = tell
  }

  /** Asks the node once, and tells its answer. `unlike`: the run id of the master that it replaces. */
  ask(address: Address, startedAt: number, unlike: string | null = null): void {
    this.#ask(address, startedAt, unlike).catch(error => {
      this.#options.log.error(
        { event: 'probe.broken', err: error },
        'an error in Holdfast: the node is asked again; please report this line',
      )
      // Without an answer to its question the gate would stay as it is for good.
      const result = { kind: 'unreachable', why: 'an error in Holdfast' } as const
      const retryAt = performance.now() + RETRY.maxMs
      this.#tell({ kind: 'probed', address, startedAt, result, links: 'none', retryAt })
    })
  }

  /** This node will probably be asked in about a second: has a connection ready by then. */
  expect(address: Address): void {
    const isNews = this.#expected === null || !sameAddress(this.#expected.address, address)
    this.#expected = { address, until: performance.now() + promotionDial.forMs }
    if (isNews) this.#warmLater(promotionDial.afterMs())
  }

  #warmLater(ms: number): void {
    if (this.#warming !== null) clearTimeout(this.#warming)
    this.#warming = setTimeout(() => {
      this.#warming = null
      if (this.#expected === null || performance.now() > this.#expected.until) return
      const { address } = this.#expected
      const isExpected = (): boolean => this.#expected !== null && sameAddress(this.#expected.address, address)
      this.#probeOf(address).warm({
        onReady: () => {
          if (isExpected()) this.#tell({ kind: 'warm', address })
        },
        onEnd: () => {
          if (!isExpected()) return
          this.#tell({ kind: 'cold', address })
          this.#warmLater(promotionDial.againMs())
        },
      })
    }, ms)
  }

  #stopWarming(): void {
    this.#expected = null
    if (this.#warming !== null) clearTimeout(this.#warming)
    this.#warming = null
  }

  /** This node is the master: closes the probes of all others, a moment later. The links to it come first. */
  keepOnly(address: Address): void {
    this.#stopWarming()
    this.#kept = formatAddress(address)
    this.#tidying ??= setTimeout(() => {
      this.#tidying = null
      for (const [key, probe] of this.#probes) {
        if (key === this.#kept || probe.isAsked) continue
        this.#probes.delete(key)
        this.#closing.add(probe.close())
      }
    }, TIDY_MS)
  }

  /** Resolves when every connection is closed. */
  async stop(): Promise<void> {
    this.#stopWarming()
    if (this.#tidying !== null) clearTimeout(this.#tidying)
    if (this.#signingIn !== null) clearTimeout(this.#signingIn)
    this.#isStopped = true
    for (const probe of this.#probes.values()) this.#closing.add(probe.close())
    await this.#closing.all()
  }

  #probeOf(address: Address): Probe {
    const key = formatAddress(address)
    const probe = this.#probes.get(key) ?? new Probe(address, this.#options)
    this.#probes.set(key, probe)
    return probe
  }

  async #ask(address: Address, startedAt: number, unlike: string | null): Promise<void> {
    const probe = this.#probeOf(address)
    const { redisLogin, links } = this.#options
    const heardBefore = links?.bytesIn() ?? 0
    const { result, refusedAuth, missing = [] } = await probe.ask(unlike)
    const isHeard = (links?.bytesIn() ?? 0) > heardBefore
    const sign: LinkSign = links?.isUpTo(address) ? (isHeard ? 'heard' : 'up') : 'none'
    const about = { node: formatAddress(address), user: redisLogin.username }
    for (const one of missing) this.#rights.logMissing(one, about)
    this.#logRefusal(probe, result, refusedAuth)
    if (redisLogin.password.isRefused) this.#signInLater()
    const waits = result.kind !== 'master' && result.kind !== 'untold'
    const retryAt = performance.now() + (waits ? backoffMs(Math.max(1, probe.failures), RETRY) : 0)
    this.#tell({ kind: 'probed', address, startedAt, result, links: sign, retryAt })
  }

  /**
   * A node that does not let us in is served by the word of the majority, and then nothing makes us ask it again. Whoever
   * waits for a password that is right (/startup) hears of it by this.
   */
  #signInLater(): void {
    if (this.#isStopped) return
    this.#signingIn ??= setTimeout(() => {
      this.#signingIn = null
      const probe = this.#probes.get(this.#kept)
      const asked = probe && !probe.isAsked ? probe.ask() : Promise.resolve()
      void asked.then(() => {
        if (this.#options.redisLogin.password.isRefused) this.#signInLater()
      })
    }, LOGIN_MS)
  }

  #logRefusal(probe: Probe, result: ProbeResult, refusedAuth: string | null): void {
    const { redisLogin, redisRoutes } = this.#options
    const node = formatAddress(probe.address)
    if (refusedAuth !== null) {
      // With a file both passwords are tried, so a rotation under way ends this.
      const level = redisLogin.password.file === null ? 'error' : 'warn'
      this.#logOnce(level, node, refusedAuth, nodePasswordRemedy(node, redisLogin.username))
    } else if (result.kind === 'unreachable') {
      // Wrong TLS stays wrong until a person mends it; a connection that ends at once only hints at it.
      const remedy = tlsRemedy(result.why, 'redis')
      const hint = !probe.answered && probe.failures > 2 ? tlsHint(result.why, redisRoutes) : null
      if (remedy !== null) this.#logOnce('error', node, result.why, remedy)
      else if (hint !== null) this.#logOnce('warn', node, result.why, hint)
    } else if (result.kind === 'replaced') {
      this.#logOnce('warn', node, 'its address leads to the master that it replaces', replacedRemedy(node))
    } else if (result.kind === 'untold' && (knowsNoAuth(result.why) || missingOf('role', result.why) === null)) {
      this.#logOnce('warn', node, result.why, roleRemedy(result.why))
    }
  }

  #logOnce(level: 'warn' | 'error', node: string, cause: string, text: string): void {
    const key = `${node} ${cause}`
    if (this.#logged.has(key)) return
    this.#logged.add(key)
    this.#options.log[level]({ event: 'master.probe_refused', node, cause }, text)
  }
}

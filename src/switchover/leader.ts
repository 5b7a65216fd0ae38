// leader.ts: whether the Sentinel that was asked may still make somebody the master.
//
// Only the Sentinel that leads a failover carries it out (sentinel.c, sentinelFailoverStateMachine), and it keeps what it
// is about in memory alone. When its process has ended before a replica was promoted, nobody will promote one.
import type { Target } from '../check/ask.ts'
import { readFields } from '../sentinel/sentinel-view.ts'
import { openServer } from './server.ts'
import type { Servers } from './servers.ts'
import type { NodeSight } from './sight.ts'
import { textOf } from './trouble.ts'

/** What a Sentinel had sent before it died has arrived by then, and shows. */
const ARRIVED_MS = 200

export class Leader {
  readonly #target: Target
  readonly #masterName: string
  #goneSince: number | null = null

  constructor(target: Target, masterName: string) {
    this.#target = target
    this.#masterName = masterName
  }

  /** Its process has ended, and none of these has been promoted. Asked again and again; never throws. */
  async hasDied(servers: Servers, candidates: readonly NodeSight[]): Promise<boolean> {
    const hasGone = (await this.#isGone()) && (await areReplicas(servers, candidates))
    const now = performance.now()
    if (!hasGone) this.#goneSince = null
    else this.#goneSince ??= now
    return this.#goneSince !== null && now - this.#goneSince >= ARRIVED_MS
  }

  /** Its host refuses connections; or it was started again, and knows of no failover. */
  async #isGone(): Promise<boolean> {
    try {
      const server = await openServer(this.#target)
      try {
        const flags = readFields(await server.ask('SENTINEL', 'MASTER', this.#masterName))?.get('flags')
        return flags !== undefined && !flags.split(',').includes('failover_in_progress')
      } finally {
        await server.close()
      }
    } catch (error) {
      return textOf(error).includes('ECONNREFUSED')
    }
  }
}

async function areReplicas(servers: Servers, nodes: readonly NodeSight[]): Promise<boolean> {
  const states = await Promise.all(nodes.map(node => servers.replicationOf(node).catch(() => null)))
  return states.every(state => state?.role === 'replica')
}

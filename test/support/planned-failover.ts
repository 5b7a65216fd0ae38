// planned-failover.ts: SENTINEL FAILOVER, and that the Sentinel that has accepted it does it: one that this machine kept
// from running for seconds gives it up.
//
// Owns: who was asked last, for which master. Never: waits; who waits for the new master asks here now and then.
import { ask, RespError } from './resp-client.ts'
import type { Node } from './servers.ts'
import { fieldsOf, tiltOf } from './set-health.ts'

export class PlannedFailover {
  readonly #masterName: string
  #asked: { readonly leader: Node; readonly port: number } | null = null

  constructor(masterName: string) {
    this.#masterName = masterName
  }

  /** @throws Error with the words of the Sentinel that refuses. */
  async begin(leader: Node): Promise<true> {
    const { port } = await this.#seenBy(leader)
    const reply = await this.#tell(leader, 'FAILOVER')
    if (reply !== 'OK') throw new Error(reply instanceof RespError ? reply.message : String(reply))
    this.#asked = { leader, port }
    return true
  }

  /** Asks again where `old` is still the master and its failover is not under way any more. */
  async goOn(old: Node): Promise<void> {
    const asked = this.#asked
    if (asked?.port !== old.port || (await tiltOf([asked.leader])) !== null) return
    const { port, isUnderWay } = await this.#seenBy(asked.leader)
    if (port !== old.port) this.forget()
    else if (!isUnderWay) await this.#tell(asked.leader, 'FAILOVER')
  }

  /** It is done, or something else is done to the set. */
  forget(): void {
    this.#asked = null
  }

  async #seenBy(sentinel: Node): Promise<{ readonly port: number; readonly isUnderWay: boolean }> {
    const seen = fieldsOf(await this.#tell(sentinel, 'MASTER'))
    return { port: Number(seen.get('port')), isUnderWay: seen.get('flags')?.includes('failover_in_progress') === true }
  }

  #tell(sentinel: Node, what: 'FAILOVER' | 'MASTER') {
    return ask(sentinel, ['SENTINEL', what, this.#masterName], { timeoutMs: 1000, password: sentinel.password })
  }
}

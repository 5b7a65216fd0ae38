// sentinel-pool.ts: keeps one connection to each Sentinel, for all masters that it is asked about.
//
//   members.ts of a master ──attach──▶ MasterAsker ─┐
//   members.ts of another ───attach──▶ MasterAsker ─┴─▶ one SentinelConnection for each address
//
// Owns: the connections. One ends with the last master that asks over it. Never: decides whom to ask.
import { type Address, formatAddress } from '../address.ts'
import { SentinelConnection, type SentinelOptions } from './connection.ts'
import { MasterAsker, type MasterAskerListener, type MasterAskerOptions } from './master-asker.ts'

/** One per process. */
export class SentinelPool {
  readonly #options: SentinelOptions
  /** By the address in --sentinels or in a list. */
  readonly #connections = new Map<string, SentinelConnection>()

  constructor(options: SentinelOptions) {
    this.#options = options
  }

  /** Connects, where nobody has yet. The asker hears nothing before its start(). */
  attach(address: Address, options: MasterAskerOptions, listener: MasterAskerListener): MasterAsker {
    const key = formatAddress(address)
    let connection = this.#connections.get(key)
    if (connection === undefined) {
      connection = new SentinelConnection(address, this.#options, () => this.#connections.delete(key))
      this.#connections.set(key, connection)
    }
    return new MasterAsker(connection, options, listener)
  }

  /** The password has changed. */
  signIn(): void {
    for (const connection of this.#connections.values()) connection.signIn()
  }
}

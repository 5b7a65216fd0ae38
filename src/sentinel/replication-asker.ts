// replication-asker.ts: asks one data node for its place in the replication, on a connection of its own that is kept.
//
// It differs from probe.ts in what it asks, and in how often: some times a second at most, while sessions read from
// replicas.
// Never: decides anything, or when to ask again.
import type { Redis } from 'ioredis'
import { type Address, formatAddress } from '../address.ts'
import type { MissingRights } from '../ops/missing-rights.ts'
import { missingOf } from '../ops/missing-rights.ts'
import type { Login } from '../transport/password.ts'
import type { ServerRoutes } from '../transport/server-route.ts'
import { reasonOf } from './ioredis-client.ts'
import { askSignedIn, isConnected, NodeConnection, type NodeTimeouts, within } from './node-connection.ts'
import { type NodeAnswer, readReport } from './replication-report.ts'

export interface ReplicationAskerOptions extends NodeTimeouts {
  readonly login: Login
  readonly routes: ServerRoutes
  readonly rights: MissingRights
}

const QUESTIONS = [
  ['INFO', 'replication'],
  ['INFO', 'server'],
  ['PING'],
  // For people who read CLIENT LIST; the answer does not matter.
  ['CLIENT', 'SETNAME', 'holdfast-replicas'],
] as const

export class ReplicationAsker {
  readonly address: Address
  readonly #options: ReplicationAskerOptions
  readonly #connection: NodeConnection
  #closed = false

  constructor(address: Address, options: ReplicationAskerOptions) {
    this.address = address
    this.#options = options
    this.#connection = new NodeConnection(address, options.routes, options)
  }

  /** What the node says. Takes no longer than an answer may, and a connection where it dials. Never rejects. */
  async ask(): Promise<NodeAnswer> {
    if (this.#closed) return silent('nobody asks any more')
    const { limitMs } = this.#connection
    const client = this.#connection.open()
    const late = (): NodeAnswer => silent(`no answer within ${limitMs} ms`)
    const answer = await within(limitMs, this.#question(client), late)
    if (answer.kind === 'silent') await this.#connection.drop(client)
    return answer
  }

  /** The next question goes over a new connection. Only while none is under way. */
  async dialAnew(): Promise<void> {
    await this.#connection.drop()
  }

  /** Ends the connection for good; a question under way answers `silent`. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#connection.drop()
  }

  async #question(client: Redis): Promise<NodeAnswer> {
    try {
      if (!(await isConnected(client))) return silent(this.#connection.lastError)
      const { login, rights } = this.#options
      const { refused, replies } = await askSignedIn(client, login, QUESTIONS)
      if (refused !== null) return { kind: 'refused', why: refused }
      const answer = readReport(replies)
      const missing = answer.kind === 'refused' ? missingOf('info|replication', answer.why) : null
      if (missing) rights.logMissing(missing, { node: formatAddress(this.address), user: login.username })
      return answer
    } catch (error) {
      return silent(reasonOf(error))
    }
  }
}

function silent(why: string): NodeAnswer {
  return { kind: 'silent', why }
}

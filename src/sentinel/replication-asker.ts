// replication-asker.ts: asks one data node for its place in the replication, on a connection of its own that is kept.
//
// Like probe.ts it speaks RESP2 and signs in in the same write as the questions. It differs in what it asks, and in how
// often: some times a second at most, while sessions read from replicas.
// Never: decides anything, or when to ask again.
import type { Redis } from 'ioredis'
import { type Address, formatAddress } from '../address.ts'
import type { MissingRights } from '../ops/missing-rights.ts'
import { isNoPerm } from '../ops/missing-rights.ts'
import type { Login } from '../transport/password.ts'
import type { ServerRoutes } from '../transport/server-route.ts'
import { closeClient, createClient, reasonOf } from './ioredis-client.ts'
import { type NodeAnswer, readReport } from './replication-report.ts'
import type { Reply } from './sentinel-view.ts'

export interface ReplicationAskerOptions {
  readonly login: Login
  readonly routes: ServerRoutes
  readonly rights: MissingRights
  /** How long a node may take to accept a connection, TLS included, and to answer. */
  readonly connectTimeoutMs: number
  readonly answerTimeoutMs: number
}

/** Our own timer must end before those of ioredis. */
const SLACK_MS = 1_000

export class ReplicationAsker {
  readonly address: Address
  readonly #options: ReplicationAskerOptions
  #client: Redis | null = null
  #lastError = 'the connection was closed'
  #closed = false

  constructor(address: Address, options: ReplicationAskerOptions) {
    this.address = address
    this.#options = options
  }

  /** What the node says. Takes no longer than an answer may, and a connection where it dials. Never rejects. */
  async ask(): Promise<NodeAnswer> {
    if (this.#closed) return silent('nobody asks any more')
    const { answerTimeoutMs } = this.#options
    const isKept = this.#client?.status === 'ready'
    const client = this.#client ?? this.#dial()
    const limitMs = isKept ? answerTimeoutMs : this.#limitMs
    const { promise: late, resolve } = Promise.withResolvers<NodeAnswer>()
    // Timers come first in a turn: where this process itself was late, it reads the answer in the socket before.
    const giveUp = (): void => resolve(silent(`no answer within ${limitMs} ms`))
    const timer = setTimeout(() => setImmediate(giveUp), limitMs)
    const answer = await Promise.race([late, this.#question(client)])
    clearTimeout(timer)
    if (answer.kind === 'silent') await this.#drop(client)
    return answer
  }

  /** Ends the connection for good; a question under way answers `silent`. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#client !== null) await this.#drop(this.#client)
  }

  get #limitMs(): number {
    return this.#options.connectTimeoutMs + this.#options.answerTimeoutMs
  }

  #dial(): Redis {
    const { routes, connectTimeoutMs } = this.#options
    this.#lastError = 'the connection was closed'
    const client = createClient(
      {
        route: routes.route(this.address),
        protocol: 2,
        connectTimeoutMs,
        commandTimeoutMs: this.#limitMs + SLACK_MS,
      },
      error => {
        this.#lastError = reasonOf(error)
      },
    )
    client.once('end', () => {
      if (this.#client === client) this.#client = null
    })
    client.connect().catch(() => undefined)
    this.#client = client
    return client
  }

  async #drop(client: Redis): Promise<void> {
    if (this.#client === client) this.#client = null
    await closeClient(client)
  }

  async #question(client: Redis): Promise<NodeAnswer> {
    try {
      if (client.status !== 'ready' && !(await isReady(client))) return silent(this.#lastError)
      const { login, rights } = this.#options
      const password = login.password.current
      const questions = client.pipeline()
      if (password !== null) questions.call('AUTH', login.username ?? 'default', password)
      questions.call('INFO', 'replication').call('INFO', 'server').call('PING')
      questions.call('CLIENT', 'SETNAME', 'holdfast-replicas')
      const replies: Reply[] = (await questions.exec()) ?? []
      const auth = password === null ? undefined : replies.shift()
      const refusal = auth?.[0] && /WRONGPASS|invalid password/i.test(auth[0].message) ? auth[0].message : null
      if (refusal !== null) {
        login.password.refused(password)
        return { kind: 'refused', why: refusal }
      }
      const answer = readReport(replies)
      if (answer.kind === 'refused' && isNoPerm(answer.why))
        rights.logMissing('info|replication', { node: formatAddress(this.address), user: login.username })
      return answer
    } catch (error) {
      return silent(reasonOf(error))
    }
  }
}

function silent(why: string): NodeAnswer {
  return { kind: 'silent', why }
}

function isReady(client: Redis): Promise<boolean> {
  return new Promise(resolve => {
    client.once('ready', () => resolve(true))
    client.once('end', () => resolve(false))
  })
}

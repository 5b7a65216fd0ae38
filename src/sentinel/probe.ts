// probe.ts: asks one data node what it is: ROLE, PING and INFO server, on a connection of its own (node-connection.ts).
// Never: decides anything, or when to ask again.
import type { Redis } from 'ioredis'
import type { Address } from '../address.ts'
import { type Missing, missingOf } from '../ops/missing-rights.ts'
import type { Login } from '../transport/password.ts'
import { peerOf } from '../transport/peer.ts'
import type { ServerRoutes } from '../transport/server-route.ts'
import { tlsRemedy } from '../transport/tls-trouble.ts'
import { inHandshake, noHandshake, reasonOf } from './ioredis-client.ts'
import { askSignedIn, isConnected, NodeConnection, type NodeTimeouts, refusalOf, within } from './node-connection.ts'
import { knowsNoAuth } from './remedies.ts'
import type { Reply } from './sentinel-view.ts'
import type { ProbeResult } from './topology-state.ts'

export interface ProbeAnswer {
  readonly result: ProbeResult
  /** The words in which the node refused our credentials; null where it did not, or we have none. */
  readonly refusedAuth: string | null
  /** Our questions that our user may not put, or the node does not know. */
  readonly missing?: readonly Missing[]
}

export interface ProbeOptions extends NodeTimeouts {
  /** Without a password: where the node refuses to answer then, the word of the majority decides. */
  readonly redisLogin: Login
  readonly redisRoutes: ServerRoutes
}

const QUESTIONS = [['ROLE'], ['PING'], ['INFO', 'server']] as const
/**
 * A node that says for so long that it cannot serve is dialled anew: its name, or a load balancer, may lead to another one
 * by now, and the connection to the old one lasts. Longer than a promotion takes, whose connection is made ahead.
 */
const DIAL_ANEW_MS = 3_000
/** For people who read CLIENT LIST; the answer does not matter. */
const NAME = ['CLIENT', 'SETNAME', 'holdfast-watcher'] as const

export class Probe {
  readonly address: Address
  readonly #options: ProbeOptions
  readonly #connection: NodeConnection
  /** The client that has its name. */
  #named: Redis | null = null
  #closed = false
  /** Since when the node says over this connection that it cannot serve; null: it does not. */
  #unfitSince: number | null = null
  /** Questions in a row without an answer. */
  failures = 0
  /** The node has answered once. */
  answered = false
  /** A question is under way. */
  isAsked = false

  constructor(address: Address, options: ProbeOptions) {
    this.address = address
    this.#options = options
    this.#connection = new NodeConnection(address, options.redisRoutes, options)
  }

  /** Makes sure a connection is open or being opened. `onEnd`: it is no more, or never was. */
  warm({ onReady, onEnd }: { onReady: () => void; onEnd: () => void }): void {
    if (this.#closed) return
    const client = this.#connection.open()
    client.once('end', onEnd)
    if (client.status === 'ready') onReady()
    else client.once('ready', onReady)
  }

  /**
   * What the node is. Takes no longer than an answer may, and a connection where it dials. Never rejects. `unlike`: the
   * run id of the master that it replaces: who gives that one is another server, and the next question is dialled anew.
   */
  async ask(unlike: string | null = null): Promise<ProbeAnswer> {
    if (this.#closed) return unreachable('the probe is closed')
    const { limitMs } = this.#connection
    this.isAsked = true
    const answer = asReplacing(unlike, await within(limitMs, this.#converse(limitMs), () => this.#giveUp(limitMs)))
    this.isAsked = false
    const { kind } = answer.result
    if (kind === 'replaced') this.#connection.drop().catch(() => undefined)
    this.failures = kind === 'unreachable' || kind === 'replaced' ? this.failures + 1 : 0
    this.answered ||= this.failures === 0
    this.#dropWhereUnfit(answer.result)
    return answer
  }

  #dropWhereUnfit({ kind }: ProbeResult): void {
    const now = performance.now()
    this.#unfitSince = kind === 'replica' || kind === 'loading' ? (this.#unfitSince ?? now) : null
    if (this.#unfitSince === null || now - this.#unfitSince < DIAL_ANEW_MS) return
    this.#unfitSince = null
    this.#connection.drop().catch(() => undefined)
  }

  /** Ends the connection for good; a question under way answers `unreachable`. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#connection.drop()
  }

  #giveUp(limitMs: number): ProbeAnswer {
    const { client } = this.#connection
    const isSilent = client !== null && inHandshake(client)
    this.#connection.drop().catch(() => undefined)
    return unreachable(isSilent ? noHandshake(limitMs) : `no answer within ${limitMs} ms`, 'late')
  }

  /** A kept connection may have died unnoticed: that says nothing of the node, so the probe dials anew. */
  async #converse(limitMs: number): Promise<ProbeAnswer> {
    const startedAt = performance.now()
    const kept = this.#connection.isReady ? this.#connection.client : null
    const answer = kept ? await this.#question(kept) : null
    const late = performance.now() - startedAt >= limitMs
    if (answer && (answer.result.kind !== 'unreachable' || late || this.#closed)) return answer
    return this.#question(this.#connection.open())
  }

  async #question(client: Redis): Promise<ProbeAnswer> {
    try {
      if (!(await isConnected(client))) return unreachable(this.#connection.lastError)
      const questions = this.#named === client ? QUESTIONS : [...QUESTIONS, NAME]
      this.#named = client
      const { auth, replies } = await askSignedIn(client, this.#options.redisLogin, questions)
      const answer = { ...standingAt(client, readProbe(replies, auth)), missing: missingQuestions(replies) }
      // A full or protected node closes the connection after its refusal: the next question needs a new one.
      if (answer.result.kind === 'unreachable' && this.#connection.client === client) await this.#connection.drop()
      return answer
    } catch (error) {
      const { lastError } = this.#connection
      return unreachable(tlsRemedy(lastError, 'redis') === null ? reasonOf(error) : lastError)
    }
  }
}

/** What the replies to ROLE, PING, INFO server and, where it was sent, AUTH say. Pure. */
export function readProbe(replies: readonly Reply[], auth?: Reply): ProbeAnswer {
  const [role, ping, info] = replies
  const refusedAuth = refusalOf(auth)
  const said = (result: ProbeResult): ProbeAnswer => ({ result, refusedAuth })
  for (const reply of [auth, role, ping]) {
    const error = reply?.[0]
    if (!error) continue
    if (!isAnswer(error)) return said({ kind: 'unreachable', why: reasonOf(error) })
    const why = reasonOf(error)
    if (/max number of clients|^-?DENIED/i.test(why)) return said({ kind: 'unreachable', why, sign: 'turned-away' })
  }
  if (!role || !ping) return said({ kind: 'unreachable', why: 'no answer' })
  if (role[0]?.message.startsWith('LOADING') || ping[0]?.message.startsWith('LOADING')) return said({ kind: 'loading' })
  const login = auth?.[0] ? reasonOf(auth[0]) : ''
  if (role[0]) return said({ kind: 'untold', why: knowsNoAuth(login) ? login : reasonOf(role[0]) })
  const kind: unknown = Array.isArray(role[1]) ? role[1][0] : role[1]
  if (kind === 'slave' || kind === 'replica') {
    const [, host, port]: unknown[] = Array.isArray(role[1]) ? role[1] : []
    return said({ kind: 'replica', of: { host: String(host), port: Number(port) } })
  }
  if (kind !== 'master') return said({ kind: 'unreachable', why: `it says its role is ${String(kind)}` })
  return said({ kind: 'master', runId: /^run_id:(\w+)/m.exec(String(info?.[1] ?? ''))?.[1] ?? null })
}

function asReplacing(unlike: string | null, answer: ProbeAnswer): ProbeAnswer {
  const { result } = answer
  if (unlike === null || result.kind !== 'master' || result.runId !== unlike) return answer
  return { ...answer, result: { kind: 'replaced' } }
}

function standingAt(client: Redis, answer: ProbeAnswer): ProbeAnswer {
  const at = client.stream ? peerOf(client.stream) : null
  if (at === null || answer.result.kind !== 'master') return answer
  return { ...answer, result: { ...answer.result, at } }
}

/** Which of ROLE, PING and INFO cannot be asked here. Pure. */
function missingQuestions(replies: readonly Reply[]): Missing[] {
  const asked = ['role', 'ping', 'info'] as const
  return asked.flatMap((right, i) => missingOf(right, replies[i]?.[0]?.message ?? '') ?? [])
}

/** Whether the error is the server's; what ioredis says of the connection has another name. */
function isAnswer(error: Error): boolean {
  return error.name === 'ReplyError'
}

function unreachable(why: string, sign?: 'late'): ProbeAnswer {
  return { result: { kind: 'unreachable', why, ...(sign && { sign }) }, refusedAuth: null }
}

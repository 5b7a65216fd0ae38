// probe.ts: asks one data node what it is: ROLE, PING and INFO server on a connection of its own, kept for next time.
//
// It speaks RESP2 and sends AUTH itself, ahead of the questions and in the same write: one round trip, and a refused
// password is an answer with a text. With the login of ioredis it would be only a lost connection.
// Never: decides anything, or when to ask again.
import type { Redis } from 'ioredis'
import type { Address } from '../address.ts'
import { isNoPerm, type Right } from '../ops/missing-rights.ts'
import type { Login } from '../transport/password.ts'
import type { ServerRoutes } from '../transport/server-route.ts'
import { tlsRemedy } from '../transport/tls-trouble.ts'
import { closeClient, createClient, inHandshake, noHandshake, reasonOf } from './ioredis-client.ts'
import type { Reply } from './sentinel-view.ts'
import type { ProbeResult } from './topology-state.ts'

export interface ProbeAnswer {
  readonly result: ProbeResult
  /** The words in which the node refused our credentials; null where it did not, or we have none. */
  readonly refusedAuth: string | null
  /** The rights for our questions that our user lacks. */
  readonly missing?: readonly Right[]
}

export interface ProbeOptions {
  /** Without a password: where the node refuses to answer then, the word of the majority decides. */
  readonly redisLogin: Login
  readonly redisRoutes: ServerRoutes
  /** How long a node may take to accept a connection, TLS included, and to answer. */
  readonly connectTimeoutMs: number
  readonly answerTimeoutMs: number
}

/** Our own timer must end before those of ioredis. */
const SLACK_MS = 1_000

export class Probe {
  readonly address: Address
  readonly #options: ProbeOptions
  #client: Redis | null = null
  #named = false
  #closed = false
  #lastError = 'the connection was closed'
  /** Questions in a row without an answer. */
  failures = 0
  /** The node has answered once. */
  answered = false
  /** A question is under way. */
  isAsked = false

  constructor(address: Address, options: ProbeOptions) {
    this.address = address
    this.#options = options
  }

  /** Makes sure a connection is open or being opened. `onEnd`: it is no more, or never was. */
  warm({ onReady, onEnd }: { onReady: () => void; onEnd: () => void }): void {
    if (this.#closed) return
    const client = this.#client ?? this.#dial()
    client.once('end', onEnd)
    if (client.status === 'ready') onReady()
    else client.once('ready', onReady)
  }

  /** What the node is. Takes no longer than an answer may, and a connection where it dials. Never rejects. */
  async ask(): Promise<ProbeAnswer> {
    if (this.#closed) return unreachable('the probe is closed')
    const { promise: late, resolve } = Promise.withResolvers<ProbeAnswer>()
    const limitMs = this.#client?.status === 'ready' ? this.#options.answerTimeoutMs : this.#limitMs
    let isOver = false
    this.isAsked = true
    const giveUp = (): void => {
      if (isOver) return
      const silent = this.#client !== null && inHandshake(this.#client)
      this.#drop().catch(() => undefined)
      resolve(unreachable(silent ? noHandshake(limitMs) : `no answer within ${limitMs} ms`, 'late'))
    }
    // Timers come first in a turn: where this process itself was late, it reads the answer in the socket before.
    const timer = setTimeout(() => setImmediate(giveUp), limitMs)
    const answer = await Promise.race([late, this.#converse(limitMs)])
    isOver = true
    this.isAsked = false
    clearTimeout(timer)
    this.failures = answer.result.kind === 'unreachable' ? this.failures + 1 : 0
    this.answered ||= this.failures === 0
    return answer
  }

  /** Ends the connection for good; a question under way answers `unreachable`. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#drop()
  }

  #dial(): Redis {
    this.#named = false
    this.#lastError = 'the connection was closed'
    const client = createClient(
      {
        route: this.#options.redisRoutes.route(this.address),
        protocol: 2,
        connectTimeoutMs: this.#options.connectTimeoutMs,
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

  get #limitMs(): number {
    return this.#options.connectTimeoutMs + this.#options.answerTimeoutMs
  }

  async #drop(): Promise<void> {
    const client = this.#client
    this.#client = null
    if (client) await closeClient(client)
  }

  /** A kept connection may have died unnoticed: that says nothing of the node, so the probe dials anew. */
  async #converse(limitMs: number): Promise<ProbeAnswer> {
    const startedAt = performance.now()
    const kept = this.#client?.status === 'ready' ? this.#client : null
    const answer = kept ? await this.#question(kept) : null
    const late = performance.now() - startedAt >= limitMs
    if (answer && (answer.result.kind !== 'unreachable' || late || this.#closed)) return answer
    return this.#question(this.#client ?? this.#dial())
  }

  async #question(client: Redis): Promise<ProbeAnswer> {
    try {
      if (client.status !== 'ready' && !(await isReady(client))) return unreachable(this.#lastError)
      const { username, password: passwords } = this.#options.redisLogin
      const password = passwords.current
      const questions = client.pipeline()
      if (password !== null) questions.call('AUTH', username ?? 'default', password)
      questions.call('ROLE').call('PING').call('INFO', 'server')
      // For people who read CLIENT LIST; the answer does not matter.
      if (!this.#named) questions.call('CLIENT', 'SETNAME', 'holdfast-watcher')
      this.#named = true
      const replies: Reply[] = (await questions.exec()) ?? []
      const auth = password === null ? undefined : replies.shift()
      const answer = { ...readProbe(replies, auth), missing: missingRights(replies) }
      if (answer.refusedAuth !== null) passwords.refused(password)
      // A full or protected node closes the connection after its refusal: the next question needs a new one.
      if (answer.result.kind === 'unreachable' && this.#client === client) await this.#drop()
      return answer
    } catch (error) {
      return unreachable(tlsRemedy(this.#lastError, 'redis') === null ? reasonOf(error) : this.#lastError)
    }
  }
}

/** What the replies to ROLE, PING, INFO server and, where it was sent, AUTH say. Pure. */
export function readProbe(replies: readonly Reply[], auth?: Reply): ProbeAnswer {
  const [role, ping, info] = replies
  const refusedAuth = auth?.[0] && /WRONGPASS|invalid password/i.test(auth[0].message) ? auth[0].message : null
  const said = (result: ProbeResult): ProbeAnswer => ({ result, refusedAuth })
  for (const reply of [auth, role, ping]) {
    const error = reply?.[0]
    if (!error) continue
    if (!isAnswer(error)) return said({ kind: 'unreachable', why: error.message })
    if (/max number of clients|^-?DENIED/i.test(error.message)) {
      return said({ kind: 'unreachable', why: error.message, sign: 'turned-away' })
    }
  }
  if (!role || !ping) return said({ kind: 'unreachable', why: 'no answer' })
  if (role[0]?.message.startsWith('LOADING') || ping[0]?.message.startsWith('LOADING')) return said({ kind: 'loading' })
  if (role[0]) return said({ kind: 'untold', why: role[0].message })
  const kind: unknown = Array.isArray(role[1]) ? role[1][0] : role[1]
  if (kind === 'slave' || kind === 'replica') return said({ kind: 'replica' })
  if (kind !== 'master') return said({ kind: 'unreachable', why: `it says its role is ${String(kind)}` })
  return said({ kind: 'master', runId: /^run_id:(\w+)/m.exec(String(info?.[1] ?? ''))?.[1] ?? null })
}

/** Which of ROLE, PING and INFO our user may not send. Pure. */
function missingRights(replies: readonly Reply[]): Right[] {
  const asked = ['role', 'ping', 'info'] as const
  return asked.filter((_, i) => isNoPerm(replies[i]?.[0]?.message ?? ''))
}

/** Whether the error is the server's; what ioredis says of the connection has another name. */
function isAnswer(error: Error): boolean {
  return error.name === 'ReplyError'
}

function unreachable(why: string, sign?: 'late'): ProbeAnswer {
  return { result: { kind: 'unreachable', why, ...(sign && { sign }) }, refusedAuth: null }
}

function isReady(client: Redis): Promise<boolean> {
  return new Promise(resolve => {
    client.once('ready', () => resolve(true))
    client.once('end', () => resolve(false))
  })
}

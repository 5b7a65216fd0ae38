// node-connection.ts: our connection to one data node that we ask again and again: dialled when there is none, kept.
//
// It speaks RESP2. AUTH is no part of it: it leaves ahead of the questions and in the same write. So it costs no round
// trip, and a refused password is an answer with a text. With the login of ioredis it would be only a lost connection.
// Owns: the client of ioredis, and why the last one ended. Never: asks, or dials by itself.
import type { Redis } from 'ioredis'
import type { Address } from '../address.ts'
import type { Login } from '../transport/password.ts'
import type { ServerRoutes } from '../transport/server-route.ts'
import { closeClient, createClient, reasonOf } from './ioredis-client.ts'
import type { Reply } from './sentinel-view.ts'

export interface NodeTimeouts {
  /** How long a node may take to accept a connection, TLS included, and to answer. */
  readonly connectTimeoutMs: number
  readonly answerTimeoutMs: number
}

/** Our own timer must end before those of ioredis. */
const SLACK_MS = 1_000

export class NodeConnection {
  readonly #address: Address
  readonly #routes: ServerRoutes
  readonly #timeouts: NodeTimeouts
  #client: Redis | null = null
  /** Why the last connection was lost. */
  lastError = ''

  constructor(address: Address, routes: ServerRoutes, timeouts: NodeTimeouts) {
    this.#address = address
    this.#routes = routes
    this.#timeouts = timeouts
  }

  /** The one that is open or being opened; null: there is none. */
  get client(): Redis | null {
    return this.#client
  }

  get isReady(): boolean {
    return this.#client?.status === 'ready'
  }

  /** Milliseconds in which a question has its answer: one more wait where it has to be dialled first. */
  get limitMs(): number {
    return this.isReady ? this.#timeouts.answerTimeoutMs : this.#dialAndAnswerMs
  }

  /** The client that is there, or a new one that is being connected. */
  open(): Redis {
    return this.#client ?? this.#dial()
  }

  /** Closes this client, or the one that is there. Never rejects. */
  async drop(client: Redis | null = this.#client): Promise<void> {
    if (this.#client === client) this.#client = null
    if (client !== null) await closeClient(client)
  }

  get #dialAndAnswerMs(): number {
    return this.#timeouts.connectTimeoutMs + this.#timeouts.answerTimeoutMs
  }

  #dial(): Redis {
    this.lastError = 'the connection was closed'
    const client = createClient(
      {
        route: this.#routes.route(this.#address),
        protocol: 2,
        connectTimeoutMs: this.#timeouts.connectTimeoutMs,
        commandTimeoutMs: this.#dialAndAnswerMs + SLACK_MS,
      },
      error => {
        this.lastError = reasonOf(error)
      },
    )
    client.once('end', () => {
      if (this.#client === client) this.#client = null
    })
    client.connect().catch(() => undefined)
    this.#client = client
    return client
  }
}

/** Whether the client is connected, now or when its dial has ended. */
export function isConnected(client: Redis): Promise<boolean> {
  if (client.status === 'ready') return Promise.resolve(true)
  return new Promise(resolve => {
    client.once('ready', () => resolve(true))
    client.once('end', () => resolve(false))
  })
}

export interface SignedReplies {
  /** Of AUTH, where we have a password. */
  readonly auth: Reply | undefined
  /** The words in which the node refused it. */
  readonly refused: string | null
  readonly replies: readonly Reply[]
}

/** Sends AUTH and the questions in one write. A refused password is told to `login`. Rejects as ioredis does. */
export async function askSignedIn(
  client: Redis,
  { username, password: passwords }: Login,
  questions: readonly (readonly [string, ...string[]])[],
): Promise<SignedReplies> {
  const password = passwords.current
  const pipeline = client.pipeline()
  if (password !== null) pipeline.call('AUTH', username ?? 'default', password)
  for (const [command, ...words] of questions) pipeline.call(command, ...words)
  const replies: Reply[] = (await pipeline.exec()) ?? []
  const auth = password === null ? undefined : replies.shift()
  const refused = refusalOf(auth)
  if (refused !== null) passwords.refused(password)
  else if (auth?.[0] === null) passwords.taken()
  return { auth, refused, replies }
}

/** The words in which a node refuses a password; null where it does not. Pure. */
export function refusalOf(auth: Reply | undefined): string | null {
  const error = auth?.[0] ? reasonOf(auth[0]) : ''
  return /WRONGPASS|invalid password/i.test(error) ? error : null
}

/** `answer`, or what `late` gives when `limitMs` are over. Rejects only where `answer` does. */
export async function within<T>(limitMs: number, answer: Promise<T>, late: () => T): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>()
  let isOver = false
  // Timers come first in a turn: where this process itself was late, it reads the answer in the socket before.
  const giveUp = (): void => {
    if (!isOver) resolve(late())
  }
  const timer = setTimeout(() => setImmediate(giveUp), limitMs)
  try {
    return await Promise.race([promise, answer])
  } finally {
    isOver = true
    clearTimeout(timer)
  }
}

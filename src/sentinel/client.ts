// client.ts — how this folder uses ioredis: one client object is one connection attempt and the connection it leads to.
// ioredis's own reconnecting is off: whoever dials again makes a new client, so that nothing of a lost connection
// (subscriptions, unanswered commands, timers) can reach into its successor.
import { Redis } from 'ioredis'
import type { Address } from '../address.ts'

export interface ClientOptions {
  readonly address: Address
  /** 3: answers and publications share the connection. Older servers fall back to 2. */
  readonly protocol: 2 | 3
  readonly username: string | null
  readonly password: string | null
  readonly name: string | null
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
  /** Cut a connection that leaves a command unanswered and says nothing else for this long. */
  readonly silenceTimeoutMs: number
}

/** A peer that does not answer our FIN (a frozen process) is dropped after this. */
const disconnectTimeoutMs = 50
const closeLimitMs = 500

/** A client that is not connected yet. `onError` gets every error; without it ioredis would print to the console. */
export function createClient(options: ClientOptions, onError: (error: Error) => void): Redis {
  const { address, username, password, name } = options
  const client = new Redis({
    host: address.host,
    port: address.port,
    ...(username !== null && { username }),
    ...(password !== null && { password }),
    ...(name !== null && { connectionName: name }),
    protocol: options.protocol,
    replyMapping: 'legacy',
    lazyConnect: true,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    disableClientInfo: true,
    connectTimeout: options.connectTimeoutMs,
    commandTimeout: options.commandTimeoutMs,
    socketTimeout: options.silenceTimeoutMs,
    disconnectTimeout: disconnectTimeoutMs,
    keepAlive: 5_000,
    retryStrategy: () => null,
  })
  client.on('error', onError)
  return client
}

/** Closes the connection; resolves when its socket is gone, within half a second. Never rejects. */
export function closeClient(client: Redis): Promise<void> {
  if (client.status === 'end') return Promise.resolve()
  return new Promise(resolve => {
    const timer = setTimeout(resolve, closeLimitMs)
    client.once('end', () => {
      clearTimeout(timer)
      resolve()
    })
    client.disconnect()
  })
}

/** The text of whatever was thrown. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(reasonOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

// ioredis-client.ts: makes and closes clients of ioredis: one client is one dial and the connection that follows.
//
// ioredis does not reconnect here. Each dial makes a new client, so nothing of a lost connection (subscriptions,
// unanswered commands, timers) can reach into its successor.
import { Redis } from 'ioredis'
import { withoutArguments } from '../ops/without-arguments.ts'
import type { Secret } from '../transport/secret.ts'
import type { ServerRoute } from '../transport/server-route.ts'
import { connectorOf } from './socket-connector.ts'

export interface ClientOptions {
  readonly route: ServerRoute
  /** 3: answers and publications share the connection. Older servers fall back to 2. */
  readonly protocol: 2 | 3
  readonly username?: string | null
  readonly password?: Secret | null
  readonly name?: string
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
  /** A connection that leaves a command unanswered and sends nothing else for this long is cut; as long by default. */
  readonly silenceTimeoutMs?: number
}

/** A peer that does not answer our FIN (a frozen process) is dropped after this. */
const DISCONNECT_TIMEOUT_MS = 50
const CLOSE_LIMIT_MS = 500

/** A client that is not connected yet. `onError` gets every error, which ioredis would print to the console. */
export function createClient(options: ClientOptions, onError: (error: Error) => void): Redis {
  const { username = null, password = null, name } = options
  const { address, tls } = options.route
  // Without a name AUTH is refused where no password is needed, and ioredis tells the console. HELLO always has one.
  const user = username ?? (password !== null && options.protocol === 2 ? 'default' : null)
  const client = new Redis({
    host: address.host,
    port: address.port,
    Connector: connectorOf(options.route, { disconnectTimeoutMs: DISCONNECT_TIMEOUT_MS }),
    ...(tls !== null && { tls }),
    ...(user !== null && { username: user }),
    // ioredis sends bytes as they are (redis/event_handler.js); its types allow text alone.
    ...(password !== null && { password: password as string }),
    ...(name !== undefined && { connectionName: name }),
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
    socketTimeout: options.silenceTimeoutMs ?? options.commandTimeoutMs,
    keepAlive: 5_000,
    retryStrategy: () => null,
  })
  if (tls !== null) watchHandshake(client)
  client.on('error', error => {
    const silent = inHandshake(client) && error.message.includes('ETIMEDOUT')
    onError(silent ? new Error(noHandshake(options.connectTimeoutMs)) : error)
  })
  return client
}

/** Clients whose peer has accepted the connection and has not finished the TLS handshake. */
const handshaking = new WeakSet<Redis>()

/** ioredis reports only the end of the handshake; a timeout of it is a "connect ETIMEDOUT" like any other. */
function watchHandshake(client: Redis): void {
  client.once('connecting', () =>
    setImmediate(() => {
      const stream = client.stream
      if (stream === undefined || stream.destroyed) return
      if (!stream.connecting) handshaking.add(client)
      else stream.once('connect', () => handshaking.add(client))
      stream.once('secureConnect', () => handshaking.delete(client))
    }),
  )
}

/** Whether the peer leaves our TLS handshake unanswered. */
export function inHandshake(client: Redis): boolean {
  return handshaking.has(client)
}

export function noHandshake(ms: number): string {
  return `no TLS handshake within ${ms} ms`
}

/** Whether the connection is up as far as we know, and neither side has begun to close it. */
export function isWritable(client: Redis): boolean {
  return client.status === 'ready' && client.stream?.writable === true
}

/** Closes the connection; resolves when its socket is gone, or after half a second. Never rejects. */
export function closeClient(client: Redis): Promise<void> {
  if (client.status === 'end') return Promise.resolve()
  return new Promise(resolve => {
    const timer = setTimeout(resolve, CLOSE_LIMIT_MS)
    client.once('end', () => {
      clearTimeout(timer)
      resolve()
    })
    client.disconnect()
  })
}

/** The text of whatever was thrown. ioredis' own words become ours: people read them in the log. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(reasonOf).join('; ')
  const text = error instanceof Error ? error.message : String(error)
  return withoutArguments(text)
    .replace(/^Command timed out$/, 'no answer in time')
    .replace(/^Stream isn't writeable and enableOfflineQueue options is false$/, 'the connection is ending')
    .replace(/^Socket timeout\. Expecting data, but didn't receive any in (\d+)ms\.$/, 'it sent nothing for $1 ms')
}

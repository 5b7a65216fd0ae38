// client-libraries.ts: client libraries by their name in CLIENT SETINFO, and how long each waits for a reply.
// docs/clients.md has the same facts with their sources.

export interface Library {
  readonly name: string
  /** How long a command waits for its reply by default, ms. */
  readonly timeoutMs: number
  readonly setting: string
  /** It gives a command up and keeps the connection: the command runs later, and nobody learns of it. */
  readonly keepsSocket: boolean
}

/** A client that was told of a hold waits so long in it, by default in all libraries that ask (docs/clients.md), ms. */
export const RELAXED_MS = 10_000

interface Row extends Library {
  /** Of the name in lower case; a suffix may follow, as in `jedis(redis-om-spring_v1.0.0)`. */
  readonly prefix: string
  /** The first major version with this default; left out: all have it. */
  readonly since?: number
}

const rows: readonly Row[] = [
  { prefix: 'redisson', name: 'Redisson', timeoutMs: 3000, setting: 'timeout', keepsSocket: true },
  { prefix: 'se.redis', name: 'StackExchange.Redis', timeoutMs: 5000, setting: 'asyncTimeout', keepsSocket: true },
  { prefix: 'lettuce', name: 'Lettuce', timeoutMs: 60_000, setting: 'timeout', keepsSocket: true },
  { prefix: 'jedis', name: 'Jedis', timeoutMs: 2000, setting: 'socketTimeoutMillis', keepsSocket: false },
  { prefix: 'go-redis', name: 'go-redis', timeoutMs: 3000, setting: 'ReadTimeout', keepsSocket: false },
  { prefix: 'redis-py', name: 'redis-py', timeoutMs: 5000, setting: 'socket_timeout', keepsSocket: false, since: 8 },
]

/** Libraries that wait for ever by default, or whose default we do not know: [name, prefix]. */
const others: readonly (readonly [name: string, prefix: string])[] = [
  ['ioredis', 'ioredis'],
  ['iovalkey', 'iovalkey'],
  ['node-redis', 'node-redis'],
  ['valkey-glide', 'glide'],
  ['redis-rb', 'redis-rb'],
  ['redis-client', 'redis-client'],
  ['predis', 'predis'],
  ['phpredis', 'phpredis'],
]

/** All that labelOf answers. */
export const libraryLabels: readonly string[] = [
  ...[...rows, ...others.map(([name]) => ({ name }))].map(({ name }) => name),
  'other',
  'none',
]

/** The library's name for a metric: one of a fixed list, because clients can name themselves as they like. */
export function labelOf(libName: string): string {
  if (libName === '') return 'none'
  const named = libName.toLowerCase()
  const found = rows.find(({ prefix }) => named.startsWith(prefix))?.name
  return found ?? others.find(([, prefix]) => named.startsWith(prefix))?.[0] ?? 'other'
}

/** The library with this name and version; null where we do not know it, or it waits for ever by default. */
export function libraryOf(libName: string, libVersion: string): Library | null {
  const name = libName.toLowerCase()
  const row = rows.find(({ prefix }) => name.startsWith(prefix) && !/[a-z0-9]/.test(name.charAt(prefix.length)))
  if (row === undefined) return null
  const major = Number.parseInt(libVersion, 10)
  return row.since === undefined || major >= row.since ? row : null
}

/** What happens where a library waits less long than a hold may last. */
export function shortTimeout({ name, timeoutMs, keepsSocket }: Library, limitMs: number): string {
  const then = keepsSocket
    ? 'what it gives up stays in its connection and runs when a master is back'
    : 'it drops the connection, and what was sent may still run'
  const waits = `by default ${name} gives a command up after ${timeoutMs / 1000} s`
  return `${waits}, and one may wait ${limitMs / 1000} s here: ${then}`
}

export function timeoutRemedy({ name, setting }: Library): string {
  return `set ${setting} of ${name} above --hold-timeout, or --hold-timeout below it; see docs/clients.md`
}

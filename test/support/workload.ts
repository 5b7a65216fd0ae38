// workload.ts: clients that write at a steady rate to one port and put everything they see into a ledger.
//
// Each round of a client is one pipeline: SET of a key of its own, INCR of its counter, ECHO of a tag. The next round
// waits for all three replies, so a failover is a pause and not a growing heap. No client retries anything: what a
// connection error costs is in the ledger. After one, a client connects again, so that the load goes on.
import type { ConnectionOptions } from 'node:tls'
import { Redis } from 'ioredis'
import { type Actual, Ledger, type Operation, textOf } from './ledger.ts'
import { pause } from './pause.ts'
import { RespClient, RespError, type Value } from './resp-client.ts'
import { deadline } from './wait-until.ts'

export interface WorkloadOptions {
  readonly port: number
  readonly host?: string
  /** Plain sockets; 4 where not given. */
  readonly rawClients?: number
  /** ioredis without any Sentinel setting; 0 where not given. */
  readonly ioredisClients?: number
  /** Rounds per second of each client; 50 where not given. */
  readonly roundsPerSecond?: number
  readonly password?: string
  /** Speak TLS. */
  readonly tls?: ConnectionOptions | undefined
  /** Part of every key, so that several workloads can share a server. */
  readonly prefix?: string
  readonly ledger?: Ledger
}

export interface Workload {
  readonly ledger: Ledger
  /** No new rounds; answers when open ones have ended, at the latest after `withinMs` (30000) of a usual machine. */
  stop(options?: { readonly withinMs?: number }): Promise<void>
}

type Reply = { kind: 'ok'; value: string | number | null } | { kind: 'error' | 'lost'; message: string }

interface Driver {
  /** All in one write, replies in order; a lost connection is a reply too. */
  batch(commands: string[][]): Promise<Reply[]>
  isOpen(): boolean
  readonly close: () => void
}

const redialMs = 50

/** Starts at once; the clients connect by themselves and record it where they cannot. */
export function startWorkload(options: WorkloadOptions): Workload {
  const ledger = options.ledger ?? new Ledger()
  const names = [
    ...Array.from({ length: options.rawClients ?? 4 }, (_, i) => `raw-${i + 1}`),
    ...Array.from({ length: options.ioredisClients ?? 0 }, (_, i) => `ioredis-${i + 1}`),
  ]
  const stopping = new AbortController()
  const run: Run = { options, ledger, closers: new Set(), signal: stopping.signal, over: false }
  const loops = names.map(name => runClient(name, run))
  return {
    ledger,
    stop: async ({ withinMs = 30_000 } = {}) => {
      stopping.abort()
      let end = (): void => {}
      const isLate = new Promise<void>(resolve => {
        end = deadline(withinMs, resolve)
      })
      await Promise.race([Promise.all(loops), isLate])
      end()
      // What is still open now stays 'pending' in the ledger: it must not turn into a lost connection of our own
      // making.
      run.over = true
      for (const close of run.closers) close()
      await Promise.all(loops)
    },
  }
}

interface Run {
  readonly options: WorkloadOptions
  readonly ledger: Ledger
  /** One for each socket that is open or being opened. */
  readonly closers: Set<() => void>
  readonly signal: AbortSignal
  /** From here on nothing is recorded. */
  over: boolean
}

async function runClient(name: string, run: Run): Promise<void> {
  const { options, ledger, signal } = run
  const prefix = options.prefix ?? 'w'
  const periodMs = 1000 / (options.roundsPerSecond ?? 50)
  let driver: Driver | null = null
  let next = performance.now()
  let told = false
  for (let n = 1; !signal.aborted; n++) {
    if (driver === null || !driver.isOpen()) {
      if (driver !== null) {
        run.closers.delete(driver.close)
        // A connection that ends between two rounds is as lost as one that ends within a round.
        if (!told && !run.over) ledger.connectionError(name, 'the connection ended between two rounds')
      }
      driver = await dial(name, run)
      if (driver === null) continue
    }
    const tag = `${prefix}:${name}:${n}`
    const operations = [
      ledger.begin(name, 'set', `key:${tag}`, `value:${tag}`),
      ledger.begin(name, 'incr', `counter:${prefix}:${name}`),
      ledger.begin(name, 'echo', '', `tag:${tag}`),
    ]
    const replies = await driver.batch([
      ['SET', `key:${tag}`, `value:${tag}`],
      ['INCR', `counter:${prefix}:${name}`],
      ['ECHO', `tag:${tag}`],
    ])
    if (!run.over) record(ledger, name, operations, replies)
    told = replies.some(reply => reply.kind === 'lost')
    // A round that was late is not made up for: the rate is an upper bound.
    next = Math.max(next + periodMs, performance.now())
    await pause(next - performance.now(), signal)
  }
  driver?.close()
}

async function dial(name: string, run: Run): Promise<Driver | null> {
  try {
    return await (name.startsWith('raw-') ? rawDriver(run) : ioredisDriver(run))
  } catch (error) {
    if (!run.over) run.ledger.connectionError(name, textOf(error))
    await pause(redialMs, run.signal)
    return null
  }
}

function record(ledger: Ledger, client: string, operations: Operation[], replies: Reply[]): void {
  let lost = ''
  operations.forEach((operation, i) => {
    const reply = replies[i] ?? { kind: 'lost', message: 'no reply' }
    if (reply.kind === 'ok') ledger.ok(operation, reply.value)
    else if (reply.kind === 'error') ledger.error(operation, reply.message)
    else {
      ledger.lost(operation, reply.message)
      lost = reply.message
    }
  })
  if (lost !== '') ledger.connectionError(client, lost)
}

async function rawDriver({ options, closers }: Run): Promise<Driver> {
  const { port, host, password, tls } = options
  const client = await RespClient.connect(port, host, { tls })
  const close = (): void => void client.socket.destroy()
  closers.add(close)
  if (password !== undefined) await client.send('AUTH', password)
  return {
    batch: async commands => {
      client.socket.cork()
      const replies = commands.map(command => client.send(...command))
      client.socket.uncork()
      const results = await Promise.allSettled(replies)
      return results.map(result =>
        result.status === 'fulfilled' ? replyOf(result.value) : { kind: 'lost', message: textOf(result.reason) },
      )
    },
    isOpen: () => client.isOpen,
    close,
  }
}

function replyOf(value: Value): Reply {
  if (value instanceof RespError) return { kind: 'error', message: value.message }
  if (value === null || typeof value === 'string' || typeof value === 'number') return { kind: 'ok', value }
  return { kind: 'error', message: `unexpected reply ${String(value)}` }
}

/** What ioredis allows by default. */
const CONNECT_MS = 10_000

async function ioredisDriver({ options, closers }: Run): Promise<Driver> {
  const { port, host = '127.0.0.1', password, tls } = options
  const redis = new Redis({
    port,
    host,
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls }),
    replyMapping: 'legacy',
    lazyConnect: true,
    // Its own is by the clock, also while the machine stands still.
    connectTimeout: 0,
    // Everything that would hide a lost connection is off.
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    reconnectOnError: null,
  })
  const close = (): void => redis.disconnect()
  closers.add(close)
  redis.on('error', () => {})
  const end = deadline(CONNECT_MS, close)
  await redis.connect().finally(end)
  return {
    batch: async commands => {
      const results = await Promise.allSettled(commands.map(([name = '', ...args]) => redis.call(name, ...args)))
      return results.map(result => {
        if (result.status === 'fulfilled') return replyOf(result.value as Value)
        const replied = result.reason instanceof Error && result.reason.name === 'ReplyError'
        return { kind: replied ? 'error' : 'lost', message: textOf(result.reason) }
      })
    },
    isOpen: () => redis.status === 'ready',
    close,
  }
}

export interface Server {
  readonly port: number
  readonly host?: string
  readonly password?: string | undefined
  readonly tls?: ConnectionOptions | undefined
}

/** What the ledger's keys hold at this server now. */
export async function readBack(ledger: Ledger, at: Server): Promise<Actual> {
  const client = await RespClient.connect(at.port, at.host, { tls: at.tls })
  const actual = new Map<string, string | null>()
  try {
    if (at.password !== undefined) await client.send('AUTH', at.password)
    const keys = ledger.keys()
    for (let i = 0; i < keys.length; i += 500) {
      const part = keys.slice(i, i + 500)
      const values = await client.send('MGET', ...part)
      if (!Array.isArray(values)) throw new Error(`MGET answered ${String(values)}`)
      part.forEach((key, n) => {
        const value = values[n] ?? null
        actual.set(key, value === null ? null : String(value))
      })
    }
  } finally {
    await client.close()
  }
  return actual
}

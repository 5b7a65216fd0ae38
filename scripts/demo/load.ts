// load.ts: the demo's clients: ordinary ioredis connections to one port, with everything off that could hide an error.
//
// Each round of a client is a SET of a key of its own and an INCR of its counter, sent together; the next round waits
// for both replies. What happens goes into a ledger; `begin` puts a new one in place, so that one failover can be
// judged by itself while the same connections go on. Never: retries a command, reconnects without counting it.
import { Redis } from 'ioredis'
import { Ledger, nowMs, type Operation, textOf } from '../../test/support/ledger.ts'
import { pause } from '../../test/support/pause.ts'

export interface LoadOptions {
  readonly port: number
  readonly clients: number
  readonly roundsPerSecond: number
}

/** Since the start. */
export interface Totals {
  answered: number
  errorReplies: number
  /** Connections refused or lost. */
  connectionErrors: number
  lastProblem: string | null
  /** The longest time one client waited between two successes. */
  longestPauseMs: number
}

export interface Load {
  readonly clients: number
  readonly totals: Readonly<Totals>
  connected(): number
  /** How many clients have had an answer to a command they sent after this moment (`nowMs`). */
  servedSince(moment: number): number
  /** For how long no client has had an answer, in milliseconds. */
  silentMs(): number
  /** Rounds from now on are recorded in this new ledger. */
  begin(): Ledger
  stop(): Promise<void>
}

interface Chapter {
  readonly number: number
  readonly ledger: Ledger
}

interface Client {
  readonly name: string
  redis: Redis | null
  /** `nowMs` of the last success, and of when that command was sent; 0 before the first. */
  answeredAt: number
  sentAt: number
}

interface Run {
  readonly options: LoadOptions
  readonly totals: Totals
  readonly stopping: AbortController
  chapter: Chapter
}

const redialMs = 100
/** Keys go by themselves, or a demo left running would fill the memory. Long enough for any check. */
const keyLifeSeconds = 600

/** Starts at once; the clients connect by themselves. */
export function startLoad(options: LoadOptions): Load {
  const totals = { answered: 0, errorReplies: 0, connectionErrors: 0, lastProblem: null, longestPauseMs: 0 }
  const run: Run = { options, totals, stopping: new AbortController(), chapter: { number: 1, ledger: new Ledger() } }
  const clients = Array.from({ length: options.clients }, (_, i): Client => {
    return { name: `client-${i + 1}`, redis: null, answeredAt: 0, sentAt: 0 }
  })
  const loops = clients.map((client, i) => runClient(client, run, i / options.clients))
  return {
    clients: clients.length,
    totals,
    connected: () => clients.filter(({ redis }) => redis?.status === 'ready').length,
    servedSince: moment => clients.filter(({ sentAt }) => sentAt > moment).length,
    silentMs: () => nowMs() - Math.max(...clients.map(({ answeredAt }) => answeredAt || nowMs())),
    begin: () => {
      run.chapter = { number: run.chapter.number + 1, ledger: new Ledger() }
      return run.chapter.ledger
    },
    stop: async () => {
      run.stopping.abort()
      for (const { redis } of clients) redis?.disconnect()
      await Promise.all(loops)
    },
  }
}

/** `share` of a period is waited first, so that the clients do not write in step. */
async function runClient(client: Client, run: Run, share: number): Promise<void> {
  const { signal } = run.stopping
  const periodMs = 1000 / run.options.roundsPerSecond
  await pause(periodMs * share, signal)
  let next = performance.now()
  for (let n = 1; !signal.aborted; n++) {
    if (client.redis?.status !== 'ready') client.redis = await dial(client, run)
    if (client.redis === null) await pause(redialMs, signal)
    else await playRound(client, client.redis, run, n)
    // A round that was late is not made up for: the rate is an upper bound.
    next = Math.max(next + periodMs, performance.now())
    await pause(next - performance.now(), signal)
  }
}

async function dial({ name }: Client, run: Run): Promise<Redis | null> {
  const redis = new Redis({
    port: run.options.port,
    host: '127.0.0.1',
    replyMapping: 'legacy',
    connectionName: name,
    lazyConnect: true,
    // Everything that would hide a lost connection is off.
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    reconnectOnError: null,
  })
  let reason = 'the connection was closed'
  redis.on('error', error => {
    reason = error.message
  })
  const abandon = (): void => redis.disconnect()
  run.stopping.signal.addEventListener('abort', abandon, { once: true })
  try {
    await redis.connect()
  } catch (error) {
    onConnectionError(run, name, textOf(error))
    return null
  } finally {
    run.stopping.signal.removeEventListener('abort', abandon)
  }
  // Also one that is lost between two rounds counts, though no command tells of it.
  redis.once('close', () => onConnectionError(run, name, reason))
  return redis
}

async function playRound(client: Client, redis: Redis, run: Run, n: number): Promise<void> {
  const { number, ledger } = run.chapter
  const key = `demo:${number}:${client.name}:${n}`
  const counter = `demo:${number}:${client.name}`
  const set = ledger.begin(client.name, 'set', key, `value of ${key}`)
  const incr = ledger.begin(client.name, 'incr', counter)
  await Promise.all([
    settle(redis.set(key, `value of ${key}`, 'EX', keyLifeSeconds), { client, ledger, run, operation: set }),
    settle(redis.incr(counter), { client, ledger, run, operation: incr }),
  ])
}

interface Open {
  readonly client: Client
  readonly ledger: Ledger
  readonly run: Run
  readonly operation: Operation
}

async function settle(reply: Promise<string | number | null>, { client, ledger, run, operation }: Open): Promise<void> {
  const { totals, stopping } = run
  try {
    const value = await reply
    ledger.ok(operation, value)
    const now = nowMs()
    if (client.answeredAt > 0) totals.longestPauseMs = Math.max(totals.longestPauseMs, now - client.answeredAt)
    client.answeredAt = now
    client.sentAt = operation.startedAt
    totals.answered++
  } catch (error) {
    // What we cut ourselves at the end is nobody's fault.
    if (stopping.signal.aborted) return
    if (error instanceof Error && error.name === 'ReplyError') {
      totals.errorReplies++
      totals.lastProblem = error.message
      ledger.error(operation, error.message)
    } else {
      ledger.lost(operation, textOf(error))
    }
  }
}

function onConnectionError({ totals, stopping, chapter }: Run, client: string, reason: string): void {
  if (stopping.signal.aborted) return
  totals.connectionErrors++
  totals.lastProblem = reason
  chapter.ledger.connectionError(client, reason)
}

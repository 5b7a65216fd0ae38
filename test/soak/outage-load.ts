// outage-load.ts: clients that go on trying while there is no master: one command, its error, a pause, the next.
//
// Owns: their sessions and what they were answered. Each keeps its session for the whole outage, except visitors, which
// come with a new one each time. None reconnects by itself: a session that ends is noted as lost, because the proxy
// promises that it stays. Never: judges anything.
import { setTimeout as pause } from 'node:timers/promises'
import { RespClient, RespError, type Value } from '../support/resp-client.ts'

/** One in so many is of the kind; the others send plain commands. */
const kinds = ['visitor', 'blocking', 'transaction', 'queued', 'subscriber'] as const
const plainShare = 15

export type Kind = (typeof kinds)[number] | 'plain'

export interface OutageClient {
  readonly kind: Kind
  readonly id: number
  /** null between two visits. */
  session: RespClient | null
  /** When it was last answered without an error, performance.now(). */
  servedAt: number
}

export interface OutageLoad {
  readonly clients: readonly OutageClient[]
  /** Error replies by their text. */
  readonly errors: Map<string, number>
  /** Sessions that ended, and connections that were not accepted. */
  readonly lost: string[]
  /** Rounds that ended with an error, and without. */
  failed: number
  served: number
  /** Milliseconds from a command to its error, of the last `keptTimes` failures. */
  readonly times: number[]
  /** Ends them all. */
  stop(): Promise<void>
}

const keptTimes = 20_000

/** Starts `clients` sessions; resolves when all are connected. Each pauses for `pauseMs` after a reply. */
export async function startOutageLoad(port: number, clients: number, pauseMs = 100): Promise<OutageLoad> {
  const ending = new AbortController()
  const all: OutageClient[] = Array.from({ length: clients }, (_, id) => ({
    kind: kinds[id % (kinds.length + plainShare)] ?? 'plain',
    id,
    session: null,
    servedAt: 0,
  }))
  const load: OutageLoad = {
    clients: all,
    errors: new Map(),
    lost: [],
    failed: 0,
    served: 0,
    times: [],
    stop: async () => {
      ending.abort()
      await Promise.all(running)
    },
  }
  for (const client of all) client.session = await RespClient.connect(port)
  const running = all.map(client => live(load, client, { port, pauseMs, signal: ending.signal }))
  return load
}

interface Ways {
  readonly port: number
  readonly pauseMs: number
  readonly signal: AbortSignal
}

async function live(load: OutageLoad, client: OutageClient, { port, pauseMs, signal }: Ways): Promise<void> {
  while (!signal.aborted) {
    try {
      client.session ??= await RespClient.connect(port, '127.0.0.1', { connectTimeoutMs: 5000 })
      const from = performance.now()
      note(load, client, await round(client.session, client, signal), performance.now() - from)
      if (client.kind === 'visitor') await leave(client)
    } catch (error) {
      if (!signal.aborted) load.lost.push(`${client.kind} ${client.id}: ${String(error)}`)
      await leave(client)
    }
    await pause(pauseMs)
  }
  await leave(client)
}

async function leave(client: OutageClient): Promise<void> {
  await client.session?.close()
  client.session = null
}

function note(load: OutageLoad, client: OutageClient, values: readonly Value[], ms: number): void {
  const errors = values.filter(value => value instanceof RespError)
  for (const { message } of errors) load.errors.set(message, (load.errors.get(message) ?? 0) + 1)
  if (errors.length === 0) {
    load.served++
    client.servedAt = performance.now()
    return
  }
  load.failed++
  if (load.times.length >= keptTimes) load.times.shift()
  load.times.push(ms)
}

async function round(session: RespClient, { kind, id }: OutageClient, signal: AbortSignal): Promise<Value[]> {
  const key = `outage:${id}`
  switch (kind) {
    case 'blocking':
      return [await unlessOver(session, signal, session.send('BLPOP', `${key}:list`, '5'))]
    case 'transaction':
      return session.pipeline([['MULTI'], ['SET', key, 'v'], ['INCR', `${key}:n`], ['EXEC']])
    case 'queued': {
      const replies: Value[] = []
      for (const command of [['MULTI'], ['SET', key, 'v'], ['EXEC']]) {
        const reply = await session.send(...command)
        replies.push(reply)
        // As clients do that wait for each reply: without a MULTI there is nothing to queue, and nothing to end.
        if (reply instanceof RespError && command[0] === 'MULTI') break
      }
      return replies
    }
    case 'subscriber':
      return [await session.send('SUBSCRIBE', `${key}:news`), await session.send('UNSUBSCRIBE', `${key}:news`)]
    default:
      return session.pipeline([
        ['SET', key, 'v'],
        ['GET', key],
      ])
  }
}

/** A BLPOP that is served waits for its five seconds; the end of the load need not. */
async function unlessOver(session: RespClient, signal: AbortSignal, reply: Promise<Value>): Promise<Value> {
  const end = (): void => session.reset()
  signal.addEventListener('abort', end, { once: true })
  try {
    return await reply
  } finally {
    signal.removeEventListener('abort', end)
  }
}

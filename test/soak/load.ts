// load.ts: what clients do during a soak besides the steady pipelines of workload.ts: transactions, blocking commands,
// subscriptions, large values, clients that come and go.
//
// Each client is a loop that ends with `signal`. What it sees goes into the ledger where the ledger can judge it, else
// into `wrong`, as a sentence. None retries anything or reconnects by itself without saying so.
import { setTimeout as pause } from 'node:timers/promises'
import type { Ledger } from '../support/ledger.ts'
import { RespClient, RespError, type Value } from '../support/resp-client.ts'

export interface LoadWorld {
  readonly port: number
  readonly ledger: Ledger
  readonly wrong: (what: string) => void
  readonly signal: AbortSignal
  /** How often each thing was done. */
  readonly done: Map<string, number>
}

type Round = (client: RespClient, n: number) => Promise<void>

/** Starts them all; resolves when all have ended, which is soon after the signal. */
export async function runMixedLoad(world: LoadWorld): Promise<void> {
  await Promise.all([
    loop(world, 'transaction', 60, transaction(world, 'transaction')),
    loop(world, 'open-transaction', 90, openTransaction(world, 'open-transaction')),
    loop(world, 'blocking', 0, blockingPop(world)),
    loop(world, 'pusher', 120, push()),
    loop(world, 'large', 400, largeValue(world)),
    subscriber(world),
    loop(world, 'publisher', 50, async (client, n) => void (await client.send('PUBLISH', 'soak:news', String(n)))),
    visitors(world),
  ])
}

async function loop(world: LoadWorld, name: string, everyMs: number, round: Round): Promise<void> {
  const { signal, ledger } = world
  let client: RespClient | null = null
  for (let n = 1; !signal.aborted; n++) {
    try {
      client ??= await RespClient.connect(world.port, '127.0.0.1', { connectTimeoutMs: 10_000 })
      await round(client, n)
      count(world, name)
    } catch (error) {
      if (!signal.aborted) ledger.connectionError(name, String(error))
      await client?.close()
      client = null
    }
    await pause(everyMs)
  }
  await client?.close()
}

function count({ done }: LoadWorld, what: string): void {
  done.set(what, (done.get(what) ?? 0) + 1)
}

/** MULTI to EXEC in one write: a SET and an INCR that must both be there. */
function transaction({ ledger }: LoadWorld, name: string): Round {
  return async (client, n) => {
    const key = `key:${name}:${n}`
    const set = ledger.begin(name, 'set', key, `v${n}`)
    const incr = ledger.begin(name, 'incr', `counter:${name}`)
    const commands = [['MULTI'], ['SET', key, `v${n}`], ['INCR', `counter:${name}`], ['EXEC']]
    const replies = await client.pipeline(commands)
    settle(ledger, [set, incr], replies.at(-1))
  }
}

/** The same with each command after the reply to the one before: on a link of the session's own. */
function openTransaction({ ledger }: LoadWorld, name: string): Round {
  return async (client, n) => {
    const key = `key:${name}:${n}`
    const set = ledger.begin(name, 'set', key, `v${n}`)
    const incr = ledger.begin(name, 'incr', `counter:${name}`)
    await client.send('MULTI')
    await client.send('SET', key, `v${n}`)
    await client.send('INCR', `counter:${name}`)
    settle(ledger, [set, incr], await client.send('EXEC'))
  }
}

type Operations = Parameters<Ledger['ok']>[0][]

function settle(ledger: Ledger, operations: Operations, exec: Value | undefined): void {
  operations.forEach((operation, i) => {
    const value = Array.isArray(exec) ? exec[i] : undefined
    if (typeof value === 'string' || typeof value === 'number') ledger.ok(operation, value)
    else ledger.error(operation, exec instanceof RespError ? exec.message : `EXEC answered ${JSON.stringify(exec)}`)
  })
}

/** BLPOP with a second: an element of its list, or nil in about its time. */
function blockingPop({ wrong }: LoadWorld): Round {
  return async client => {
    const value = await client.send('BLPOP', 'soak:list', '1')
    const isElement = Array.isArray(value) && value[0] === 'soak:list' && /^e\d+$/.test(String(value[1]))
    if (value !== null && !isElement && !(value instanceof RespError)) wrong(`BLPOP answered ${JSON.stringify(value)}`)
  }
}

function push(): Round {
  return async (client, n) => {
    await client.send('RPUSH', 'soak:list', `e${n}`)
  }
}

/** A megabyte that must come back as it went, or as one that went before it. */
function largeValue({ wrong }: LoadWorld): Round {
  const letters = 'abcdefgh'
  return async (client, n) => {
    await client.send(
      'SET',
      'soak:large',
      (letters[n % letters.length] ?? 'x').repeat(1_000_000 + (n % letters.length)),
    )
    const value = await client.send('GET', 'soak:large')
    if (value instanceof RespError || value === null) return
    const text = String(value)
    const at = letters.indexOf(text[0] ?? '')
    const whole = text === (text[0] ?? '').repeat(1_000_000 + at)
    if (!whole) wrong(`a large value came back as ${text.length} bytes that were never written`)
  }
}

/** Messages come in their order, and only those of its channel. */
async function subscriber(world: LoadWorld): Promise<void> {
  const { signal, ledger, wrong } = world
  while (!signal.aborted) {
    try {
      const client = await RespClient.connect(world.port, '127.0.0.1', { connectTimeoutMs: 10_000 })
      await client.send('SUBSCRIBE', 'soak:news')
      let last = 0
      while (!signal.aborted && client.isOpen) {
        for (const message of client.pushes.splice(0)) {
          const [kind, channel, text] = Array.isArray(message) ? message : []
          const number = Number(text)
          if (kind !== 'message' || channel !== 'soak:news' || !Number.isInteger(number))
            wrong(`a subscriber heard ${JSON.stringify(message)}`)
          else if (number < last) wrong(`a subscriber heard ${number} after ${last}`)
          last = number
          count(world, 'message')
        }
        await pause(20)
      }
      if (!signal.aborted) ledger.connectionError('subscriber', 'the connection ended')
      await client.close()
    } catch (error) {
      if (!signal.aborted) ledger.connectionError('subscriber', String(error))
      await pause(50)
    }
  }
}

/** A new connection each time: one echo, one write, QUIT or a plain end. */
async function visitors(world: LoadWorld): Promise<void> {
  const { signal, ledger } = world
  for (let n = 1; !signal.aborted; n++) {
    try {
      const client = await RespClient.connect(world.port, '127.0.0.1', { connectTimeoutMs: 10_000 })
      const tag = `tag:visitor:${n}`
      const echo = ledger.begin('visitor', 'echo', '', tag)
      const set = ledger.begin('visitor', 'set', `key:visitor:${n}`, tag)
      const [first, second] = await client.pipeline([
        ['ECHO', tag],
        ['SET', `key:visitor:${n}`, tag],
      ])
      settle(ledger, [echo, set], [first ?? null, second ?? null])
      if (n % 2 === 0) await client.send('QUIT')
      await client.close()
      count(world, 'visitor')
    } catch (error) {
      if (!signal.aborted) ledger.connectionError('visitor', String(error))
    }
    await pause(100)
  }
}

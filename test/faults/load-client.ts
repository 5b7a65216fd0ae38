// load-client.ts: clients of a load: each has one connection, runs its rounds at a steady rate and dials again when
// lost.
//
// Owns: the sockets and their end. What a connection costs is in the ledger: a client of the proxy should never lose
// one.
// Never: retries a command, judges.
import { Ledger, type Operation, textOf } from '../support/ledger.ts'
import { pause } from '../support/pause.ts'
import { ConnectionLost, RespClient, RespError, type Value } from '../support/resp-client.ts'
import type { Findings, RunningLoad } from './types.ts'

export interface Seat {
  readonly name: string
  readonly client: RespClient
  readonly ledger: Ledger
  readonly signal: AbortSignal
  /** From 1. */
  readonly round: number
}

export interface ClientPlan {
  readonly name: string
  /** Milliseconds from the start of one round to the next, at least. */
  readonly everyMs: number
  /** A connection of its own for every round. */
  readonly anew?: boolean
  /** Once for each connection. */
  begin?(seat: Seat): Promise<void>
  round(seat: Seat): Promise<void>
  /** After the last round, before the connection ends. */
  end?(seat: Seat): Promise<void>
}

const redialMs = 50

interface Run {
  readonly port: number
  readonly ledger: Ledger
  readonly signal: AbortSignal
  readonly open: Set<RespClient>
  over: boolean
}

/** Starts the clients; `findings` is the load's own judgement. */
export function startClients(
  port: number,
  plans: readonly ClientPlan[],
  findings: RunningLoad['findings'] = async () => nothing,
  ledger = new Ledger(),
): RunningLoad {
  const stopping = new AbortController()
  const run: Run = { port, ledger, signal: stopping.signal, open: new Set(), over: false }
  const loops = plans.map(plan => runClient(plan, run))
  return {
    ledger,
    clients: plans.map(plan => plan.name),
    findings,
    stop: async withinMs => {
      stopping.abort()
      const cancel = new AbortController()
      await Promise.race([Promise.all(loops), pause(withinMs, cancel.signal)])
      cancel.abort()
      // What is open now stays 'pending' in the ledger: it must not become a lost connection of our own making.
      run.over = true
      for (const client of run.open) client.reset()
      await Promise.all(loops)
    },
  }
}

export const nothing: Findings = { lost: [], doubled: [], reordered: [] }

async function runClient(plan: ClientPlan, run: Run): Promise<void> {
  const { ledger, signal } = run
  let client: RespClient | null = null
  let next = performance.now()
  for (let round = 1; !signal.aborted; round++) {
    try {
      const fresh: boolean = client === null || !client.isOpen
      if (client !== null && !client.isOpen) throw new ConnectionLost('the connection ended between two rounds')
      client ??= await dial(run)
      const seat = { name: plan.name, client, ledger, signal, round }
      if (fresh) await plan.begin?.(seat)
      await plan.round(seat)
      if (plan.anew && client.isOpen) {
        await leave(client, round)
        run.open.delete(client)
        client = null
      }
    } catch (error) {
      if (client !== null) run.open.delete(client)
      client = null
      if (!run.over) ledger.connectionError(plan.name, textOf(error))
      await pause(redialMs, signal)
    }
    next = Math.max(next + plan.everyMs, performance.now())
    await pause(next - performance.now(), signal)
  }
  if (client?.isOpen) await plan.end?.({ name: plan.name, client, ledger, signal, round: 0 })
  await client?.close()
}

async function dial({ port, open }: Run): Promise<RespClient> {
  const client = await RespClient.connect(port)
  open.add(client)
  return client
}

/** In turn: QUIT, an end in order, and one with a command open that nobody waits for. */
async function leave(client: RespClient, round: number): Promise<void> {
  if (round % 3 === 0) await client.send('QUIT')
  if (round % 3 === 1) client.send('ECHO', 'nobody waits').catch(() => {})
  await client.close()
}

/**
 * Waits for a reply and puts it into the ledger; a lost connection is put there too and thrown on.
 * Answers the reply, or undefined where it is an error.
 */
export async function settle(ledger: Ledger, operation: Operation, reply: Promise<Value>): Promise<Value | undefined> {
  try {
    const value = await reply
    if (value instanceof RespError) {
      ledger.error(operation, value.message)
      return undefined
    }
    ledger.ok(operation, plain(value))
    return value
  } catch (error) {
    if (operation.outcome.kind === 'pending') ledger.lost(operation, textOf(error))
    throw error
  }
}

/** What the ledger keeps of a reply; of anything that is no plain value only that it came. */
export function plain(value: Value): string | number | null {
  return value === null || typeof value === 'string' || typeof value === 'number' ? value : 'array'
}

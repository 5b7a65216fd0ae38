// transaction.ts: MULTI and EXEC in one write, step by step, and with WATCH.
//
// The watching client counts up by compare and set: read, watched, write one more. It is the key's only writer, so an
// EXEC that answers nil although it ran shows as a number that nobody was told.
import { type Ledger, type Operation, textOf } from '../../support/ledger.ts'
import { RespError, type Value } from '../../support/resp-client.ts'
import { type ClientPlan, plain, type Seat, startClients } from '../load-client.ts'
import type { Load } from '../types.ts'

export const transaction: Load = {
  name: 'transaction',
  what: 'two sockets send MULTI, SET, INCR, EXEC in one write, two step by step, two count up with WATCH',
  start: ({ port }) =>
    startClients(port, [
      ...[1, 2].map(n => plan(`whole-${n}`, whole)),
      ...[1, 2].map(n => plan(`steps-${n}`, stepwise)),
      ...[1, 2].map(n => plan(`watch-${n}`, watching)),
    ]),
}

function plan(name: string, round: ClientPlan['round']): ClientPlan {
  return { name, everyMs: 30, round }
}

async function whole(seat: Seat): Promise<void> {
  const { client, ledger } = seat
  const { operations, commands } = beginBoth(seat)
  await withOperations(ledger, operations, async () => {
    const replies = await client.pipeline([['MULTI'], ...commands, ['EXEC']])
    return replies.at(-1) ?? null
  })
}

async function stepwise(seat: Seat): Promise<void> {
  const { client, ledger } = seat
  const { operations, commands } = beginBoth(seat)
  await withOperations(ledger, operations, async () => {
    const opened = await client.send('MULTI')
    if (opened instanceof RespError) return opened
    for (const command of commands) await client.send(...command)
    return client.send('EXEC')
  })
}

async function watching({ name, client, ledger }: Seat): Promise<void> {
  const key = `cas:${name}`
  const watched = await client.send('WATCH', key)
  if (watched instanceof RespError) return
  const seen = await client.send('GET', key)
  if (seen instanceof RespError) return void (await client.send('UNWATCH'))
  const next = Number(seen ?? 0) + 1
  const operation = ledger.begin(name, 'incr', key)
  await withOperations(ledger, [operation], async () => {
    const opened = await client.send('MULTI')
    if (opened instanceof RespError) return opened
    await client.send('SET', key, String(next))
    const reply = await client.send('EXEC')
    return Array.isArray(reply) ? [next] : reply
  })
}

function beginBoth({ name, ledger, round }: Seat): { operations: Operation[]; commands: string[][] } {
  const [key, value, counter] = [`key:${name}:${round}`, `value:${name}:${round}`, `counter:${name}`]
  return {
    operations: [ledger.begin(name, 'set', key, value), ledger.begin(name, 'incr', counter)],
    commands: [
      ['SET', key, value],
      ['INCR', counter],
    ],
  }
}

/** EXEC's reply settles what was inside: an array has run, nil and EXECABORT have not. */
async function withOperations(
  ledger: Ledger,
  operations: readonly Operation[],
  run: () => Promise<Value>,
): Promise<void> {
  try {
    const reply = await run()
    operations.forEach((operation, i) => {
      if (reply instanceof RespError) ledger.error(operation, reply.message)
      else if (!Array.isArray(reply)) ledger.aborted(operation)
      else {
        const item = reply[i] ?? null
        if (item instanceof RespError) ledger.error(operation, item.message)
        else ledger.ok(operation, plain(item))
      }
    })
  } catch (error) {
    for (const operation of operations) ledger.lost(operation, textOf(error))
    throw error
  }
}

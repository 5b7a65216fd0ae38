// readers.ts: the kinds of sessions that read: on a shared link, on a link of their own, and with transactions of reads,
// sent whole or step by step.
//
// Never: judges what was read, but that a transaction reads one moment.
import { type RespClient, RespError, type Value } from '../support/resp-client.ts'

export interface Reading {
  /** When what reads was sent. */
  readonly sentAt: number
  readonly reply: Value | Error
}

type Reader = () => Promise<Reading>

/** Kinds take turns by the number of the session. @throws Error where the session cannot be set up. */
export async function readerOf(client: RespClient, session: number, key: string): Promise<Reader> {
  const kind = session % 4
  if (kind === 1) {
    const reply = await client.send('CLIENT', 'NO-EVICT', 'ON')
    if (reply !== 'OK') throw new Error(`CLIENT NO-EVICT: ${reply}`)
  }
  if (kind === 2) return () => wholeTransaction(client, key)
  if (kind === 3) return () => openTransaction(client, key)
  return async () => ({ sentAt: performance.now(), reply: await client.send('GET', key) })
}

async function wholeTransaction(client: RespClient, key: string): Promise<Reading> {
  const sentAt = performance.now()
  const replies = await client.pipeline([['MULTI'], ['GET', key], ['GET', key], ['EXEC']])
  return { sentAt, reply: oneOf(replies) }
}

async function openTransaction(client: RespClient, key: string): Promise<Reading> {
  const replies = [await client.send('MULTI'), await client.send('GET', key), await client.send('GET', key)]
  const sentAt = performance.now()
  replies.push(await client.send('EXEC'))
  return { sentAt, reply: oneOf(replies) }
}

/** What both reads of a transaction have returned. */
function oneOf(replies: readonly Value[]): Value | Error {
  const refused = replies.find(reply => reply instanceof RespError)
  if (refused !== undefined) return refused
  const read = replies.at(-1)
  if (!Array.isArray(read) || read.length !== 2) return new Error(`EXEC: ${JSON.stringify(replies)}`)
  const [first = null, second] = read
  return first === second ? first : new Error(`a transaction reads ${first} and ${second}`)
}

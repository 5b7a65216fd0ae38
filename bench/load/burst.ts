// burst.ts: many clients that each send one pipeline at once and count the replies. What fills a hold, and is drained.

import { type Client, encode, openClient } from './client.ts'

export interface Burst {
  /** Sends everything; callable once. */
  send(): void
  /** Resolves when every command has been answered; rejects when a connection is lost. */
  readonly answered: Promise<void>
  /** Date.now() of the first and the last reply so far. */
  firstReplyAt(): number
  lastReplyAt(): number
  errors(): number
  stop(): void
}

export async function prepareBurst(
  port: number,
  clients: number,
  commandsEach: number,
  valueBytes = 64,
): Promise<Burst> {
  const total = clients * commandsEach
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  promise.catch(() => {})
  const sockets: Client[] = []
  const seen = { replies: 0, errors: 0, first: 0, last: 0 }
  const onReply = (_reply: unknown, isError: boolean): void => {
    if (isError) seen.errors++
    seen.last = Date.now()
    if (seen.replies++ === 0) seen.first = seen.last
    if (seen.replies === total) resolve()
  }
  for (let n = 0; n < clients; n++) sockets.push(await openClient(port, onReply, reject))
  return {
    send: () => {
      for (const [n, client] of sockets.entries()) client.write(pipelineOf(n, commandsEach, valueBytes))
    },
    answered: promise,
    firstReplyAt: () => seen.first,
    lastReplyAt: () => seen.last,
    errors: () => seen.errors,
    stop: () => {
      for (const client of sockets) client.close()
    },
  }
}

function pipelineOf(client: number, commands: number, valueBytes: number): Buffer {
  const value = Buffer.alloc(valueBytes, 'x')
  return Buffer.concat(Array.from({ length: commands }, (_, n) => encode(['SET', `bench:burst:${client}:${n}`, value])))
}

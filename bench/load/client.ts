// client.ts: the smallest Redis client a load generator needs: write bytes, be told of each reply, in order.
//
// Never: reconnects, queues, or hides an error; RESP2 only (redis-parser).

import { connect, type Socket } from 'node:net'
import RedisParser from 'redis-parser'

export interface Client {
  readonly socket: Socket
  write(bytes: Buffer | string): void
  close(): void
}

export type OnReply = (reply: unknown, isError: boolean) => void

/** Connects to 127.0.0.1; rejects when that fails. After that `onLost` tells of the end of the connection. */
export async function openClient(port: number, onReply: OnReply, onLost: (why: Error) => void): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  let closing = false
  const lost = (why: Error): void => {
    if (closing) return
    closing = true
    socket.destroy()
    onLost(why)
  }
  const parser = new RedisParser({
    returnReply: (reply: unknown) => onReply(reply, false),
    returnError: (error: Error) => onReply(error, true),
    returnFatalError: (error: Error) => lost(error),
  })
  socket.on('data', chunk => parser.execute(chunk))
  socket.on('error', lost)
  socket.on('close', () => lost(new Error('the connection was closed')))
  return {
    socket,
    write: bytes => void socket.write(bytes),
    close: () => {
      closing = true
      socket.destroy()
    },
  }
}

/** A command as RESP. */
export function encode(argv: readonly (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${argv.length}\r\n`)]
  for (const argument of argv) {
    const bytes = Buffer.from(argument)
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'))
  }
  return Buffer.concat(parts)
}

/** Sends commands over one connection as a pipeline and gives the replies; rejects on the first error reply. */
export async function ask(port: number, commands: readonly (readonly (string | Buffer)[])[]): Promise<unknown[]> {
  const replies: unknown[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onReply: OnReply = (reply, isError) => {
    if (isError) reject(reply)
    replies.push(reply)
    if (replies.length === commands.length) resolve()
  }
  const client = await openClient(port, onReply, reject)
  try {
    client.write(Buffer.concat(commands.map(encode)))
    if (commands.length > 0) await promise
  } finally {
    client.close()
  }
  return replies
}

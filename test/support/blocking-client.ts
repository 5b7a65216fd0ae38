// blocking-client.ts: a client as hiredis, redis-py or phpredis are one: it writes its whole pipeline and reads only
// then.
//
// Never: reads a byte before the kernel has taken the last one it writes. What it expects is the caller's to say.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { deadline } from './wait-until.ts'

export type Place =
  | { readonly port: number; readonly tls?: { readonly ca: Buffer | string } }
  | { readonly path: string }

export interface Pipeline {
  /** Bytes of commands, in the order they are written. */
  readonly chunks: Iterable<Buffer> | AsyncIterable<Buffer>
  /** The replies that must come, over and over until `times` of them have come. */
  readonly reply: Buffer
  readonly times: number
  /** Called when everything is written and nothing is read yet. */
  readonly onWritten?: () => Promise<void> | void
}

export interface PipelineResult {
  /** Every byte was as expected, and all have come. */
  readonly right: boolean
  readonly bytes: number
}

/** Nothing moves for so long, at two looks: it hangs, and must fail. Nothing else is judged by it. */
const HANGS_MS = 30_000

/** Opens a connection that keeps nothing of what it hears. @throws Error when nobody listens there. */
export async function openSocket(place: Place): Promise<Socket> {
  if ('path' in place) {
    const socket = connect(place.path)
    await once(socket, 'connect')
    return socket
  }
  const { port, tls } = place
  const socket = tls ? connectTls({ ...tls, port, host: '127.0.0.1' }) : connect({ port, host: '127.0.0.1' })
  await once(socket, tls ? 'secureConnect' : 'connect')
  return socket
}

/** Writes all of it, then reads all of it. Resolves early with what came when the connection ends. */
export async function writeThenRead(socket: Socket, pipeline: Pipeline): Promise<PipelineResult> {
  const { reply, times } = pipeline
  let moves = false
  let waits = false
  const look = (): void => {
    if (waits && !moves) socket.destroy()
    moves = false
    endLooks = deadline(HANGS_MS, look)
  }
  let endLooks = deadline(HANGS_MS, look)
  socket.pause()
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  socket.on('error', () => {})
  for await (const chunk of pipeline.chunks) {
    if (socket.destroyed) break
    waits = true
    if (!socket.write(chunk)) await Promise.race([once(socket, 'drain').catch(() => {}), closed])
    waits = false
    moves = true
  }
  waits = true
  const flushed = new Promise<void>(resolve => socket.write(Buffer.alloc(0), () => resolve()))
  await Promise.race([flushed, closed])
  waits = false
  await pipeline.onWritten?.()
  waits = true
  const total = reply.length * times
  const wanted = Buffer.concat(new Array<Buffer>(Math.ceil((256 * 1024) / reply.length)).fill(reply))
  let at = 0
  let right = true
  await new Promise<void>(resolve => {
    if (socket.destroyed) resolve()
    socket.once('close', resolve)
    socket.on('data', (chunk: Buffer) => {
      moves = true
      for (let from = 0; from < chunk.length; ) {
        const place = (at + from) % reply.length
        const length = Math.min(chunk.length - from, wanted.length - place)
        if (chunk.compare(wanted, place, place + length, from, from + length) !== 0) right = false
        from += length
      }
      at += chunk.length
      if (at >= total) resolve()
    })
    socket.resume()
  })
  endLooks()
  return { right: right && at === total, bytes: at }
}

/** `count` times the same command, in pieces of about 64 KB. */
export function* repeated(command: Buffer, count: number): Generator<Buffer> {
  const perChunk = Math.max(1, Math.floor((64 * 1024) / command.length))
  const whole = Buffer.concat(new Array<Buffer>(perChunk).fill(command))
  let left = count
  for (; left >= perChunk; left -= perChunk) yield whole
  if (left > 0) yield whole.subarray(0, left * command.length)
}

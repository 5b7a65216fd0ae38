// socket-self-test.ts: tries at the start, on a connection to itself, whether Node's sockets can be used from below.
//
// What is tried is what is used: socket-reader.ts and socket-writer.ts, with a small message and with one that the
// kernel does not take at once. Takes some milliseconds.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { ReadMemory } from './read-memory.ts'
import { findInternals, type SocketInternals } from './socket-internals.ts'
import { readSocket } from './socket-reader.ts'
import { writerOf } from './socket-writer.ts'

/** More than the buffers of a Unix-domain socket hold, unless a system was told otherwise. */
const LARGE_BYTES = 1024 * 1024
const LIMIT_MS = 2_000

/** What Node's sockets have below their public face; or why it is not used. */
export async function tryInternals(): Promise<SocketInternals | string> {
  if (process.platform !== 'linux') return 'it is tried on Linux only'
  const server = createServer()
  const sockets: Socket[] = []
  const timer = new AbortController()
  const tooLate = setTimeout(() => timer.abort(), LIMIT_MS)
  const wait = { signal: timer.signal }
  try {
    // In Linux's abstract namespace: it needs no file and no network.
    const path = `\0holdfast-self-test-${process.pid}-${randomUUID()}`
    server.listen(path)
    await once(server, 'listening', wait)
    const near = createConnection(path)
    sockets.push(near)
    const [far]: Socket[] = await once(server, 'connection', wait)
    if (far === undefined) return 'no connection'
    sockets.push(far)
    const internals = findInternals()
    if (internals === null) return 'this Node has other sockets'
    return (await carries(near, far, internals, timer.signal)) ? internals : 'bytes were lost'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    clearTimeout(tooLate)
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

/** `near` sends a large message; `far` sends back all that it reads, by the ways that are tried. */
async function carries(near: Socket, far: Socket, internals: SocketInternals, signal: AbortSignal): Promise<boolean> {
  const all = Buffer.alloc(LARGE_BYTES + 4, 'abcdefg')
  const sent = all.subarray(0, LARGE_BYTES)
  const memory = new ReadMemory()
  const there = new Comparison(sent)
  const writer = writerOf(far, internals)
  const reader = readSocket(far, { internals, memory }, chunk => {
    there.take(chunk)
    memory.giveBack(chunk)
    if (there.isOver) far.emit('all read')
  })
  if (reader.waiting !== 0) return false
  near.write(sent)
  await once(far, 'all read', { signal })

  const back = new Comparison(all)
  near.on('data', chunk => {
    back.take(chunk)
    if (back.isOver) near.emit('all back')
  })
  const isTaken = writer.writeAll([sent.subarray(0, 7), sent.subarray(7)])
  writer.write(all.subarray(LARGE_BYTES))
  await Promise.all([once(near, 'all back', { signal }), isTaken || once(far, 'drain', { signal })])
  return there.isSame && back.isSame && writer.left === 0
}

/** Compares what comes with what should, as it comes: what a process has kept at its start it has for good. */
class Comparison {
  isSame = true
  readonly #expected: Buffer
  #at = 0

  constructor(expected: Buffer) {
    this.#expected = expected
  }

  take(chunk: Buffer): void {
    const end = this.#at + chunk.length
    if (!chunk.equals(this.#expected.subarray(this.#at, end))) this.isSame = false
    this.#at = end
  }

  get isOver(): boolean {
    return this.#at >= this.#expected.length
  }
}

// socket-self-test.ts: tries at the start, on a connection to itself, whether Node's sockets can be used from below.
//
// What is tried is what is used: socket-reader.ts with a pause; socket-writer.ts with one piece, which the kernel takes
// at once, and with several, which it does not. Takes some milliseconds.
//
// Never: ends the program. Whatever fails here, sockets are used by their streams.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { afterRunning } from '../running-time.ts'
import { ReadMemory } from './read-memory.ts'
import { findInternals, handleOf, type SocketInternals } from './socket-internals.ts'
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
  const end = new AbortController()
  const { signal } = end
  const giveUp = (why: Error): void => end.abort(why)
  const endLimit = afterRunning(LIMIT_MS, () => giveUp(new Error(`no end after ${LIMIT_MS} ms`)))
  /** An error of a socket that nobody hears would end the program. */
  const watched = (socket: Socket): Socket => {
    sockets.push(socket)
    return socket.on('error', giveUp)
  }
  try {
    // In Linux's abstract namespace: it needs no file and no network.
    const path = `\0holdfast-self-test-${process.pid}-${randomUUID()}`
    server.on('error', giveUp).listen(path)
    await once(server, 'listening', { signal })
    const near = watched(createConnection(path))
    const [accepted]: Socket[] = await once(server, 'connection', { signal })
    if (accepted === undefined) return 'no connection'
    const far = watched(accepted)
    if (near.connecting) await once(near, 'connect', { signal })
    const internals = findInternals()
    // Without its handle a socket goes the public way, which would prove nothing.
    if (internals === null || handleOf(far) === null) return 'this Node has other sockets'
    const tried: Tried = { near, far, internals, signal }
    const all = Buffer.alloc(LARGE_BYTES + 4, 'abcdefg')
    near.write(all.subarray(0, LARGE_BYTES))
    // Whoever takes a write for done that is not gives its request away once more, and then Node ends the process.
    if (internals.isUnderWay() !== near.writableLength > 0) return 'this Node has other writes'
    const isWhole = (await reads(all.subarray(0, LARGE_BYTES), tried)) && (await writes(all, tried))
    return isWhole ? internals : 'bytes were lost'
  } catch (error) {
    const why: unknown = signal.aborted ? signal.reason : error
    return why instanceof Error ? why.message : String(why)
  } finally {
    endLimit()
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

interface Tried {
  readonly near: Socket
  readonly far: Socket
  readonly internals: SocketInternals
  readonly signal: AbortSignal
}

/** `large` comes to `far`: its first part is taken, one more waits while nothing is wanted, and then comes the rest. */
async function reads(large: Buffer, { far, internals, signal }: Tried): Promise<boolean> {
  const memory = new ReadMemory()
  const there = new Comparison()
  there.expect(large)
  let hasPaused = false
  const goOn = (): void => {
    setImmediate(reader.waiting > 0 || signal.aborted ? () => reader.resume() : goOn)
  }
  const reader = readSocket(far, { internals, memory }, chunk => {
    there.take(chunk)
    memory.giveBack(chunk)
    if (there.isOver) far.emit('all read')
    if (hasPaused) return
    hasPaused = true
    reader.pause()
    goOn()
  })
  await once(far, 'all read', { signal })
  return there.isSame
}

/** Whether `near` gets what is written to `far`: a small piece, a large message in two, a small one behind it. */
async function writes(all: Buffer, { near, far, internals, signal }: Tried): Promise<boolean> {
  const writer = writerOf(far, internals)
  const back = new Comparison()
  near.on('data', chunk => {
    back.take(chunk)
    if (back.isOver) near.emit('all back')
  })
  const arrives = async (expected: Buffer, isTaken: boolean): Promise<boolean> => {
    back.expect(expected)
    await Promise.all([once(near, 'all back', { signal }), isTaken || once(far, 'drain', { signal })])
    return back.isSame && writer.left === 0
  }
  const small = all.subarray(LARGE_BYTES)
  // Nothing is on its way: the kernel takes a small write at once, and whoever thinks that it has not pays for each.
  const isAtOnce = async (): Promise<boolean> =>
    writer.write(small) && !internals.isUnderWay() && (await arrives(small, true))
  if (!(await isAtOnce())) return false
  const isTaken = writer.writeAll([all.subarray(0, 7), all.subarray(7, LARGE_BYTES)])
  writer.write(small)
  return (await arrives(all, isTaken)) && (await isAtOnce())
}

/** Compares what comes with what should, as it comes: what a process has kept at its start it has for good. */
class Comparison {
  isSame = true
  #expected: Buffer = Buffer.alloc(0)
  #at = 0

  expect(bytes: Buffer): void {
    this.#expected = bytes
    this.#at = 0
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

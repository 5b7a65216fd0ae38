// socket-reader.ts: reads a socket into memory that all sockets share, where Node lets it (socket-internals.ts).
//
//   socket ──read──▶ [memory of all] ──a copy of what came──▶ onData
//                                     └─ after pause(): one more read waits here, until resume()
//
// Node's stream allocates 64 KB for each read and gives most of it back: half a microsecond of CPU for each small
// command, and garbage outside V8's heap.
//
// Must stay true: a chunk belongs to whoever gets it. The socket's end is told behind everything that was read.
import type { Socket } from 'node:net'
import { handleOf, type SocketInternals } from './socket-internals.ts'

/** As much as Node's streams read at a time. */
const READ_BYTES = 64 * 1024
/** Where small reads of all sockets land, to be copied. */
const memory = Buffer.allocUnsafeSlow(READ_BYTES)

/** A read of this size costs more to copy than memory of its own costs. */
const LARGE_READ_BYTES = 16 * 1024
/** Keys and numbers in a command may be longer the next time. */
const SPARE_BYTES = 256
/** So many sockets at most wait for a read with memory of their own. */
const MAX_LARGE = 256
let large = 0

/**
 * The first `count` bytes of `memory`. A command that waits for long keeps its chunk: no more is kept with it than
 * Node's own small pool for buffers.
 */
function copyOf(count: number): Buffer {
  const chunk = Buffer.allocUnsafe(count)
  memory.copy(chunk, 0, 0, count)
  return chunk
}

export interface SocketReader {
  /** Bytes that were read and wait for resume(). After pause() one more read is taken. */
  readonly waiting: number
  pause(): void
  resume(): void
  /** Nothing more is wanted: what comes until the socket's end is dropped. */
  discard(): void
}

/** Reads `socket` from now on. `internals` null: the public way. */
export function readSocket(
  socket: Socket,
  internals: SocketInternals | null,
  onData: (chunk: Buffer) => void,
): SocketReader {
  return internals === null || handleOf(socket) === null
    ? new StreamReader(socket, onData)
    : new SharedReader(socket, internals, onData)
}

class StreamReader implements SocketReader {
  readonly #socket: Socket
  readonly #onData: (chunk: Buffer) => void

  constructor(socket: Socket, onData: (chunk: Buffer) => void) {
    this.#socket = socket
    this.#onData = onData
    socket.on('data', onData)
  }

  get waiting(): number {
    return this.#socket.readableLength
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  discard(): void {
    this.#socket.off('data', this.#onData).resume()
  }
}

class SharedReader implements SocketReader {
  readonly #socket: Socket
  #onData: ((chunk: Buffer) => void) | null
  #isPaused = false
  #chunk: Buffer | null = null
  /** Where the next read lands when the last one was large; null: in the memory of all. */
  #own: Buffer | null = null
  #next: Buffer | undefined

  constructor(socket: Socket, internals: SocketInternals, onData: (chunk: Buffer) => void) {
    this.#socket = socket
    this.#onData = onData
    internals.readInto(socket, memory, this.#onRead, () => this.#next)
    socket.once('close', () => this.#choose(0)).resume()
  }

  get waiting(): number {
    return this.#chunk?.length ?? 0
  }

  readonly #onRead = (count: number): boolean => {
    const onData = this.#onData
    if (onData === null) return true
    const own = this.#own
    const chunk = own === null ? copyOf(count) : own.subarray(0, count)
    if (own !== null || count >= LARGE_READ_BYTES) this.#choose(count)
    if (!this.#isPaused) onData(chunk)
    else {
      this.#chunk = chunk
      this.#socket.pause()
    }
    return true
  }

  /**
   * Who sends much gets memory of its own for the next read: about as much as the last one took, for values are often
   * of one size and what is left over is garbage; or a whole read, when the last one had no more room.
   */
  #choose(count: number): void {
    const wasFull = count === this.#own?.length
    if (this.#own !== null) large--
    const isLarge = count >= LARGE_READ_BYTES && large < MAX_LARGE
    if (isLarge) large++
    this.#own = isLarge
      ? Buffer.allocUnsafeSlow(wasFull ? READ_BYTES : Math.min(READ_BYTES, count + SPARE_BYTES))
      : null
    this.#next = this.#own ?? memory
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
    // Reads on: a stream that is paused takes one more read too, and who is behind it knows that more has come.
    if (this.#chunk === null) this.#socket.read(0)
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (this.#chunk === null) this.#socket.resume()
    else process.nextTick(this.#goOn)
  }

  readonly #goOn = (): void => {
    if (this.#isPaused || this.#socket.destroyed) return
    const chunk = this.#chunk
    this.#chunk = null
    if (chunk !== null) this.#onData?.(chunk)
    if (!this.#isPaused) this.#socket.resume()
  }

  discard(): void {
    this.#onData = null
    this.#chunk = null
    this.#isPaused = false
    this.#socket.resume()
  }
}

// socket-reader.ts: reads a socket into memory that all sockets share, where Node lets it (socket-internals.ts).
//
//   socket ──read──▶ [memory of all] ──a copy of what came (read-memory.ts)──▶ onData
//                                     └─ after pause(): one more read waits here, until resume()
//
// Node's stream allocates 64 KB for each read and gives most of it back: half a microsecond of CPU for each small
// command, and garbage outside V8's heap. A copy of 64 KB costs some microseconds, a tenth of what the kernel takes for
// the same bytes.
//
// Must stay true: a chunk belongs to whoever gets it. The socket's end is told behind everything that was read.
import type { Socket } from 'node:net'
import type { ReadMemory } from './read-memory.ts'
import { CLIENT_SHARE_BYTES, COUNTED_BYTES, countRead, type TurnReader } from './read-turn.ts'
import { handleOf, type SocketInternals } from './socket-internals.ts'

/** As much as Node's streams read at a time. Here reads of all sockets land, to be copied. */
const memory = Buffer.allocUnsafeSlow(64 * 1024)

export interface SocketReader {
  /** Bytes that were read and wait for resume(). After pause() one more read is taken, if the reader is told to. */
  readonly waiting: number
  pause(): void
  resume(): void
  /** Nothing more is wanted: what comes until the socket's end is dropped. */
  discard(): void
}

export interface Below {
  readonly internals: SocketInternals
  readonly memory: ReadMemory
}

/**
 * Reads `socket` from now on. `below` null: the public way, which always takes one more read after pause().
 * `readsAhead`: whoever pauses wants to know that more has come.
 */
export function readSocket(
  socket: Socket,
  below: Below | null,
  onData: (chunk: Buffer) => void,
  { readsAhead = true } = {},
): SocketReader {
  return below === null || handleOf(socket) === null
    ? new StreamReader(socket, onData)
    : new SharedReader(socket, below, onData, readsAhead)
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

class SharedReader implements SocketReader, TurnReader {
  broughtBytes = 0
  readonly shareBytes = CLIENT_SHARE_BYTES
  readonly #socket: Socket
  readonly #memory: ReadMemory
  readonly #readsAhead: boolean
  #onData: ((chunk: Buffer) => void) | null
  #isPaused = false
  #chunk: Buffer | null = null

  constructor(socket: Socket, { internals, memory: own }: Below, onData: (chunk: Buffer) => void, readsAhead: boolean) {
    this.#socket = socket
    this.#memory = own
    this.#onData = onData
    this.#readsAhead = readsAhead
    internals.readInto(socket, memory, this.#onRead)
    socket.resume()
  }

  get waiting(): number {
    return this.#chunk?.length ?? 0
  }

  readonly #onRead = (count: number): boolean => {
    const onData = this.#onData
    if (onData === null) return true
    const chunk = this.#memory.copy(memory, count)
    if (count >= COUNTED_BYTES) countRead(this, count)
    if (!this.#isPaused) onData(chunk)
    else {
      this.#chunk = chunk
      this.#socket.pause()
    }
    return true
  }

  onShareUsed(): void {
    this.#socket.pause()
  }

  goOn(): void {
    if (this.#socket.destroyed) return
    if (!this.#isPaused) this.#socket.resume()
    else this.#readAhead()
  }

  onBug(error: unknown): void {
    this.#socket.destroy(error instanceof Error ? error : new Error(String(error)))
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
    this.#readAhead()
  }

  /** A stream that is paused takes one more read too. */
  #readAhead(): void {
    if (this.#readsAhead && this.#chunk === null) this.#socket.read(0)
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (this.#chunk === null) this.#socket.resume()
    else process.nextTick(this.#takeWaiting)
  }

  readonly #takeWaiting = (): void => {
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

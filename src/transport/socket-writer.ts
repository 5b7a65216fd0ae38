// socket-writer.ts: writes to a socket by its handle, where Node lets it (socket-internals.ts), else by the socket.
//
//   write ─▶ handle ─▶ the kernel takes all of it: done, nothing was allocated
//                 └──▶ it takes a part: libuv writes the rest; until then writes go through the socket, behind it
//
// Must stay true: bytes leave in the order of the calls, whichever way each goes. The socket emits `drain` when nothing
// is left after a write that answered false. end() and destroy() of the socket mean what they always mean. A write that
// answered false because it failed has passed on nothing of its bytes.
import type { Socket } from 'node:net'
import { getSystemErrorName } from 'node:util'
import { type ReadMemory, WORTH_BYTES } from './read-memory.ts'
import { type Handle, handleOf, type SocketInternals, type WriteRequest } from './socket-internals.ts'

export interface SocketWriter {
  /** Bytes that were written and that the kernel has not taken. */
  readonly left: number
  /** Both answer false when more is left than the socket wants: `drain` tells when nothing is. */
  write(bytes: Buffer): boolean
  writeAll(pieces: readonly Buffer[]): boolean
}

export interface WriterOptions {
  /** Where what was written goes, for nobody needs it after the write; null: it may be written again. */
  readonly done?: ReadMemory | null
  /**
   * A write has failed, and nothing is written any more. Called instead of destroy(): who reads the socket gets what the
   * other side has sent before, and its end. Never called where Socket.write has failed, which destroys the socket.
   */
  readonly onFailed?: ((error: Error) => void) | null
}

/** `internals` null: the public way. */
export function writerOf(socket: Socket, internals: SocketInternals | null, options: WriterOptions = {}): SocketWriter {
  return internals === null ? new StreamWriter(socket) : new HandleWriter(socket, internals, options)
}

class StreamWriter implements SocketWriter {
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
  }

  get left(): number {
    return this.#socket.writableLength
  }

  write(bytes: Buffer): boolean {
    return this.#socket.write(bytes)
  }

  writeAll(pieces: readonly Buffer[]): boolean {
    return writeCorked(this.#socket, pieces)
  }
}

function writeCorked(socket: Socket, pieces: readonly Buffer[]): boolean {
  socket.cork()
  let ok = true
  for (const piece of pieces) ok = socket.write(piece)
  socket.uncork()
  return ok
}

const NOTHING = Buffer.alloc(0)

/** For the next write of any handle: the kernel takes most writes at once, and then it stays unused. */
let spare: WriteRequest | null = null

class HandleWriter implements SocketWriter {
  readonly #socket: Socket
  readonly #internals: SocketInternals
  readonly #done: ReadMemory | null
  readonly #onFailed: ((error: Error) => void) | null
  #handle: Handle | null = null
  #hasFailed = false
  /** Of the handle's own write that the kernel has taken a part of; 0: there is none. */
  #unfinished = 0
  #unfinishedBytes: Buffer | readonly Buffer[] = NOTHING

  constructor(socket: Socket, internals: SocketInternals, { done = null, onFailed = null }: WriterOptions) {
    this.#socket = socket
    this.#internals = internals
    this.#done = done
    this.#onFailed = onFailed
  }

  get left(): number {
    const queued = this.#unfinished === 0 ? 0 : Math.min(this.#unfinished, this.#handle?.writeQueueSize ?? 0)
    return queued + this.#socket.writableLength
  }

  write(bytes: Buffer): boolean {
    const handle = this.#freeHandle()
    if (handle === null) return this.#writeBehind(bytes)
    spare ??= this.#internals.createWriteRequest()
    const answer = handle.writeBuffer(spare, bytes)
    if (answer !== 0 || this.#internals.isUnderWay()) return this.#notTaken(handle, answer, bytes)
    this.#done?.giveBack(bytes)
    return true
  }

  writeAll(pieces: readonly Buffer[]): boolean {
    const handle = this.#freeHandle()
    if (handle === null) return this.#writeAllBehind(pieces)
    spare ??= this.#internals.createWriteRequest()
    const answer = handle.writev(spare, pieces, true)
    if (answer !== 0 || this.#internals.isUnderWay()) return this.#notTaken(handle, answer, pieces)
    this.#done?.giveBackAll(pieces)
    return true
  }

  #writeBehind(bytes: Buffer): boolean {
    if (this.#hasFailed) return false
    const done = this.#done
    if (done === null || bytes.length < WORTH_BYTES) return this.#socket.write(bytes)
    return this.#socket.write(bytes, () => done.giveBack(bytes))
  }

  #writeAllBehind(pieces: readonly Buffer[]): boolean {
    this.#socket.cork()
    let ok = true
    for (const piece of pieces) ok = this.#writeBehind(piece)
    this.#socket.uncork()
    return ok
  }

  /** The socket's handle while nothing is under way on it, neither by it nor by the socket. */
  #freeHandle(): Handle | null {
    const socket = this.#socket
    if (this.#unfinished > 0 || socket.writableLength > 0 || !socket.writable || socket.connecting) return null
    if (this.#hasFailed) return null
    this.#handle ??= handleOf(socket)
    return this.#handle
  }

  /** The write failed, or the kernel has taken a part of it. */
  #notTaken(handle: Handle, answer: number, bytes: Buffer | readonly Buffer[]): boolean {
    const request = spare
    if (answer !== 0 || request === null) {
      this.#fail(answer)
      return false
    }
    spare = null
    request.kept = bytes
    request.oncomplete = this.#onComplete
    this.#unfinishedBytes = bytes
    const left = handle.writeQueueSize
    // libuv may have written the rest by now; its call-back still comes.
    this.#unfinished = Math.max(1, left)
    this.#internals.noteWriteQueue(this.#socket, left)
    return left < this.#socket.writableHighWaterMark
  }

  readonly #onComplete = (status: number): void => {
    this.#unfinished = 0
    const bytes = this.#unfinishedBytes
    this.#unfinishedBytes = NOTHING
    if (Buffer.isBuffer(bytes)) this.#done?.giveBack(bytes)
    else this.#done?.giveBackAll(bytes)
    const socket = this.#socket
    if (socket.destroyed) return
    if (status !== 0) this.#fail(status)
    else if (socket.writableLength === 0) socket.emit('drain')
    // What went through the socket meanwhile is behind this write, and may not tell when it is done. A socket that was
    // ended has nothing more to drain for, and a write to it would be an error that takes the rest with it.
    else if (!socket.writableEnded) socket.write(NOTHING, () => socket.emit('drain'))
  }

  /** As Socket.write ends a socket with an error of libuv, but for who wants to read on. */
  #fail(status: number): void {
    const code = status < 0 ? getSystemErrorName(status) : 'EBADF'
    const error = Object.assign(new Error(`write ${code}`), { code, errno: status, syscall: 'write' })
    this.#hasFailed = true
    if (this.#onFailed === null) this.#socket.destroy(error)
    else this.#onFailed(error)
  }
}

// socket-internals.ts: the parts of Node's own sockets that save CPU for each command, where they are as expected.
//
// net.Socket reads into memory of one's own with `onread`, but only a socket that dials has a public way to it. And
// Socket.write makes a request, a call-back and a tick for each write, which the handle below it does without. So this
// file finds the fields behind `onread` and the handle's own write request (net.js and stream_base_commons.js in Node).
// Where one of them is not as expected, every socket goes the public way.
//
// Owns: the only casts to what Node does not document. The reason and the risk: docs/decisions/0012-below-net-socket.md
import { Socket } from 'node:net'

/** One write of a handle; a write that the kernel takes at once leaves it unused. */
export interface WriteRequest {
  oncomplete?: (status: number) => void
  /** Keeps the bytes alive until `oncomplete`. */
  kept?: unknown
}

/** What the handle of a plain TCP or Unix-domain socket has. A negative answer is an error of libuv. */
export interface Handle {
  /** Bytes that the kernel has not taken yet. */
  readonly writeQueueSize: number
  useUserBuffer(memory: Buffer): void
  writeBuffer(request: WriteRequest, bytes: Buffer): number
  writev(request: WriteRequest, pieces: readonly Buffer[], allBuffers: true): number
}

export interface SocketInternals {
  /** Makes the handle of `socket` read into `memory`; `onRead` is told how many bytes have come. */
  readInto(socket: Socket, memory: Buffer, onRead: (count: number) => boolean): void
  createWriteRequest(): WriteRequest
  /** Whether the kernel has not taken all of the last write of any handle: its request is in use until it completes. */
  isUnderWay(): boolean
  /** The socket's own timer (`setTimeout`) asks whether this has changed before it calls a write stalled. */
  noteWriteQueue(socket: Socket, bytes: number): void
}

/** The handle of a socket that is no TLS; null: it has none, or not as expected. */
export function handleOf(socket: Socket): Handle | null {
  if ('encrypted' in socket) return null
  const handle = (socket as unknown as { _handle?: Partial<Handle> | null })._handle
  return handle && typeof handle.writeQueueSize === 'number' && typeof handle.useUserBuffer === 'function'
    ? (handle as Handle)
    : null
}

function findSymbols(): { buffer: symbol; callback: symbol; queue: symbol } | null {
  const symbols = Object.getOwnPropertySymbols(new Socket())
  const named = (name: string): symbol | undefined => symbols.find(one => one.description === name)
  const [buffer, callback] = [named('kBuffer'), named('kBufferCb')]
  const queue = named('lastWriteQueueSize')
  return buffer && callback && queue ? { buffer, callback, queue } : null
}

/** Node's own module behind net.js, as `process.binding` has given it since Node 12. */
interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest
  readonly streamBaseState: Int32Array
  readonly kLastWriteWasAsync: number
}

function findBinding(): StreamBinding | null {
  const { binding } = process as unknown as { binding?: (name: string) => Partial<StreamBinding> }
  const { WriteWrap, streamBaseState, kLastWriteWasAsync } = withoutWarning(() => binding?.('stream_wrap')) ?? {}
  const isKnown =
    typeof WriteWrap === 'function' && streamBaseState instanceof Int32Array && typeof kLastWriteWasAsync === 'number'
  return isKnown ? { WriteWrap, streamBaseState, kLastWriteWasAsync } : null
}

/** Node told to warn of what it may deprecate warns of `process.binding`, and told to throw ends the process for it. */
function withoutWarning<T>(act: () => T): T {
  const { noDeprecation = false } = process
  process.noDeprecation = true
  try {
    return act()
  } finally {
    process.noDeprecation = noDeprecation
  }
}

/** null: not all is as expected. @throws what `process.binding` throws where it is not allowed. */
export function findInternals(): SocketInternals | null {
  const symbols = findSymbols()
  const binding = findBinding()
  if (symbols === null || binding === null) return null
  const { WriteWrap, streamBaseState, kLastWriteWasAsync } = binding
  return {
    readInto: (socket, memory, onRead) => {
      const fields = socket as unknown as Record<symbol, unknown>
      fields[symbols.buffer] = memory
      fields[symbols.callback] = onRead
      handleOf(socket)?.useUserBuffer(memory)
    },
    createWriteRequest: () => new WriteWrap(),
    isUnderWay: () => streamBaseState[kLastWriteWasAsync] !== 0,
    noteWriteQueue: (socket, bytes) => {
      ;(socket as unknown as Record<symbol, unknown>)[symbols.queue] = bytes
    },
  }
}

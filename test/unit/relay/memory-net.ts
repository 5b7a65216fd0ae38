// memory-net.ts — stands in for node:net under src/upstream/dial.ts: sockets without a kernel, so that every order of
// events can be played, in one thread and without waiting.
//
// Owns: what a link sees of a socket. Never: parses bytes, decides when something arrives (the model does).
import { EventEmitter } from 'node:events'

export interface Endpoint {
  onDial(socket: MemorySocket): void
  onWrite(socket: MemorySocket, bytes: Buffer): void
  onDestroy(socket: MemorySocket): void
}

/** Who plays the other side; set before anything dials. */
export const network: { endpoint: Endpoint | null } = { endpoint: null }

export class MemorySocket extends EventEmitter {
  readonly host: string
  readonly port: number
  writableLength = 0
  /** What write() answers: the kernel takes no more. */
  congested = false
  destroyed = false
  /** Nothing is read from it. */
  paused = false

  constructor(host: string, port: number) {
    super()
    this.host = host
    this.port = port
  }

  write(bytes: Buffer): boolean {
    if (!this.destroyed) network.endpoint?.onWrite(this, Buffer.from(bytes))
    return !this.congested
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    network.endpoint?.onDestroy(this)
  }

  setTimeout(): this {
    return this
  }
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
  cork(): void {}
  uncork(): void {}
}

export function connect(options: { readonly host: string; readonly port: number }): MemorySocket {
  const socket = new MemorySocket(options.host, options.port)
  network.endpoint?.onDial(socket)
  return socket
}

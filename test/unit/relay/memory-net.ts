// memory-net.ts: the `dial` of links whose sockets have no kernel, so that a test plays every order of events, in one
// thread and without waiting.
//
// Owns: what a link sees of a socket. Never: parses bytes, decides when something arrives (the model does).
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Dial } from '../../../src/upstream/dial.ts'

/** Who plays the other side. */
export interface Endpoint {
  onDial(socket: MemorySocket): void
  onWrite(socket: MemorySocket, bytes: Buffer): void
  onDestroy(socket: MemorySocket): void
}

export class MemorySocket extends EventEmitter {
  readonly host: string
  readonly port: number
  writableLength = 0
  /** What write() answers: the kernel takes no more. */
  congested = false
  destroyed = false
  /** Nothing is read from it. */
  paused = false
  readonly #endpoint: Endpoint

  constructor(host: string, port: number, endpoint: Endpoint) {
    super()
    this.host = host
    this.port = port
    this.#endpoint = endpoint
  }

  write(bytes: Buffer): boolean {
    if (!this.destroyed) this.#endpoint.onWrite(this, Buffer.from(bytes))
    return !this.congested
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.#endpoint.onDestroy(this)
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

/** A dial to `endpoint`, whatever the address. A link uses no part of a socket that a MemorySocket lacks. */
export function dialMemory(endpoint: Endpoint): Dial {
  return ({ host, port }) => {
    const socket = new MemorySocket(host, port, endpoint)
    endpoint.onDial(socket)
    return { socket: socket as unknown as Socket, readyEvent: 'connect' }
  }
}

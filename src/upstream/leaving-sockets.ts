// leaving-sockets.ts: sockets of links that are closed, ended a moment later.
//
// When the master has moved, what clients wait for comes first. To close a socket takes as long as to send a command,
// and where a thousand sidecars share a machine, each of them would do it at that very moment.
//
// Owns: the sockets that were given to it, until they are ended. Must stay true: nothing is read from them or written
// to them, and whoever gives one has nothing in it that the kernel has not taken.
import type { Socket } from 'node:net'

/** Well after the first replies of the new master. */
const LEAVE_MS = 500

export class LeavingSockets {
  #sockets: Socket[] = []
  #timer: NodeJS.Timeout | null = null

  take(socket: Socket, reader: { pause(): unknown }): void {
    reader.pause()
    this.#sockets.push(socket)
    this.#timer ??= setTimeout(() => this.close(), LEAVE_MS)
  }

  /** Ends all of them now. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const sockets = this.#sockets
    this.#sockets = []
    for (const socket of sockets) socket.destroy()
  }
}

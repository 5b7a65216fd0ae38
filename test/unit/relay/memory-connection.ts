// memory-connection.ts: one connection of a played master: what its client has sent, and what it has to say.
import { RespDecoder } from '../../support/resp-decoder.ts'
import type { MemorySocket } from './memory-net.ts'

export class MemoryConnection {
  readonly socket: MemorySocket
  readonly id: number
  readonly decoder = new RespDecoder()
  /** Read by nobody yet. */
  queue: string[][] = []
  /** Written by the server, not yet read by the link. */
  outgoing = ''
  /** The server ends it once `outgoing` is read. */
  ended = false
  multi: string[][] | null = null
  dirty = false

  constructor(socket: MemorySocket, id: number) {
    this.socket = socket
    this.id = id
  }
}

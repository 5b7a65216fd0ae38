// sockets.ts: how clients and links to the master are read and written: from below their streams where Node allows it
// and --sockets does not forbid it, else by their streams. Chosen once, before the first socket is used. Two ways are
// fixed: TLS goes by its stream, and a link that many share reads by net.Socket's own `onread` (upstream/dial.ts).
import type { Socket } from 'node:net'
import type { Log } from '../ops/log.ts'
import type { SocketInternals } from './socket-internals.ts'
import { readSocket, type SocketReader } from './socket-reader.ts'
import { tryInternals } from './socket-self-test.ts'
import { type SocketWriter, writerOf } from './socket-writer.ts'

/** The self-test's answer: Node does not change while it runs. */
let found: Promise<SocketInternals | string> | null = null

export class Sockets {
  #internals: SocketInternals | null = null

  /** Where this is not called, or Node's sockets are not as expected, they are used by their streams. */
  async goBelow(log: Log): Promise<void> {
    found ??= tryInternals()
    const answer = await found
    if (typeof answer === 'string')
      log.info({ event: 'process.plain_sockets', cause: answer }, 'sockets cost more CPU here: Node has changed')
    else this.#internals = answer
  }

  read(socket: Socket, onData: (chunk: Buffer) => void): SocketReader {
    return readSocket(socket, this.#internals, onData)
  }

  writer(socket: Socket): SocketWriter {
    return writerOf(socket, this.#internals)
  }
}

// sockets.ts: how clients and links to the master are read and written: from below their streams where Node allows it
// and --sockets does not forbid it, else by their streams. Chosen once, before the first socket is used. Two ways are
// fixed: TLS goes by its stream, and a link that many share reads by net.Socket's own `onread` (upstream/dial.ts).
import type { Socket } from 'node:net'
import type { Log } from '../ops/log.ts'
import { ReadMemory } from './read-memory.ts'
import type { SocketInternals } from './socket-internals.ts'
import { type Below, readSocket, type SocketReader } from './socket-reader.ts'
import { tryInternals } from './socket-self-test.ts'
import { type SocketWriter, writerOf } from './socket-writer.ts'

/** The self-test's answer: Node does not change while it runs. */
let found: Promise<SocketInternals | string> | null = null

export class Sockets {
  /** Of what was read; whoever is done with a piece gives it back. */
  readonly memory = new ReadMemory()
  #below: Below | null = null

  /** Where this is not called, or Node's sockets are not as expected, they are used by their streams. */
  async goBelow(log: Log): Promise<void> {
    found ??= tryInternals()
    const answer = await found
    if (typeof answer === 'string')
      log.info(
        { event: 'process.plain_sockets', cause: answer },
        'sockets are used by their streams here, which costs more CPU',
      )
    else this.#below = { internals: answer, memory: this.memory }
  }

  /** `readsAhead`: after pause() one more read is taken. */
  read(socket: Socket, onData: (chunk: Buffer) => void, options?: { readonly readsAhead?: boolean }): SocketReader {
    return readSocket(socket, this.#below, onData, options)
  }

  /** What is written may be written again, so its memory stays as it is. `onFailed`: see WriterOptions. */
  writer(socket: Socket, onFailed: ((error: Error) => void) | null = null): SocketWriter {
    return writerOf(socket, this.#below?.internals ?? null, { onFailed })
  }

  /** What is written is needed by nobody else: its memory is used again. */
  lastWriter(socket: Socket): SocketWriter {
    return writerOf(socket, this.#below?.internals ?? null, { done: this.memory })
  }
}

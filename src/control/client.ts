// client.ts: speaks to the control socket of a running proxy, for the commands of the program.
//
// Must stay true: every wait has a bound, and every failure is a ControlError with cause and remedy.
import { connect, type Socket } from 'node:net'
import { afterRunning } from '../running-time.ts'
import { Lines } from './lines.ts'
import { type Ask, ControlError, type Failure, type Notice, PROTOCOL, parseObject } from './protocol.ts'

/** A status of ten thousand sessions stays far below. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
const CONNECT_MS = 2_000
/** How long a command may take that waits for nothing. */
export const ANSWER_MS = 5_000

export class ControlClient {
  /** Called for what was not asked for: a pause of this connection has ended. */
  onNotice: (notice: Notice) => void = () => {}
  /** Resolves when the connection is closed, by either side. */
  readonly closed: Promise<void>
  readonly #socket: Socket
  readonly #path: string
  readonly #waiting = new Map<number, PromiseWithResolvers<Readonly<Record<string, unknown>>>>()
  #lastId = 0

  private constructor(socket: Socket, path: string) {
    this.#socket = socket
    this.#path = path
    const lines = new Lines(MAX_ANSWER_BYTES)
    socket.on('data', bytes => {
      for (const line of lines.push(bytes) ?? []) this.#take(line)
    })
    this.closed = new Promise(resolve => {
      socket.once('close', () => {
        for (const { reject } of this.#waiting.values()) reject(new ControlError(closedBefore(path)))
        this.#waiting.clear()
        resolve()
      })
    })
  }

  /** @throws ControlError */
  static open(path: string, timeoutMs = CONNECT_MS): Promise<ControlClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(path)
      const fail = (failure: Failure): void => {
        socket.destroy()
        reject(new ControlError(failure))
      }
      const endLimit = afterRunning(timeoutMs, () => fail(noAnswer(path, timeoutMs)))
      socket.on('error', error => {
        endLimit()
        fail(cannotConnect(path, error))
      })
      socket.once('connect', () => {
        endLimit()
        resolve(new ControlClient(socket, path))
      })
    })
  }

  /** @throws ControlError: what the proxy says, or that it does not answer within `timeoutMs`. */
  async ask(
    what: Ask,
    said: Readonly<Record<string, unknown>> = {},
    timeoutMs = ANSWER_MS,
  ): Promise<Readonly<Record<string, unknown>>> {
    if (this.#socket.destroyed) throw new ControlError(closedBefore(this.#path))
    const id = ++this.#lastId
    const waiting = Promise.withResolvers<Readonly<Record<string, unknown>>>()
    this.#waiting.set(id, waiting)
    const late = (): void => waiting.reject(new ControlError(noAnswer(this.#path, timeoutMs)))
    const endLimit = afterRunning(timeoutMs, late)
    this.#socket.write(`${JSON.stringify({ v: PROTOCOL, id, ask: what, ...said })}\n`)
    try {
      return await waiting.promise
    } finally {
      endLimit()
      this.#waiting.delete(id)
    }
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(line: string): void {
    const said = parseObject(line)
    if (said === null) return
    if (said['notice'] === 'pause-ended') {
      this.onNotice(said as unknown as Notice)
      return
    }
    // An answer without an id is about the connection: nothing on it is answered any more.
    const failure = said['ok'] === false ? (said['error'] as Failure) : null
    if (failure !== null && said['id'] === 0) {
      for (const { reject } of this.#waiting.values()) reject(new ControlError(failure))
      return
    }
    const waiting = this.#waiting.get(Number(said['id']))
    if (failure !== null) waiting?.reject(new ControlError(failure))
    else waiting?.resolve((said['result'] ?? {}) as Readonly<Record<string, unknown>>)
  }
}

function cannotConnect(path: string, error: Error): Failure {
  const { code } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
      return {
        code: 'no-socket',
        cause: `there is no socket at ${path}`,
        remedy: 'start the proxy with --control-socket and the same path, or give the path that it has',
      }
    case 'EACCES':
    case 'EPERM':
      return {
        code: 'not-permitted',
        cause: `our user may not connect to ${path} (${code})`,
        remedy: 'run the command as the user of the proxy',
      }
    case 'ECONNREFUSED':
    case 'ENOTSOCK':
      return {
        code: 'not-served',
        cause: `nobody serves ${path} (${code})`,
        remedy: 'the proxy that made it is gone, or it is no control socket: start the proxy, or give another path',
      }
    default:
      return {
        code: 'failed',
        cause: `cannot connect to ${path}: ${error.message}`,
        remedy: 'correct --control-socket',
      }
  }
}

function noAnswer(path: string, timeoutMs: number): Failure {
  return {
    code: 'no-answer',
    cause: `the proxy at ${path} has not answered within ${timeoutMs} ms`,
    remedy: 'see whether the process is stopped or has no CPU time; what was asked for may have been done',
  }
}

function closedBefore(path: string): Failure {
  return {
    code: 'closed',
    cause: `the proxy has closed ${path} before it answered`,
    remedy: 'see whether it still runs, and its log',
  }
}

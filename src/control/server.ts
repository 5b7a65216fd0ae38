// server.ts: the control socket of a running proxy: accepts its owner's commands, a few connections at a time.
//
//   socket ─▶ lines ─▶ parse ─▶ answers.ts ─▶ one line back
//
// Owns: the connections and their bounds. Never: knows what a command does, waits for a client that does not read.
//
// Must stay true: nobody but the owner of the file can connect (mode 0600, from its first moment on); what a client
// sends, leaves out or does not read costs a bounded amount of memory and time; a connection's end ends what it holds.
import { createServer, type Server, type Socket } from 'node:net'
import type { Bugs } from '../ops/bugs.ts'
import type { Log } from '../ops/log.ts'
import { listenAt } from '../transport/unix-socket.ts'
import { answer, LevelLoan } from './answers.ts'
import type { Controlled } from './controlled.ts'
import { Lines } from './lines.ts'
import { Pauses } from './pauses.ts'
import { badRequest, ControlError, type Failure, MAX_REQUEST_BYTES, PROTOCOL, parseRequest } from './protocol.ts'

const MAX_CONNECTIONS = 16
/** Requests of one connection without an answer. */
const MAX_OPEN = 16
/** A client that does not read its answers. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024
/** A connection that says nothing for so long ends, unless it waits for an answer or holds a pause. */
const IDLE_MS = 60_000
/** A client that is turned away has this long to read why. */
const LAST_WORD_MS = 1_000
const ONLY_OWNER = 0o600

export class ControlServer {
  readonly #controlled: Controlled
  readonly #log: Log
  readonly #bugs: Bugs
  readonly #server: Server
  readonly #connections = new Set<Socket>()
  readonly #levels: LevelLoan

  constructor(controlled: Controlled, { log, bugs }: { readonly log: Log; readonly bugs: Bugs }) {
    this.#controlled = controlled
    this.#log = log
    this.#bugs = bugs
    this.#levels = new LevelLoan(controlled, log)
    this.#server = createServer(socket => this.#accept(socket))
  }

  /** @throws SocketFileError */
  async listen(path: string): Promise<void> {
    await listenAt(this.#server, { path, mode: ONLY_OWNER, owner: null, option: 'control-socket' })
    this.#server.on('error', error =>
      this.#log.error({ event: 'control.error', err: error }, 'a connection to the control socket was not accepted'),
    )
  }

  /** Ends all connections, and with them what they hold; the file is gone. */
  async close(): Promise<void> {
    this.#levels.stop()
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    for (const socket of this.#connections) socket.destroy()
    await closed
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {}) // 'close' follows
    this.#connections.add(socket)
    socket.once('close', () => this.#connections.delete(socket))
    if (this.#connections.size > MAX_CONNECTIONS) {
      const cause = `${MAX_CONNECTIONS} connections to the control socket are open`
      lastWord(socket, { code: 'too-many', cause, remedy: 'end one of them' })
      return
    }
    const pauses = new Pauses(notice => write(socket, `${JSON.stringify({ v: PROTOCOL, ...notice })}\n`))
    const lines = new Lines(MAX_REQUEST_BYTES)
    const open = { requests: 0 }
    socket.setTimeout(IDLE_MS, () => {
      if (open.requests === 0 && !pauses.hold) socket.destroy()
      else socket.setTimeout(IDLE_MS)
    })
    socket.on('data', bytes => {
      if (socket.writableEnded) return
      const found = lines.push(bytes)
      if (found === null) {
        lastWord(socket, badRequest(`a line has more than ${MAX_REQUEST_BYTES} bytes`).failure)
        return
      }
      for (const line of found)
        this.#bugs.guard('control socket', () => void this.#take(line, { socket, pauses, open }))
    })
    socket.on('close', () => this.#bugs.guard('control socket', () => pauses.onGone()))
  }

  async #take(
    line: string,
    { socket, pauses, open }: { socket: Socket; pauses: Pauses; open: { requests: number } },
  ): Promise<void> {
    const request = parseRequest(line)
    if ('error' in request) {
      write(socket, lineOf(request.id, { error: request.error.failure }))
      return
    }
    if (open.requests >= MAX_OPEN) {
      const cause = `${MAX_OPEN} requests of this connection are not answered yet`
      write(socket, lineOf(request.id, { error: { code: 'too-many', cause, remedy: 'wait for their answers' } }))
      return
    }
    open.requests++
    const desk = { controlled: this.#controlled, log: this.#log, pauses, levels: this.#levels }
    try {
      write(socket, lineOf(request.id, { result: await answer(request, desk) }))
    } catch (error) {
      if (!(error instanceof ControlError)) this.#bugs.ofStep(error, 'control socket')
      write(socket, lineOf(request.id, { error: failureOf(error) }))
    } finally {
      open.requests--
    }
  }
}

/** Says why, and ends the connection. */
function lastWord(socket: Socket, failure: Failure): void {
  socket.end(lineOf(0, { error: failure }))
  socket.resume()
  setTimeout(() => socket.destroy(), LAST_WORD_MS).unref()
}

function failureOf(error: unknown): Failure {
  if (error instanceof ControlError) return error.failure
  const cause = `an error in Holdfast: ${error instanceof Error ? error.message : String(error)}`
  return { code: 'failed', cause, remedy: 'its log has the line process.bug; please report it' }
}

function lineOf(id: number, said: { readonly result: object } | { readonly error: Failure }): string {
  return `${JSON.stringify({ v: PROTOCOL, id, ok: 'result' in said, ...said })}\n`
}

function write(socket: Socket, line: string): void {
  if (socket.destroyed || socket.writableEnded) return
  if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy()
  else socket.write(line)
}

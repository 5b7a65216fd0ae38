// side.ts: one of the two sides of a differential run: its sessions' sockets, the frames they received, and a
// connection of the test's own to the server behind it.
// Owns: sockets and frames. Never: compares, decides when a step is over.
import { connect, type Socket } from 'node:net'
import { RespClient } from '../resp-client.ts'
import { RespDecoder } from '../resp-decoder.ts'
import { comparable } from './exceptions.ts'

export interface Line {
  socket: Socket
  closed: boolean
  /** What came since the last comparison, in the form in which it is compared. */
  frames: string[]
  /** Bytes that were no RESP. */
  broken: string | null
  readonly decoder: RespDecoder
}

export class Side {
  readonly lines: Line[] = []
  readonly control: RespClient
  /** Grows with everything that comes in and every connection that ends. */
  activity = 0
  #wake: (() => void) | null = null
  readonly #port: number

  private constructor(port: number, control: RespClient) {
    this.#port = port
    this.control = control
  }

  /** `port`: where the sessions connect; `server`: the server that answers them in the end. */
  static async open(port: number, server: number, sessions: number): Promise<Side> {
    const side = new Side(port, await RespClient.connect(server, '127.0.0.1'))
    for (let i = 0; i < sessions; i++) await side.reopen(i)
    return side
  }

  async reopen(session: number): Promise<void> {
    this.lines[session]?.socket.destroy()
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true })
    const line: Line = { socket, closed: false, frames: [], broken: null, decoder: new RespDecoder({ buffers: true }) }
    this.lines[session] = line
    socket.on('data', chunk => this.#onData(line, chunk))
    const onEnd = (): void => {
      if (line.closed) return
      line.closed = true
      this.#active()
    }
    socket.on('end', onEnd).on('close', onEnd).on('error', onEnd)
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  }

  line(session: number): Line {
    const line = this.lines[session]
    if (line === undefined) throw new Error(`no session ${session}`)
    return line
  }

  /** Resolves when something has come in, or after `ms`. */
  change(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(done, ms)
      function done(): void {
        clearTimeout(timer)
        resolve()
      }
      this.#wake = done
    })
  }

  close(): void {
    for (const { socket } of this.lines) socket.destroy()
    this.control.reset()
  }

  #onData(line: Line, chunk: Buffer): void {
    if (line.broken !== null) return
    const before = line.frames.length
    try {
      for (const { raw } of line.decoder.push(chunk)) {
        const frame = comparable(raw)
        if (frame !== undefined) line.frames.push(frame)
      }
    } catch (error) {
      line.broken = String(error)
    }
    // MONITOR shows the test's own questions, which must not keep it asking.
    if (line.frames.length > before || line.decoder.pendingBytes > 0 || line.broken !== null) this.#active()
  }

  #active(): void {
    this.activity++
    this.#wake?.()
    this.#wake = null
  }
}

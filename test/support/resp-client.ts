// resp-client.ts: a plain Redis client for tests: one TCP connection, no retries, no reconnects, nothing hidden.
//
// Owns: one socket and the FIFO of replies it is owed. Keeps exact bytes, so that two servers can be compared byte by
// byte.
// Never: throws a server's error (it is a RespError value), hides a lost connection (pending sends reject, `closed`
// says why).
import { connect, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls'
import { resetSocket } from './reset-socket.ts'
import { type Argument, encodeCommand, type Frame, RespDecoder, RespPush, type Value } from './resp-decoder.ts'
import { deadline } from './wait-until.ts'

export { type Argument, RespError, type Value } from './resp-decoder.ts'

export interface RespClientOptions {
  /** Bulk strings as Buffers. */
  readonly buffers?: boolean
  /** Milliseconds for the TCP connection; 2000 where not given. */
  readonly connectTimeoutMs?: number
  /** Speak TLS. */
  readonly tls?: ConnectionOptions | undefined
  /** Keep every byte received from the start, for `rawReplies()`. Otherwise keeping starts at the first `sendRaw`. */
  readonly capture?: boolean
}

export interface Closed {
  /** null: the peer ended the connection in order (FIN), or we did. */
  readonly error: Error | null
  /** Date.now() of the moment. */
  readonly at: number
}

/** The connection went away before the reply came; whether the command ran is unknown. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

interface Waiting {
  /** Confirmations still owed: SUBSCRIBE a b c answers three frames, anything else one. */
  confirmations: number
  resolve(frame: Frame): void
  reject(error: Error): void
}

const subscribing = /^[ps]?(?:un)?subscribe$/i

/** Milliseconds of a usual machine in which a client that is owed replies must get one; 0: tests wait as they like. */
const replyLimitMs = Number(process.env['HOLDFAST_TEST_REPLY_LIMIT_MS'] ?? 0)

export class RespClient {
  /** What came without being asked for: RESP3 pushes, and RESP2 messages of a subscribed connection. */
  readonly pushes: Value[] = []
  readonly closed: Promise<Closed>
  readonly socket: Socket
  /** Bytes received so far. */
  bytesIn = 0
  readonly #decoder: RespDecoder
  readonly #waiting: Waiting[] = []
  #captured: Buffer[] | null
  #subscribed = false
  #lost: ConnectionLost | null = null
  /** Ends the wait for the oldest reply. */
  #endLimit: (() => void) | null = null

  private constructor(socket: Socket, options: RespClientOptions) {
    this.socket = socket
    this.#decoder = new RespDecoder({ buffers: options.buffers ?? false })
    this.#captured = options.capture ? [] : null
    let error: Error | null = null
    socket.setNoDelay(true)
    socket.on('data', chunk => this.#onData(chunk))
    socket.on('error', reason => {
      error = reason
    })
    this.closed = new Promise(resolve => {
      socket.once('close', () => {
        this.#lose(error === null ? 'connection closed' : `connection lost: ${error.message}`)
        resolve({ error, at: Date.now() })
      })
    })
    // A server that has ended will answer no more; what is pending must not wait for our own side to end.
    socket.once('end', () => this.#lose('connection closed by the peer'))
  }

  /** @throws Error when nothing accepts in time. */
  static connect(port: number, host = '127.0.0.1', options: RespClientOptions = {}): Promise<RespClient> {
    return new Promise((resolve, reject) => {
      const { tls } = options
      const socket = tls
        ? connectTls({ ...(isIP(host) === 0 && { servername: host }), ...tls, port, host })
        : connect({ port, host })
      const limit = options.connectTimeoutMs ?? 2000
      const end = deadline(limit, () => socket.destroy(new Error(`no connection to ${host}:${port} in ${limit} ms`)))
      // For good: a TLS socket may have a second error, and one that nobody hears ends the process.
      socket.on('error', reject)
      socket.once('close', end)
      socket.once(tls ? 'secureConnect' : 'connect', () => {
        end()
        resolve(new RespClient(socket, options))
      })
    })
  }

  get isOpen(): boolean {
    return this.#lost === null
  }

  /** Sends one command; its reply, a RespError value where the server refuses. @throws ConnectionLost. */
  async send(...args: Argument[]): Promise<Value> {
    return (await this.#command(args)).value
  }

  /** As `send`, answering the exact bytes of the reply. */
  async sendForBytes(...args: Argument[]): Promise<Buffer> {
    return (await this.#command(args)).raw
  }

  /** Sends all commands in one write; replies in order. @throws ConnectionLost when any reply is missing. */
  async pipeline(commands: readonly (readonly Argument[])[]): Promise<Value[]> {
    const replies = commands.map(args => this.#await(confirmations(args)))
    if (this.#lost === null) this.socket.write(Buffer.concat(commands.map(encodeCommand)))
    return (await Promise.all(replies)).map(frame => frame.value)
  }

  /**
   * Writes bytes as they are. Answers the next `replies` frames (pushes not counted), none where not given.
   * From the first call on, `rawReplies()` keeps what is received.
   */
  async sendRaw(bytes: Buffer | string, replies = 0): Promise<Frame[]> {
    this.#captured ??= []
    const frames = Array.from({ length: replies }, () => this.#await(0))
    this.socket.write(bytes)
    return Promise.all(frames)
  }

  /** All bytes received since capturing began, complete frames or not. */
  rawReplies(): Buffer {
    return Buffer.concat(this.#captured ?? [])
  }

  /** Ends our side in order (FIN); replies already owed still come. */
  end(): void {
    this.socket.end()
  }

  /** Drops the connection and waits until it is gone. */
  async close(): Promise<void> {
    this.#lose('closed by the test')
    this.socket.destroy()
    await this.closed
  }

  /** Drops the connection with RST; by TLS, where Node has no way to, just so. */
  reset(): void {
    this.#lose('reset by the test')
    if (this.socket instanceof TLSSocket) this.socket.destroy()
    else resetSocket(this.socket)
  }

  #command(args: readonly Argument[]): Promise<Frame> {
    const reply = this.#await(confirmations(args))
    if (this.#lost === null) this.socket.write(encodeCommand(args))
    return reply
  }

  #await(confirmations: number): Promise<Frame> {
    if (confirmations > 0) this.#subscribed = true
    const lost = this.#lost
    if (lost !== null) return Promise.reject(lost)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ confirmations, resolve, reject })
      if (replyLimitMs > 0 && this.#waiting.length === 1) this.#limit()
    })
  }

  #limit(): void {
    this.#endLimit?.()
    this.#endLimit = null
    if (this.#waiting.length === 0) return
    this.#endLimit = deadline(replyLimitMs, () => {
      this.#lose(`no reply in ${replyLimitMs} ms`)
      this.socket.destroy()
    })
  }

  #onData(chunk: Buffer): void {
    this.bytesIn += chunk.length
    this.#captured?.push(chunk)
    let frames: Frame[]
    try {
      frames = this.#decoder.push(chunk)
    } catch (error) {
      this.socket.destroy(error instanceof Error ? error : new Error(String(error)))
      return
    }
    for (const frame of frames) this.#deliver(frame)
    if (replyLimitMs > 0) this.#limit()
  }

  #deliver(frame: Frame): void {
    const { value } = frame
    const kind = value instanceof RespPush ? value.items[0] : Array.isArray(value) ? value[0] : null
    const head = this.#waiting[0]
    // Under RESP3 the confirmation of SUBSCRIBE is a push and there is no other reply.
    if (head !== undefined && head.confirmations > 0 && subscribing.test(String(kind))) {
      head.resolve(frame)
      head.confirmations--
      if (head.confirmations === 0) this.#waiting.shift()
      return
    }
    const message = this.#subscribed && /^[ps]?message$/.test(String(kind))
    if (value instanceof RespPush || message || head === undefined) {
      this.pushes.push(value)
      return
    }
    this.#waiting.shift()
    head.resolve(frame)
  }

  #lose(why: string): void {
    this.#lost ??= new ConnectionLost(why)
    this.#endLimit?.()
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#lost)
  }
}

function confirmations(args: readonly Argument[]): number {
  return subscribing.test(String(args[0])) ? Math.max(1, args.length - 1) : 0
}

/**
 * One question over a connection of its own, with a bound for all of it.
 * @throws Error when the peer cannot be reached, goes away, or is silent for `timeoutMs`.
 */
export async function ask(
  at: { readonly host: string; readonly port: number; readonly tls?: ConnectionOptions | undefined },
  args: readonly Argument[],
  options: { readonly timeoutMs?: number; readonly password?: string | undefined } = {},
): Promise<Value> {
  const { timeoutMs = 1000 } = options
  const client = await RespClient.connect(at.port, at.host, { connectTimeoutMs: timeoutMs, tls: at.tls })
  const end = deadline(timeoutMs, () => client.socket.destroy(new Error(`no answer in ${timeoutMs} ms`)))
  try {
    if (options.password !== undefined) await client.send('AUTH', options.password)
    return await client.send(...args)
  } finally {
    end()
    await client.close()
  }
}

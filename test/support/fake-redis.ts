// fake-redis.ts: a TCP server that speaks RESP and does what a script tells it: the faults a real server will not
// play.
//
// Owns: a listener on a port of the system's choosing, its connections, and the record of every command received.
// Never: keeps data, answers a command twice, reorders replies. Commands are RESP arrays; inline ones are refused.
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { resetSocket } from './reset-socket.ts'
import { RespDecoder } from './resp-decoder.ts'
import { array, bulk, failure, integer, map, type Protocol, simple } from './resp-encoder.ts'

/**
 * hang: this connection answers nothing any more, and stays open. cut: FIN without a reply, the command did not run.
 * cut-after-write: the command ran, then FIN without a reply. reset: as cut, with RST.
 */
export type Fault = 'hang' | 'cut' | 'cut-after-write' | 'reset'

/** Raw reply bytes; a fault; reply bytes followed by a fault; undefined for the default answer. */
export type Answer = string | Buffer | Fault | { readonly send: string | Buffer; readonly fault: Fault } | undefined

export interface Context {
  readonly socket: Socket
  /** 1 for the first connection accepted, and so on. */
  readonly connection: number
  readonly state: ConnectionState
  /** The command's exact bytes. */
  readonly raw: Buffer
  /** Writes at once, in front of the answer. */
  send(bytes: string | Buffer): void
}

export interface ConnectionState {
  protocol: Protocol
  db: number
  user: string
  name: string
  authenticated: boolean
}

export type Handler = (argv: string[], context: Context) => Answer | Promise<Answer>

export interface Received {
  readonly connection: number
  readonly argv: string[]
  /** Date.now() */
  readonly at: number
  /** False while unanswered, and for good where a fault came before the command ran. */
  executed: boolean
}

export interface FakeRedisOptions {
  readonly role?: 'master' | 'slave'
  /** AUTH and HELLO ... AUTH must give it; any user name goes. */
  readonly password?: string
  /** It speaks TLS alone; plain TCP where not given. */
  readonly tls?: TlsOptions
}

/** What a test gives to have things ended with it. */
export interface Teardown {
  teardown(fn: () => unknown): void
  /** Tap's: fails a test, also once it has ended. */
  threw?(error: unknown): void
}

const faults: readonly unknown[] = ['hang', 'cut', 'cut-after-write', 'reset'] satisfies Fault[]

export class FakeRedis {
  readonly host = '127.0.0.1'
  readonly port: number
  /** What INFO says, 40 hex digits: each server has its own. */
  readonly runId: string
  readonly received: Received[] = []
  /** What ROLE, HELLO and INFO say. */
  role: 'master' | 'slave'
  /** refusing: accept and close at once. silent: accept, read, answer nothing. */
  mode: 'normal' | 'refusing' | 'silent' = 'normal'
  /** Connections accepted so far. */
  accepted = 0
  handler: Handler
  readonly #server: Server
  readonly #password: string | undefined
  readonly #live = new Map<number, { socket: Socket; state: ConnectionState }>()
  /** By TLS: the sockets below, by their remote ports. Only these can send RST. */
  readonly #below = new Map<number | undefined, Socket>()

  private constructor(server: Server, port: number, handler: Handler, options: FakeRedisOptions) {
    this.#server = server
    this.port = port
    this.runId = String(port).padStart(40, 'f')
    this.handler = handler
    this.role = options.role ?? 'master'
    this.#password = options.password
    if (options.tls === undefined) server.on('connection', socket => this.#accept(socket))
    else
      server
        .on('connection', (socket: Socket) => this.#below.set(socket.remotePort, socket))
        .on('secureConnection', (socket: Socket) => this.#accept(socket))
  }

  /** With a test as first argument it is closed in that test's teardown. */
  static async start(
    t: Teardown | null,
    handler: Handler = () => undefined,
    options: FakeRedisOptions = {},
  ): Promise<FakeRedis> {
    const server = options.tls ? createTlsServer({ noDelay: true, ...options.tls }) : createServer({ noDelay: true })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: '127.0.0.1', port: 0 }, resolve)
    })
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the fake server has no port')
    const fake = new FakeRedis(server, address.port, handler, options)
    t?.teardown(() => fake.close())
    return fake
  }

  /** Numbers of the connections that are open. */
  live(): number[] {
    return [...this.#live.keys()]
  }

  stateOf(connection: number): ConnectionState | undefined {
    return this.#live.get(connection)?.state
  }

  /** Names and arguments received, in order, without those a client sends by itself on connecting. */
  commands(): string[][] {
    const own = ['HELLO', 'CLIENT', 'AUTH', 'INFO']
    return this.received.map(({ argv }) => argv).filter(([name = '']) => !own.includes(name.toUpperCase()))
  }

  /** Writes bytes nobody asked for: a push, an error of the server's own. */
  sendTo(connection: number, bytes: string | Buffer): void {
    this.#live.get(connection)?.socket.write(bytes)
  }

  /** Ends every open connection, with FIN or RST. */
  dropAll(how: 'cut' | 'reset' = 'cut'): void {
    for (const { socket } of this.#live.values()) this.#drop(socket, how)
  }

  async close(): Promise<void> {
    this.dropAll()
    if (!this.#server.listening) return
    await new Promise(resolve => this.#server.close(resolve))
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {})
    if (this.mode === 'refusing') {
      socket.destroy()
      return
    }
    const connection = ++this.accepted
    const authenticated = this.#password === undefined
    const state: ConnectionState = { protocol: 2, db: 0, user: 'default', name: '', authenticated }
    this.#live.set(connection, { socket, state })
    socket.once('close', () => this.#live.delete(connection))
    const decoder = new RespDecoder()
    const context = { socket, connection, state, send: (bytes: string | Buffer) => void socket.write(bytes) }
    // One command after the other, also when the script takes its time.
    let turn: Promise<boolean> = Promise.resolve(true)
    socket.on('data', chunk => {
      for (const command of this.#read(decoder, chunk, context)) {
        turn = turn.then(answering => answering && this.#serve(command.entry, { ...context, raw: command.raw }))
      }
    })
  }

  #read(
    decoder: RespDecoder,
    chunk: Buffer,
    context: { readonly socket: Socket; readonly connection: number },
  ): { entry: Received; raw: Buffer }[] {
    try {
      return decoder.push(chunk).map(({ value, raw }) => {
        if (!Array.isArray(value)) throw new Error('not an array')
        const argv = value.map(String)
        const entry = { connection: context.connection, argv, at: Date.now(), executed: false }
        this.received.push(entry)
        return { entry, raw }
      })
    } catch {
      context.socket.end(failure("ERR Protocol error: expected '*'"))
      return []
    }
  }

  /** Answers whether this connection goes on answering. A script that throws ends the connection, visibly. */
  async #serve(entry: Received, context: Context): Promise<boolean> {
    if (this.mode === 'silent') return false
    const { socket } = context
    let answer: Answer
    try {
      answer = (await this.handler(entry.argv, context)) ?? this.#standard(entry.argv, context.state)
    } catch (error) {
      socket.end(failure(`ERR the script threw: ${String(error)}`))
      return false
    }
    const fault = faultOf(answer)
    const bytes = typeof answer === 'object' && !Buffer.isBuffer(answer) ? answer.send : answer
    if (bytes !== undefined && bytes !== fault) socket.write(bytes)
    entry.executed = fault === undefined || fault === 'cut-after-write' || bytes !== fault
    if (fault === undefined) return true
    if (fault !== 'hang') this.#drop(socket, fault)
    return false
  }

  #drop(socket: Socket, how: Fault): void {
    if (how !== 'reset') socket.destroySoon()
    else resetSocket(this.#below.get(socket.remotePort) ?? socket)
  }

  #standard(argv: readonly string[], state: ConnectionState): string {
    const [name = '', first = '', second = ''] = argv
    const command = name.toUpperCase()
    if (!state.authenticated && !['AUTH', 'HELLO', 'QUIT', 'RESET'].includes(command)) {
      return failure('NOAUTH Authentication required.')
    }
    switch (command) {
      case 'HELLO':
        return this.#hello(argv, state)
      case 'AUTH':
        return this.#auth(second === '' ? 'default' : first, second === '' ? first : second, state)
      case 'SELECT':
        state.db = Number(first)
        return simple('OK')
      case 'PING':
        return first === '' ? simple('PONG') : bulk(first)
      case 'ECHO':
        return bulk(first)
      case 'CLIENT':
        return client(argv, state)
      case 'ROLE':
        return this.role === 'master'
          ? array([bulk('master'), integer(0), array([])])
          : array([bulk('slave'), bulk(this.host), integer(6379), bulk('connected'), integer(0)])
      case 'INFO':
        return bulk(`# Server\r\nrun_id:${this.runId}\r\n# Replication\r\nrole:${this.role}\r\nloading:0\r\n`)
      default:
        return failure(`ERR unknown command '${name}', with args beginning with: `)
    }
  }

  #auth(user: string, password: string, state: ConnectionState): string {
    if (password !== this.#password) return failure('WRONGPASS invalid username-password pair or user is disabled.')
    state.user = user
    state.authenticated = true
    return simple('OK')
  }

  #hello(argv: readonly string[], state: ConnectionState): string {
    const version = argv[1] ?? String(state.protocol)
    if (version !== '2' && version !== '3') return failure('NOPROTO unsupported protocol version')
    const auth = argv.findIndex(arg => arg.toUpperCase() === 'AUTH')
    if (auth > 0) {
      const reply = this.#auth(argv[auth + 1] ?? '', argv[auth + 2] ?? '', state)
      if (reply.startsWith('-')) return reply
    }
    if (!state.authenticated) return failure('NOAUTH HELLO must be called with the client already authenticated')
    const name = argv.findIndex(arg => arg.toUpperCase() === 'SETNAME')
    if (name > 0) state.name = argv[name + 1] ?? ''
    state.protocol = version === '3' ? 3 : 2
    return map(state.protocol, [
      ['server', bulk('redis')],
      ['version', bulk('8.0.2')],
      ['proto', integer(state.protocol)],
      ['id', integer(1)],
      ['mode', bulk('standalone')],
      ['role', bulk(this.role === 'master' ? 'master' : 'replica')],
      ['modules', array([])],
    ])
  }
}

function client(argv: readonly string[], state: ConnectionState): string {
  switch ((argv[1] ?? '').toUpperCase()) {
    case 'ID':
      return integer(1)
    case 'GETNAME':
      return bulk(state.name)
    case 'SETNAME':
      state.name = argv[2] ?? ''
      return simple('OK')
    case 'KILL':
      return integer(0)
    default:
      return simple('OK')
  }
}

function faultOf(answer: Answer): Fault | undefined {
  if (typeof answer === 'object' && !Buffer.isBuffer(answer)) return answer.fault
  return faults.includes(answer) ? (answer as Fault) : undefined
}

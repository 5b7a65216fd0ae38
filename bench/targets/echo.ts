// echo.ts: the least a Node server can do: read, and write an answer. No proxy, no Redis behind it: a floor for CPU.
//
//   read of n bytes ─▶ how many commands is that, by their length ─▶ one write with as many replies
//
// It knows GET and SET as redis-benchmark sends them with values of 64 bytes, from the ninth byte and the length alone.
// Usage: node echo.ts PORT streams|onread

import { createServer, Socket, type SocketConstructorOpts } from 'node:net'

const valueBytes = 64
const deepest = 1_024
const letterAt = '*2\r\n$3\r\n'.length
const key = 'key:000000000000'
const value = 'x'.repeat(valueBytes)
const bulk = `$${valueBytes}\r\n${value}\r\n`
const keyFrame = `$${key.length}\r\n${key}\r\n`

interface Kind {
  readonly commandBytes: number
  readonly replyBytes: number
  /** As many replies as one write may have. */
  readonly replies: Buffer
}

function kind(command: string, reply: string): Kind {
  return { commandBytes: command.length, replyBytes: reply.length, replies: Buffer.from(reply.repeat(deepest)) }
}

const get = kind(`*2\r\n$3\r\nGET\r\n${keyFrame}`, bulk)
const set = kind(`*3\r\n$3\r\nSET\r\n${keyFrame}${bulk}`, '+OK\r\n')
// redis-benchmark asks for the configuration first, in one write, and goes on without it.
const refusal = Buffer.from('-ERR no\r\n-ERR no\r\n')
const oneGet = get.replies.subarray(0, get.replyBytes)
const oneSet = set.replies.subarray(0, set.replyBytes)
const letters = { G: 'G'.charCodeAt(0), S: 'S'.charCodeAt(0) }

interface Connection {
  kind: Kind | undefined
  /** Bytes of a command that is not complete. */
  rest: number
}

function answer(socket: Socket, connection: Connection, bytes: Uint8Array, length: number): void {
  if (connection.rest === 0) connection.kind = kindOf(bytes[letterAt])
  const { kind: current } = connection
  if (current === undefined) {
    socket.write(refusal)
    return
  }
  const all = connection.rest + length
  const commands = Math.floor(all / current.commandBytes)
  connection.rest = all - commands * current.commandBytes
  if (commands === 1) socket.write(current === get ? oneGet : oneSet)
  else if (commands > 1) socket.write(current.replies.subarray(0, Math.min(commands, deepest) * current.replyBytes))
}

function kindOf(letter: number | undefined): Kind | undefined {
  if (letter === letters.G) return get
  return letter === letters.S ? set : undefined
}

function serveByStream(socket: Socket): void {
  const connection: Connection = { kind: undefined, rest: 0 }
  socket.on('data', data => answer(socket, connection, data, data.length))
  socket.on('error', () => {})
}

const shared = new Uint8Array(64 * 1_024)

/** The only way to `onread` for an accepted socket: another socket around its handle. Node documents neither part. */
function serveByOnread(accepted: Socket): void {
  const withHandle = accepted as unknown as { _handle: unknown }
  const handle = withHandle._handle
  withHandle._handle = null
  accepted.destroy()
  const connection: Connection = { kind: undefined, rest: 0 }
  const onread = {
    buffer: shared,
    callback: (length: number): boolean => {
      answer(socket, connection, shared, length)
      return true
    },
  }
  const socket: Socket = new Socket({ handle, onread } as SocketConstructorOpts)
  socket.on('error', () => {})
  socket.on('end', () => socket.end())
  socket.resume()
}

const [port, way] = process.argv.slice(2)
const byOnread = way === 'onread'
const options = { noDelay: true, pauseOnConnect: byOnread }
const server = createServer(options, byOnread ? serveByOnread : serveByStream)
// A thousand clients arrive in one turn; Node's default backlog of 511 would make some of them wait for a SYN again.
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4_096 })
process.once('SIGTERM', () => process.exit(0))

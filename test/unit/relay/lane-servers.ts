// lane-servers.ts: the masters of the lane model: they run a command when the test says so, count how often each ran,
// and keep what is left in a dead connection's buffer, as a stalled server would.
//
// Replies of commands: a bulk "key=count". Handshakes are answered at once.
import type { Master } from '../../../src/address.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { array, bulk, failure, integer, simple } from '../../support/resp-encoder.ts'
import { MemoryConnection } from './memory-connection.ts'
import type { MemorySocket } from './memory-net.ts'

const ofHandshake = new Set(['HELLO', 'PING', 'SELECT', 'CLIENT', 'SCRIPT'])
const writes = new Set(['INCR', 'SET'])

export class Node {
  readonly master: Master
  /** How often each key's command has run. */
  readonly runs: Map<string, number>
  readonly connections: MemoryConnection[] = []
  demoted = false
  #nextId: number

  constructor(master: Master, runs: ReadonlyMap<string, number> = new Map()) {
    this.master = master
    this.runs = new Map(runs)
    this.#nextId = master.port
  }

  accept(socket: MemorySocket): MemoryConnection {
    const connection = new MemoryConnection(socket, ++this.#nextId)
    this.connections.push(connection)
    return connection
  }

  of(socket: MemorySocket): MemoryConnection | undefined {
    return this.connections.find(connection => connection.socket === socket)
  }

  /** Takes bytes in; answers the commands that are no handshake. */
  take(connection: MemoryConnection, bytes: Buffer): string[][] {
    const commands: string[][] = []
    for (const { value } of connection.decoder.push(bytes)) {
      const argv = Array.isArray(value) ? value.map(String) : []
      if (ofHandshake.has(argv[0] ?? '')) connection.outgoing += this.#greet(argv, connection)
      else commands.push(argv)
    }
    connection.queue.push(...commands)
    return commands
  }

  #greet(argv: readonly string[], connection: MemoryConnection): string {
    if (argv[0] === 'HELLO') {
      const role = this.demoted ? 'replica' : 'master'
      return array([bulk('id'), integer(connection.id), bulk('role'), bulk(role)])
    }
    if (argv[1] !== 'KILL') return argv[0] === 'PING' ? simple('PONG') : simple('OK')
    const old = this.connections.find(({ id, ended }) => id === Number(argv[3]) && !ended)
    if (old === undefined) return integer(0)
    old.queue = []
    old.ended = true
    return integer(1)
  }

  /** The oldest connection with something unread, dead ones first: a server reads what lies in its sockets. */
  next(): MemoryConnection | undefined {
    return this.connections.find(({ queue }) => queue.length > 0)
  }

  /** Runs one command; `refuse`: if it is a write it does not run and this error answers it. */
  run(connection: MemoryConnection, refuse: string | null): void {
    const argv = connection.queue.shift()
    if (argv !== undefined) connection.outgoing += this.#reply(argv, connection, refuse)
  }

  #reply(argv: string[], connection: MemoryConnection, refuse: string | null): string {
    const [name = '', key = ''] = argv
    if (name === 'MULTI') {
      connection.multi = []
      connection.dirty = false
      return simple('OK')
    }
    if (name === 'EXEC') return this.#exec(connection, refuse)
    if (name === 'EVAL') return this.#script(key)
    const error = refuse ?? (this.demoted && writes.has(name) ? readonlyError : null)
    if (error !== null && writes.has(name)) {
      connection.dirty = true
      return failure(error)
    }
    if (connection.multi === null) return this.#apply(key)
    connection.multi.push(argv)
    return simple('QUEUED')
  }

  #exec(connection: MemoryConnection, refuse: string | null): string {
    const queued = connection.multi ?? []
    connection.multi = null
    if (connection.dirty) return failure('EXECABORT Transaction discarded because of previous errors.')
    const error = refuse ?? (this.demoted ? readonlyError : null)
    if (error !== null) return failure(`EXECABORT Transaction discarded because of: ${error}`)
    return array(queued.map(([, key = '']) => this.#apply(key)))
  }

  /** A script that answers what a replica does, in the very words. */
  #script(key: string): string {
    if (!this.demoted) this.#apply(key)
    return failure(readonlyError)
  }

  #apply(key: string): string {
    const count = (this.runs.get(key) ?? 0) + 1
    this.runs.set(key, count)
    return bulk(`${key}=${count}`)
  }
}

export const readonlyError = "READONLY You can't write against a read only replica."
export const noReplicasError = 'NOREPLICAS Not enough good replicas to write.'

export function command(...args: string[]): Buffer {
  return encodeCommand(args)
}

// session-servers.ts: the masters of the session model: enough of a server for transactions, WATCH, BLPOP and
// SUBSCRIBE, one command at a time when the test says so. A handshake, which is the first write on a link, is answered
// at once.
//
// Replies of commands: a bulk "key=count". Never: decides what is right (the model does).
import type { Master } from '../../../src/address.ts'
import { array, bulk, failure, integer, simple } from '../../support/resp-encoder.ts'
import { MemoryConnection } from '../relay/memory-connection.ts'
import type { MemorySocket } from '../relay/memory-net.ts'

export class Connection extends MemoryConnection {
  readonly channels = new Set<string>()
  greeted = false
  /** Its end has arrived; a link that keeps replies back looks at it later. */
  endTold = false
}

export class SessionNode {
  readonly master: Master
  readonly connections: Connection[] = []
  readonly runs: Map<string, number>
  /** Writes are refused with NOREPLICAS. */
  scarce = false
  demoted = false
  /** Every BLPOP as it came: its timeout in seconds. */
  readonly blocked: number[] = []

  constructor(master: Master, runs: ReadonlyMap<string, number> = new Map()) {
    this.master = master
    this.runs = new Map(runs)
  }

  accept(socket: MemorySocket): void {
    this.connections.push(new Connection(socket, this.master.port + this.connections.length + 1))
  }

  take(socket: MemorySocket, bytes: Buffer): boolean {
    const connection = this.connections.find(one => one.socket === socket)
    if (connection === undefined) return false
    for (const { value } of connection.decoder.push(bytes)) {
      const argv = Array.isArray(value) ? value.map(String) : []
      if (argv[0] === 'BLPOP') this.blocked.push(Number(argv[2]))
      connection.queue.push(argv)
    }
    if (!connection.greeted) while (connection.queue.length > 0) this.run(connection)
    connection.greeted = true
    return true
  }

  /** The oldest connection with something unread. */
  next(): Connection | undefined {
    return this.connections.find(({ queue }) => queue.length > 0)
  }

  run(connection: Connection): void {
    const argv = connection.queue.shift()
    if (argv !== undefined) connection.outgoing += this.#reply(argv, connection)
  }

  publish(channel: string, text: string): void {
    for (const one of this.connections)
      if (one.channels.has(channel) && !one.ended) one.outgoing += array([bulk('message'), bulk(channel), bulk(text)])
  }

  #reply(argv: readonly string[], connection: Connection): string {
    const [name = '', key = ''] = argv
    switch (name) {
      case 'HELLO':
        return array([bulk('id'), integer(connection.id), bulk('role'), bulk('master')])
      case 'PING':
        return simple('PONG')
      case 'CLIENT':
        return this.#kill(Number(argv[3]))
      case 'MULTI':
        connection.multi = []
        connection.dirty = false
        return simple('OK')
      case 'DISCARD':
        connection.multi = null
        return simple('OK')
      case 'EXEC':
        return this.#exec(connection)
      case 'WATCH':
        return simple('OK')
      case 'SUBSCRIBE':
        connection.channels.add(key)
        return array([bulk('subscribe'), bulk(key), integer(connection.channels.size)])
      default:
        return this.#command([...argv], connection)
    }
  }

  #command(argv: string[], connection: Connection): string {
    const [name, key = ''] = argv
    const refusal = this.#refusal()
    if (refusal !== null && name !== 'GET') {
      if (connection.multi !== null) connection.dirty = true
      return failure(refusal)
    }
    if (connection.multi !== null) {
      connection.multi.push(argv)
      return simple('QUEUED')
    }
    return name === 'BLPOP' ? array([bulk(key), bulk('x')]) : this.#apply(key)
  }

  #exec(connection: Connection): string {
    const queued = connection.multi
    connection.multi = null
    if (queued === null) return failure('ERR EXEC without MULTI')
    if (connection.dirty) return failure('EXECABORT Transaction discarded because of previous errors.')
    const refusal = this.#refusal()
    if (refusal !== null) return failure(`EXECABORT Transaction discarded because of: ${refusal}`)
    return array(queued.map(([, key = '']) => this.#apply(key)))
  }

  #refusal(): string | null {
    if (this.demoted) return "READONLY You can't write against a read only replica."
    return this.scarce ? 'NOREPLICAS Not enough good replicas to write.' : null
  }

  #kill(id: number): string {
    const old = this.connections.find(one => one.id === id && !one.ended)
    if (old === undefined) return integer(0)
    old.queue = []
    old.ended = true
    return integer(1)
  }

  #apply(key: string): string {
    const count = (this.runs.get(key) ?? 0) + 1
    this.runs.set(key, count)
    return bulk(`${key}=${count}`)
  }
}

// proof-server.ts: the masters of the proof model. Each has a log of what has run, one entry for each command or
// transaction; a replica that is promoted has a prefix of it. So all that replication may lose, and nothing that it
// may not, is played.
//
// It runs commands when the model says so. What lies in a connection that the proxy has closed can still run: that is
// a server that was only stalled.
import type { Master } from '../../../src/address.ts'
import { array, bulk, failure, integer, simple } from '../../support/resp-encoder.ts'
import { MemoryConnection } from '../relay/memory-connection.ts'
import type { MemorySocket } from '../relay/memory-net.ts'

/** `run`: the effect of a client's command. `mark`: a field of a marker. `wipe`: all markers are gone. */
export type Effect =
  | { readonly kind: 'run'; readonly key: string }
  | { readonly kind: 'mark'; readonly field: string; readonly value: string }
  | { readonly kind: 'wipe' }

export type Entry = readonly Effect[]

const ofHandshake = new Set(['HELLO', 'PING', 'SELECT', 'CLIENT', 'SCRIPT'])
const writes = new Set(['INCR', 'SET', 'HSET', 'EXPIRE', 'HDEL'])
/** What a server refuses while its memory is full. */
const denyOom = new Set(['INCR', 'SET', 'HSET'])

export class ProofServer {
  readonly master: Master
  readonly connections: MemoryConnection[] = []
  demoted = false
  outOfMemory = false
  /** The error of the next write. */
  refusesNext: string | null = null
  /** What the user may not do, by the command's name. */
  readonly forbidden: ReadonlySet<string>
  #nextId: number
  readonly #log: Entry[] = []
  /** By key: how often it has run, and in which entry first. */
  readonly #runs = new Map<string, { readonly times: number; readonly place: number }>()
  readonly #markers = new Map<string, string>()

  constructor(master: Master, log: readonly Entry[], forbidden: ReadonlySet<string>) {
    this.master = master
    for (const entry of log) this.append(entry)
    this.forbidden = forbidden
    this.#nextId = master.port
  }

  get log(): readonly Entry[] {
    return this.#log
  }

  runsOf(key: string): number {
    return this.#runs.get(key)?.times ?? 0
  }

  /** Where the effect is in the log; -1: nowhere. */
  placeOf(key: string): number {
    return this.#runs.get(key)?.place ?? -1
  }

  #markerOf(field: string): string | null {
    return this.#markers.get(field) ?? null
  }

  append(entry: Entry): void {
    const place = this.#log.push(entry) - 1
    for (const effect of entry) {
      if (effect.kind === 'wipe') this.#markers.clear()
      else if (effect.kind === 'mark') this.#markers.set(effect.field, effect.value)
      else {
        const before = this.#runs.get(effect.key) ?? { times: 0, place }
        this.#runs.set(effect.key, { ...before, times: before.times + 1 })
      }
    }
  }

  accept(socket: MemorySocket): MemoryConnection {
    const connection = new MemoryConnection(socket, ++this.#nextId)
    this.connections.push(connection)
    return connection
  }

  of(socket: MemorySocket): MemoryConnection | undefined {
    return this.connections.find(connection => connection.socket === socket)
  }

  /** Takes bytes in; a handshake is answered at once. Answers whether there was anything else. */
  take(connection: MemoryConnection, bytes: Buffer): boolean {
    for (const { value } of connection.decoder.push(bytes)) {
      const argv = Array.isArray(value) ? value.map(String) : []
      if (connection.multi === null && connection.queue.length === 0 && this.#isGreeting(connection, argv))
        connection.outgoing += this.#greet(argv, connection)
      else connection.queue.push(argv)
    }
    return connection.queue.length > 0
  }

  /** Of a new connection all is a greeting that comes in one write with HELLO. */
  #isGreeting(_connection: MemoryConnection, [name = '']: readonly string[]): boolean {
    return ofHandshake.has(name) || name === 'HMGET'
  }

  #greet(argv: readonly string[], connection: MemoryConnection): string {
    const [name = '', sub = ''] = argv
    const right = name === 'CLIENT' ? `CLIENT ${sub}` : name
    if (this.forbidden.has(right)) return failure(`NOPERM User has no permissions to run the '${right}' command`)
    if (name === 'HELLO') {
      const role = this.demoted ? 'replica' : 'master'
      return array([bulk('id'), integer(connection.id), bulk('role'), bulk(role)])
    }
    if (name === 'HMGET') {
      const values = argv.slice(2).map(field => this.#markerOf(field))
      return array(values.map(value => (value === null ? '$-1\r\n' : bulk(value))))
    }
    if (sub !== 'KILL') return name === 'PING' ? simple('PONG') : simple('OK')
    const old = this.connections.find(({ id, ended }) => id === Number(argv[3]) && !ended)
    if (old === undefined) return integer(0)
    old.queue = []
    old.ended = true
    return integer(1)
  }

  /** The oldest connection with something unread, dead ones first. */
  next(): MemoryConnection | undefined {
    return this.connections.find(({ queue }) => queue.length > 0)
  }

  /** Runs one command. */
  step(connection: MemoryConnection): void {
    const argv = connection.queue.shift()
    if (argv !== undefined) connection.outgoing += this.#reply(argv, connection)
  }

  #refusal(argv: readonly string[]): string | null {
    const [name = ''] = argv
    if (this.forbidden.has(name)) return `NOPERM User has no permissions to run the '${name}' command`
    if ((name === 'INCR' || name === 'SET') && argv.length < 2) return `ERR wrong number of arguments for '${name}'`
    if (name === 'BAD') return `ERR unknown command '${name}'`
    if (!writes.has(name)) return null
    if (this.demoted) return "READONLY You can't write against a read only replica."
    if (this.outOfMemory && denyOom.has(name)) return "OOM command not allowed when used memory > 'maxmemory'."
    const next = this.refusesNext
    this.refusesNext = null
    return next
  }

  #reply(argv: string[], connection: MemoryConnection): string {
    const [name = ''] = argv
    const error = this.#refusal(argv)
    if (error !== null && name === 'EXEC') {
      connection.multi = null
      return failure(`EXECABORT Transaction discarded because of: ${error}`)
    }
    if (error !== null) {
      connection.dirty = true
      return failure(error)
    }
    if (name === 'MULTI') {
      connection.multi = []
      connection.dirty = false
      return simple('OK')
    }
    if (name === 'EXEC') return this.#exec(connection)
    if (connection.multi !== null) {
      connection.multi.push(argv)
      return simple('QUEUED')
    }
    const effects: Effect[] = []
    const reply = this.#apply(argv, effects)
    if (effects.length > 0) this.append(effects)
    return reply
  }

  #exec(connection: MemoryConnection): string {
    const queued = connection.multi
    connection.multi = null
    if (queued === null) return failure('ERR EXEC without MULTI')
    if (connection.dirty) return failure('EXECABORT Transaction discarded because of previous errors.')
    const isWrite = queued.some(([name = '']) => writes.has(name))
    const cause = isWrite ? this.#refusal(['EXEC-OF-WRITES']) : null
    const late = this.demoted && isWrite ? "READONLY You can't write against a read only replica." : cause
    if (late !== null) return failure(`EXECABORT Transaction discarded because of: ${late}`)
    const effects: Effect[] = []
    const replies = queued.map(argv => this.#apply(argv, effects))
    if (effects.length > 0) this.append(effects)
    return array(replies)
  }

  #apply(argv: readonly string[], effects: Effect[]): string {
    const [name = '', key = '', value = ''] = argv
    switch (name) {
      case 'HSET': {
        const isNew = this.#markerOf(value) === null
        for (let i = 2; i < argv.length; i += 2)
          effects.push({ kind: 'mark', field: argv[i] ?? '', value: argv[i + 1] ?? '' })
        return integer(isNew ? 1 : 0)
      }
      case 'EXPIRE':
      case 'HDEL':
        return integer(1)
      case 'GET':
        return bulk(`${key}=${this.runsOf(key) + count(effects, key)}`)
      case 'SET':
        effects.push({ kind: 'run', key })
        return simple('OK')
      default:
        effects.push({ kind: 'run', key })
        return bulk(`${key}=${this.runsOf(key) + count(effects, key)}`)
    }
  }
}

function count(effects: readonly Effect[], key: string): number {
  return effects.filter(effect => effect.kind === 'run' && effect.key === key).length
}

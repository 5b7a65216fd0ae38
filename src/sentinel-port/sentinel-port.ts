// sentinel-port.ts: a port that speaks Sentinel and names Holdfast as every master (--sentinel-listen), for applications
// that can only be told Sentinels.
//
//   client ─▶ command-scanner ─▶ asker ─▶ answer         get-master-addr-by-name ─▶ Holdfast's own address
//
// Owns: the sockets of its clients, and how much of a client is kept. Never: listens, or decides who may come in; knows
// the Sentinels, the nodes or a session; waits for anything; publishes an event, because the address that it tells
// never changes.
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Address } from '../address.ts'
import type { Bugs } from '../ops/bugs.ts'
import type { Counters } from '../ops/counters.ts'
import { CommandScanner, FrameKind } from '../resp/command-scanner.ts'
import { commandArgs } from '../resp/decode.ts'
import { encodeInline } from '../resp/inline-command.ts'
import { Asker, type Login } from './asker.ts'
import { failure } from './replies.ts'

const NOTHING = Buffer.alloc(0)
/** A question to a Sentinel is a hundred bytes. What is larger, or has more words, ends the connection. */
const MAX_COMMAND_BYTES = 16 * 1024
const MAX_WORDS = 1_024
/** Answers of one write; a client that does not take them is not read from. */
const ONE_WRITE_BYTES = 16 * 1024
/** How long a client may take to close its side after ours. */
const LINGER_MS = 1_000

/** A name, and where its clients reach Holdfast. */
export interface OwnMaster {
  readonly masterName: string
  readonly announced: Address | null
  /** What --listen is bound to; null only with an announced address. */
  readonly clients: Address | null
}

/** As `OwnMaster`, with what never changes. */
interface Target {
  /** One character for each byte, as clients write it. */
  readonly masterName: string
  readonly runId: string
  readonly address: Address
  readonly isAnnounced: boolean
}

/** Who may ask; null: everybody. */
export type LoginOf = ((socket: Socket) => Login) | null

export class SentinelPort {
  readonly #counters: Counters
  readonly #bugs: Bugs
  readonly #login: LoginOf
  readonly #sockets = new Set<Socket>()
  /** As a Sentinel has it; made anew by each process, as the run ids of the masters are. */
  readonly #id = newId()
  /** What clients are sent to. */
  readonly #targets: readonly Target[]
  #nextId = 1

  constructor(masters: readonly OwnMaster[], login: LoginOf, { counters, bugs }: { counters: Counters; bugs: Bugs }) {
    this.#counters = counters
    this.#bugs = bugs
    this.#login = login
    this.#targets = masters.flatMap(({ masterName, announced, clients }) => {
      const address = announced ?? clients
      const name = Buffer.from(masterName).toString('latin1')
      return address ? [{ masterName: name, runId: newId(), address, isAnnounced: announced !== null }] : []
    })
  }

  /** Clients that are connected. */
  get size(): number {
    return this.#sockets.size
  }

  /** Ends all connections at once. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Answers a client until it is gone. */
  accept(socket: Socket): void {
    this.#sockets.add(socket)
    this.#counters.sentinelPortSessions = this.#sockets.size
    const masters = this.#targets.map(({ masterName, runId, ...place }) => {
      return { masterName, runId, ...placeFor(socket, place) }
    })
    const told = { masters, id: this.#id }
    const reader = new CommandReader(new Asker(told, this.#nextId++, this.#login?.(socket) ?? null), this.#counters)
    const answer = (): void => {
      try {
        while (!socket.writableNeedDrain && reader.hasMore) socket.write(reader.read(), 'latin1')
        if (reader.over) endSoon(socket)
        else if (socket.writableNeedDrain) socket.pause()
        else socket.resume()
      } catch (error) {
        this.#bugs.ofStep(error, 'Sentinel port')
        socket.destroy()
      }
    }
    socket
      .on('data', (chunk: Buffer) => {
        reader.add(chunk)
        answer()
      })
      .on('drain', answer)
      // All that came before is answered: the socket is paused until then.
      .on('end', () => socket.end())
      .on('error', () => socket.destroy())
      .on('close', () => {
        this.#sockets.delete(socket)
        this.#counters.sentinelPortSessions = this.#sockets.size
      })
  }
}

const newId = (): string => randomBytes(20).toString('hex')

/** A listener of every address is reached at the one by which this client came here. */
function placeFor(socket: Socket, { address: { host, port }, isAnnounced }: Omit<Target, 'masterName' | 'runId'>) {
  const isEvery = !isAnnounced && (host === '0.0.0.0' || host === '::')
  return { host: isEvery ? (socket.localAddress ?? host).replace(/^::ffff:/i, '') : host, port }
}

/** Turns the bytes of one client into commands and their answers. */
class CommandReader {
  /** Nothing more is read: QUIT, or bytes that are no commands. */
  over = false
  readonly #asker: Asker
  readonly #counters: Counters
  readonly #scanner = new CommandScanner()
  /** The chunk that is looked at, and how far. */
  #chunk: Buffer = NOTHING
  #at = 0
  #partial: Buffer[] = []
  #partialBytes = 0

  constructor(asker: Asker, counters: Counters) {
    this.#asker = asker
    this.#counters = counters
  }

  add(chunk: Buffer): void {
    this.#chunk = this.hasMore ? Buffer.concat([this.#chunk.subarray(this.#at), chunk]) : chunk
    this.#at = 0
  }

  /** There is something to look at yet. */
  get hasMore(): boolean {
    return !this.over && this.#at < this.#chunk.length
  }

  /** Answers as much as one write should have. */
  read(): string {
    let out = ''
    while (this.hasMore && out.length < ONE_WRITE_BYTES) {
      const end = this.#scanner.next(this.#chunk, this.#at)
      if (this.#scanner.kind === FrameKind.error) return out + this.#end(`ERR Protocol error: ${this.#scanner.error}`)
      const piece = this.#chunk.subarray(this.#at, end < 0 ? this.#chunk.length : end)
      this.#at += piece.length
      this.#partialBytes += piece.length
      if (this.#partialBytes > MAX_COMMAND_BYTES)
        return out + this.#end('ERR holdfast: no question to a Sentinel is as long; the connection is closed')
      if (end < 0) this.#partial.push(Buffer.from(piece))
      else out += this.#answer(this.#joined(piece))
    }
    return out
  }

  #joined(last: Buffer): Buffer {
    const frame = this.#partial.length === 0 ? last : Buffer.concat([...this.#partial, last])
    this.#partial = []
    this.#partialBytes = 0
    return frame
  }

  #answer(frame: Buffer): string {
    const { kind, argc } = this.#scanner
    if (kind === FrameKind.empty) return ''
    if (kind === FrameKind.inline && isHttp(frame)) {
      this.over = true
      return ''
    }
    const command = kind === FrameKind.inline ? encodeInline(inlineLine(frame)) : frame
    if (command === null) return ''
    if (command === undefined) return this.#end('ERR Protocol error: unbalanced quotes in request')
    if (kind === FrameKind.command && argc > MAX_WORDS)
      return this.#end('ERR holdfast: no question to a Sentinel has as many words')
    this.#counters.sentinelPortCommands++
    const answer = this.#asker.answer(commandArgs(command).map(word => word.toString('latin1')))
    if (this.#asker.over) this.over = true
    return answer
  }

  #end(error: string): string {
    this.over = true
    this.#partial = []
    return failure(error)
  }
}

/** A browser that a page has sent here (securityWarningCommand in networking.c). */
const isHttp = (line: Buffer): boolean => /^(?:post|host:)\s/i.test(line.toString('latin1', 0, 8))

/** Ends our side, and the socket when its client does not follow. */
function endSoon(socket: Socket): void {
  if (socket.writableEnded) return
  socket.setTimeout(LINGER_MS, () => socket.destroy())
  socket.end()
  socket.resume()
}

function inlineLine(frame: Buffer): Buffer {
  const end = frame.length - (frame.at(-2) === 13 ? 2 : 1)
  return frame.subarray(0, end)
}

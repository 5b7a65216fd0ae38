// socket-input.ts: reads one client, and keeps what may not be looked at yet.
//
//   socket ─▶ onData ─▶ reader.read ─▶ done
//                └─▶ [kept] ◀─ the rest, when the reader says why it stops; looked at in a later turn step
//
// A session that may wait for long is read ahead, up to a bound: while it blocks, so that the end of its client is
// seen; while its client takes no replies, because that client may write all its commands before it reads.
//
// Owns: the data event, pausing and resuming the socket. Never: looks into bytes.
import type { Socket } from 'node:net'
import type { Blamed } from '../../ops/bugs.ts'
import type { SocketReader } from '../../transport/socket-reader.ts'
import { ONE_READ_BYTES } from '../flow/memory-budget.ts'
import type { SessionHost } from '../state/session-context.ts'
import type { Reader, Stop } from './reader.ts'

/** Why a session is not read from; more than one may hold. */
export const Pause = { stalled: 1, pending: 2, unread: 4, pressure: 8, looking: 16 } as const

/** With one of these nothing is read ahead either. */
const SHUT = Pause.unread | Pause.pressure

/** What `Input` asks of its session. */
export interface InputOwner extends Blamed {
  /** Nothing more is taken from the client. */
  readonly ending: boolean
  readonly inputEnded: boolean
  /** Nothing of it is unanswered, not even what was said to the server on its behalf. */
  readonly owedNothing: boolean
  /** It may wait for long: its client is read ahead meanwhile. */
  readonly readsAhead: boolean
  /** Nothing that was read is left to look at. Of a client that has sent its last byte, no reply may be to come. */
  onAllRead(): void
  /** It waits, and as much is read ahead as may be. */
  onAheadFull(): void
}

export class Input {
  /** The reasons in force, of `Pause`; 0: it is read from. */
  paused = 0
  /** performance.now() of about the last bytes. */
  lastReadAt = performance.now()
  readonly #session: InputOwner
  readonly #socket: SocketReader
  readonly #reader: Reader
  readonly #host: SessionHost
  readonly #maxKept: number
  #kept: Buffer[] = []
  #keptBytes = 0
  #resumeScheduled = false
  #flowing = true
  /** The command that asked for a look at its client has had it: 'due' while that is to come. */
  #look: 'none' | 'due' | 'done' = 'none'

  constructor(session: InputOwner, socket: Socket, host: SessionHost, reader: Reader) {
    this.#session = session
    this.#reader = reader
    this.#host = host
    this.#maxKept = Math.max(ONE_READ_BYTES, host.maxSessionBytes)
    this.#socket = host.lanes.sockets.read(socket, this.#onData)
  }

  /** Everything that was read has been looked at. */
  get empty(): boolean {
    return this.#keptBytes === 0 && !this.#resumeScheduled
  }

  /** As much is read ahead as may be: the client may be unable to write on. */
  get full(): boolean {
    return this.#keptBytes >= this.#maxKept
  }

  /** The client has sent more than was looked at. A paused socket reads on until its buffer holds one read. */
  get hasMore(): boolean {
    return this.#keptBytes > 0 || this.#socket.waiting > 0
  }

  readonly #onData = (chunk: Buffer): void => {
    const { counters, lanes } = this.#host
    counters.clientBytesIn += chunk.length
    this.lastReadAt = lanes.clock
    if (this.#session.inputEnded) return
    try {
      if (this.paused === 0 && this.#keptBytes === 0 && !this.#resumeScheduled) this.#read(chunk)
      else {
        this.#keep(chunk)
        this.#afterWaiting()
      }
    } catch (error) {
      this.#session.onBug(error)
    }
  }

  #read(chunk: Buffer): void {
    const stop = this.#reader.read(chunk)
    if (stop !== 'none' && !this.#session.ending) this.#stall(stop)
  }

  /** The rest is looked at when the reasons not to read are gone, or at the end of this turn if there are none. */
  #stall(stop: Stop): void {
    const rest = this.#reader.takeRest()
    if (rest !== null) this.#keep(rest)
    if (stop === 'look') {
      this.#look = 'due'
      this.pause(Pause.looking)
      this.#host.turn.defer(this.#onLooked, this.#session)
    } else if (stop === 'replies') this.pause(Pause.stalled)
    else if (stop === 'full') this.pause(Pause.pending)
    // What it waits for may be over already: an answer that needed no server.
    if (this.#session.owedNothing && this.paused & Pause.stalled) this.unpause(Pause.stalled)
    else if (this.paused === 0) this.#scheduleResume()
    else this.#afterWaiting()
  }

  /** Has the command that is looked at now had the look at its client that it asked for? Answers true once. */
  hasLooked(): boolean {
    if (this.#look !== 'done') return false
    this.#look = 'none'
    return true
  }

  /** The event loop polls once more between this step and the one that resumes: an end of the client is known then. */
  readonly #onLooked = (): void => {
    if (this.#look === 'due') this.#look = 'done'
    this.unpause(Pause.looking)
  }

  pause(why: number): void {
    this.paused |= why
    this.flow()
  }

  unpause(why: number): void {
    if ((this.paused & why) === 0) return
    this.paused &= ~why
    if (this.paused === 0) this.#scheduleResume()
    else this.flow()
  }

  /** While the session waits: may its client be read ahead? */
  flow(): void {
    if (this.paused === 0) return
    const waits = (this.paused & SHUT) === 0
    const looks = (this.paused & (Pause.stalled | Pause.looking)) !== 0 && this.#keptBytes < ONE_READ_BYTES
    this.#setFlowing(waits && (looks || (!this.full && this.#session.readsAhead)))
  }

  /** Forgets what was kept. */
  clear(): void {
    this.#host.counters.unfinishedBytes -= this.#keptBytes
    this.#kept = []
    this.#keptBytes = 0
  }

  /** The session is over: drops what its client still sends. */
  discard(): void {
    this.#socket.discard()
  }

  #afterWaiting(): void {
    if (this.paused === 0) return
    this.flow()
    if (this.full) this.#session.onAheadFull()
  }

  #setFlowing(is: boolean): void {
    if (this.#flowing === is) return
    this.#flowing = is
    if (is) this.#socket.resume()
    else this.#socket.pause()
  }

  #keep(bytes: Buffer): void {
    this.#kept.push(bytes)
    this.#keptBytes += bytes.length
    this.#host.counters.unfinishedBytes += bytes.length
  }

  #takeKept(): Buffer | null {
    const [first] = this.#kept
    if (first === undefined) return null
    const kept = this.#kept.length === 1 ? first : Buffer.concat(this.#kept, this.#keptBytes)
    this.clear()
    return kept
  }

  /** Goes on in a later turn step, never inside the call that made it possible: replies first, then more commands. */
  #scheduleResume(): void {
    if (this.#resumeScheduled) return
    this.#resumeScheduled = true
    this.#host.turn.defer(this.#resume, this.#session)
  }

  readonly #resume = (): void => {
    this.#resumeScheduled = false
    if (this.#session.ending || this.paused !== 0) return
    const kept = this.#takeKept()
    if (kept !== null) this.#read(kept)
    if (this.paused === 0 && !this.#session.ending) this.#setFlowing(true)
    if (this.empty) this.#session.onAllRead()
  }
}

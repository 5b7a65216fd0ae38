// handoff-notices.ts: tells clients that have asked for it (CLIENT MAINT_NOTIFICATIONS) of a hold, so that they wait
// longer for their replies, and of the end of this process, so that they connect anew in time.
//
//   gate shuts ─▶ FAILING_OVER     gate open, nothing waits ─▶ FAILED_OVER     no new clients ─▶ MOVING
//
// The shapes are those that go-redis 9, redis-py 8, Lettuce 7 and node-redis 6 accept (docs/clients.md).
//
// Owns: who has asked, and what each was told last. Never: moves the gate, delays a command, tells who has not asked.
// Must stay true: FAILING_OVER and FAILED_OVER alternate for each session, because node-redis counts them. A session
// of RESP2 is told nothing: its client would take a push for a reply. What is told goes between whole replies:
// a session delivers nothing less than a frame.
import type { Counters } from '../../ops/counters.ts'

/** The part of a session that is told. */
export interface NoticedSession {
  readonly id: number
  readonly state: { readonly identity: { readonly protocol: 2 | 3 } }
  readonly gone: boolean
  readonly ending: boolean
  deliver(bytes: Buffer): void
}

/** What a session has asked for. `none`: it connects to the address that it has; `address`: it wants to be told one. */
export type MovingEndpoint = 'none' | 'address'

interface Listener {
  readonly session: NoticedSession
  readonly endpoint: MovingEndpoint
  /** The last it heard was FAILING_OVER. */
  inHold: boolean
}

export interface NoticeOptions {
  /** Otherwise CLIENT MAINT_NOTIFICATIONS is left to the server, which does not know it. */
  readonly on: boolean
  /** How long a hold may take, ms. */
  readonly holdLimitMs: number
  /** Where MOVING sends clients that want an address, `host:port`; null: they get no MOVING. */
  readonly announced: string | null
  /** Runs work in a later step of the event loop. */
  readonly later: (work: () => void) => void
}

/** So many sessions are told in one step, so that ten thousand do not keep the loop from the Sentinels. */
const AT_A_TIME = 256
/** Clients take it as text and look no further: Redis Software names its shards here, and Holdfast has one. */
const SHARDS = '$1\r\n1\r\n'

export class HandoffNotices {
  readonly on: boolean
  readonly #options: NoticeOptions
  readonly #counters: Counters
  readonly #listeners = new Map<number, Listener>()
  /** Those that are looked at in later steps. */
  readonly #left = new Set<Listener>()
  #scheduled = false
  #holding = false
  /** Grows by one with each event. It begins with the time, so that it also grows over a restart. */
  #sequence = Math.floor(Date.now() / 1000)

  constructor(options: NoticeOptions, counters: Counters) {
    this.on = options.on
    this.#options = options
    this.#counters = counters
  }

  /** The session wants to be told from now on; of a hold that lasts, in a later step: behind the answer to this. */
  add(session: NoticedSession, endpoint: MovingEndpoint): void {
    const inHold = this.#listeners.get(session.id)?.inHold ?? false
    const listener = { session, endpoint, inHold }
    this.#listeners.set(session.id, listener)
    this.#counters.handoffSessions = this.#listeners.size
    if (this.#holding !== inHold) this.#tell([listener])
  }

  /** The session is told nothing any more: OFF, RESET, its end. */
  delete(id: number): void {
    this.#listeners.delete(id)
    this.#counters.handoffSessions = this.#listeners.size
  }

  /** The session is told of every hold: it has asked, and speaks RESP3. */
  tells(id: number): boolean {
    return this.#listeners.get(id)?.session.state.identity.protocol === 3
  }

  /** The session was told of the hold that lasts, so its client waits longer. */
  isTold(id: number): boolean {
    return this.#listeners.get(id)?.inHold === true
  }

  /** The gate is shut. */
  holdBegins(): void {
    this.#turnTo(true)
  }

  /** The gate is open, and what was held has been sent. */
  holdEnds(): void {
    this.#turnTo(false)
  }

  #turnTo(holding: boolean): void {
    if (this.#holding === holding) return
    this.#holding = holding
    this.#sequence++
    this.#tell(this.#listeners.values())
  }

  /** This process takes no new clients. `inMs`: how long those that it has are served yet. */
  moving(inMs: number): void {
    this.#sequence++
    for (const { session, endpoint } of this.#listeners.values()) {
      const where = endpoint === 'none' ? '_\r\n' : bulk(this.#options.announced)
      if (where !== null && isTellable(session)) {
        session.deliver(Buffer.from(`>4\r\n$6\r\nMOVING\r\n:${this.#sequence}\r\n:${seconds(inMs)}\r\n${where}`))
        this.#counters.movingTold++
      }
    }
  }

  #tell(listeners: Iterable<Listener>): void {
    for (const listener of listeners) this.#left.add(listener)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || this.#left.size === 0) return
    this.#scheduled = true
    this.#options.later(this.#tellSome)
  }

  readonly #tellSome = (): void => {
    this.#scheduled = false
    let room = AT_A_TIME
    for (const listener of this.#left) {
      if (room-- === 0) break
      this.#left.delete(listener)
      if (this.#listeners.get(listener.session.id) === listener) this.#tellOne(listener)
    }
    this.#schedule()
  }

  /** What is true now: a hold that was over before its turn came is not told. */
  #tellOne(listener: Listener): void {
    const { session } = listener
    if (listener.inHold === this.#holding || !isTellable(session)) return
    listener.inHold = this.#holding
    if (this.#holding) {
      const limit = seconds(this.#options.holdLimitMs)
      session.deliver(Buffer.from(`>4\r\n$12\r\nFAILING_OVER\r\n:${this.#sequence}\r\n:${limit}\r\n${SHARDS}`))
      this.#counters.failingOverTold++
    } else {
      session.deliver(Buffer.from(`>3\r\n$11\r\nFAILED_OVER\r\n:${this.#sequence}\r\n${SHARDS}`))
      this.#counters.failedOverTold++
    }
  }
}

/** Bytes behind the last reply of a session that ends would be written to a socket that is closed for writing. */
function isTellable({ gone, ending, state }: NoticedSession): boolean {
  return !gone && !ending && state.identity.protocol === 3
}

/** Whole seconds, as all clients read them, and never none. */
const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000))

/** node-redis cuts host and port at the first colon, so an IPv6 address is not told. */
function bulk(address: string | null): string | null {
  if (address === null || address.startsWith('[')) return null
  return `$${Buffer.byteLength(address)}\r\n${address}\r\n`
}

// dial-ahead.ts: connections to a replica that is being promoted, made before the links that will need them.
//
//   expect(address) ──at random moments──▶ dialled ──▶ open ──dial(master)──▶ a link's socket
//                            ▲                │
//                            └── ended ◀──────┴─ by the promotion, or by nobody there
//
// All sidecars hear of a new master in the same millisecond. Those that dialled then would overflow its queue of
// connections (promotionDial in backoff.ts), and each would wait for a round trip more, or for two by TLS.
//
// Owns: these sockets, until a link has them. Never: sends a byte on them. Nothing may be sent to the node before the
// control plane confirms it, and a link is made no earlier.
import type { Socket } from 'node:net'
import { type Address, sameAddress } from '../address.ts'
import { promotionDial } from '../backoff.ts'
import type { Dial, Dialled, Reading } from './dial.ts'

/** How many links will be needed: those that many sessions share read by `Reading`, the others by events. */
export interface Needed {
  readonly shared: number
  readonly private: number
}

/** More than this many links of one process dial when they are needed. */
const MOST: Needed = { shared: 8, private: 64 }
/** What is not needed by then is ended. */
const EXPECTED_MS = 10_000
const LEFT_OVER_MS = 2_000
/** Room for the first read of a link. */
const FIRST_READ_BYTES = 16 * 1024

export class DialAhead {
  readonly #dial: Dial
  readonly #open = new Set<Ahead>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #expected: Address | null = null
  /** performance.now() after which nothing more is dialled. */
  #until = 0
  #end: NodeJS.Timeout | null = null

  constructor(dial: Dial) {
    this.#dial = dial
  }

  /** A connection that is open or being opened already, where there is one. */
  readonly dial: Dial = (master, reading) => {
    for (const ahead of this.#open) {
      if (!ahead.fits(master, reading)) continue
      this.#open.delete(ahead)
      return ahead.handOver(reading)
    }
    return this.#dial(master, reading)
  }

  /** This replica will probably be the master in about a second. */
  expect(address: Address, needed: Needed): void {
    if (this.#expected !== null && sameAddress(this.#expected, address)) return
    this.close()
    this.#expected = address
    this.#until = performance.now() + promotionDial.forMs
    this.#endAfter(EXPECTED_MS)
    for (const kind of ['shared', 'private'] as const)
      for (let i = 0; i < Math.min(needed[kind], MOST[kind]); i++) this.#later(promotionDial.afterMs(), kind)
  }

  /** This node is the master, and links to it have been dialled. */
  settle(master: Address): void {
    if (this.#expected === null) return
    if (!sameAddress(this.#expected, master)) this.close()
    else this.#stopDialling()
    this.#endAfter(LEFT_OVER_MS)
  }

  /** Ends what no link has taken. */
  close(): void {
    this.#stopDialling()
    if (this.#end !== null) clearTimeout(this.#end)
    this.#end = null
    for (const ahead of this.#open) ahead.end()
    this.#open.clear()
  }

  #stopDialling(): void {
    this.#expected = null
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  #endAfter(ms: number): void {
    if (this.#end !== null) clearTimeout(this.#end)
    this.#end = setTimeout(() => this.close(), ms)
  }

  #later(ms: number, kind: keyof Needed): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (this.#expected === null || performance.now() > this.#until) return
      const ahead = new Ahead(this.#dial, this.#expected, kind, () => {
        if (this.#open.delete(ahead) && this.#expected !== null) this.#later(promotionDial.againMs(), kind)
      })
      this.#open.add(ahead)
    }, ms)
    this.#timers.add(timer)
  }
}

/** One connection that no link has yet. */
class Ahead {
  readonly #address: Address
  readonly #dialled: Dialled
  readonly #kind: keyof Needed
  readonly #first = Buffer.alloc(FIRST_READ_BYTES)
  readonly #onEnd: () => void
  #reading: Reading | null = null
  #isUp = false
  /** A server that speaks first turns us away. */
  #hasSpoken = false

  constructor(dial: Dial, address: Address, kind: keyof Needed, onEnd: () => void) {
    this.#address = address
    this.#kind = kind
    this.#onEnd = onEnd
    this.#dialled = dial(address, kind === 'shared' ? this.#onread() : undefined)
    const { socket, readyEvent } = this.#dialled
    socket.once(readyEvent, this.#onUp).on('error', ignore).on('close', onEnd)
  }

  /** Whether a link to this address that reads like this can have it. */
  fits(address: Address, reading: Reading | undefined): boolean {
    const kind = reading === undefined ? 'private' : 'shared'
    return kind === this.#kind && sameAddress(address, this.#address) && !this.#hasSpoken && isUsable(this.#socket)
  }

  handOver(reading: Reading | undefined): Dialled {
    this.#reading = reading ?? null
    const socket = this.#socket
    socket.off(this.#dialled.readyEvent, this.#onUp).off('error', ignore).off('close', this.#onEnd)
    if (!this.#isUp) return this.#dialled
    process.nextTick(() => {
      if (!socket.destroyed) socket.emit('taken')
    })
    return { socket, readyEvent: 'taken' }
  }

  end(): void {
    this.#socket.off('close', this.#onEnd).destroy()
  }

  get #socket(): Socket {
    return this.#dialled.socket
  }

  readonly #onUp = (): void => {
    this.#isUp = true
  }

  /** Node takes the memory for a read before it reads: the first one after the hand-over lands in ours. */
  #onread(): Reading {
    return {
      buffer: () => this.#reading?.buffer() ?? this.#first,
      callback: (count, bytes) => {
        const reading = this.#reading
        if (reading === null) {
          this.#hasSpoken = true
          return true
        }
        if (bytes.buffer !== this.#first.buffer) return reading.callback(count, bytes)
        const target = reading.buffer()
        target.set(this.#first.subarray(0, count))
        return reading.callback(count, target)
      },
    }
  }
}

const ignore = (): void => {}

function isUsable(socket: Socket): boolean {
  return !socket.destroyed && !socket.readableEnded && (socket.connecting || socket.writable)
}

// dial-ahead.ts: connections to a replica that is being promoted, made before the links that will need them.
//
//   expect(address, 3) ──at random moments──▶ dialled ──▶ open ──dial(master)──▶ a link's socket
//                               ▲                │
//                               └── ended ◀──────┴─ by the promotion, or by nobody there
//
// They are for sessions that have a link of their own. Its handshake restores the session, so it can begin only when the
// lane knows its session's state on the new master; the connection can be there before. (Links that many share are made
// as a whole: relay/ahead-links.ts, which says why.)
//
// Owns: these sockets, until a link has them. Never: sends a byte on them.
import type { Socket } from 'node:net'
import { type Address, sameAddress } from '../address.ts'
import { promotionDial } from '../backoff.ts'
import type { Dial, Dialled } from './dial.ts'

/** Further links of one process are dialled when they are needed. */
const MOST = 64
/** What is not needed by then is ended. */
const EXPECTED_MS = 10_000
const LEFT_OVER_MS = 2_000

export class DialAhead {
  readonly #dial: Dial
  readonly #mayDial: () => boolean
  readonly #open = new Set<Ahead>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #expected: Address | null = null
  /** performance.now() after which nothing more is dialled. */
  #until = 0
  #end: NodeJS.Timeout | null = null

  /** `mayDial`: there is room for a connection that nobody waits for. */
  constructor(dial: Dial, mayDial: () => boolean = () => true) {
    this.#dial = dial
    this.#mayDial = mayDial
  }

  /** A connection that is open or being opened already, where there is one for a link that reads by events. */
  readonly dial: Dial = (master, reading) => {
    if (reading !== undefined) return this.#dial(master, reading)
    for (const ahead of this.#open) {
      if (!ahead.fits(master)) continue
      this.#open.delete(ahead)
      return ahead.handOver()
    }
    return this.#dial(master)
  }

  /** This replica will probably be the master in about a second, and so many links will be needed. */
  expect(address: Address, links: number): void {
    if (this.#expected !== null && sameAddress(this.#expected, address)) return
    this.close()
    this.#expected = address
    this.#until = performance.now() + promotionDial.forMs
    this.#endAfter(EXPECTED_MS)
    for (let i = 0; i < Math.min(links, MOST); i++) this.#later(promotionDial.afterMs())
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

  #later(ms: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (this.#expected === null || performance.now() > this.#until || !this.#mayDial()) return
      const ahead = new Ahead(this.#dial, this.#expected, () => {
        if (this.#open.delete(ahead) && this.#expected !== null) this.#later(promotionDial.againMs())
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
  readonly #onEnd: () => void
  #isUp = false

  constructor(dial: Dial, address: Address, onEnd: () => void) {
    this.#address = address
    this.#onEnd = onEnd
    this.#dialled = dial(address)
    const { socket, readyEvent } = this.#dialled
    socket.once(readyEvent, this.#onUp).on('error', ignore).on('close', onEnd)
  }

  /** Whether a link to this address can have it. A server that speaks first turns us away. */
  fits(address: Address): boolean {
    const { socket } = this.#dialled
    const isUsable = !socket.destroyed && (socket.connecting || socket.writable) && !hasSpoken(socket)
    return isUsable && sameAddress(address, this.#address)
  }

  handOver(): Dialled {
    const { socket, readyEvent } = this.#dialled
    socket.off(readyEvent, this.#onUp).off('error', ignore).off('close', this.#onEnd)
    if (!this.#isUp) return this.#dialled
    process.nextTick(() => {
      if (!socket.destroyed) socket.emit('taken')
    })
    return { socket, readyEvent: 'taken' }
  }

  end(): void {
    this.#dialled.socket.off('close', this.#onEnd).destroy()
  }

  readonly #onUp = (): void => {
    this.#isUp = true
  }
}

const ignore = (): void => {}

/** By TLS the handshake is no word of the server. */
function hasSpoken(socket: Socket): boolean {
  return !('encrypted' in socket) && socket.bytesRead > 0
}

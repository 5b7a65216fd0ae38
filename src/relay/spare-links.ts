// spare-links.ts: one warm link of each identity in use, dialled ahead for the first session that needs its own.
//
//   use(identity) ──▶ wanted ──sweep──▶ dialling ──▶ idle-pool.ts ──take──▶ a private lane; wanted again
//                        ▲                 │
//                        └──── pause ◀─────┴ it did not come up
//
// Without it a SUBSCRIBE dials first, and misses what is published meanwhile. silent-links.ts asks the spare whether a
// silent link's node answers others. It costs one connection for each user, database and protocol that clients use.
//
// Must stay true: one dial at a time for each identity. None while the gate is not open, but for a link that is to end
// waits at the old master (unblocking.ts). What is dialled for an identity that nobody uses any more is ended.

import type { Master } from '../address.ts'
import { type BackoffLimits, doublingMs } from '../backoff.ts'
import { Handshake, type HandshakeFailure } from '../upstream/handshake.ts'
import type { Identity } from '../upstream/identity.ts'
import { IdleListener } from '../upstream/idle-listener.ts'
import { Link } from '../upstream/link.ts'
import { isSameTerm } from './gate.ts'
import type { IdlePool } from './idle-pool.ts'
import type { LaneHost } from './lane-host.ts'
import type { Request } from './request.ts'

/** After a dial that failed, doubled each time; a frozen node is dialled about once in this time at most. */
const PAUSE: BackoffLimits = { minMs: 1000, maxMs: 30_000 }
/**
 * A spare is replaced by a new one this often: the server has to let its identity in again, or no new session is. At
 * random: all that follow one master would go on dialling it in step after a failover.
 */
const PROVE_MS = { min: 4000, max: 6000 }
/** On a new master a spare is dialled at a random moment of this time, when all links that are needed now are up. */
const AFTER_MOVE_MS = { min: 500, max: 2000 }
/** The same where a client may wait in the node: the next failover needs a spare to end its wait (unblocking.ts). */
const AFTER_MOVE_SOON_MS = { min: 0, max: 100 }

/** An identity in use, and what is known of its spare. */
class Use {
  readonly identity: Identity
  users = 0
  /** performance.now() of the last sign of life of the node on a link of this identity that owed nothing. */
  heardAt = 0
  dialling: Link<Request> | null = null
  /** When the server is to be asked again to let this identity in; 0: it has not been asked. */
  proveAt = 0
  #failures = 0
  #notBefore = 0

  constructor(identity: Identity) {
    this.identity = identity
  }

  mayDial(now: number): boolean {
    return this.dialling === null && now >= this.#notBefore
  }

  pause(): void {
    this.#notBefore = performance.now() + doublingMs(++this.#failures, PAUSE)
  }

  endPause(): void {
    this.#failures = 0
    this.#notBefore = 0
  }

  onMoved(isNeededSoon: boolean): void {
    this.endPause()
    if (this.proveAt > 0) this.#notBefore = performance.now() + afterMoveMs(isNeededSoon)
  }
}

/** `onRefused`: the server does not let the identity in, or wants a login from those who have none. */
interface SpareLinksOptions {
  readonly enabled: boolean
  readonly onRefused: (identity: Identity, reply: string) => void
  /** Sessions have links of their own, on which clients may wait in the node. */
  readonly isNeededSoon: () => boolean
  /** A spare is up. */
  readonly onUp: () => void
}

export class SpareLinks extends IdleListener<Request> {
  readonly #uses = new Map<string, Use>()
  readonly #idle: IdlePool
  readonly #host: LaneHost
  readonly #options: SpareLinksOptions

  constructor(host: LaneHost, idle: IdlePool, options: SpareLinksOptions) {
    super()
    this.#host = host
    this.#idle = idle
    this.#options = options
  }

  /** One more session uses this identity. */
  use(identity: Identity): void {
    const use = this.#uses.get(identity.key) ?? new Use(identity)
    this.#uses.set(identity.key, use)
    use.users++
  }

  /** One less. */
  unuse(key: string): void {
    const use = this.#uses.get(key)
    if (use === undefined || --use.users > 0) return
    this.#uses.delete(key)
    use.dialling?.cut('nobody needs it')
  }

  inUse(key: string): boolean {
    return this.#uses.has(key)
  }

  heard(key: string): void {
    const use = this.#uses.get(key)
    if (use !== undefined) use.heardAt = performance.now()
  }

  /** When the node was last heard on a link of this identity that owed nothing; 0: never. */
  heardAt(key: string): number {
    return this.#uses.get(key)?.heardAt ?? 0
  }

  /** The node serves this identity again: a pause after dials that failed is over. */
  dialNow(key: string): void {
    this.#uses.get(key)?.endPause()
  }

  /** Dials what is missing. `master`: of the open gate. */
  refill(master: Master, now: number): void {
    if (!this.#options.enabled || !this.#host.files.hasRoomToSpare) return
    for (const [key, use] of this.#uses)
      if (use.mayDial(now) && this.#isDue(key, use, now)) this.#dial(use, master, now)
  }

  /** Dials one for this identity although the gate is shut, and although the last dial has failed. */
  dialFor(key: string, master: Master, now: number): void {
    const use = this.#uses.get(key)
    if (use === undefined || use.dialling !== null || (this.#idle.full && !this.#idle.has(key))) return
    if (this.#options.enabled && this.#host.files.hasRoomToSpare) this.#dial(use, master, now)
  }

  #dial(use: Use, master: Master, now: number): void {
    use.proveAt = now + randomOf(PROVE_MS)
    use.dialling = new Link(master, new Handshake(use.identity, undefined, null, master), this, this.#host)
  }

  #isDue(key: string, use: Use, now: number): boolean {
    return this.#idle.has(key) ? now > use.proveAt : !this.#idle.full
  }

  /** The master is another one, or none: what is dialled elsewhere is of no use. */
  keepOnly(master: Master | null): void {
    const isNeededSoon = this.#options.isNeededSoon()
    for (const use of this.#uses.values()) {
      if (use.dialling !== null && (master === null || !isSameTerm(use.dialling.master, master)))
        use.dialling.cut('the master moved')
      use.onMoved(isNeededSoon)
    }
  }

  /** Of each link that is being dialled. */
  *dialling(): Generator<Identity> {
    for (const { identity, dialling } of this.#uses.values()) if (dialling !== null) yield identity
  }

  close(): void {
    for (const { dialling } of this.#uses.values()) dialling?.cut('shutdown')
    this.#uses.clear()
  }

  override onReady(link: Link<Request>): void {
    const use = this.#uses.get(link.handshake.identity.key)
    const { counters } = this.#host
    counters.linksOpened++
    counters.detail.linksOpened.add('spare')
    if (use?.dialling === link) {
      use.dialling = null
      use.endPause()
      use.heardAt = performance.now()
    }
    const { identity, signedIn } = link.handshake
    this.#idle.replace(identity, link)
    if (!signedIn) this.#options.onRefused(identity, 'NOAUTH')
    this.#options.onUp()
  }

  override onHandshakeFailed(link: Link<Request>, failure: HandshakeFailure): void {
    const { identity } = link.handshake
    const use = this.#uses.get(identity.key)
    // An answer is a sign of life, whatever it says.
    if (use?.dialling === link) use.heardAt = performance.now()
    const isRefused = this.#host.onHandshakeFailed(link, failure)
    if (isRefused && failure.kind === 'auth') this.#options.onRefused(identity, failure.text)
  }

  onClosed(link: Link<Request>): void {
    const use = this.#uses.get(link.handshake.identity.key)
    if (use?.dialling !== link) return
    use.dialling = null
    use.pause()
  }

  onBug(_link: Link<Request>, _request: Request | undefined, error: unknown): void {
    this.#host.bugs.ofStep(error, 'spare links')
  }
}

/** From the move to another master to the dial of a spare there, ms. */
export function afterMoveMs(isNeededSoon: boolean): number {
  return randomOf(isNeededSoon ? AFTER_MOVE_SOON_MS : AFTER_MOVE_MS)
}

function randomOf({ min, max }: { readonly min: number; readonly max: number }): number {
  return min + Math.random() * (max - min)
}

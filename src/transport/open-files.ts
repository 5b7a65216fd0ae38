// open-files.ts: who may have a file descriptor of those that the system gives this process (RLIMIT_NOFILE).
//
//   limit ─┬─ in use at the start
//          ├─ for Holdfast itself: listeners, Sentinels, probes, shared links, the admin port, files, DNS
//          └─ the rest: for clients, three quarters of it at most, and for links of their own; half, where each session has one
//
// Where none is left, libuv accepts clients and closes them at once, and tells nobody. What a failover needs (a link to
// the new master, a Sentinel, an answer to a probe) would fail as well. So clients are turned away before, with an
// error. A session may take a link of its own: while half of the rest is enough for the clients, each of them can have
// one, and beyond that whoever needs one waits until another is free.
//
// Owns: the count of sockets that clients and links have, for all masters of the process. Never: opens or dials
// anything, or counts what Holdfast keeps for itself.
import type { Socket } from 'node:net'
import type { Log } from '../ops/log.ts'
import { createLogThrottle } from '../ops/log-throttle.ts'

/** How many sockets each may have. Infinity: there is no limit that matters. */
export interface Shares {
  /** Clients that are connected at a time, at all ports. */
  readonly clients: number
  /** Sockets of clients and links together. Beyond it no session dials a link of its own. */
  readonly sockets: number
  /** The same for links that nobody waits for. */
  readonly sparing: number
  /** Clients that were turned away and are not gone yet. */
  readonly leaving: number
  /** Connections to the admin port, and how many of them may be open pages. */
  readonly admin: number
  readonly viewers: number
}

/** What Holdfast keeps for itself: a sixteenth of the limit, within these; of a very small limit half. */
const OWN = { least: 32, most: 384 }
/** For each further master: its listeners, probes and shared links. */
const OWN_OF_MASTER = 8
/** Of what is left. Most sessions share links; at half of it every one could have a link of its own at the same time. */
const MOST_FOR_CLIENTS = { sharing: 3 / 4, private: 1 / 2 }

const unlimited: Shares = {
  clients: Number.POSITIVE_INFINITY,
  sockets: Number.POSITIVE_INFINITY,
  sparing: Number.POSITIVE_INFINITY,
  leaving: Number.POSITIVE_INFINITY,
  admin: Number.POSITIVE_INFINITY,
  viewers: Number.POSITIVE_INFINITY,
}

export interface Situation {
  /** Descriptors; NaN where it is not known. */
  readonly limit: number
  readonly inUse: number
  readonly masters: number
  /** Each session has a link of its own (--links private). */
  readonly isPrivate?: boolean
}

/** Pure. */
export function sharesOf({ limit, inUse, masters, isPrivate = false }: Situation): Shares {
  if (!Number.isFinite(limit)) return unlimited
  const left = Math.max(0, limit - (Number.isNaN(inUse) ? OWN.least : inUse))
  const wanted = Math.min(OWN.most, Math.max(OWN.least, Math.floor(limit / 16))) + OWN_OF_MASTER * (masters - 1)
  const own = Math.min(wanted, Math.floor(left / 2))
  const rest = left - own
  const clients = Math.max(1, Math.floor(rest * MOST_FOR_CLIENTS[isPrivate ? 'private' : 'sharing']))
  const part = Math.max(1, Math.floor(own / 6))
  const admin = 2 * part
  return { clients, sparing: rest, sockets: rest + part, leaving: part, admin, viewers: part }
}

export const OPEN_FILES_REMEDY =
  'raise the limit of open files: ulimit -n, LimitNOFILE of systemd, or the nofile limit of the container'

/** A dial or an open() failed because no file descriptor is left: in this process, or in the whole system. */
function isOutOfFiles(error: Error): boolean {
  return 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE')
}

export class OpenFiles {
  readonly shares: Shares
  #clients = 0
  #sockets = 0
  readonly #leaving = new Set<Socket>()
  readonly #handshakes: (() => number)[] = []
  readonly #log: Log | null
  readonly #throttle = createLogThrottle()
  #shortAt = Number.NEGATIVE_INFINITY

  constructor(shares: Shares = unlimited, log: Log | null = null) {
    this.shares = shares
    this.#log = log
  }

  /**
   * The limit on sessions of one port that is in force; 0: there is none. `wanted`: the option, 0 for none. `own`: how many
   * there are; what clients of other ports have is not for them.
   */
  limitFor(wanted: number, own: number): number {
    const left = Math.max(1, this.shares.clients - (this.#clients - own))
    const most = Math.min(wanted === 0 ? Number.POSITIVE_INFINITY : wanted, left)
    return Number.isFinite(most) ? most : 0
  }

  /** Whether a client may come in; its socket counts until it is closed. */
  admits(socket: Socket): boolean {
    if (this.#clients >= this.shares.clients) return false
    this.#clients++
    this.#sockets++
    socket.on('close', this.#clientGone)
    return true
  }

  /** A port where clients have a file before they are through their TLS handshake: `handshakes` counts these. */
  countHandshakes(handshakes: () => number): void {
    this.#handshakes.push(handshakes)
  }

  /** Clients and those that may become one have more than is for them. */
  get isCrowded(): boolean {
    const inHandshake = this.#handshakes.reduce((sum, count) => sum + count(), 0)
    return this.#clients + this.#leaving.size + inHandshake > this.shares.clients + this.shares.leaving
  }

  /** Counts the socket of a client or a link until it is closed. */
  count(socket: Socket): void {
    this.#sockets++
    socket.on('close', this.#socketGone)
  }

  /** A session may dial a link of its own. */
  get hasRoom(): boolean {
    return this.#sockets < this.shares.sockets
  }

  /** A link may be made that nobody waits for. */
  get hasRoomToSpare(): boolean {
    return this.#sockets < this.shares.sparing
  }

  /** The client was turned away. The newest of them may take their time to read why. */
  letGo(socket: Socket): void {
    this.#leaving.add(socket)
    socket.once('close', () => this.#leaving.delete(socket))
    const [oldest] = this.#leaving
    if (this.#leaving.size <= this.shares.leaving || oldest === undefined) return
    this.#leaving.delete(oldest)
    oldest.destroy()
  }

  /** A link could not be dialled. */
  onError(error: Error): void {
    if (isOutOfFiles(error)) this.noteShortage(error.message)
  }

  /** Somebody waits for a descriptor. */
  noteShortage(cause: string): void {
    this.#shortAt = performance.now()
    const notLogged = this.#throttle('short')
    if (notLogged === undefined) return
    this.#log?.warn(
      { event: 'process.open_files', cause, remedy: OPEN_FILES_REMEDY, notLogged },
      'no file descriptor is left for a link to a server: commands that need it wait, and it is tried again',
    )
  }

  readonly #socketGone = (): void => {
    this.#sockets--
  }

  readonly #clientGone = (): void => {
    this.#clients--
    this.#sockets--
  }

  /** Somebody had to wait for a descriptor in the last `ms`. */
  wasShort(ms: number): boolean {
    return performance.now() - this.#shortAt < ms
  }
}

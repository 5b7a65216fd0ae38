// idle-pool.ts: links that nobody uses now, for the next session that needs a link of its own. Sessions have left them
// clean, or they are warm spares (spare-links.ts dials one for each identity in use).
//
// So a worker that blocks in BLPOP, works and blocks again does not dial each time, and a first SUBSCRIBE is sent at
// once. silent-links.ts asks its questions here: an idle link owes nothing, so its node answers at once or answers
// nobody.
//
// Must stay true: a link with an unanswered question is given to nobody.
import type { Master } from '../address.ts'
import type { Bugs } from '../ops/bugs.ts'
import type { Identity } from '../upstream/identity.ts'
import { IdleListener } from '../upstream/idle-listener.ts'
import type { Link } from '../upstream/link.ts'
import type { LinkEnd } from '../upstream/link-end.ts'
import { isByServer } from './fatal-requests.ts'
import { isSameTerm } from './gate.ts'
import { createUnit, nobody, type Request, type RequestHandler } from './request.ts'

const MAX_IDLE = 64
const IDLE_MS = 10_000
/** After a change of master, links that are needed come first. */
const LEAVE_MS = 500
/** One that does not answer a question for this long is of no use to anybody. */
const DUMB_MS = 3000

interface Idle {
  readonly identity: Identity
  readonly link: Link<Request>
  readonly since: number
}

export class IdlePool extends IdleListener<Request> {
  #idle: Idle[] = []
  /** Nobody's any more, and soon ended. */
  #leaving: Link<Request>[] = []
  #timer: NodeJS.Timeout | null = null
  readonly #bugs: Bugs
  readonly #onHeard: (key: string) => void
  readonly #onEnded: (idleMs: number) => void

  /** `onHeard`: a link of this identity has answered a question. `onEnded`: the server has ended one, after so much time. */
  constructor(bugs: Bugs, onHeard: (key: string) => void, onEnded: (idleMs: number) => void) {
    super()
    this.#bugs = bugs
    this.#onHeard = onHeard
    this.#onEnded = onEnded
  }

  get full(): boolean {
    return this.#idle.length >= MAX_IDLE
  }

  /** Keeps the link, or cuts it when enough are kept. */
  put(identity: Identity, link: Link<Request>): void {
    link.setListener(this)
    if (this.full) {
      link.cut('enough idle links')
      return
    }
    link.replies.pushes = null
    this.#idle.push({ identity, link, since: performance.now() })
  }

  /** The same in the place of one that has been kept for longer. */
  replace(identity: Identity, link: Link<Request>): void {
    this.take(identity.key)?.cut('a newer one takes its place')
    this.put(identity, link)
  }

  /** The one used last, of this identity, and with this label if one is given; undefined when there is none. */
  take(key: string, label?: string): Link<Request> | undefined {
    const i = this.#idle.findLastIndex(
      ({ identity, link }) =>
        identity.key === key && link.inFlight === 0 && (label === undefined || link.label === label),
    )
    return i < 0 ? undefined : this.#idle.splice(i, 1)[0]?.link
  }

  has(key: string): boolean {
    return this.#idle.some(({ identity }) => identity.key === key)
  }

  /** Whether there is one that owes nothing. */
  canAsk(key: string): boolean {
    return this.#idle.some(({ identity, link }) => identity.key === key && link.inFlight === 0)
  }

  /** Asks the node something on a link of this identity, `count` commands. False: there is none that could ask now. */
  ask(key: string, command: Buffer, onReply: (frame: Buffer) => void, count = 1): boolean {
    const link = this.#idle.find(({ identity, link }) => identity.key === key && link.inFlight === 0)?.link
    if (link === undefined) return false
    const handler: RequestHandler = { onReply: (_, frame) => onReply(frame) }
    link.send(createUnit(nobody, command, 0, count, handler))
    return true
  }

  /** Gives none of the others away, and ends them a moment later. */
  keepOnly(master: Master | null): void {
    const isOther = ({ link }: Idle): boolean => master === null || !isSameTerm(link.master, master)
    this.#leaving.push(...this.#idle.filter(isOther).map(({ link }) => link))
    this.#idle = this.#idle.filter(entry => !isOther(entry))
    if (this.#leaving.length > 0) this.#timer ??= setTimeout(() => this.#endLeaving(), LEAVE_MS)
  }

  #endLeaving(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const leaving = this.#leaving
    this.#leaving = []
    for (const link of leaving) link.cut('the master moved')
  }

  /** Of each link that is kept. */
  identities(): Identity[] {
    return this.#idle.map(entry => entry.identity)
  }

  /** Ends links idle for long, but for the last one of an identity in use, and those that do not answer. */
  expire(now: number, inUse: (key: string) => boolean): void {
    const kept = new Set<string>()
    for (const { identity, link, since } of this.#idle.toReversed()) {
      if (link.inFlight > 0 && now - link.silentSince > DUMB_MS) link.cut('it does not answer')
      else if (now - since > IDLE_MS && (kept.has(identity.key) || !inUse(identity.key))) link.cut('idle')
      else kept.add(identity.key)
    }
  }

  close(): void {
    this.clear('shutdown')
  }

  /** Ends all of them: others need their room. */
  clear(detail = 'its file descriptor is needed'): void {
    this.#endLeaving()
    const dropped = this.#idle
    this.#idle = []
    for (const { link } of dropped) link.cut(detail)
  }

  onClosed(link: Link<Request>, end: LinkEnd<Request>): void {
    const now = performance.now()
    const since = this.#idle.find(entry => entry.link === link)?.since ?? now
    if (isByServer(end)) this.#onEnded(now - since)
    this.#idle = this.#idle.filter(entry => entry.link !== link)
  }

  override onFrame(link: Link<Request>, request: Request, frame: Buffer, type: number): void {
    const entry = this.#idle.find(one => one.link === link)
    if (entry !== undefined) this.#onHeard(entry.identity.key)
    request.handler?.onReply(request, frame, type)
  }

  onBug(_link: Link<Request>, _request: Request | undefined, error: unknown): void {
    this.#bugs.ofStep(error, 'idle links')
  }
}

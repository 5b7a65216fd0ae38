// link-log.ts: what the log says of the data plane's links: up, lost, a handshake that failed, a login refused or shut
// out, a silent link retired and what became of it, a missing right. It logs a lasting trouble once or now and then,
// with its cause and remedy.
//
// Not here: trouble with TLS (dial.ts, `link.tls`), an old link that could not be ended (lane-link.ts, `link.fence`), links
// to Sentinels (sentinel/connection-log.ts). Never: decides what follows.
import { formatAddress, type Master } from '../address.ts'
import type { Log } from '../ops/log.ts'
import { createLogThrottle } from '../ops/log-throttle.ts'
import { isUnknownCommand, type Missing, type MissingRights, unknownRemedy } from '../ops/missing-rights.ts'
import type { HandshakeFailure } from '../upstream/handshake.ts'
import { describeIdentity, type Identity, loginKeyOf, nameShown } from '../upstream/identity.ts'
import type { Link } from '../upstream/link.ts'
import type { LinkEnd } from '../upstream/link-end.ts'
import type { Request } from './request.ts'

/** Whose link it is. */
export interface LaneInfo {
  readonly identity: Identity
  readonly kind: 'shared' | 'private'
}

/** Identities whose accepting nodes are remembered. */
const MAX_ACCEPTED = 4096

const whyRefused = {
  changed: 'the node refuses a user that it let in before: its password or rights were changed there',
  wrong:
    'the node refuses this user: correct the name or password; it needs the same password and rights on every node',
  elsewhere:
    'the node refuses a user that another node lets in: ACLs are not replicated, set the same rights on every node',
} as const

const whyNoLogin =
  'the node asks for a password, which these clients do not give, and so nobody can tell whether writes have run: set ' +
  '--redis-password, or take its requirepass away'

const notTold = 'the node does not tell whether replicas have the writes (--ack replicated)'
const whyNotAsked = `${notTold}, and writes wait and then fail: ${unknownRemedy}`

const whyUnknown = `no link comes up without this command: ${unknownRemedy}`

export class LinkLog {
  readonly #log: Log
  readonly #rights: MissingRights
  readonly #throttle = createLogThrottle()
  /** The last auth error for each node and user; suppresses repeats until the node lets the user in. */
  readonly #refused = new Map<string, string>()
  /** By identity: the nodes that have let it in. */
  readonly #accepted = new Map<string, Set<string>>()
  /** Of these, in whatever database and protocol. */
  readonly #logins = new Set<string>()

  constructor(log: Log, rights: MissingRights) {
    this.#log = log
    this.#rights = rights
  }

  /** The master moved: what the last one refused is told again. */
  onMoved(): void {
    this.#refused.clear()
  }

  ready(link: Link<Request>, { kind, identity }: LaneInfo): void {
    const node = formatAddress(link.master)
    const level = kind === 'shared' ? 'info' : 'debug'
    this.#log[level](
      { event: 'link.ready', kind, identity: describeIdentity(identity), master: node, epoch: link.master.epoch },
      'link to the master is up',
    )
    for (const missing of link.handshake.missing) this.missing(missing, link.master, identity)
    this.#refused.delete(`${node} ${describeIdentity(identity)}`)
    this.letIn(link.master, identity)
  }

  /** By the handshake of a link, or by a client's own AUTH. */
  letIn(master: Master, identity: Identity): void {
    const node = formatAddress(master)
    const nodes = this.#accepted.get(identity.key)
    if (nodes !== undefined) nodes.add(node)
    else if (this.#accepted.size < MAX_ACCEPTED) {
      this.#accepted.set(identity.key, new Set([node]))
      this.#logins.add(loginKeyOf(identity))
    }
  }

  lost({ master: node }: Link<Request>, { kind, identity }: LaneInfo, end: LinkEnd<Request>): void {
    const { reason, detail, wasReady } = end
    const level = kind === 'shared' && wasReady ? 'info' : 'debug'
    const master = formatAddress(node)
    this.#log[level](
      { event: 'link.lost', kind, identity: describeIdentity(identity), master, reason, detail },
      'link to the master is gone',
    )
  }

  passwordRefused(master: Master, identity: Identity, reply: string): void {
    const notLogged = this.#throttle(`${formatAddress(master)} ${identity.key}`)
    if (notLogged === undefined) return
    this.#log.warn(
      { event: 'link.password', ...at(master, identity), reply, notLogged },
      'the node refuses the password in the file: commands wait while the file and the password before it are tried',
    )
  }

  /** Some node has let this login in before. */
  hasLetIn(identity: Identity): boolean {
    return this.#logins.has(loginKeyOf(identity))
  }

  /** `waitsMs`: its commands wait for so long that the node lets the user in; 0: they fail. */
  handshakeFailed(master: Master, about: Identity, failure: HandshakeFailure, waitsMs: number): void {
    const node = formatAddress(master)
    if (failure.kind === 'auth') {
      const key = `${node} ${describeIdentity(about)}`
      if (this.#refused.get(key) === failure.text) return
      this.#refused.set(key, failure.text)
      const waits = waitsMs > 0 ? { commandsWaitMs: Math.round(waitsMs) } : {}
      const fields = { event: 'link.refused', ...at(master, about), reply: failure.text, ...waits }
      const why = this.#why(failure.text, about.key, node)
      this.#log.error(fields, waitsMs > 0 ? `${why}; commands wait for that (commandsWaitMs)` : why)
      return
    }
    const notLogged = this.#throttle(`${node} ${failure.kind} ${failure.text}`)
    if (notLogged === undefined) return
    this.#log.warn(
      { event: 'link.handshake', ...at(master, about), cause: failure.kind, reply: failure.text, notLogged },
      isUnknownCommand(failure.text) ? whyUnknown : 'the link did not come up: it is dialled again after a pause',
    )
  }

  #why(reply: string, key: string, node: string): string {
    if (isUnknownCommand(reply)) return whyUnknown
    if (reply.startsWith('NOAUTH')) return whyNoLogin
    const nodes = this.#accepted.get(key)
    if (nodes?.has(node)) return whyRefused.changed
    return nodes === undefined ? whyRefused.wrong : whyRefused.elsewhere
  }

  /** The server refuses whom it let in before. */
  shutOut(link: Link<Request>, about: Identity, reply: string): void {
    this.#log.warn(
      { event: 'link.shut_out', ...at(link.master, about), reply },
      'the node lets this login in no more, it was changed there: sessions go on, new ones get its error',
    )
  }

  /** `moved`: sessions that went on with the reads they were waiting for. */
  retired(link: Link<Request>, about: Identity, { quietMs, moved }: { quietMs: number; moved: number }): void {
    const { inFlight, master } = link
    this.#log.warn(
      { event: 'link.retired', ...at(master, about), silentMs: Math.round(quietMs), inFlight, moved },
      'the node answers others but not this link: sessions go on with a fresh one, replies in flight are awaited',
    )
  }

  /** Writes go without markers for a while. */
  withoutMarkers(master: Master, about: Identity, reply: string): void {
    const notLogged = this.#throttle(`markers ${formatAddress(master)} ${about.key}`)
    if (notLogged === undefined) return
    this.#log.warn(
      { event: 'proof.without', ...at(master, about), reply, notLogged },
      'the node refuses the markers of --retry-policy once: until it takes them, writes behave as under safe',
    )
  }

  /** A marker says less than it has said before, and the node has been the master all the time. */
  markerSetBack(master: Master, about: Identity): void {
    const notLogged = this.#throttle(`set back ${formatAddress(master)} ${about.key}`)
    if (notLogged === undefined) return
    this.#log.warn(
      { event: 'proof.set_back', ...at(master, about), notLogged },
      'somebody has set back the markers of --retry-policy once (RESTORE, SWAPDB): what was in flight is UNKNOWN',
    )
  }

  /** The node does not say how many replicas have a write. */
  notAcknowledged(master: Master, about: Identity, reply: string): void {
    const notLogged = this.#throttle(`ack ${formatAddress(master)} ${about.key}`)
    if (notLogged === undefined) return
    this.#log.warn(
      { event: 'ack.refused', ...at(master, about), reply, notLogged },
      isUnknownCommand(reply) ? whyNotAsked : `${notTold}: replies to writes wait until it does`,
    )
  }

  /** A command of ours that the user may not run, or the node does not know. `missing` null: neither. */
  missing(missing: Missing | null, master: Master, { username }: Identity): void {
    if (missing === null) return
    this.#rights.logMissing(missing, { node: formatAddress(master), user: nameShown(username) })
  }

  tooManyRetired(about: Identity, silentMs: number): void {
    const identity = describeIdentity(about)
    const notLogged = this.#throttle(`retired ${identity}`)
    if (notLogged === undefined) return
    this.#log.warn(
      { event: 'link.retire_limit', identity, silentMs: Math.round(silentMs), notLogged },
      'too many links of this identity wait for slow commands: no fresh one is made, sessions wait for each other',
    )
  }

  answered(identity: Identity, lastedMs: number): void {
    this.#log.info(
      { event: 'link.answered', identity: describeIdentity(identity), afterMs: Math.round(lastedMs) },
      'what a silent link owed is answered, by it or by a new master: it is closed, a fresh one has taken its place',
    )
  }
}

function at(master: Master, identity: Identity): { master: string; identity: string } {
  return { master: formatAddress(master), identity: describeIdentity(identity) }
}

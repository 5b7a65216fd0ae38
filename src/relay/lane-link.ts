// lane-link.ts: the link of one lane: whether it may be dialled, and what the next one must end first.
//
//   none ──dial──▶ a Link ──ends──▶ unconfirmed ──the control plane confirms a master──▶ none
//     └───────────────┴──close──▶ closed
//
// A pause follows a dial that failed, and a refusal. It follows, too, when links come up and their node then says that it
// is no master, for the second time in a row: the control plane may confirm it again and again (a proxy leads its address
// elsewhere). Until it is over nothing is dialled or sent again.
//
// Owns: the current link, the pause, the fence, the counts of links. Never: knows what waits or what is replayed (lane.ts), sends requests.
//
// Must stay true: after a loss, only a master that is confirmed from then on is dialled. Before anything is sent to the
// same process again, the lost links are ended there.
import { formatAddress, type Master, sameAddress } from '../address.ts'
import { type BackoffLimits, backoffMs } from '../backoff.ts'
import { type ErrorSpec, errors } from '../errors.ts'
import { instanceName } from '../instance.ts'
import type { Blamed } from '../ops/bugs.ts'
import { Handshake, type HandshakeFailure, type LostLink, type SessionRestore } from '../upstream/handshake.ts'
import { fenceStep } from '../upstream/handshake-steps.ts'
import { nameShown } from '../upstream/identity.ts'
import { Link, type LinkListener } from '../upstream/link.ts'
import type { CloseReason } from '../upstream/link-end.ts'
import type { PushFilter } from '../upstream/reply-reader.ts'
import { isSameProcess, isSameTerm } from './gate.ts'
import type { LaneHost } from './lane-host.ts'
import type { LaneInfo } from './link-log.ts'
import type { Prover } from './prover.ts'
import { createUnit, nobody, type Request } from './request.ts'

/** Whoever waits for a file descriptor looks again after so long. */
const FOR_A_FILE: BackoffLimits = { minMs: 20, maxMs: 500 }

/** A link that was up for longer ends a row of those that led to a wrong node. */
const WRONG_ROW_MS = 1_000

/** What a private lane's session adds to its link, and hears besides replies. */
export interface LaneOwner extends Blamed {
  /** Frames that give a new link the session's state; null when there is none. */
  restore(): SessionRestore | null
  /**
   * `none`: a MULTI of Holdfast's own may be put around its commands. `multi`: its own is open, or on its way to the
   * server. `bound`: it watches keys, the lines of MONITOR come in between, or it is a
   * subscriber of RESP2, which may not say MULTI. `none` where not given.
   */
  openState?(): 'none' | 'multi' | 'bound'
  /** Something of Holdfast's own may be said between two commands of it. True where not given. */
  mayInterrupt?(): boolean
  /** What the link was told for the next command alone (CLIENT CACHING): it goes again with that. Null: nothing. */
  saidForNext?(): Request | null
  /** The name and library that the session restore gives the link. */
  label(): string
  /** Which frames of its private link are no replies. */
  readonly pushes: PushFilter | null
  onPush(frame: Buffer): void
  /** A new link is up, its session restore answered. */
  onLinkReady(): void
  /** What Holdfast asked on the link for itself is answered: the session may wait until the link owes nothing. */
  onOwnAnswered?(): void
  /** The link is gone; what it still owes is about to be replayed. */
  onLinkLost(link: Link<Request>, reason: CloseReason): void
}

/** The lane whose link it is. */
export interface LinkedLane extends LaneInfo, LinkListener<Request> {
  readonly owner: LaneOwner | null
  readonly prover: Prover | null
  onPauseOver(): void
}

/** The ids that lost links had on one node. */
interface LostLinks {
  readonly at: Master
  readonly links: readonly LostLink[]
}

export class LaneLink {
  /**
   * The link, dialled or ready; else why there is none. `none`: nobody has asked for one. `unconfirmed`: the last one
   * was lost. `closed`: the lane is, for good.
   */
  state: Link<Request> | 'none' | 'unconfirmed' | 'closed' = 'none'
  readonly #host: LaneHost
  readonly #lane: LinkedLane
  #attempt = 0
  /** Links in a row that were up and led to a node that is no master; when the last one came up. */
  #wrongNodes = 0
  #readyAt = 0
  #pause: NodeJS.Timeout | null = null
  /** Why the last link did not come up at the node; null: it did, or the node was not reached. */
  #failure: HandshakeFailure | null = null
  /** The next link to the same process ends them there. */
  #fence: LostLinks | null = null
  /** The same of a lane that a session has left for this one, by the link that is up. */
  #inherited: LostLinks | null = null

  constructor(host: LaneHost, lane: LinkedLane) {
    this.#host = host
    this.#lane = lane
  }

  get link(): Link<Request> | null {
    return typeof this.state === 'string' ? null : this.state
  }

  get isPaused(): boolean {
    return this.#pause !== null
  }

  /** What a lost link owed may still run at its server: the link that ends it there is not up yet. */
  get mayRunLate(): boolean {
    return this.#fence !== null || this.#inherited !== null
  }

  /** A session of `other` goes on here: what that one's lost links owed is to run no more when its next command does. */
  inherit(other: LaneLink): void {
    for (const lost of [other.#inherited, other.#fence])
      if (lost !== null) this.#inherited = plus(this.#inherited, lost)
  }

  /** Before anything is sent on a link that is up. */
  endInherited(link: Link<Request>): void {
    const lost = this.#inherited
    // Nobody in particular may end a link: whoever the session signs in as does.
    if (lost === null || !link.handshake.signedIn) return
    this.#inherited = null
    const { master } = link
    if (!isSameProcess(lost.at, master) && !isRenamed(lost.at, master)) return
    const commands = idsAt(lost, master).map(one => fenceStep(one).bytes)
    const request = createUnit(nobody, Buffer.concat(commands), 0, commands.length, null)
    request.weight = 0 // no client waits for it
    link.send(request)
  }

  /** Dials, if a link may be had now. */
  ensure(): void {
    const { master } = this.#host.gate
    const { loading } = this.#host
    if (this.state !== 'none' || this.#pause !== null || master === null || !loading.mayDial(this.#lane)) return
    const { identity, owner, kind } = this.#lane
    const scripts = loading.commandsFor(this.#lane)
    const isShared = kind === 'shared'
    const named = isShared ? { name: instanceName } : {}
    const first = { fence: this.#fenceAt(master), scripts, proof: this.#lane.prover?.steps() ?? null, ...named }
    const isPlain = isShared && first.fence.length === 0 && scripts.length === 0
    const ahead = isPlain ? this.#host.takeAhead(identity, master, first.proof) : undefined
    if (ahead !== undefined) {
      this.acquire(ahead)
      this.#host.wakeSoon()
      if (ahead.status === 'ready') this.#lane.onReady(ahead)
      return
    }
    if (owner !== null && !(this.#mayHaveFile() && this.#host.mayDialNow())) return
    const handshake = new Handshake(identity, first, owner?.restore() ?? null, master)
    this.state = new Link(master, handshake, this.#lane, this.#host, { busy: isShared })
    this.#host.wakeSoon()
    this.state.label = owner?.label() ?? ''
  }

  /** The user that the master does not let in; null: it does, as far as is known. */
  get refusedUser(): string | null {
    if (this.#host.gate.master === null || this.#failure?.kind !== 'auth') return null
    return nameShown(this.#lane.identity.username) ?? 'default'
  }

  /** What is said to what has waited here for too long. */
  get outOfTime(): ErrorSpec {
    const { files, gate, holdLimitMs, outOfTime } = this.#host
    if (gate.master === null) return outOfTime
    const failure = this.#failure
    // Whoever has the password in a file is told by the log: clients have nothing to correct.
    if (failure?.kind === 'auth' && this.#lane.identity.own === null) return { reply: failure.frame, executed: 'no' }
    if (failure?.kind === 'refused') return errors.noLink
    return files.wasShort(holdLimitMs) ? errors.noFiles : outOfTime
  }

  /** Only a session waits: a shared link is one of those that the limit of open files leaves room for. */
  #mayHaveFile(): boolean {
    const { files } = this.#host
    if (files.hasRoom) return true
    this.#host.makeRoom()
    // In a failover the sockets of lost links are closed a moment later.
    if (this.#attempt > 0) files.noteShortage('clients and their links have all file descriptors that they may have')
    this.pause(FOR_A_FILE)
    return false
  }

  /** Takes over a link of the same identity that another session has left clean. */
  acquire(link: Link<Request>): void {
    this.state = link
    link.setListener(this.#lane)
  }

  /** The lane is closed. Answers the link, which is the caller's now. */
  release(): Link<Request> | null {
    const { link } = this
    this.state = 'closed'
    this.endPause()
    return link
  }

  /** The control plane has just confirmed the gate's master. */
  onConfirmed(isNew: boolean): void {
    if (this.state === 'unconfirmed') this.state = 'none'
    // A pause that the last master has earned is not for the next one.
    if (!isNew) return
    this.endPause()
    this.#failure = null
    this.#wrongNodes = 0
  }

  onHandshakeFailed(failure: HandshakeFailure): void {
    this.#failure = failure
  }

  onReady({ master, handshake }: Link<Request>): void {
    this.#failure = null
    this.#attempt = Math.max(0, this.#wrongNodes - 1)
    this.#readyAt = performance.now()
    this.#fence = null
    const { counters, log } = this.#host
    counters.linksOpened++
    counters.detail.linksOpened.add(this.#lane.kind)
    if (handshake.warning) log.warn({ event: 'link.fence', master: formatAddress(master) }, handshake.warning)
  }

  /** The link has ended. `mayRun`: what it owed may run later, unless the next link ends it first. */
  onLost({ master, handshake, localAddress }: Link<Request>, reason: CloseReason, mayRun: boolean): void {
    this.state = 'unconfirmed'
    // A dial that found no node, or lost it, tells nothing of what the node would say now.
    if (reason !== 'handshake' && reason !== 'cut') this.#failure = null
    this.#host.counters.linksLost++
    this.#host.counters.detail.linksLost.add(reason)
    if (!mayRun || handshake.clientId === 0) return
    this.#fence = plus(this.#fence, { at: master, links: [{ clientId: handshake.clientId, address: localAddress }] })
  }

  /** What the next link has to end at `master`. */
  #fenceAt(master: Master): readonly LostLink[] {
    if (this.#fence === null || !this.#isFencedAt(this.#fence.at, master)) return []
    return idsAt(this.#fence, master)
  }

  /** With a marker to read, its value must be final also where the process is the same in a later epoch. */
  #isFencedAt(at: Master, master: Master): boolean {
    return isSameTerm(at, master) || isRenamed(at, master) || (this.#isInDoubt && isSameProcess(at, master))
  }

  /** The fate of writes depends on it that what was sent on the lost link runs no more. */
  get #isInDoubt(): boolean {
    return this.#lane.prover?.isInDoubt === true
  }

  /** The link's node says that it is no master. After a failover it does so once, and the next dial is not to wait. */
  onWrongNode(): void {
    this.#wrongNodes = performance.now() - this.#readyAt < WRONG_ROW_MS ? this.#wrongNodes + 1 : 1
    if (this.#wrongNodes > 1) this.pause()
  }

  /** Nothing is dialled or sent for a while, longer with each time in a row. */
  pause(limits = this.#host.backoff): void {
    if (this.#pause !== null || this.state === 'closed') return
    this.#attempt++
    this.#pause = setTimeout(
      () => {
        this.#pause = null
        this.#lane.onPauseOver()
      },
      backoffMs(this.#attempt, limits),
    )
  }

  endPause(): void {
    if (this.#pause !== null) clearTimeout(this.#pause)
    this.#pause = null
  }
}

/** The same process at another address. */
function isRenamed(at: Master, master: Master): boolean {
  return !sameAddress(at, master) && at.runId !== null && at.runId === master.runId
}

/**
 * An id of another node would be a stranger's at the node of the later ones. Each is there once: thousands of sessions may
 * bring the same.
 */
function plus(earlier: LostLinks | null, later: LostLinks): LostLinks {
  if (earlier === null || !isSameTerm(earlier.at, later.at)) return later
  const isNew = ({ clientId }: LostLink): boolean => earlier.links.every(one => one.clientId !== clientId)
  return { at: later.at, links: [...earlier.links, ...later.links.filter(isNew)] }
}

/** The same ids for `master`. Where a run id is not known, the process may be another one. */
function idsAt({ at, links }: LostLinks, master: Master): readonly LostLink[] {
  const isSure = at.runId !== null && master.runId !== null
  return isSure ? links.map(({ clientId }) => ({ clientId, address: null })) : links
}

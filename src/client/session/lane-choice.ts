// lane-choice.ts: moves a session between the shared lane of its identity and one of its own (a private lane).
//
// Which command needs its own link is not decided here: dispatch.ts and its handlers do, and call takePrivate. So do
// slow-reader.ts for a client that leaves much unread, redirect-target.ts, and --links private.
// `canShare` says whether a session may go back: nothing of its state needs its own link any more.
//
// Must stay true: a session moves only while nothing of it is unanswered, so the order of effects never changes. It
// leaves a lane of its own as soon as nothing of it needs one.

import type { Master } from '../../address.ts'
import { isSameTerm } from '../../relay/gate.ts'
import type { Lane } from '../../relay/lane.ts'
import { createUnit, type RequestOwner } from '../../relay/request.ts'
import { createIdentity, type Identity } from '../../upstream/identity.ts'
import type { PushFilter } from '../../upstream/reply-reader.ts'
import { isRefusedSubscriber } from '../commands/client-id.ts'
import { MonitorLines } from '../commands/monitor-lines.ts'
import type { LaneMoves, SessionContext, SessionHost } from '../state/session-context.ts'
import { isPlain } from '../state/session-state.ts'
import { isOpenAtServer } from '../state/transaction.ts'
import { buildRestore, cachesNext, cachingDue, labelCommands, labelHandler, labelOf } from './link-restore.ts'
import { pushFilter } from './push-filter.ts'
import { RedirectAgain } from './redirect-again.ts'

/** The session's own link is lost, and the next one is not up yet. */
interface LostLink {
  readonly master: Master
  readonly at: number
  /** The server closed it while the session left its replies unread. */
  readonly hadEnough: boolean
}

export class LaneChoice implements LaneMoves {
  lane: Lane
  isPrivate = false
  /** The label of a session on a link that was not told of it; null: the link carries the session's label. */
  #nameless: string | null = null
  /** The link is signed in as nobody: a server that asks for a password takes the login and nothing else. */
  #signsIn = false
  /** The link is of another user, database or protocol than the session: it serves for one command. */
  #isBorrowed = false
  #lost: LostLink | null = null
  #monitor: MonitorLines | null = null
  #closed = false
  readonly #session: SessionContext
  readonly #host: SessionHost
  /** Takes the replies to what Holdfast says on the session's behalf, and discards them. */
  readonly #nobody: RequestOwner
  readonly #redirect: RedirectAgain
  readonly #pushes: PushFilter

  constructor(session: SessionContext, nobody: RequestOwner) {
    this.#session = session
    this.#host = session.host
    this.#nobody = nobody
    this.#redirect = new RedirectAgain(session, nobody)
    this.#pushes = pushFilter(session)
    this.lane = session.host.lanes.attachShared(session.state.identity)
  }

  /** Nothing of the session needs its own link. */
  get canShare(): boolean {
    const { id, transaction, subscriptions, state, replies } = this.#session
    if (this.#host.links !== 'auto' || replies.heavy || transaction !== null || subscriptions.size > 0) return false
    return isPlain(state) && !this.#host.redirects.isTarget(id)
  }

  /** Nothing keeps it on its own link, or that link serves for one command only. */
  get #mayLeave(): boolean {
    return this.isPrivate && (this.canShare || this.#isBorrowed)
  }

  /** Everything is answered, on a lane of its own. */
  onIdle(): void {
    this.#redirect.askIfDue()
    if (this.#mayLeave) this.#host.turn.defer(this.#leaveIfIdle, this.#session)
  }

  /** Runs in a later step: the link has to finish with the reply that made the session idle. */
  readonly #leaveIfIdle = (): void => {
    const { gone, pending } = this.#session
    // On a borrowed link the next command would run elsewhere, whatever of Holdfast's own is unanswered there.
    if (gone || pending > 0 || !(this.lane.idle || this.#isBorrowed) || !this.#mayLeave) return
    // Told UNKNOWN, the session may look at its data elsewhere before that command runs.
    if (this.lane.mayRunLate && !this.#isBorrowed) return
    const lost = this.#lost
    this.leavePrivate()
    if (this.canShare) return
    this.#openOwn()
    this.#lost = lost
  }

  takePrivate(): boolean {
    if (this.#mayOpen) this.#openOwn()
    return this.isPrivate
  }

  /** This master may refuse the user that the session has now. The link serves for the login only. */
  takeForLogin(): boolean {
    if (this.#mayOpen) {
      this.#signsIn = true
      this.#isBorrowed = true
      this.#openPrivate(createIdentity(null, null, 0, 2))
      this.lane.reusable = false
    }
    return this.isPrivate
  }

  /**
   * Without database, name and whatever else the session has said, because a busy node refuses to set them. A link of the
   * session's own that does not come up for that reason makes room, and is dialled again afterwards.
   */
  takeForRescue(): boolean {
    const lost = this.#lost
    if (this.#isShutOut) this.leavePrivate()
    if (this.#mayOpen) {
      const { state } = this.#session
      const { username, password, own, protocol } = state.identity
      this.#isBorrowed = true
      this.#openPrivate(createIdentity(username, own ?? password, 0, protocol), 'without')
      this.#lost = lost
      this.#nameless = labelOf(state)
    }
    return this.isPrivate
  }

  /** Its own link does not come up, because the node is busy. A server refuses a RESP2 subscriber in any case. */
  get #isShutOut(): boolean {
    const { isPrivate, lane } = this
    if (!isPrivate || this.#session.pending > 0 || isRefusedSubscriber(this.#session)) return false
    return lane.refusedAsBusy && lane.link?.status !== 'ready'
  }

  get #mayOpen(): boolean {
    return !this.isPrivate && this.#session.pending === 0
  }

  #openOwn(): void {
    this.#openPrivate(this.#session.state.identity)
    this.#labelLink()
  }

  #openPrivate(identity: Identity, restore: 'with' | 'without' = 'with'): void {
    const session = this.#session
    this.#host.lanes.detachShared(this.lane)
    this.#nameless = null
    this.isPrivate = true
    this.#lost = null
    const own = this.#host.lanes.openPrivate(identity, {
      restore: () =>
        restore === 'without' || this.#signsIn
          ? null
          : buildRestore(session, (frame, type) => this.#pushes.is(frame, type)),
      openState: () => {
        if (session.state.watching || session.state.monitoring || listensByResp2(session)) return 'bound'
        return session.transaction !== null && isOpenAtServer(session.transaction) ? 'multi' : 'none'
      },
      // It would be the command that CLIENT CACHING is for.
      mayInterrupt: () => !cachesNext(session),
      saidForNext: () => {
        const caching = cachingDue(session)
        if (caching === null) return null
        const request = createUnit(this.#nobody, caching, 0, 1, null)
        request.weight = 0 // nobody has counted it
        return request
      },
      label: () => (restore === 'without' || this.#signsIn ? '' : labelOf(session.state)),
      pushes: this.#pushes,
      onPush: frame => {
        // To a server a line of MONITOR is a reply, which CLIENT REPLY OFF keeps back; a message is none.
        if (frame[0] !== PLUS || (session.state.reply !== 'off' && !this.#isOurs(frame))) session.deliver(frame)
      },
      onLinkReady: () => this.#onLinkReady(),
      onOwnAnswered: () => this.#nobody.onAnswered(0, 0),
      onBug: error => session.onBug(error),
      onLinkLost: (link, reason) => {
        if (session.state.watching) session.state.watchLost = true
        const byServer = reason === 'peer-closed' || reason === 'reset'
        // Commands are sent again. Messages that lay there are lost.
        const hears = session.subscriptions.size > 0 || session.state.monitoring
        this.#lost ??= {
          master: link.master,
          at: performance.now(),
          hadEnough: byServer && hears && link.pauses.ofSessionLately,
        }
        session.onLinkLost()
      },
    })
    this.#moveTo(own)
  }

  /** What the lane of before may still run is ended at the server before the session's next command. */
  #moveTo(lane: Lane): void {
    lane.inherit(this.lane)
    this.lane = lane
  }

  /** The shared lane is retired: moves to the lane that replaced it. */
  follow(): void {
    if (this.isPrivate) return
    this.#host.lanes.detachShared(this.lane)
    this.#moveTo(this.#host.lanes.attachShared(this.#session.state.identity))
  }

  /** Moves back to the shared lane; the link is kept for the next session that needs one. */
  leavePrivate(): void {
    const lane = this.lane
    const label = labelOf(this.#session.state)
    if (lane.link !== null) {
      if (this.#nameless === null) lane.link.label = label
      else if (this.#nameless !== label) lane.reusable = false
      lane.link.resume()
    }
    this.isPrivate = false
    this.#signsIn = false
    this.#isBorrowed = false
    this.#nameless = null
    this.#moveTo(this.#host.lanes.attachShared(this.#session.state.identity))
    this.#host.lanes.closePrivate(lane, true)
  }

  /** The link no longer is what its identity says: a new one replaces it in a later step. */
  renew(): void {
    const lane = this.lane
    lane.reusable = false
    if (!this.isPrivate || this.canShare) return
    this.#host.turn.defer(() => {
      if (this.#session.gone || this.lane !== lane) return
      this.isPrivate = false
      this.#moveTo(this.#host.lanes.attachShared(this.#session.state.identity))
      this.#host.lanes.closePrivate(lane, false)
      this.#openOwn()
    }, this.#session)
  }

  /** The session's identity has changed. */
  identityChanged(): void {
    const { identity } = this.#session.state
    if (this.isPrivate) {
      const { link } = this.lane
      if (link !== null) this.#host.lanes.linkLog.letIn(link.master, identity)
      this.lane.identity = identity
      this.#signsIn = false
      return
    }
    this.#host.lanes.detachShared(this.lane)
    this.#moveTo(this.#host.lanes.attachShared(identity))
  }

  trackAgain(): void {
    this.#redirect.ask()
  }

  /** The session needs no lane any more. A second call does nothing. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#redirect.close()
    if (this.isPrivate) this.#host.lanes.closePrivate(this.lane, false)
    else this.#host.lanes.detachShared(this.lane)
    this.#host.redirects.delete(this.#session.id)
  }

  /** A link taken over from another session still carries that session's name. */
  #labelLink(): void {
    const link = this.lane.link
    const { state } = this.#session
    const label = labelOf(state)
    if (link === null || link.status !== 'ready' || link.label === label) return
    link.label = label
    const commands = labelCommands(state)
    const handler = labelHandler(this.lane)
    this.#session.submit(createUnit(this.#nobody, Buffer.concat(commands), 0, commands.length, handler))
  }

  /** This line of MONITOR shows what Holdfast itself said to the server. */
  #isOurs(line: Buffer): boolean {
    const { monitoringSince } = this.#session.state
    if (this.#monitor?.since !== monitoringSince)
      this.#monitor = new MonitorLines(this.#host.lanes.live, monitoringSince)
    return this.#monitor.isOurs(line)
  }

  /** Sessions that redirect their invalidations here named the lost link: they name this one now. */
  #onLinkReady(): void {
    // Nothing of the session is there. Its own comes up later, or is not needed.
    if (this.#isBorrowed) return
    if (this.#session.state.monitoring) this.#session.state.monitoringSince = performance.now()
    const lost = this.#lost
    this.#lost = null
    if (lost !== null && this.#isOver(lost)) return
    this.#redirect.ask()
    for (const tracker of this.#host.redirects.trackersOf(this.#session.id))
      this.#host.sessions.get(tracker)?.choice.trackAgain()
    // What the lost link owed runs no more: the session may leave.
    if (this.#session.pending === 0) this.onIdle()
  }

  /** The server ended a subscriber that does not read (client-output-buffer-limit): the session ends too. */
  #isOver({ master, at, hadEnough }: LostLink): boolean {
    const { subscriptions } = this.#session
    const link = this.lane.link
    const isSame = link !== null && isSameTerm(master, link.master)
    if (hadEnough && isSame) {
      this.#session.endUnread('server')
      return true
    }
    if (subscriptions.size > 0)
      this.#host.resubscribed.add({ channels: subscriptions.size, awayMs: performance.now() - at, isSame })
    return false
  }
}

/** Or has asked for it, or for its end: until the server answers, nobody knows. */
function listensByResp2({ subscriptions, state }: SessionContext): boolean {
  return state.identity.protocol === 2 && (subscriptions.size > 0 || subscriptions.asked > 0)
}

const PLUS = 43

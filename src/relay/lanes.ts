// lanes.ts: all lanes of one master and the gate they obey: the data plane's side of a failover.
//
//   control plane ── serve(master) / hold(cause) ──▶ gate ──▶ every lane: dial, pump, or be cut
//   control plane ── withhold() ──▶ every link that owes a reply stops reading, until serve() reads on or cuts
//   lanes ── observe("link peer-closed") ──▶ control plane
//
// Owns: the gate, the pause, the term, and what each sweep of the watchdog does. lane-pool.ts has the lanes and their
// links.
// Never: talks to Sentinels, parses commands.
import { formatAddress, type Master } from '../address.ts'
import type { HoldLabel, MoveLabel } from '../ops/counters.ts'
import { createBusyPoll } from '../upstream/busy-poll.ts'
import type { Link } from '../upstream/link.ts'
import type { LinkEnd } from '../upstream/link-end.ts'
import { Pausing } from '../upstream/pauses.ts'
import { Turn } from '../upstream/turn.ts'
import { type FailoverRecord, FailoverReport, type TripWords } from './failover-report.ts'
import { Gate, type GateState, isSameTerm } from './gate.ts'
import type { HoldStories } from './hold-stories.ts'
import { type InFlight, inFlightOf } from './in-flight.ts'
import { LanePool, type LanePoolOptions } from './lane-pool.ts'
import type { LaneInfo } from './link-log.ts'
import { Pause } from './pause.ts'
import type { Request } from './request.ts'
import { Watchdog } from './watchdog.ts'

/** Sessions of other lanes that are sent to the same node, and are paused with these (--replica-listen). */
export interface PausedWith {
  /** `onLastCall`: a command of theirs has waited almost as long as it may. */
  stopSending(onLastCall: () => void): void
  sendAgain(): void
  unanswered(): InFlight
}

export interface LanesOptions extends LanePoolOptions {
  /** The master is another one now; called before anything is cut or sent. */
  readonly onMoved?: () => void
  /** Every 25 ms while commands come, and now and then else. `lateMs`: behind its time, by a late event loop. */
  readonly everySweep?: (lateMs: number) => void
  /** Clients are connected elsewhere that feel whether this master is one. */
  readonly isUsedElsewhere?: () => boolean
  /** Commands were sent, and are held now: the gate has shut, or a pause has begun. */
  readonly onShut?: () => void
  /** Commands are sent, and all that was held has been. */
  readonly onOpened?: () => void
  /** This process did not run for a while: the control plane must ask anew, in this call. */
  readonly onStoodStill: () => void
  /** From the first master on nothing is held, and the gate only tells what would be. */
  readonly dryRun?: boolean
  /** After traffic the event loop does not sleep for this many ms; 0 where not given. */
  readonly pollForMs?: number
  /** What is said when commands fail at once. */
  readonly trip?: TripWords
  /** The log has a hold from the first command on that waits. */
  readonly tellsIfFelt?: boolean
  readonly pausedWith?: PausedWith
  /** Before links write; may shut the gate. */
  readonly beforeWrites?: (now: number) => void
  /** Of other lanes that deliver to the same sessions. Its owner looks at the clock of these lanes before writes. */
  readonly turn?: Turn
}

/** How often links that are of no use any more, and memory, are looked for. */
const TIDY_MS = 200
/** While the gate is shut, the watchdog looks often when the time of a command ends within this. */
const NEAR_MS = 500
/** A pause ends so long before the first command has waited for the whole hold time: it is sent in this time. */
const LAST_CALL_MS = 1_000

export class Lanes extends LanePool {
  readonly gate: Gate
  readonly pause: Pause
  /** Before links write, the watchdog looks whether this process stood still. */
  readonly turn: Turn
  readonly #dryRun: boolean
  readonly #pausedWith: PausedWith | undefined
  readonly #onMoved: () => void
  readonly #everySweep: (lateMs: number) => void
  readonly #isUsedElsewhere: () => boolean
  readonly #onShut: () => void
  readonly #onOpened: () => void
  /** Of the watchdog. */
  readonly onStoodStill: () => void
  readonly #watchdog: Watchdog
  /** A pause is over, and what it held is being sent. */
  #reopening = false
  readonly #report: FailoverReport
  /** The control plane's reason for the last hold, in words. */
  holdDetail = ''
  /** How often the master has changed since the start. */
  moves = 0
  #term: Master | null = null
  #tidiedAt = 0
  /** The process is about to end: nobody waits for a master any more. */
  #hasGivenUp = false

  constructor(options: LanesOptions) {
    super(options)
    const { beforeWrites } = options
    const look = (now: number): void => this.#watchdog.look(now)
    const lookTwice = (now: number): void => {
      look(now)
      beforeWrites?.(now)
    }
    this.turn =
      options.turn ?? new Turn(beforeWrites === undefined ? look : lookTwice, createBusyPoll(options.pollForMs ?? 0))
    this.#pausedWith = options.pausedWith
    this.#onMoved = options.onMoved ?? (() => {})
    this.#everySweep = options.everySweep ?? (() => {})
    this.#isUsedElsewhere = options.isUsedElsewhere ?? (() => false)
    this.#onShut = options.onShut ?? (() => {})
    this.#onOpened = options.onOpened ?? (() => {})
    this.onStoodStill = options.onStoodStill
    this.#dryRun = options.dryRun ?? false
    this.#report = new FailoverReport(options.counters, options.log, performance.now(), {
      isDryRun: this.#dryRun,
      trip: options.trip,
      ifFelt: options.tellsIfFelt ?? false,
    })
    this.gate = new Gate(performance.now(), (from, to) => this.#onGate(from, to))
    this.pause = new Pause(this)
    this.#watchdog = new Watchdog(this, this.silence)
  }

  start(): void {
    this.#watchdog.start()
  }

  /** Ends every link; what still waits is dropped, because its sessions are gone. */
  stop(): void {
    this.#watchdog.stop()
    this.pause.close()
    this.acks?.close()
    this.closeAll()
  }

  /** The control plane is about to decide something: it is told first if the process stood still. */
  beforeDecision(): void {
    this.#watchdog.check(performance.now())
  }

  /** The control plane has confirmed this master just now. */
  serve(master: Master): void {
    const last = this.#term
    const moved = last === null || !isSameTerm(last, master)
    this.#term = master
    if (moved) {
      if (last !== null) {
        this.moves++
        this.movedAt = performance.now()
        this.#onMoved()
      }
      this.keepOnly(master, `the master is now ${formatAddress(master)} (epoch ${master.epoch})`)
      this.linkLog.onMoved()
      if (this.moves > 0) this.loading.begin()
    }
    this.gate.move({ kind: 'serve', master }, performance.now())
    this.acks?.onServe(master)
    if (this.withholding) {
      this.withholding = false
      this.each(lane => lane.link?.resume(Pausing.withheld))
    }
    this.each(lane => lane.onConfirmed(moved))
    this.settleAhead()
    this.onDrained()
  }

  /** The control plane says: send nothing. With `not-master` the node's links are cut, they would answer old data. */
  hold(cause: HoldLabel | MoveLabel, detail: string): void {
    this.holdDetail = detail
    this.gate.move({ kind: 'hold', cause }, performance.now())
    if (this.#passes) return
    this.#recall()
    if (cause === 'failover-announced') this.unblock()
    if (cause === 'master-moved') this.withhold()
    if (cause === 'not-master') this.keepOnly(null, detail)
  }

  #recall(): void {
    this.each(lane => {
      lane.recall()
      // What the old master has answered is taken although its client does not read: it cannot be asked for again.
      if (lane.link !== null && lane.link.inFlight > 0) lane.link.resume()
    })
  }

  /** A replica may be promoted from here on: no reply of the old master is delivered before the next serve(). */
  withhold(): void {
    if (this.withholding || this.#dryRun) return
    this.withholding = true
    this.each(lane => lane.withhold())
    this.acks?.onWithhold()
  }

  /**
   * The process is about to end: what waits for a master is answered now, as at the end of its hold time. So is what
   * comes later and would wait: it was behind something that had to be answered first.
   */
  giveUp(): void {
    this.#hasGivenUp = true
    this.pause.end('stopping')
    this.failWaiting()
  }

  /** The process ends now: what has no reply yet is answered with what is known of it, also where a master is served. */
  failAll(): void {
    this.each(lane => lane.deadlines.expire(Number.POSITIVE_INFINITY, 0))
  }

  /** What waits for a master is answered now, where none is served. */
  failWaiting(): void {
    if (this.sendable) return
    this.each(lane => lane.deadlines.expire(Number.POSITIVE_INFINITY, null))
  }

  /** The password of our own user has changed: lanes that pause because the old one was refused dial now. */
  signInAgain(): void {
    this.each(lane => lane.onPassword())
  }

  // ---- what the pause asks for ----

  stopSending(): void {
    this.#settle()
    this.#recall()
    this.#pausedWith?.stopSending(() => this.pause.end('hold-time'))
  }

  sendAgain(): void {
    this.#pausedWith?.sendAgain()
    this.#settle()
    if (!this.sendable) return
    this.#reopening = true
    this.each(lane => lane.pump())
    this.onDrained()
  }

  unanswered(): InFlight {
    const own = inFlightOf(this.all())
    const theirs = this.#pausedWith?.unanswered()
    if (theirs === undefined) return own
    return { requests: own.requests + theirs.requests, blocked: own.blocked + theirs.blocked }
  }

  // ---- what lanes report ----

  onLinkReady(link: Link<Request>, about: LaneInfo): void {
    this.linkLog.ready(link, about)
    const loading = this.loading.onReady(about, link.handshake.scriptsRefused ? 'refused' : 'loaded')
    if (loading === 'loaded') {
      this.counters.scriptsReloaded += this.scripts.size
      this.log.info({ event: 'scripts.loaded', scripts: this.scripts.size }, 'the scripts are loaded on the new master')
    }
    if (loading !== 'nothing') this.dialOthers()
  }

  onLinkLost(link: Link<Request>, about: LaneInfo, end: LinkEnd<Request>): void {
    this.wakeSoon()
    this.#report.onLinkLost(performance.now())
    this.linkLog.lost(link, about, end)
    if (this.loading.onGone(about)) this.dialOthers()
  }

  onDrained(): void {
    if (this.counters.waiting > this.counters.waitingForUser || !this.sendable) return
    const reopening = this.#reopening
    this.#reopening = false
    if (this.gate.state.kind === 'draining') this.gate.move({ kind: 'drained' }, performance.now())
    else if (reopening) this.#onOpened()
    if (this.pause.story.isTold) this.pause.story.drained(performance.now())
  }

  onExpired(): void {
    // What is given up at the end of the process has not waited for the whole hold time.
    if (this.#passes || this.#hasGivenUp) return
    this.gate.move({ kind: 'expired' }, performance.now())
  }

  // ---- what people may know ----

  /** performance.now() of the last look at the clock, at most a sweep ago. */
  get clock(): number {
    return this.#watchdog.lookedAt
  }

  ran(since: number, now: number): number {
    return this.#watchdog.standstills.ran(since, now)
  }

  /** performance.now() since when commands are held, by the gate or a pause; null: they are sent. */
  get heldSince(): number | null {
    const gate = this.gate.master === null && !this.#passes ? this.gate.state.since : Number.POSITIVE_INFINITY
    const pause = this.pause.state.kind === 'none' ? Number.POSITIVE_INFINITY : this.pause.state.since
    const since = Math.min(gate, pause)
    return Number.isFinite(since) ? since : null
  }

  /** The last failovers, newest first. */
  get failovers(): readonly FailoverRecord[] {
    return this.#report.failovers
  }

  /** The last holds, step by step. */
  get stories(): HoldStories {
    return this.#report.stories
  }

  /** The present or last master; null before the first. */
  get term(): Master | null {
    return this.#term
  }

  #onGate(from: GateState, to: GateState): void {
    const shut = this.gate.master === null
    if (shut && (from.kind === 'open' || from.kind === 'draining')) this.acks?.onShut()
    this.#settle()
    if (to.kind === 'open') this.#onOpened()
    this.#report.onGate(from, to, performance.now(), this.holdDetail)
  }

  /** The gate is shut, and nothing is held: commands go on to the last master, and fail where that cannot be. */
  get #passes(): boolean {
    return this.#dryRun && this.gate.master === null && this.#term !== null
  }

  /** May be sent what comes now? The gate or the pause has moved. */
  #settle(): void {
    const was = this.sendable
    this.sendable = (this.gate.master !== null || this.#passes) && !this.pause.isOn
    if (this.sendable) this.wakeSoon()
    else this.wake()
    if (!was || this.sendable) return
    this.#reopening = false
    this.#onShut()
  }

  wake(): void {
    this.#watchdog.wake()
  }

  wakeSoon(): void {
    this.#watchdog.wakeSoon()
  }

  /** Of the watchdog. */
  get isUnused(): boolean {
    return this.counters.sessions === 0 && !this.#isUsedElsewhere()
  }

  /** Of the watchdog. */
  onSweep(now: number, lateMs: number): boolean {
    if (this.pause.isOn) this.pause.tick(now, this.#isLastCall(now))
    // A pause gives nothing up that is in flight.
    const passes = this.#passes
    const shut = this.gate.master === null && !passes ? this.gate.state.since : null
    const isHeld = shut !== null && !this.pause.isOn
    const isOver = passes || (this.#hasGivenUp && !this.sendable)
    let isQuiet = (this.sendable || isHeld) && !isOver
    this.each(lane => {
      // At the end of a stop what is in flight has time of its own, until failAll().
      lane.deadlines.expire(isOver ? Number.POSITIVE_INFINITY : now, isOver ? null : shut)
      this.#watchdog.checkSilence(lane, now)
      isQuiet &&= isHeld ? lane.deadlines.isQuietUntil(now + NEAR_MS) : lane.deadlines.isQuiet
    })
    this.acks?.tick(now)
    if (shut !== null) this.#report.lookForWaiting()
    this.refill(now)
    if (now - this.#tidiedAt >= TIDY_MS) {
      this.#tidiedAt = now
      this.tidyUp(now)
      this.sockets.memory.trim(now)
    }
    this.#everySweep(lateMs)
    return isQuiet
  }

  /** A command would fail soon only because the pause goes on. */
  #isLastCall(now: number): boolean {
    const latestMs = this.holdLimitMs - Math.min(LAST_CALL_MS, this.holdLimitMs / 4)
    let isDue = false
    this.each(lane => {
      isDue ||= this.ran(lane.deadlines.waitsSince, now) >= latestMs
    })
    return isDue
  }
}

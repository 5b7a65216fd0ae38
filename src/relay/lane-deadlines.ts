// lane-deadlines.ts: what of one lane has waited for too long, and whether any time runs there at all.
//
//   sweep ─▶ expire ─┬─ the link has not answered for a whole hold ─▶ it is cut, and what it owes goes back
//                    ├─ the oldest that waits has done so for a whole hold ─▶ an error
//                    └─ it is a blocking command whose own time is over ────▶ what the server says then
//
// Each request knows since when it waits (`heldAt`), and none has a later deadline than those behind it: only the oldest
// is looked at. Never: sends, or answers out of turn (lane.ts).
//
// Must stay true: each command has its whole hold time, in which this process runs (standstills.ts), and one answer at
// the end of it.
import { countUnknown } from '../ops/counters.ts'
import type { LaneHost } from './lane-host.ts'
import type { LaneParts } from './lane-parts.ts'
import { errorFor } from './replay-rule.ts'
import { failRequest, makeLocal, ofHandler, type Request } from './request.ts'

/** The lane whose deadlines these are. */
export interface TimedLane {
  /** The request is a reply of our own now, and has left the queue. */
  answerInTurn(request: Request): void
}

export class LaneDeadlines {
  readonly #host: LaneHost
  readonly #parts: LaneParts
  readonly #lane: TimedLane

  constructor(host: LaneHost, parts: LaneParts, lane: TimedLane) {
    this.#host = host
    this.#parts = parts
    this.#lane = lane
  }

  /** performance.now() since when its oldest request waits; Infinity: nothing waits. */
  get waitsSince(): number {
    return this.#parts.waiting.head()?.heldAt ?? Number.POSITIVE_INFINITY
  }

  /** Nothing waits or is dialled here, and of replies only that of a blocking command is owed: no deadline runs. */
  get isQuiet(): boolean {
    const { waiting, acks, uplink } = this.#parts
    const { link } = uplink
    if (waiting.size > 0 || link?.status === 'dialing' || acks?.idle === false) return false
    return link?.head === undefined || link.head.blocking
  }

  /** The same while the gate is shut: what waits does so until `at` or longer. Nothing but a plain command is known to. */
  isQuietUntil(at: number): boolean {
    const { waiting, prover, uplink } = this.#parts
    const { link } = uplink
    if (link?.status === 'dialing' || link?.head !== undefined || prover !== null) return false
    const head = waiting.head()
    if (head === undefined) return true
    return head.local === null && head.handler === null && head.heldAt + this.#host.holdLimitMs > at
  }

  /**
   * Ends what has waited for too long. `heldSince`: since when the gate is shut, or null while it is open. `now`: Infinity
   * where nothing waits any longer; the own time of a blocking command is over by the clock alone.
   */
  expire(now: number, heldSince: number | null): void {
    const { waiting, prover, acks, refusals } = this.#parts
    prover?.tick(now)
    const limit = this.#host.holdLimitMs
    acks?.expire(now, limit)
    const clock = Number.isFinite(now) ? now : performance.now()
    const since = heldSince ?? refusals.askedSince ?? now
    if (this.#host.ran(since, now) >= limit) this.#abandonLink(since, Number.isFinite(now))
    for (let head = waiting.head(); head !== undefined; head = waiting.head()) {
      const timeout = head.local === null ? (ofHandler(head, handler => handler.timedOut?.(clock)) ?? null) : null
      if (head.local === null && timeout === null && this.#host.ran(head.heldAt, now) < limit) return
      waiting.shift(head.local !== null ? 'drained' : timeout !== null ? 'timedOut' : 'expired')
      if (timeout !== null) {
        head.sends = 0 // it has done nothing: no replica has to confirm it (--ack)
        makeLocal(head, timeout)
      } else if (head.local === null) {
        const isMasterless = this.#hasWaitedForMaster(head, now, heldSince)
        if (isMasterless) this.#host.onExpired()
        failRequest(head, this.#errorInTime(head, Number.isFinite(now) && !isMasterless))
      }
      this.#lane.answerInTurn(head)
    }
    this.#host.onDrained()
  }

  /**
   * For the whole hold time, and for nothing else: those behind it will wait in vain, too. A command that is sent again
   * keeps its first deadline, and one may have waited for a pause or a confirmation before the gate shut.
   */
  #hasWaitedForMaster(request: Request, now: number, heldSince: number | null): boolean {
    return heldSince !== null && this.#host.ran(Math.max(request.heldAt, heldSince), now) >= this.#host.holdLimitMs
  }

  /** It waits no longer. `hadMaster`: its time is over, and for a part of it there was a master. */
  #errorInTime(request: Request, hadMaster: boolean): Buffer {
    const { prover, acks, uplink } = this.#parts
    const inDoubt = prover?.errorInDoubt(request, uplink.refusedUser) ?? null
    if (inDoubt !== null) return inDoubt
    const mayHaveRun = request.sends > 0 && prover?.hasNotRun(request) !== true
    const error = mayHaveRun
      ? errorFor(request, this.#host.noAnswer, this.#host.learned)
      : ((hadMaster ? acks?.outOfTime(request) : null) ?? uplink.outOfTime)
    if (error.executed === 'unknown') countUnknown(this.#host.counters, request.owner)
    return error.reply
  }

  /** A link that has not answered for a whole hold, or may not any longer, is given up, and what is in flight on it. */
  #abandonLink(heldAt: number, isLate: boolean): void {
    const { prover, uplink } = this.#parts
    const { link } = uplink
    if (link === null || link.inFlight === 0) return
    for (const request of link.owed()) request.heldAt = request.heldAt || heldAt
    for (const request of prover?.parked() ?? []) request.heldAt = request.heldAt || heldAt
    link.cut(isLate ? 'no answer for the whole hold time' : 'no answer before the end')
  }
}

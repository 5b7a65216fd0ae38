// pauses.ts: pauses that a connection to the control socket asks for, of one master or of several together.
//
//   pause ─▶ each master begins ─▶ all are empty ─▶ answer        one of them ends before ─▶ all end, and the answer
//                                                                 names what was in flight
//   the connection closes ─▶ what it holds ends, unless the pause was reached and needs no lease
//
// Owns: which pauses hang together. Never: decides when one is over (relay/pause.ts).
import type { PauseEnd } from '../ops/counters.ts'
import type { PauseTerms } from '../relay/pause-state.ts'
import type { ControlledMaster } from './controlled.ts'
import { ControlError, type Notice, type PausedMaster, type PauseResult, pausedRemedy } from './protocol.ts'

/** An answer names no more sessions than this of one master. */
const MAX_SESSIONS = 100

interface Held {
  readonly master: ControlledMaster
  isOn: boolean
  /** How it stood when it was reached or ended. */
  found: PausedMaster | null
}

/** One pause of one or more masters, begun by one request. */
class Group {
  readonly #held: readonly Held[]
  readonly terms: PauseTerms
  readonly #name: string
  readonly #tell: (notice: Notice) => void
  readonly #result = Promise.withResolvers<PauseResult>()
  /** `waiting`: for its answer. `reached`: it has been given. */
  #state: 'waiting' | 'reached' | 'over' = 'waiting'

  constructor(
    masters: readonly ControlledMaster[],
    about: { readonly terms: PauseTerms; readonly name: string; readonly tell: (notice: Notice) => void },
  ) {
    this.#held = masters.map(master => ({ master, isOn: false, found: null }))
    this.terms = about.terms
    this.#name = about.name
    this.#tell = about.tell
  }

  get isOver(): boolean {
    return this.#state === 'over'
  }

  /** Resolves when nothing is in flight. @throws ControlError when one lasts already, or the pause ends before that. */
  begin(): Promise<PauseResult> {
    for (const held of this.#held) {
      if (this.#state === 'over') break
      if (!this.#beginOne(held)) this.#fail('resume', alreadyPaused(held.master))
    }
    return this.#result.promise
  }

  #beginOne(held: Held): boolean {
    const startedAt = performance.now()
    // Set first: it may be reached, or end, within begin().
    held.isOn = true
    const isBegun = held.master.pause.begin(this.terms, {
      name: this.#name,
      onEmpty: () => {
        held.found = look(held.master, startedAt)
        this.#settle()
      },
      onEnd: why => {
        held.isOn = false
        if (this.#state === 'waiting') {
          held.found = look(held.master, startedAt)
          this.#fail(why, endedEarly(why, this.#held))
        } else if (this.#state === 'reached') this.#tell({ notice: 'pause-ended', master: held.master.name, why })
        if (this.#held.every(one => !one.isOn)) this.#state = 'over'
      },
    })
    held.isOn &&= isBegun
    return isBegun
  }

  #settle(): void {
    if (this.#state !== 'waiting' || this.#held.some(({ isOn, found }) => !isOn || found === null)) return
    this.#state = 'reached'
    const masters = this.#held.flatMap(({ found }) => found ?? [])
    const holdLimitMs = Math.min(...this.#held.map(({ master }) => master.holdLimitMs))
    this.#result.resolve({ masters, maxMs: this.terms.maxMs, holdLimitMs })
  }

  #fail(why: PauseEnd, error: ControlError): void {
    if (this.#state !== 'waiting') return
    this.#state = 'over'
    this.#result.reject(error)
    this.#end(why)
  }

  /** Ends all that last. */
  #end(why: PauseEnd): void {
    for (const held of this.#held) {
      if (!held.isOn) continue
      held.isOn = false
      held.master.pause.end(why)
    }
  }

  renew(): void {
    for (const { isOn, master } of this.#held) if (isOn) master.pause.renew()
  }

  /** Its connection is gone. */
  onGone(): void {
    if (this.#state === 'reached' && this.terms.leaseMs === null) return
    this.#fail('holder-gone', endedEarly('holder-gone', this.#held))
    this.#end('holder-gone')
  }
}

/** The pauses of one connection. */
export class Pauses {
  readonly #tell: (notice: Notice) => void
  #groups: Group[] = []

  constructor(tell: (notice: Notice) => void) {
    this.#tell = tell
  }

  /** Something would end with the connection. */
  get hold(): boolean {
    return this.#groups.some(group => !group.isOver)
  }

  begin(masters: readonly ControlledMaster[], terms: PauseTerms, name: string): Promise<PauseResult> {
    this.#groups = this.#groups.filter(group => !group.isOver)
    const group = new Group(masters, { terms, name, tell: this.#tell })
    this.#groups.push(group)
    return group.begin()
  }

  /** Answers false where this connection holds none that needs it. */
  renew(): boolean {
    const leased = this.#groups.filter(group => !group.isOver && group.terms.leaseMs !== null)
    for (const group of leased) group.renew()
    return leased.length > 0
  }

  onGone(): void {
    for (const group of this.#groups) group.onGone()
    this.#groups = []
  }
}

function look(master: ControlledMaster, startedAt: number): PausedMaster {
  const ms = Math.round(performance.now() - startedAt)
  return { master: master.name, ms, ...master.inFlight(), sessions: master.inFlightSessions(MAX_SESSIONS) }
}

function alreadyPaused({ name, pause }: ControlledMaster): ControlError {
  const now = pause.snapshot(performance.now())
  const since = now === null ? '' : ` for ${Math.round(now.forMs)} ms, by ${now.by}`
  return new ControlError({
    code: 'paused',
    cause: `the master ${name} is paused already${since}`,
    remedy: pausedRemedy(now?.by ?? ''),
  })
}

function endedEarly(why: PauseEnd, held: readonly Held[]): ControlError {
  const masters = held.flatMap(({ found }) => found ?? [])
  if (why !== 'in-flight' && why !== 'max') {
    const cause = `the pause ended before everything was answered (${why})`
    return new ControlError({ code: 'pause-ended', cause, remedy: 'try again', masters })
  }
  const blocked = masters.reduce((sum, one) => sum + one.blocked, 0)
  const requests = masters.reduce((sum, one) => sum + one.requests, 0)
  const remedy = [
    'commands are sent again',
    ...(requests > 0 ? ['wait longer with --timeout, or find out why the master does not answer'] : []),
    ...(blocked > 0 ? ['--ignore-blocked leaves blocked commands with the master'] : []),
  ].join('; ')
  const cause = `not everything was answered in time: ${requests} requests and ${blocked} of blocked sessions are in flight`
  return new ControlError({ code: 'in-flight', cause, remedy, masters })
}

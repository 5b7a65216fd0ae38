// failover-report.ts: what a hold was: when and why the gate shut, what came of it, what it cost. For the log, the
// metrics and the status page; for people who ask at 3 a.m. what happened to their commands.
//
//   holding ─▶ hold.start     draining ─▶ hold.drain     open ─▶ hold.end     tripped ─▶ gate.tripped
//
// Owns: the accounts of the hold that lasts, and the last failovers. Never: moves the gate, sends or holds anything.
import { formatAddress, type Master } from '../address.ts'
import type { Counters } from '../ops/counters.ts'
import type { Log } from '../ops/log.ts'
import { type GateState, isSameProcess } from './gate.ts'
import { HoldStories } from './hold-stories.ts'

/** A change of the master or of its process, as it was lived through. */
export interface FailoverRecord {
  /** When the gate shut, ISO 8601. */
  readonly at: string
  readonly cause: string
  readonly from: string
  readonly to: string
  readonly epoch: number
  /** From the shut gate to the master's confirmation, ms. */
  readonly heldMs: number
  /** From there until nothing waited any more, ms; null while it lasts, or when the next hold came before. */
  drainMs: number | null
  /** Requests sent out of the hold; and the longest wait in it, also of one that was not sent, ms. */
  drained: number
  longestMs: number
  unknownOutcomes: number
}

/** What is said when commands fail at once from now on. */
export interface TripWords {
  readonly level: 'error' | 'warn'
  readonly story: string
  readonly message: string
}

export interface ReportOptions {
  readonly isDryRun?: boolean
  /** By default that the hold time is over without a master. */
  readonly trip?: TripWords | undefined
  /** A hold is told from the first command on that waits, so one that nobody feels is not. */
  readonly ifFelt?: boolean
}

const outOfTime: TripWords = {
  level: 'error',
  story: 'The hold time is over: commands fail at once until there is a master',
  message: 'the hold time is over without a master: commands fail at once until one is back',
}

/** What is counted over a hold, as it stood when the gate shut. */
type Accounts = Pick<Counters, 'drained' | 'expired' | 'timedOut' | 'replayed' | 'unknownOutcomes' | 'refusedByBreaker'>

const MAX_RECORDS = 10
/** Links lost less than this apart were lost for one reason. */
const BURST_MS = 2_000

export class FailoverReport {
  /** The last failovers, newest first. */
  failovers: readonly FailoverRecord[] = []
  /** The same and every other hold, step by step. */
  readonly stories = new HoldStories()
  readonly #counters: Counters
  readonly #log: Log
  #before: Accounts
  #cause: string
  #shutAt: number
  #heldMs = 0
  #last: Master | null = null
  #record: FailoverRecord | null = null
  /** Tells that this hold has begun; null: the log has it. */
  #untold: (() => void) | null = null
  /** `held` when it began. */
  #heldAt = 0
  readonly #isDryRun: boolean
  readonly #ifFelt: boolean
  readonly #trip: TripWords
  /** With --dry-run: `commands` when the gate shut. */
  #commandsAt = 0
  /** Links lost in one go, and when the last of them. */
  #lost = 0
  #lostAt = Number.NEGATIVE_INFINITY
  /** Unknown outcomes when the last thing was noted, and before the links went that were lost in one go. */
  #unknownNoted = 0
  #unknownBeforeLoss = 0

  /** `now` in milliseconds of a monotonic clock, as in all that follows. The gate is shut from the start. */
  constructor(
    counters: Counters,
    log: Log,
    now: number,
    { isDryRun = false, trip = outOfTime, ifFelt = false }: ReportOptions = {},
  ) {
    this.#trip = trip
    this.#isDryRun = isDryRun
    this.#ifFelt = ifFelt
    if (ifFelt) this.#untold = () => {} // nobody is told that a process starts
    this.#counters = counters
    this.#log = log
    this.#cause = 'starting'
    this.#shutAt = now
    this.#before = accountsOf(counters)
    counters.detail.holds.add('starting')
    this.stories.begin('starting', '', null, now)
  }

  onLinkLost(now: number): void {
    this.stories.onLinkLost(now)
    if (now - this.#lostAt > BURST_MS) {
      this.#lost = 0
      this.#unknownBeforeLoss = this.#unknownNoted
    }
    this.#lost++
    this.#lostAt = now
    this.#unknownNoted = this.#counters.unknownOutcomes
  }

  /** Called now and then while the gate is shut. */
  lookForWaiting(): void {
    if (this.#untold !== null && this.#isFelt) this.#tell()
  }

  /** A command waits, or has waited since this hold began. */
  get #isFelt(): boolean {
    return this.#counters.waiting > 0 || this.#counters.held > this.#heldAt
  }

  #tell(): void {
    const tell = this.#untold
    this.#untold = null
    tell?.()
  }

  /** `detail`: the control plane's reason in words; '' where it gave none. */
  onGate(from: GateState, to: GateState, now: number, detail: string): void {
    switch (to.kind) {
      case 'holding':
        if (from.kind !== 'holding') this.#onHolding(from, to.cause, now, detail)
        return
      case 'tripped':
        if (from.kind === 'tripped') return
        this.#tell()
        this.#counters.trips++
        this.stories.step('tripped', this.#trip.story, now)
        this.#log[this.#trip.level](
          {
            event: 'gate.tripped',
            cause: to.cause,
            ...(detail !== '' && { detail }),
            ...(this.#last && place(this.#last)),
            heldMs: Math.round(now - this.#shutAt),
            waiting: this.#counters.waiting,
          },
          this.#trip.message,
        )
        return
      case 'draining':
        this.#onDraining(from, to.master, now)
        return
      case 'open':
        this.#onOpen(to.master, now)
    }
  }

  #onHolding(from: GateState, cause: string, now: number, detail: string): void {
    // A hold that begins while the last one still drains is told together with it.
    if (from.kind !== 'draining') this.#before = this.#accountsAt(now)
    this.#begin(cause, detail, now)
    this.#counters.detail.holds.add(cause)
    this.#commandsAt = this.#counters.commands
    const isDry = this.#isDryRun && this.#last !== null
    const fields = { cause, detail, ...(this.#last && place(this.#last)), ...(isDry && { dryRun: true }) }
    this.#untold = () =>
      this.#log.info(
        { event: 'hold.start', ...fields },
        isDry ? 'commands would be held from here on (--dry-run)' : 'commands are held',
      )
    if (!this.#ifFelt || this.#isFelt) this.#tell()
  }

  #onDraining(from: GateState, master: Master, now: number): void {
    const shut = from.kind === 'holding' || from.kind === 'tripped'
    // A master may change without a hold, when both are named in one answer.
    if (!shut) {
      this.#before = this.#accountsAt(now)
      this.#begin('master-moved', '', now)
    }
    this.#heldMs = now - this.#shutAt
    if (shut) this.#counters.detail.holdTimes.observe(this.#heldMs / 1000)
    // A lost link is what most holds begin with, so it comes a moment before.
    const linksLost = this.#lostAt >= this.#shutAt - BURST_MS ? this.#lost : 0
    const { waiting } = this.#counters
    const kind = this.#last === null ? 'start' : isSameProcess(this.#last, master) ? 'hold' : 'failover'
    this.stories.confirmed(master, kind, waiting, now)
    if (shut) this.#noteDryRun()
    this.#note(master)
    this.#last = master
    this.lookForWaiting()
    if (this.#untold !== null) return
    this.#log.info(
      { event: 'hold.drain', ...place(master), waiting, heldMs: Math.round(this.#heldMs), linksLost },
      'a master is confirmed: sending what was held',
    )
  }

  #begin(cause: string, detail: string, now: number): void {
    this.stories.begin(cause, detail, this.#last, now)
    this.#cause = cause
    this.#shutAt = now
    this.#untold = null
    this.#heldAt = this.#counters.held
    this.#counters.detail.waits.max = 0
  }

  /** Under `safe`, clients get UNKNOWN as the links go, a moment before the gate shuts. It belongs to this hold. */
  #accountsAt(shutAt: number): Accounts {
    const accounts = accountsOf(this.#counters)
    return this.#lostAt >= shutAt - BURST_MS ? { ...accounts, unknownOutcomes: this.#unknownBeforeLoss } : accounts
  }

  /** The gate was shut for nobody: says what it would have held. The first master is waited for. */
  #noteDryRun(): void {
    if (!this.#isDryRun || this.#last === null) return
    const commands = this.#counters.commands - this.#commandsAt
    this.#counters.wouldHold += commands
    this.#log.info(
      { event: 'hold.dry_run', cause: this.#cause, commands, heldMs: Math.round(this.#heldMs) },
      'without --dry-run so many commands would have been held, none for longer than this',
    )
  }

  /** The first master is no failover, and neither is the same process served again. */
  #note(master: Master): void {
    const last = this.#last
    this.#record = null
    if (last === null || isSameProcess(last, master)) return
    this.#counters.detail.failovers.add(this.#cause)
    this.#record = {
      at: new Date(Date.now() - this.#heldMs).toISOString(),
      cause: this.#cause,
      from: formatAddress(last),
      to: formatAddress(master),
      epoch: master.epoch,
      heldMs: Math.round(this.#heldMs),
      drainMs: null,
      drained: 0,
      longestMs: 0,
      unknownOutcomes: 0,
    }
    this.failovers = [this.#record, ...this.failovers].slice(0, MAX_RECORDS)
  }

  #onOpen(master: Master, now: number): void {
    const counters = this.#counters
    const before = this.#before
    const totalMs = now - this.#shutAt
    const drainMs = Math.round(totalMs - this.#heldMs)
    const drained = counters.drained - before.drained
    const unknownOutcomes = counters.unknownOutcomes - before.unknownOutcomes
    const resent = counters.replayed - before.replayed
    const expired = counters.expired - before.expired
    const timedOut = counters.timedOut - before.timedOut
    const refused = counters.refusedByBreaker - before.refusedByBreaker
    this.#unknownNoted = counters.unknownOutcomes
    this.#unknownBeforeLoss = counters.unknownOutcomes
    const longestMs = Math.round(counters.detail.waits.max * 1000)
    if (this.#record !== null) {
      Object.assign(this.#record, { drainMs, drained, longestMs, unknownOutcomes })
      counters.detail.failoverTimes.observe(totalMs / 1000)
    }
    this.stories.ended({ drained, longestMs, resent, expired, timedOut, unknownOutcomes }, now)
    this.lookForWaiting()
    if (this.#untold !== null) return
    const hasFailed = expired + refused + unknownOutcomes > 0
    this.#log[hasFailed ? 'warn' : 'info'](
      {
        event: 'hold.end',
        ...place(master),
        cause: this.#cause,
        heldMs: Math.round(this.#heldMs),
        drainMs,
        drained,
        longestMs,
        resent,
        expired,
        refused,
        timedOut,
        unknownOutcomes,
      },
      hasFailed ? 'nothing is held any more, and commands failed meanwhile' : 'nothing is held any more',
    )
  }
}

function place(master: Master): { master: string; epoch: number } {
  return { master: formatAddress(master), epoch: master.epoch }
}

function accountsOf(counters: Counters): Accounts {
  const { drained, expired, timedOut, replayed, unknownOutcomes, refusedByBreaker } = counters
  return { drained, expired, timedOut, replayed, unknownOutcomes, refusedByBreaker }
}

// watchdog.ts: what the clock alone can tell: this process stood still, or a link that owes a reply is silent.
//
//   every 25 ms ─────▶ look ─▶ the host's sweep: deadlines, silence, links that are of no use
//   before a write ──▶ look ─▶ stood still: hold, withhold, ask the control plane
//
// When nothing has been owed or written for a while it rests, and looks every 200 ms, or 350 without a client: at 25 ms
// an idle process takes half a percent of a core. Whatever begins to wait or to be owed wakes it. While the gate is shut
// and no deadline is near it looks every 100 ms: all sidecars of a master wait at the same time, on processors that the
// end of the failover needs.
//
// Without a client a standstill harms nobody, and a pod that gets little CPU has many. So it is only remembered, and
// neither held, logged nor asked about, until a client is there or something is written.
//
// Owns: the timer, the time of the last look, the standstill that is remembered. Never: knows which lanes there are
// (lane-pool.ts), judges silence (silent-links.ts).
//
// Must stay true: after a standstill nothing is written before the Sentinels have confirmed the master, by answers to
// questions that were asked after it (in a long row of standstills: after the third, topology.ts). In that time a
// planned failover may have come and gone, and the old master still takes writes. So however seldom it looks, two looks
// are never as far apart as a standstill. While it rests, the turn holds all that a link says for late (turn.ts).
// What the kernel has taken before a standstill cannot be held back: the rest of a large command follows by itself, and
// its reply is withheld. A link that was being dialled says its opening: that changes no client's data.
import type { Lane } from './lane.ts'
import type { LaneHost } from './lane-host.ts'
import type { SilenceWatch } from './silent-links.ts'
import { Standstills } from './standstills.ts'

/** How often deadlines are looked at; the error at the end of a hold is late by at most this. */
const SWEEP_MS = 25
/** At rest. Well below STOOD_STILL_MS: a busy machine may run a timer late. */
const REST_MS = 200
/** The same while no client is connected, so that nobody waits where the timer is so late that it looks like a standstill. */
const UNUSED_MS = 350
/** At rest while the gate is shut: in a failover a busy machine runs timers later than else. */
const HELD_MS = 100
/** So many sweeps without a write, and with nothing owed, come before it rests. */
const QUIET_SWEEPS = 8
/** A link that owes a reply and has said nothing for this long is worth asking the control plane about. */
const SILENT_MS = 700
/** After a gap of this length the process stood still: SIGSTOP, a frozen machine, a blocked loop. */
const STOOD_STILL_MS = 500

export interface WatchdogHost extends Pick<LaneHost, 'turn' | 'bugs' | 'gate' | 'sendable' | 'observe'> {
  hold(cause: 'stood-still', detail: string): void
  withhold(): void
  /** `lateMs`: behind its time. Answers whether it can wait for a rare sweep: no deadline runs, no silence counts. */
  onSweep(now: number, lateMs: number): boolean
  /** No client is connected that would be sent to this master, or feel whether it still is one. */
  readonly isUnused: boolean
  /** The control plane must forget what it has asked, and ask again, in this call. */
  onStoodStill(): void
}

export class Watchdog {
  readonly #host: WatchdogHost
  readonly #silence: SilenceWatch
  readonly standstills = new Standstills()
  #timer: NodeJS.Timeout | null = null
  #everyMs = SWEEP_MS
  #rests = false
  #quietSweeps = 0
  #lookedAt = performance.now()
  #sweptAt = 0
  #askedAt = 0
  /** The longest standstill that nothing was done about, ms; 0: there was none. */
  #rememberedMs = 0

  constructor(host: WatchdogHost, silence: SilenceWatch) {
    this.#host = host
    this.#silence = silence
  }

  /** performance.now() of the last look at the clock, at most a sweep ago. */
  get lookedAt(): number {
    return this.#lookedAt
  }

  start(): void {
    this.#lookedAt = performance.now()
    this.#sweptAt = this.#lookedAt
    this.#host.turn.tick(this.#lookedAt)
    this.#run(SWEEP_MS)
  }

  stop(): void {
    this.#rests = false
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  #run(everyMs: number): void {
    this.#everyMs = everyMs
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = setInterval(() => this.#host.bugs.guard('sweep', () => this.#sweep()), everyMs)
  }

  #sweep(): void {
    const now = performance.now()
    const wrote = this.#lookedAt !== this.#sweptAt
    // At rest the turn holds all for late as it is, and a tick costs another round of the loop.
    if (!this.#rests) this.#host.turn.tick(now)
    this.#judgeGap(now, this.#mayRemember)
    const gapMs = now - this.#sweptAt
    this.#silence.tick(gapMs)
    this.#sweptAt = now
    const lateMs = Math.max(0, gapMs - this.#everyMs)
    // wakeSoon() has left the pace to this sweep.
    if (!this.#rests && this.#everyMs !== SWEEP_MS) this.#run(SWEEP_MS)
    const isQuiet = this.#host.onSweep(now, lateMs) && !wrote
    if (!isQuiet) this.wake()
    else if (++this.#quietSweeps >= QUIET_SWEEPS) this.#rest()
  }

  #rest(): void {
    this.#rests = true
    const { sendable, isUnused } = this.#host
    const everyMs = !sendable ? HELD_MS : isUnused ? UNUSED_MS : REST_MS
    if (everyMs !== this.#everyMs) this.#run(everyMs)
  }

  /** Something waits or is owed from now on: deadlines and silence are looked at often. */
  wake(): void {
    this.#quietSweeps = 0
    if (!this.#rests) return
    this.#rests = false
    const now = performance.now()
    this.#host.turn.tick(now)
    this.#sweptAt = now
    this.#run(SWEEP_MS)
  }

  /**
   * The same where nothing has a deadline. With the gate shut it looks often enough for a link that is lost or dialled,
   * and for the end of the hold; the next sweep sets the pace. All sidecars of a master would set timers and sweep at
   * that very moment, while their clients wait.
   */
  wakeSoon(): void {
    if (!this.#rests || this.#everyMs !== HELD_MS) {
      this.wake()
      return
    }
    this.#quietSweeps = 0
    this.#rests = false
    this.#host.turn.tick(performance.now())
  }

  /** Has this process stood still? Asked before anything is written. */
  look(now: number): void {
    if (this.#rests) this.wakeSoon()
    this.#judgeGap(now, false)
  }

  /** The same before the control plane decides. It may rest on: nothing is about to be written. */
  check(now: number): void {
    if (now - this.#lookedAt >= STOOD_STILL_MS) this.#judgeGap(now, this.#mayRemember)
  }

  /** With the gate shut, what the control plane decides next may come from before the standstill, and it must know. */
  get #mayRemember(): boolean {
    return this.#host.isUnused && this.#host.gate.master !== null
  }

  #judgeGap(now: number, mayRemember: boolean): void {
    const passedMs = now - this.#lookedAt
    this.#lookedAt = now
    if (passedMs >= STOOD_STILL_MS) {
      this.#rememberedMs = Math.max(this.#rememberedMs, passedMs)
      this.standstills.note(now, passedMs)
    }
    if (this.#rememberedMs === 0 || mayRemember) return
    const gapMs = this.#rememberedMs
    this.#rememberedMs = 0
    const host = this.#host
    // Also while a pause holds everything: its end must not send to a node that was the master before.
    if (host.gate.master !== null) host.hold('stood-still', `nothing ran here for ${Math.round(gapMs)} ms`)
    host.withhold()
    host.onStoodStill()
  }

  /** A stopped process or a dead network sends no FIN: only silence on a link that owes a reply can be noticed. */
  checkSilence(lane: Lane, now: number): void {
    const quietMs = this.#silence.quietMs(lane, now)
    if (quietMs === 0) return
    if (lane.link !== null && now - lane.link.silentSince >= SILENT_MS && now - this.#askedAt > SILENT_MS) {
      this.#askedAt = now
      this.#host.observe('link silent')
    }
    if (this.#host.sendable) this.#silence.act(lane, quietMs, now)
  }
}

// pause.ts: the pause of one master's traffic, as it is lived through: begins, is looked at, is told, and ends.
//
//   control socket ── begin, renew, end ──▶ pause ── stopSending, sendAgain ──▶ lanes
//                  ◀── onEmpty, onEnd ─────────┘ ◀── tick, 25 ms ───────────────┘
//
// Owns: the state (pause-state.ts), the look at what is in flight, the log, the counts and the story (pause-story.ts) of
// pauses. Never: moves the gate, knows who asked for it.
import type { Counters, PauseEnd } from '../ops/counters.ts'
import type { Log } from '../ops/log.ts'
import type { LastPauseSnapshot, PauseSnapshot } from '../ops/snapshot.ts'
import { WaitSample } from '../ops/wait-sample.ts'
import type { InFlight } from './in-flight.ts'
import { nextPause, noPause, type PauseState, type PauseTerms, pauseOver } from './pause-state.ts'
import { PauseStory, type PauseStoryLanes } from './pause-story.ts'

/** How often a pause that begins looks whether everything is answered. It looks at each lane. */
const LOOK_MS = 2

/** The lanes of the master. */
export interface PausedLanes extends PauseStoryLanes {
  readonly counters: Counters
  readonly log: Log
  /** Nothing new is sent from here on. */
  stopSending(): void
  /** The pause is over: what waits is sent, if the gate lets it. */
  sendAgain(): void
  unanswered(): InFlight
  /** Milliseconds from `since` to `now` in which this process ran. */
  ran(since: number, now: number): number
}

/** Who asked for a pause. */
export interface PauseHolder {
  /** For the log and the status: `ctl`, `switchover`, `drill`. */
  readonly name: string
  /** Nothing is in flight any more. Not called when the pause ends before. */
  onEmpty(): void
  /** Called before anything is sent again. */
  onEnd(why: PauseEnd): void
}

export class Pause {
  state: PauseState = noPause
  readonly story: PauseStory
  readonly #lanes: PausedLanes
  #holder: PauseHolder | null = null
  #timer: NodeJS.Timeout | null = null
  #last: {
    readonly by: string
    readonly sample: WaitSample
    readonly failed: number
    readonly unknown: number
  } | null = null

  constructor(lanes: PausedLanes) {
    this.#lanes = lanes
    this.story = new PauseStory(lanes)
  }

  get isOn(): boolean {
    return this.state.kind !== 'none'
  }

  /** Answers false where a pause lasts already; then nothing has changed. */
  begin(terms: PauseTerms, holder: PauseHolder): boolean {
    if (this.isOn) return false
    const now = performance.now()
    this.state = nextPause(this.state, { kind: 'begin', terms }, now)
    this.#holder = holder
    const { log, counters } = this.#lanes
    const { expired, failed, unknownOutcomes } = counters
    const sample = new WaitSample()
    counters.detail.waits.sample = sample
    this.#last = { by: holder.name, sample, failed: expired + failed, unknown: unknownOutcomes }
    this.story.begin(holder.name, terms.maxMs, sample, now)
    log.info({ event: 'pause.start', by: holder.name, ...terms }, 'a pause begins: commands are held')
    this.#lanes.stopSending()
    this.#look()
    return true
  }

  /** The lease of the pause that lasts begins anew; its longest time does not. */
  renew(): void {
    this.state = nextPause(this.state, { kind: 'renew' }, performance.now())
  }

  /** Does nothing where there is none. */
  end(why: PauseEnd): void {
    const { state } = this
    if (state.kind === 'none') return
    const { counters, log } = this.#lanes
    const heldMs = performance.now() - state.since
    const left = state.kind === 'emptying' ? this.#lanes.unanswered() : null
    this.state = nextPause(state, { kind: 'end' }, performance.now())
    this.close()
    this.#last?.sample.end(performance.now())
    counters.detail.pauses.add(why)
    counters.detail.pauseTimes.observe(heldMs / 1000)
    this.story.over(why, state.since + heldMs)
    log.info(
      {
        event: 'pause.end',
        why,
        heldMs: Math.round(heldMs),
        waiting: counters.waiting,
        ...(left && { inFlight: left }),
      },
      'the pause is over: commands are sent again, as soon as the gate is open',
    )
    const holder = this.#holder
    this.#holder = null
    try {
      holder?.onEnd(why)
    } finally {
      this.#lanes.sendAgain()
    }
  }

  /** The pause ends if its time is over. `mustSend`: a command has waited almost as long as it may. */
  tick(now: number, mustSend: boolean): void {
    const why = pauseOver(this.state, now, { mustSend, ran: (since, now) => this.#lanes.ran(since, now) })
    if (why !== null) this.end(why)
  }

  /** Nothing is looked at any more. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  snapshot(now: number): PauseSnapshot | null {
    const { state } = this
    if (state.kind === 'none') return null
    return {
      state: state.kind,
      by: this.#holder?.name ?? '',
      forMs: Math.max(0, now - state.since),
      endsInMs: Math.max(
        0,
        Math.min(state.endsAt, state.renewedAt + (state.terms.leaseMs ?? Number.POSITIVE_INFINITY)) - now,
      ),
      inFlight: this.#lanes.unanswered(),
    }
  }

  /** What the pause that lasts, or the last one, has cost; null: there was none. */
  lastSnapshot(): LastPauseSnapshot | null {
    if (this.#last === null) return null
    const { by, sample, failed, unknown } = this.#last
    const { counters } = this.#lanes
    return {
      by,
      ...sample.summary(),
      failed: counters.expired + counters.failed - failed,
      unknown: counters.unknownOutcomes - unknown,
    }
  }

  readonly #look = (): void => {
    this.#timer = null
    const { state } = this
    if (state.kind !== 'emptying') return
    const { requests, blocked } = this.#lanes.unanswered()
    if (requests > 0 || (blocked > 0 && !state.terms.ignoreBlocked)) {
      this.#timer = setTimeout(this.#look, LOOK_MS)
      return
    }
    const now = performance.now()
    this.state = nextPause(state, { kind: 'empty' }, now)
    const { log, counters } = this.#lanes
    this.story.empty(blocked, now)
    log.info(
      { event: 'pause.reached', ms: Math.round(now - state.since), blocked, waiting: counters.waiting },
      'nothing is in flight: the master is sent nothing and owes nothing',
    )
    this.#holder?.onEmpty()
  }
}

// pause-story.ts: a pause as a story beside those of holds: who asked for it, when nothing was in flight, why it ended,
// what waited. A switchover has both: its pause, and the failover that comes meanwhile.
//
// Owns: the story of the pause that lasts, or whose commands still wait. Never: begins or ends a pause (pause.ts).
import { formatAddress, type Master } from '../address.ts'
import type { Counters, PauseEnd } from '../ops/counters.ts'
import type { WaitSample } from '../ops/wait-sample.ts'
import type { HoldStories, HoldStory, StepKind } from './hold-stories.ts'

/** The lanes of the master. */
export interface PauseStoryLanes {
  readonly counters: Counters
  readonly stories: HoldStories
  /** The present or last master. */
  readonly term: Master | null
}

/** Why it is over, after "The pause is over: ". */
const ends: Readonly<Record<PauseEnd, string>> = {
  resume: 'it was ended',
  max: 'its longest time has passed',
  lease: 'who held it did not renew it',
  'holder-gone': 'who held it is gone',
  'in-flight': 'not everything was answered in time',
  'hold-time': 'a command has waited almost as long as it may',
  stopping: 'Holdfast stops',
}

/** What is counted over a pause, as it stood when it began. */
type Accounts = Pick<Counters, 'drained' | 'expired' | 'timedOut' | 'replayed' | 'unknownOutcomes'>

interface Told {
  readonly story: HoldStory
  readonly begunAt: number
  readonly sample: WaitSample
  readonly before: Accounts
}

export class PauseStory {
  readonly #lanes: PauseStoryLanes
  #told: Told | null = null

  constructor(lanes: PauseStoryLanes) {
    this.#lanes = lanes
  }

  /** A pause lasts, or its commands still wait. */
  get isTold(): boolean {
    return this.#told !== null
  }

  /** `by`: who asked for it. `now` in ms of a monotonic clock, as in all that follows. */
  begin(by: string, maxMs: number, sample: WaitSample, now: number): void {
    // Commands of the pause before it may still wait. Its story ends here.
    this.#close(now)
    const { counters, stories, term } = this.#lanes
    const { drained, expired, timedOut, replayed, unknownOutcomes } = counters
    const story: HoldStory = {
      at: new Date(Date.now() - (performance.now() - now)).toISOString(),
      cause: by,
      kind: 'pause',
      from: term && formatAddress(term),
      to: null,
      epoch: null,
      steps: [],
      heldMs: null,
      drainMs: null,
      linksLost: 0,
      counts: null,
    }
    this.#told = { story, begunAt: now, sample, before: { drained, expired, timedOut, replayed, unknownOutcomes } }
    stories.add(story)
    this.#step('paused', `${by} pauses all sending, for ${maxMs / 1000} s at most`, now)
  }

  /** Nothing is in flight any more, but for `blocked` blocking commands. */
  empty(blocked: number, now: number): void {
    const rest = blocked === 0 ? '' : ` but for ${blocked} blocking ${blocked === 1 ? 'command' : 'commands'}`
    this.#step('empty', `Nothing is in flight${rest}`, now)
  }

  over(why: PauseEnd, now: number): void {
    if (this.#told === null) return
    const { story, begunAt } = this.#told
    const { term, counters } = this.#lanes
    const epoch = term?.epoch ?? null
    Object.assign(story, { to: term && formatAddress(term), epoch, heldMs: Math.round(now - begunAt) })
    this.#step('resumed', `The pause is over: ${ends[why]}; ${requests(counters.waiting)} held`, now)
  }

  /** Commands are sent, and none waits. While the pause lasts this says nothing. */
  drained(now: number): void {
    if (this.#told !== null && this.#told.story.heldMs !== null) this.#close(now)
  }

  #close(now: number): void {
    if (this.#told === null) return
    const { story, begunAt, sample, before } = this.#told
    const { counters } = this.#lanes
    const drained = counters.drained - before.drained
    story.drainMs = Math.round(now - begunAt) - (story.heldMs ?? 0)
    story.counts = {
      drained,
      longestMs: sample.summary().max,
      resent: counters.replayed - before.replayed,
      expired: counters.expired - before.expired,
      timedOut: counters.timedOut - before.timedOut,
      unknownOutcomes: counters.unknownOutcomes - before.unknownOutcomes,
    }
    this.#step('drained', `Nothing is held any more; ${requests(drained)} sent`, now)
    this.#told = null
  }

  #step(kind: StepKind, text: string, now: number): void {
    if (this.#told === null) return
    const { story, begunAt } = this.#told
    story.steps.push({ ms: Math.round(now - begunAt), kind, text })
    this.#lanes.stories.changed()
  }
}

function requests(count: number): string {
  return `${count} ${count === 1 ? 'request' : 'requests'}`
}

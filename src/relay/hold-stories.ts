// hold-stories.ts: the last holds step by step: link lost, announced, held, majority, drained. For people who open the
// page after the fact. Pauses are among them (pause-story.ts).
//
//   notes of the control plane, lost links ─▶ recent (a few, for seconds) ─┐
//   gate shut ─▶ begin ─▶ step ... ─▶ confirmed ─▶ ended                  ─┴▶ the last MAX_STORIES, newest first
//
// Owns: these records, bounded in number and length. Never: moves the gate, logs, holds a key or a value.
import type { Master } from '../address.ts'
import { formatAddress } from '../address.ts'

/** What a step was; the page has a word and a mark for each. */
export type StepKind =
  | 'link-lost'
  | 'announced'
  | 'held'
  | 'cause'
  | 'chosen'
  | 'aborted'
  | 'majority'
  | 'confirmed'
  | 'tripped'
  | 'drained'
  | 'paused'
  | 'empty'
  | 'resumed'

export interface StoryStep {
  /** Milliseconds after the gate shut; below 0: before. */
  readonly ms: number
  readonly kind: StepKind
  readonly text: string
}

/** What came of it, as the report counts it. */
export interface StoryCounts {
  readonly drained: number
  readonly longestMs: number
  readonly resent: number
  readonly expired: number
  readonly timedOut: number
  readonly unknownOutcomes: number
}

export interface HoldStory {
  /** When the gate shut, ISO 8601. */
  readonly at: string
  /** Of a pause: who asked for it (`ctl`, `switchover`, `drill`). */
  readonly cause: string
  /**
   * `failover`: another master or another process of it; `start`: the first; `hold`: the same as before; `pause`: an
   * operator held all commands.
   */
  kind: 'hold' | 'failover' | 'start' | 'pause'
  /** The master before, and the one that ended the hold; null where there is none. */
  readonly from: string | null
  to: string | null
  epoch: number | null
  readonly steps: StoryStep[]
  /** From the shut gate to the master's confirmation, and from there until nothing waited; null while it lasts. */
  heldMs: number | null
  drainMs: number | null
  linksLost: number
  counts: StoryCounts | null
}

const MAX_STORIES = 20
/** Of one story, and its end. A hold that lasts for hours has its beginning and its end, not every word between. */
const MAX_STEPS = 30
/** What came so shortly before the gate shut belongs to the hold. */
const RECENT_MS = 3_000
const MAX_RECENT = 8

/** `Commands are held: a reason`, `Still held: a reason`. */
const reasonOf = (text: string): string => text.slice(text.indexOf(': ') + 1)

/** Log events of the control plane that are a step, and how each reads. Their fields are the control plane's. */
const notes: Readonly<Record<string, readonly [StepKind, (fields: Readonly<Record<string, unknown>>) => string]>> = {
  'failover.announced': ['announced', ({ detail }) => `A failover is announced: ${detail}`],
  'failover.replica': ['chosen', ({ replica, sentinel }) => `Sentinel ${sentinel} promotes ${replica}`],
  'failover.aborted': ['aborted', ({ sentinel, cause }) => `Sentinel ${sentinel} gave up the failover (${cause})`],
  'failover.over': ['aborted', () => 'The announced failover ended without another master'],
  'master.candidate': [
    'majority',
    ({ address, votes, known, epoch }) => `${votes} of ${known} Sentinels name ${address} (epoch ${epoch})`,
  ],
  'master.held': ['cause', ({ detail }) => `Still held: ${detail}`],
}

export class HoldStories {
  /** The last holds, newest first. */
  stories: readonly HoldStory[] = []
  /** Grows with each change of what `stories` says. */
  version = 0
  #open: HoldStory | null = null
  #shutAt = 0
  #recent: { readonly at: number; readonly kind: StepKind; readonly text: string }[] = []

  /** A decision of the control plane, by its log event. `now` in ms of a monotonic clock, as in all that follows. */
  onNote(event: string, fields: Readonly<Record<string, unknown>>, now: number): void {
    const note = notes[event]
    if (note !== undefined) this.step(note[0], note[1](fields), now)
  }

  onLinkLost(now: number): void {
    if (this.#open !== null) this.#open.linksLost++
    this.step('link-lost', 'A link to the master is lost', now)
  }

  /** Into the story that is told now; else kept for a moment, as the next may begin with it. */
  step(kind: StepKind, text: string, now: number): void {
    const story = this.#open
    if (story !== null) {
      // The reason that shut the gate comes again as a decision of the control plane.
      const reason = reasonOf(text)
      const isKnown = story.steps.some(one => (one.kind === kind || kind === 'cause') && reasonOf(one.text) === reason)
      const isEnd = kind === 'confirmed' || kind === 'drained'
      if (isKnown || (story.steps.length >= MAX_STEPS && !isEnd)) return
      story.steps.push({ ms: Math.round(now - this.#shutAt), kind, text })
      this.version++
      return
    }
    this.#recent = this.#recent.filter(one => now - one.at < RECENT_MS)
    this.#recent = [...this.#recent, { at: now, kind, text }].slice(-MAX_RECENT)
  }

  /** The gate has shut, or the master changes without a hold. */
  begin(cause: string, detail: string, from: Master | null, now: number): void {
    const before = this.#recent.filter(one => now - one.at < RECENT_MS)
    this.#recent = []
    const steps: StoryStep[] = []
    for (const { at, kind, text } of before)
      if (!steps.some(one => one.text === text)) steps.push({ ms: Math.round(at - now), kind, text })
    this.#shutAt = now
    this.#open = {
      at: new Date(Date.now() - (performance.now() - now)).toISOString(),
      cause,
      kind: from === null ? 'start' : 'hold',
      from: from && formatAddress(from),
      to: null,
      epoch: null,
      steps,
      heldMs: null,
      drainMs: null,
      linksLost: before.filter(({ kind }) => kind === 'link-lost').length,
      counts: null,
    }
    this.add(this.#open)
    this.step('held', detail === '' ? 'Commands are held' : `Commands are held: ${detail}`, now)
  }

  /** A story that begins now. */
  add(story: HoldStory): void {
    this.stories = [story, ...this.stories].slice(0, MAX_STORIES)
    this.version++
  }

  /** A story that was added says something else now. */
  changed(): void {
    this.version++
  }

  /** A master is confirmed. `waiting`: requests that wait now; `kind`: whether it is another one. */
  confirmed(master: Master, kind: 'hold' | 'failover' | 'start', waiting: number, now: number): void {
    const story = this.#open
    if (story === null) return
    const to = formatAddress(master)
    Object.assign(story, { kind, to, epoch: master.epoch, heldMs: Math.round(now - this.#shutAt) })
    this.step('confirmed', `${to} confirms that it is master; ${waiting} requests wait for it`, now)
  }

  /** Nothing waits any more. */
  ended(counts: StoryCounts, now: number): void {
    const story = this.#open
    if (story === null) return
    this.step('drained', `Nothing is held any more; ${counts.drained} requests were sent`, now)
    story.drainMs = Math.round(now - this.#shutAt) - (story.heldMs ?? 0)
    story.counts = counts
    this.#open = null
    this.version++
  }
}

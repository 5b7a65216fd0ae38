// event-walk.ts: plays sequences of events on a model: all short ones, and random long ones that shrink when they fail.
// Never: knows what the events are.
import { randomFrom } from './seeded-random.ts'

/** What a sequence came to. */
export interface Played {
  /** The first invariant broken; empty while none is. */
  readonly wrong: string
  /** Whether the last event did anything. */
  readonly last: boolean
}

/** What is played; `play` answers whether the event did anything, `finish` what is broken in the end. */
export interface Model {
  readonly wrong: string
  play(event: string): boolean
  finish(): string
}

export type Play = (events: readonly string[]) => Played

/** After so many failures the rest says nothing new. */
const ENOUGH = 5

const { HOLDFAST_WALK_LENGTH } = process.env

/**
 * To how many events an exhaustive walk goes: `usual`, in which every known bug shows, or as many as
 * HOLDFAST_WALK_LENGTH says and at most `most`. One more takes ten times as long: `npm run walks`.
 */
export function walkLength({ usual, most }: { readonly usual: number; readonly most: number }): number {
  return Math.min(most, Number(HOLDFAST_WALK_LENGTH ?? usual))
}

/** Plays the events on a new model, until one breaks something. */
export function playEvents(model: Model, events: readonly string[]): Played {
  let last = true
  for (const event of events) {
    last = model.play(event)
    if (model.wrong !== '') break
  }
  return { wrong: model.finish(), last }
}

/** Depth first from `start`; a branch ends where an event does nothing, it would equal a shorter one. */
export function walkEvents(
  play: Play,
  start: readonly string[],
  length: number,
  events: readonly string[],
): { sequences: number; broken: string[] } {
  let sequences = 0
  const broken: string[] = []
  const go = (path: readonly string[]): void => {
    for (const event of events) {
      if (broken.length >= ENOUGH) return
      const next = [...path, event]
      const { wrong, last } = play([...start, ...next])
      sequences++
      if (wrong !== '') broken.push(`${wrong} after ${[...start, ...next].join(', ')}`)
      else if (last && next.length < length) go(next)
    }
  }
  go([])
  return { sequences, broken }
}

/** Seeds from 1 to `seeds`. Answers what is broken, each with the shortest sequence of its seed that shows it. */
export function playRandom(
  play: Play,
  seeds: number,
  length: number,
  pick: (random: () => number) => string,
): string[] {
  const broken: string[] = []
  for (let seed = 1; seed <= seeds && broken.length < ENOUGH; seed++) {
    const random = randomFrom(seed)
    const events = Array.from({ length }, () => pick(random))
    const { wrong } = play(events)
    if (wrong !== '') broken.push(`${wrong} with seed ${seed}: ${shortest(play, events).join(', ')}`)
  }
  return broken
}

/** Leaves out every event the failure does not need. */
function shortest(play: Play, events: readonly string[]): readonly string[] {
  let left = events
  for (let i = left.length - 1; i >= 0; i--) {
    const without = left.toSpliced(i, 1)
    if (play(without).wrong !== '') left = without
  }
  return left
}

// event-walk.ts: plays sequences of events on a model: all short ones, and random long ones that shrink when they fail.
// Never: knows what the events are.
import { randomFrom } from './seeded-random.ts'

/** What is played. An event that does nothing leaves no trace in it. */
export interface Model {
  /** The first invariant broken; empty while none is. */
  readonly wrong: string
  /** Answers whether the event did anything. */
  play(event: string): boolean
  /** Answers what is broken in the end. */
  finish(): string
}

/** Makes a new model for `use`. */
export type Begin = <T>(use: (model: Model) => T) => T

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

/** Plays the events until one breaks something. */
function playAll(model: Model, events: readonly string[]): void {
  for (const event of events) {
    model.play(event)
    if (model.wrong !== '') return
  }
}

/** Plays the events until one does something, and then to the end. Answers how many it has played. */
function playOneOf(model: Model, events: readonly string[]): { played: number; did: boolean; wrong: string } {
  let played = 0
  let did = false
  for (const event of events) {
    did = model.play(event)
    played++
    if (did || model.wrong !== '') break
  }
  return { played, did, wrong: model.finish() }
}

/**
 * Depth first from `start`; a branch ends where an event does nothing, it would equal a shorter one. The next event is
 * played on the same model then.
 */
export function walkEvents(
  begin: Begin,
  start: readonly string[],
  length: number,
  events: readonly string[],
): { sequences: number; broken: string[] } {
  let sequences = 0
  const broken: string[] = []
  const go = (path: readonly string[]): void => {
    let left = events
    while (left.length > 0 && broken.length < ENOUGH) {
      const { played, did, wrong } = begin(model => {
        playAll(model, [...start, ...path])
        return playOneOf(model, left)
      })
      const next = [...path, ...left.slice(played - 1, played)]
      left = left.slice(played)
      sequences += played
      if (wrong !== '') broken.push(`${wrong} after ${[...start, ...next].join(', ')}`)
      else if (did && next.length < length) go(next)
    }
  }
  go([])
  return { sequences, broken }
}

/** Seeds from 1 to `seeds`. Answers what is broken, each with the shortest sequence of its seed that shows it. */
export function playRandom(
  begin: Begin,
  seeds: number,
  length: number,
  pick: (random: () => number) => string,
): string[] {
  const broken: string[] = []
  for (let seed = 1; seed <= seeds && broken.length < ENOUGH; seed++) {
    const random = randomFrom(seed)
    const events = Array.from({ length }, () => pick(random))
    const wrong = playToEnd(begin, events)
    if (wrong !== '') broken.push(`${wrong} with seed ${seed}: ${shortest(begin, events).join(', ')}`)
  }
  return broken
}

/** Answers what is broken. */
export function playToEnd(begin: Begin, events: readonly string[]): string {
  return begin(model => {
    playAll(model, events)
    return model.finish()
  })
}

/** Leaves out every event the failure does not need. */
function shortest(begin: Begin, events: readonly string[]): readonly string[] {
  let left = events
  for (let i = left.length - 1; i >= 0; i--) {
    const without = left.toSpliced(i, 1)
    if (playToEnd(begin, without) !== '') left = without
  }
  return left
}

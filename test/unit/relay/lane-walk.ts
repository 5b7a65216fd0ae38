// lane-walk.ts: sequences of events for lane-model.ts: all short ones, and random long ones that shrink when they fail.
import type { ReplayPolicy } from '../../../src/relay/replay-rule.ts'
import { playSequence } from './lane-model.ts'

const submits = ['get', 'incr', 'run', 'multi', 'local', 'script']
const control = ['hold', 'signal', 'same', 'new', 'tick', 'expire', 'gone']
export const serverEvents = ['answer', 'readonly', 'noreplicas', 'cut', 'lost', 'silent']
export const allEvents = [...submits, ...serverEvents, ...control]
const withRareOnes = [...allEvents, 'late', 'standstill', 'scoped', 'congest', 'drain', 'pause', 'resume']

const { HOLDFAST_WALK_LENGTH } = process.env

/**
 * To how many events an exhaustive walk goes: `usual`, in which every known bug shows, or as many as
 * HOLDFAST_WALK_LENGTH says and at most `most`. One more takes ten times as long: `npm run walks`.
 */
export function walkLength({ usual, most }: { readonly usual: number; readonly most: number }): number {
  return Math.min(most, Number(HOLDFAST_WALK_LENGTH ?? usual))
}

/** After so many failures the rest says nothing new. */
const ENOUGH = 5

/** Depth first from `start`; a branch ends where an event does nothing, it would equal a shorter one. */
export function walk(
  start: readonly string[],
  length: number,
  events: readonly string[],
  policy: ReplayPolicy,
): { sequences: number; broken: string[] } {
  let sequences = 0
  const broken: string[] = []
  const go = (path: string[]): void => {
    for (const event of events) {
      if (broken.length >= ENOUGH) return
      const next = [...path, event]
      const { wrong, last } = playSequence([...start, ...next], policy)
      sequences++
      if (wrong !== '') broken.push(`${wrong} after ${[...start, ...next].join(', ')}`)
      else if (last && next.length < length) go(next)
    }
  }
  go([])
  return { sequences, broken }
}

/** Answers what is broken, each with the shortest sequence of its seed that shows it. */
export function playRandom(seeds: number, length: number, policy: ReplayPolicy): string[] {
  const broken: string[] = []
  for (let seed = 1; seed <= seeds && broken.length < ENOUGH; seed++) {
    const random = randomFrom(seed)
    const pick = (): string => withRareOnes[Math.floor(random() * withRareOnes.length)] ?? 'get'
    const events = Array.from({ length }, pick)
    const { wrong } = playSequence(events, policy)
    if (wrong !== '') broken.push(`${wrong} with seed ${seed}: ${shortest(events, policy).join(', ')}`)
  }
  return broken
}

/** Leaves out every event the failure does not need. */
function shortest(events: readonly string[], policy: ReplayPolicy): readonly string[] {
  let left = [...events]
  for (let i = left.length - 1; i >= 0; i--) {
    const without = left.toSpliced(i, 1)
    if (playSequence(without, policy).wrong !== '') left = without
  }
  return left
}

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let n = Math.imul(state ^ (state >>> 15), 1 | state)
    n = (n + Math.imul(n ^ (n >>> 7), 61 | n)) ^ n
    return ((n ^ (n >>> 14)) >>> 0) / 4294967296
  }
}

// proof-walk.ts: sequences of events for proof-model.ts: all short ones, and random long ones that shrink when they
// fail.
import { walkLength } from '../relay/lane-walk.ts'
import { playSequence, type Rights } from './proof-model.ts'

export { walkLength }

export const submits = ['incr', 'set', 'get', 'run', 'multi', 'bad', 'local']
export const serverEvents = ['step', 'work', 'cut', 'lost', 'torn1', 'torn2', 'torn3', 'silent', 'demote', 'noreplicas']
export const wipes = ['oom', 'wipe', 'empty']
export const control = ['hold', 'same', 'new', 'lag', 'tick', 'expire', 'gone']
const allEvents = [...submits, ...serverEvents, ...wipes, ...control]

const ENOUGH = 5

/** Depth first from `start`; a branch ends where an event does nothing. */
export function walk(
  start: readonly string[],
  length: number,
  events: readonly string[],
  rights?: Rights,
): { sequences: number; broken: string[] } {
  let sequences = 0
  const broken: string[] = []
  const go = (path: readonly string[]): void => {
    for (const event of events) {
      if (broken.length >= ENOUGH) return
      const next = [...path, event]
      const { wrong, last } = playSequence([...start, ...next], rights)
      sequences++
      if (wrong !== '') broken.push(`${wrong} after ${[...start, ...next].join(', ')}`)
      else if (last && next.length < length) go(next)
    }
  }
  go([])
  return { sequences, broken }
}

/** Answers what is broken, each with the shortest sequence of its seed that shows it. */
export function playRandom(
  seeds: number,
  length: number,
  rights?: Rights & { readonly events?: readonly string[] },
): string[] {
  const broken: string[] = []
  for (let seed = 1; seed <= seeds && broken.length < ENOUGH; seed++) {
    const random = randomFrom(seed)
    // With fewer wipes than other events, most sequences keep the strict rules.
    const pick = (): string => {
      const possible = rights?.events ?? allEvents
      const events = random() < 0.9 ? possible.filter(event => !wipes.includes(event)) : possible
      return events[Math.floor(random() * events.length)] ?? 'get'
    }
    const events = Array.from({ length }, pick)
    const { wrong } = playSequence(events, rights)
    if (wrong !== '') broken.push(`${wrong} with seed ${seed}: ${shortest(events, rights).join(', ')}`)
  }
  return broken
}

function shortest(events: readonly string[], rights?: Rights): readonly string[] {
  let left = [...events]
  for (let i = left.length - 1; i >= 0; i--) {
    const without = left.toSpliced(i, 1)
    if (playSequence(without, rights).wrong !== '') left = without
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

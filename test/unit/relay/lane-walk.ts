// lane-walk.ts: sequences of events for lane-model.ts.
import type { ReplayPolicy } from '../../../src/relay/replay-rule.ts'
import { playRandom, walkEvents } from '../../support/event-walk.ts'
import { withModel } from './lane-model.ts'

const submits = ['get', 'incr', 'run', 'multi', 'local', 'script']
const control = ['hold', 'signal', 'same', 'new', 'tick', 'expire', 'gone']
export const serverEvents = ['answer', 'readonly', 'noreplicas', 'cut', 'lost', 'silent']
export const allEvents = [...submits, ...serverEvents, ...control]
const withRareOnes = [...allEvents, 'late', 'standstill', 'scoped', 'congest', 'drain', 'pause', 'resume']

/** All sequences of up to `length` of `events` behind `start`. */
export function walk(
  start: readonly string[],
  length: number,
  events: readonly string[],
  policy: ReplayPolicy,
): { sequences: number; broken: string[] } {
  return walkEvents(use => withModel(policy, use), start, length, events)
}

/** `seeds` random sequences of `length` events; answers what is broken. */
export function walkAtRandom(seeds: number, length: number, policy: ReplayPolicy): string[] {
  const pick = (random: () => number): string => withRareOnes[Math.floor(random() * withRareOnes.length)] ?? 'get'
  return playRandom(use => withModel(policy, use), seeds, length, pick)
}

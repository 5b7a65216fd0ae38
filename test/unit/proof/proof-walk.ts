// proof-walk.ts: sequences of events for proof-model.ts.
import { playRandom, walkEvents } from '../../support/event-walk.ts'
import { type Rights, withModel } from './proof-model.ts'

export const submits = ['incr', 'set', 'get', 'run', 'multi', 'bad', 'local']
export const serverEvents = ['step', 'work', 'cut', 'lost', 'torn1', 'torn2', 'torn3', 'silent', 'demote', 'noreplicas']
export const wipes = ['oom', 'wipe', 'empty']
export const control = ['hold', 'same', 'new', 'lag', 'tick', 'expire', 'gone']
const allEvents = [...submits, ...serverEvents, ...wipes, ...control]

/** All sequences of up to `length` of `events` behind `start`. */
export function walk(
  start: readonly string[],
  length: number,
  events: readonly string[],
  rights?: Rights,
): { sequences: number; broken: string[] } {
  return walkEvents(use => withModel(rights, use), start, length, events)
}

/** `seeds` random sequences of `length` events; answers what is broken. */
export function walkAtRandom(
  seeds: number,
  length: number,
  rights?: Rights & { readonly events?: readonly string[] },
): string[] {
  const possible = rights?.events ?? allEvents
  // With fewer wipes than other events, most sequences keep the strict rules.
  const strict = possible.filter(event => !wipes.includes(event))
  const pick = (random: () => number): string => {
    const events = random() < 0.9 ? strict : possible
    return events[Math.floor(random() * events.length)] ?? 'get'
  }
  return playRandom(use => withModel(rights, use), seeds, length, pick)
}

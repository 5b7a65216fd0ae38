// judge-work.ts: what a client library's record proves. Pure.
//
// A master that is killed takes with it what it had acknowledged and not yet replicated, and a command whose reply was
// lost is sent again. Neither can be hidden from a client, so deviations are excused inside one window around the kill;
// before and after it, and in a planned failover at any time, there may be none.
import type { Item, Work } from './client-work.ts'

export interface Window {
  readonly from: number
  readonly to: number
}

export interface Verdict {
  /** Must be empty. */
  readonly faults: readonly string[]
  /** Deviations inside the window. */
  readonly excused: readonly string[]
  /** Messages that the server says nobody heard: the subscription was not back yet. */
  readonly unheard: number
  readonly rounds: number
  /** The longest round of a loop that waits for nothing but its replies, milliseconds. */
  readonly longestMs: number
}

/** `window` null: nothing is excused. */
export function judgeWork(work: Work, window: Window | null): Verdict {
  const faults: string[] = []
  const excused: string[] = []
  const note = (from: number, to: number, text: string): void => {
    const inside = window !== null && to >= window.from && from <= window.to
    ;(inside ? excused : faults).push(text)
  }
  for (const { loop, startedAt, endedAt, wrong } of work.rounds)
    if (wrong !== '') note(startedAt, endedAt, `${loop}: ${wrong}`)
  const heard = work.published.filter(({ receivers }) => receivers > 0)
  compare('message', { sent: heard, alsoSent: work.published, arrived: work.received }, note)
  compare('element', { sent: work.pushed, alsoSent: work.pushed, arrived: work.popped }, note)
  const longestMs = work.rounds
    .filter(({ loop }) => loop !== 'reader')
    .reduce((longest, { startedAt, endedAt }) => Math.max(longest, endedAt - startedAt), 0)
  const unheard = work.published.length - heard.length
  return { faults, excused, unheard, rounds: work.rounds.length, longestMs }
}

interface Traffic {
  /** What must arrive, and what may arrive. */
  readonly sent: readonly Item[]
  readonly alsoSent: readonly Item[]
  readonly arrived: readonly Item[]
}

function compare(what: string, traffic: Traffic, note: (from: number, to: number, text: string) => void): void {
  const { sent, alsoSent, arrived } = traffic
  const known = new Map(alsoSent.map(({ text, at }, place) => [text, { place, at }]))
  const seen = new Set<string>()
  let last = -1
  for (const { text, at } of arrived) {
    const item = known.get(text)
    if (item === undefined) {
      note(at, at, `${what} ${text} was never sent`)
      continue
    }
    if (seen.has(text)) note(item.at, at, `${what} ${text} arrived twice`)
    else if (item.place < last) note(item.at, at, `${what} ${text} arrived late`)
    seen.add(text)
    last = Math.max(last, item.place)
  }
  for (const { text, at } of sent) if (!seen.has(text)) note(at, at, `${what} ${text} did not arrive`)
}

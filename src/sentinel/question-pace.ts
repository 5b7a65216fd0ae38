// question-pace.ts: how long a Sentinel is left alone after its last answer. Pure.
//
// A Sentinel publishes what it does, on the connection over which it is asked. So events decide, and a question only
// confirms that the connection still lives. That may be rare. It must be: a thousand sidecars watch the same three
// Sentinels, and all of them are unsettled at the very moment when those have to elect a leader.
//
// Must stay true: a pause is never shorter than SHARE times what the Sentinel took for its last answer. So a Sentinel
// that is slow, or has many to answer, is asked less often. Half of each pause is random.
//
// The Sentinels of one master are asked together where that breaks none of these rules: a process at rest then wakes
// once for all of them. It costs a fifth more questions, because the shortest of their pauses counts.
import { doublingMs, spreadMs } from '../backoff.ts'

export interface Situation {
  /** Nothing is undecided, or about to be. */
  readonly settled: boolean
  /** The Sentinel's events are heard. Where its ACL or its age forbids that, questions are all there is. */
  readonly hears: boolean
  /** How often it was asked in a row because a pause was over, since it was last settled. */
  readonly asked: number
  /** What its last answer took, ms. */
  readonly tookMs: number
}

/**
 * Unsettled: the majority names the new master 1.2 s after the failover was announced. Whoever asked when it was, or has
 * heard an event then, does not ask again before that: all sidecars have other things to do at that moment.
 */
export const questionPace = {
  hearing: { settledMs: 5_000, unsettled: { minMs: 3_000, maxMs: 3_000 } },
  deaf: { settledMs: 1_000, unsettled: { minMs: 30, maxMs: 250 } },
} as const

const SHARE = 20
/** A Sentinel far away is slow without being busy. */
const LONGEST_MS = 5_000

/** Milliseconds from an answer to the next question. */
export function questionPauseMs(
  { settled, hears, asked, tookMs }: Situation,
  random: () => number = Math.random,
): number {
  const { settledMs, unsettled } = hears ? questionPace.hearing : questionPace.deaf
  const ms = settled ? settledMs : doublingMs(asked + 1, unsettled)
  return spreadMs(Math.max(ms, Math.min(LONGEST_MS, 2 * SHARE * tookMs)), random)
}

/**
 * When the next question is due. An event puts it off, because it shows the same: the connection lives. But no longer
 * than a settled pause after the last answer, because that has a vote for a limited time (voters.ts).
 */
export function questionDueAt(last: {
  readonly pauseMs: number
  readonly answeredAt: number
  readonly heardAt: number
}): number {
  const { pauseMs, answeredAt, heardAt } = last
  const latest = answeredAt + Math.max(pauseMs, questionPace.hearing.settledMs)
  return Math.min(latest, Math.max(answeredAt, heardAt) + pauseMs)
}

/** From when on a question may be put because another Sentinel is asked: the least pause that is ever drawn is over. */
export function questionAlongAt(last: { readonly answeredAt: number; readonly heardAt: number }): number {
  return Math.max(last.answeredAt, last.heardAt) + questionPace.hearing.settledMs / 2
}

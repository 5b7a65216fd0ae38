// reasons.ts: why a figure of a cell may be other than zero. Each is a fact about Redis or about the policy, not about
// a bug.
import type { Allowance } from './types.ts'

/** A node ended without notice. */
export const asyncLoss: Allowance = {
  figure: 'lost',
  reason: 'replication is asynchronous: what a master had acknowledged but not yet passed on is gone with it',
}

/** A link was lost while commands were out. */
export const replayed: Allowance = {
  figure: 'doubled',
  policies: ['always'],
  reason: 'the reply was lost with the link; `always` sends such a command again, and it may have run the first time',
}

export const unknownOutcome: Allowance = {
  figure: 'errors',
  code: 'UNKNOWN',
  policies: ['safe'],
  reason: 'the reply was lost with the link; `safe` says so instead of sending again what must not run twice',
}

export const missedMessages: Allowance = {
  figure: 'lost',
  loads: ['pubsub'],
  reason: 'SUBSCRIBE is at most once: what the master wrote to a link that was lost is not sent again by anybody',
}

export const takenTwice: Allowance = {
  figure: 'lost',
  loads: ['blocking'],
  policies: ['always'],
  reason: 'the reply of a BLPOP was lost with the link; `always` sends it again, and the element it took is gone',
}

/** A master was replaced in order, and only waiting commands were still out. */
export const waitingUnknown: Allowance = {
  figure: 'errors',
  code: 'UNKNOWN',
  loads: ['blocking'],
  policies: ['safe'],
  reason: 'a BLPOP still waited at the old master when it was replaced; whether it took an element there is not known',
}

/** What every loss of a link with commands out may cost. */
export const linkLost: readonly Allowance[] = [replayed, unknownOutcome, missedMessages, takenTwice]

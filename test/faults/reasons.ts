// reasons.ts: why a figure of a cell may be other than zero. Each is a fact about Redis or about the policy, not about
// a bug.
import type { Allowance, Fault } from './types.ts'

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

/** Under `once` the new master says what has run, where a marker tells. */
export const appliedUnanswered: Allowance = {
  figure: 'errors',
  code: 'APPLIED',
  policies: ['once'],
  reason: 'the effect is there once, and its reply was lost with the link',
}

export const unmarked: Allowance = {
  figure: 'errors',
  code: 'UNKNOWN',
  loads: ['blocking'],
  policies: ['once'],
  reason: 'a BLPOP can have no marker, so `once` does with it what `safe` does',
}

export const readLost: Allowance = {
  figure: 'errors',
  code: 'TRYAGAIN',
  loads: ['single', 'pipeline'],
  policies: ['once'],
  reason: 'a read stood before a write of its session that ran, and both replies were lost: it would see that write',
}

export const publishedAgain: Allowance = {
  figure: 'doubled',
  loads: ['pubsub'],
  policies: ['once'],
  reason: 'the history that survives has no PUBLISH in it, so it is sent again; subscribers had it of the old master',
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

/** What every loss of a link with commands out may cost. */
export const linkLost: readonly Allowance[] = [
  ...[replayed, unknownOutcome, missedMessages, takenTwice],
  ...[appliedUnanswered, unmarked, readLost, publishedAgain],
]

/** Only with `--ack replicated`: what has no marker had its reply, and replicas have not confirmed it. */
const unconfirmedTaken: Allowance = {
  figure: 'errors',
  code: 'UNKNOWN',
  loads: ['blocking'],
  policies: ['safe', 'once'],
  reason: 'a BLPOP had taken an element, and its reply still waited for replicas when the failover was announced',
}

/** With `--ack replicated` no acknowledged write is lost. */
export function underReplicated(fault: Fault): Fault {
  const allowed = fault.allowed.filter(one => one !== asyncLoss)
  return { ...fault, allowed: fault.failsOver ? [...allowed, unconfirmedTaken] : allowed }
}

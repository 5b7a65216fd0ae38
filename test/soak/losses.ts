// losses.ts: acknowledged writes that are gone, and which of them a crash explains. Pure.
//
// Redis replicates asynchronously: a master that is killed takes with it what it has acknowledged and not yet passed
// on. Such a write was acknowledged shortly before the crash. One acknowledged later, or far from any crash, was
// written to a node that was no master any more, or was lost by the proxy.
import type { Actual, Ledger, Operation } from '../support/ledger.ts'

export interface Loss {
  readonly what: string
  /** When it was acknowledged, milliseconds since the epoch. */
  readonly at: number
}

export interface Losses {
  readonly explained: number
  readonly unexplained: readonly Loss[]
}

/** How far replication may have been behind, and how late an acknowledgement may have been noticed. */
const beforeMs = 3_000
const afterMs = 1_000

export function judgeLosses(ledger: Ledger, actual: Actual, crashes: readonly number[]): Losses {
  const losses = [...lostSets(ledger, actual), ...lostIncrements(ledger, actual)]
  const unexplained = losses.filter(({ at }) => !crashes.some(crash => at >= crash - beforeMs && at <= crash + afterMs))
  return { explained: losses.length - unexplained.length, unexplained }
}

function lostSets(ledger: Ledger, actual: Actual): Loss[] {
  return ledger.operations
    .filter(({ kind, outcome }) => kind === 'set' && outcome.kind === 'ok')
    .filter(({ key, value }) => (actual.get(key) ?? null) !== value)
    .map(({ key, endedAt }) => ({ what: `SET ${key}`, at: endedAt }))
}

/** A number that is answered twice was forgotten after the first time; so was one above what is there at the end. */
function lostIncrements(ledger: Ledger, actual: Actual): Loss[] {
  const found: Loss[] = []
  const answered = new Map<string, Map<number, Operation>>()
  for (const operation of ledger.operations) {
    const { kind, key, outcome } = operation
    if (kind !== 'incr' || outcome.kind !== 'ok' || typeof outcome.value !== 'number') continue
    const byValue = answered.get(key) ?? new Map<number, Operation>()
    answered.set(key, byValue)
    const first = byValue.get(outcome.value)
    if (first !== undefined) found.push({ what: `INCR ${key} to ${outcome.value}`, at: first.endedAt })
    byValue.set(outcome.value, operation)
  }
  for (const [key, byValue] of answered) {
    const last = Number(actual.get(key) ?? 0)
    for (const [value, { endedAt }] of byValue)
      if (value > last) found.push({ what: `INCR ${key} to ${value}, at the end it is ${last}`, at: endedAt })
  }
  return found
}

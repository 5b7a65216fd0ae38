// counter-check.ts: what the replies to one client's INCRs of one key, and the key's last value, prove. Pure.
//
//   answered   5 6 6      the second 6: an acknowledged increment was forgotten in between           lost
//   answered   5 7 6      6 comes after 7 and was not seen before                                    reordered
//   answered   5 7        6 is missing, and no INCR without a reply was sent before the 7            doubled
import type { Doubled, Lost, Operation, Reordered } from './ledger.ts'

export interface CounterFaults {
  readonly lost: Lost[]
  readonly doubled: Doubled[]
  readonly reordered: Reordered[]
}

interface Answered {
  readonly operation: Operation
  readonly value: number
}

/** `operations` are all INCRs of `key` in the order they were sent; `final` is what the key holds afterwards. */
export function checkCounter(key: string, operations: readonly Operation[], final: string | null): CounterFaults {
  const faults: CounterFaults = { lost: [], doubled: [], reordered: [] }
  const answered: Answered[] = []
  const seen = new Set<number>()
  let highest = 0
  for (const operation of operations) {
    const { outcome, client, id } = operation
    if (outcome.kind !== 'ok') continue
    const { value } = outcome
    if (typeof value !== 'number' || value < 1) {
      faults.reordered.push({ client, id, what: `INCR ${key} answered ${value}` })
      continue
    }
    if (seen.has(value)) faults.lost.push({ key, wanted: `more than ${value}`, found: String(value) })
    else if (value < highest) faults.reordered.push({ client, id, what: `INCR ${key}: ${value} after ${highest}` })
    seen.add(value)
    highest = Math.max(highest, value)
    answered.push({ operation, value })
  }
  const last = Number(final ?? 0)
  if (last < highest) faults.lost.push({ key, wanted: String(highest), found: final })
  faults.doubled.push(...unexplained(key, operations, answered, last))
  return faults
}

/** Numbers nobody was told, beyond what INCRs without a reply, sent early enough, can have taken. */
function unexplained(
  key: string,
  operations: readonly Operation[],
  answered: readonly Answered[],
  last: number,
): Doubled[] {
  const open = operations.filter(({ outcome }) => mayHaveRun(outcome)).map(({ id }) => id)
  const doubled: Doubled[] = []
  let below = 0
  let used = 0
  const settleGap = (value: number, sentBefore: number): void => {
    const gap = value - below - 1
    const usable = open.filter(id => id < sentBefore).length - used
    if (gap > usable) doubled.push({ key, atMost: below + 1 + usable, found: value })
    used += Math.min(Math.max(gap, 0), Math.max(usable, 0))
    below = value
  }
  for (const { operation, value } of answered.toSorted((a, b) => a.value - b.value)) {
    if (value > below) settleGap(value, operation.id)
  }
  // As if one more INCR had been answered: everything sent can have counted by now.
  if (last > below) settleGap(last + 1, Number.POSITIVE_INFINITY)
  return doubled
}

/** One without a reply of its own, and without one that says it did not run. */
function mayHaveRun(outcome: Operation['outcome']): boolean {
  return outcome.kind === 'pending' || outcome.kind === 'lost' || outcome.kind === 'error'
}

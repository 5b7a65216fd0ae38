// unanswered.ts: operations whose effect is stored and whose client has no reply yet. Pure.
import type { Value } from '../support/resp-client.ts'
import type { Operation } from './history.ts'
import type { Final } from './judge.ts'

/** `final`: of a node that got its data from the one that answers. `moved`: where jobs are moved to. */
export function countUnanswered(operations: readonly Operation[], final: Final, moved: string): number {
  const stored = new Map([...final.lists].map(([key, list]) => [key, new Set(list)]))
  let count = 0
  for (const { told, kind, key, element } of operations) {
    if (told !== 'pending' || element === '') continue
    const isThere =
      kind === 'set' || kind === 'cas'
        ? final.registers?.get(key) === element
        : stored.get(kind === 'move' ? moved : key)?.has(element)
    if (isThere) count++
  }
  for (const [key, value] of final.counters) count += Math.max(0, value - lastAnswer(operations, key))
  return count
}

/** The highest value that somebody was told of a counter; of one that is no operation's own, infinity. */
function lastAnswer(operations: readonly Operation[], counter: string): number {
  const own = operations.filter(({ key, kind }) => key === counter && (kind === 'count' || kind === 'transfer'))
  if (own.length === 0) return Number.POSITIVE_INFINITY
  return own.reduce((last, { told, value }) => (told === 'ok' ? Math.max(last, numberIn(value)) : last), 0)
}

/** Of an INCR, or of a transaction that begins with one. */
const numberIn = (value: Value): number => Number(Array.isArray(value) ? ((value as readonly Value[])[0] ?? 0) : value)

// due.ts: when the passing of time alone may change what is decided. Pure.
//
// The watcher looks at the clock then, and now and then besides; it need not look all the time. Looking asks nobody.
import { sameAddress } from '../address.ts'
import { endOf } from './failover.ts'
import { minorityTiming, waitMs } from './minority-rules.ts'
import { isUnsettled } from './topology.ts'
import type { Topology } from './topology-state.ts'

/** Where nothing is due before. While all is well, whatever changes is heard; and each look wakes an idle process. */
const lookMs = { well: 5_000, else: 1_000 } as const

/**
 * When to look at the clock next, ms of the clock of `now`. `now` is the moment of the last decision: with a later one,
 * what has fallen due since would be taken for decided. So the answer may be in the past.
 */
export function nextLookAt(topology: Topology, now: number): number {
  return Math.min(now + (isWell(topology, now) ? lookMs.well : lookMs.else), dueAt(topology, now))
}

/** Nothing is undecided, and each Sentinel can be asked and names the master. */
function isWell(topology: Topology, now: number): boolean {
  const { master, sentinels } = topology
  if (master === null || isUnsettled(topology, now)) return false
  for (const { up, view } of sentinels.values())
    if (!up || view === null || !sameAddress(view.address, master)) return false
  return true
}

/** The next such moment after `now`, ms of the same clock; Infinity when only an observation changes anything. */
export function dueAt(topology: Topology, now: number): number {
  const { probe, wanted, minoritySince, agreed, gate } = topology
  const moments: number[] = []
  if (probe?.result) moments.push(probe.retryAt)
  for (const { failover } of topology.sentinels.values()) if (failover) moments.push(endOf(failover))
  if (minoritySince !== null) moments.push(minoritySince + waitMs(topology))
  if (agreed) moments.push(agreed.since + minorityTiming.agreedMs)
  if (wanted) moments.push(wanted.since + waitMs(topology))
  if (gate.kind === 'shut' && topology.master === null) moments.push(gate.since + minorityTiming.agreedMs)
  return Math.min(...moments.filter(at => at > now))
}

// due.ts: when the passing of time alone may change what is decided. Pure.
//
// The watcher looks then, and now and then besides; it need not look all the time.
import { endOf } from './failover.ts'
import { minorityTiming, waitMs } from './minority-rules.ts'
import type { Topology } from './topology-state.ts'

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

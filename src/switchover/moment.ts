// moment.ts: when to ask for the failover, so that clients wait less. Pure.
//
// A Sentinel notices that a replica has become a master by its INFO, which it asks for once a second during a failover,
// counted from the last one (sentinel.c, sentinelSendPeriodicCommands; nobody can tune that). The promotion takes about
// 200 ms. So when the last INFO is already 550 ms old as the failover begins, the next one comes right behind the
// promotion, and clients wait half a second less than when all begins anew.
//
//   INFO ───── 550 ms ─────▶ SENTINEL FAILOVER ── 200 ms ──▶ promoted ─▶ next INFO (1000 ms): noticed
//
// Before a failover the period is 10 s. To wait for the moment costs seconds in which nothing is held.
import type { Candidate } from './candidate.ts'

/**
 * Ages of the last INFO at which the failover is asked for, ms. Later, the next INFO may come before the promotion, which
 * takes 140 to 230 ms on a quiet host and twice that on a busy one; then clients wait a second more.
 */
export const bestAge = { from: 450, to: 650 } as const
/** The period of INFO, and a second for a busy Sentinel. */
export const LONGEST_WAIT_MS = 11_000

/**
 * `ready`, or how long to wait before the next look, ms. `best`: who may be promoted, the first one first. Those of the
 * same priority must all be at the right age: the Sentinel refreshes an older one at once, and then may prefer it.
 */
export function momentOf(best: readonly Candidate[]): 'ready' | number {
  const ages = best.filter(({ priority }) => priority === best[0]?.priority).map(({ infoAgeMs }) => infoAgeMs)
  const [youngest, oldest] = [Math.min(...ages), Math.max(...ages)]
  if (youngest >= bestAge.from && oldest <= bestAge.to) return 'ready'
  const next = oldest > bestAge.to ? LONGEST_PAUSE_MS : bestAge.from - youngest
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, next))
}

const SHORTEST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 100

// failovers.ts: how often the Sentinels have changed the master, and whether the options promise anything then.
//
// On a machine with too much to do Sentinels hold a new master for dead that is only slow to answer, and fail over once
// more, to a replica that may not have followed yet. N replicas survive N losses, so such a round says nothing of `lost`.
import { readFile } from 'node:fs/promises'
import type { Node } from '../support/servers.ts'
import type { Fault } from './faults.ts'
import type { Arm } from './rounds.ts'

/** By the log of the one that has seen most. */
export async function countFailovers(sentinels: readonly Pick<Node, 'logFile'>[]): Promise<number> {
  const logs = await Promise.all(sentinels.map(({ logFile }) => readFile(logFile, 'utf8')))
  return Math.max(...logs.map(log => log.match(/ \+switch-master /g)?.length ?? 0))
}

/** Whether acknowledged writes survive so many failovers. `failovers`: what the fault asks for, where left out. */
export function survives(fault: Fault, { ack }: Pick<Arm, 'ack'>, failovers = fault.failovers ?? 1): boolean {
  if (fault.loses === 'all') return false
  const replicas = Number(/^replicated(?:=(\d+))?$/.exec(ack ?? '')?.[1] ?? (ack?.startsWith('replicated') ? 1 : 0))
  if (failovers > (fault.failovers ?? 1)) return failovers <= replicas
  return fault.loses === undefined || failovers <= replicas
}

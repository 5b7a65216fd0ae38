// trigger.ts: how a failover of the crowd's master begins.

import type { Node, SentinelSet } from '../../test/support/sentinel-set.ts'
import { fieldsOf } from '../../test/support/set-health.ts'
import { waitUntil } from '../../test/support/wait-until.ts'

/**
 * killed: kill -9. planned: SENTINEL FAILOVER. noticed: the same at a moment when the Sentinel that leads it reads INFO
 * right behind the promotion: the majority speaks half a second after the command, and not after more than one.
 */
export type Trigger = 'killed' | 'planned' | 'noticed'

export const triggers: readonly Trigger[] = ['killed', 'planned', 'noticed']

/**
 * The age in ms of what a Sentinel has read of each replica. From the command on it reads once a second, and it promotes
 * some 200 ms after it (sentinelSendPeriodicCommands and the timer of sentinel.c).
 */
const READ_BEFORE = { min: 450, max: 650 } as const
/** A Sentinel reads every ten seconds. */
const READ_WITHIN_MS = 120_000

export async function begin(set: SentinelSet, master: Node, trigger: Trigger): Promise<void> {
  if (trigger === 'killed') return set.kill(master)
  await set.failover()
}

/** Waits for the moment at which the failover is to begin. */
export async function awaitMoment(set: SentinelSet, trigger: Trigger): Promise<void> {
  if (trigger !== 'noticed') return
  const [leader] = set.sentinels
  if (leader === undefined) throw new Error('the set has no Sentinel')
  const isTime = async (): Promise<true | undefined> => {
    const rows = await set.command(leader, 'SENTINEL', 'REPLICAS', set.masterName)
    const ages = Array.isArray(rows) ? rows.map(row => Number(fieldsOf(row).get('info-refresh'))) : []
    return ages.length > 0 && ages.every(age => age >= READ_BEFORE.min && age <= READ_BEFORE.max) ? true : undefined
  }
  await waitUntil('the Sentinel has read INFO of all replicas half a second ago', isTime, {
    withinMs: READ_WITHIN_MS,
    everyMs: 20,
  })
}

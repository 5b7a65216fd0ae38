// trigger.ts: how a failover of the crowd's master begins.
import { bestAge } from '../../src/switchover/moment.ts'
import type { Node, SentinelSet } from '../../test/support/sentinel-set.ts'
import { fieldsOf } from '../../test/support/set-health.ts'
import { waitUntil } from '../../test/support/wait-until.ts'

/**
 * killed: kill -9. planned: SENTINEL FAILOVER. noticed: the same at a moment when the Sentinel that leads it reads INFO
 * right behind the promotion: the majority speaks half a second after the command, and not after more than one.
 */
export type Trigger = 'killed' | 'planned' | 'noticed'

export const triggers: readonly Trigger[] = ['killed', 'planned', 'noticed']

/** A Sentinel reads every ten seconds, and may read its replicas apart. */
const READ_WITHIN_MS = 120_000

export async function begin(set: SentinelSet, master: Node, trigger: Trigger): Promise<void> {
  if (trigger === 'killed') return set.kill(master)
  await set.failover()
}

/** Waits for the moment at which the failover is to begin; `noticed`: for the one that a switchover waits for. */
export async function awaitMoment(set: SentinelSet, trigger: Trigger): Promise<void> {
  if (trigger !== 'noticed') return
  const [leader] = set.sentinels
  if (leader === undefined) throw new Error('the set has no Sentinel')
  const isTime = async (): Promise<true | undefined> => {
    const rows = await set.command(leader, 'SENTINEL', 'REPLICAS', set.masterName)
    const ages = Array.isArray(rows) ? rows.map(row => Number(fieldsOf(row).get('info-refresh'))) : []
    return ages.length > 0 && ages.every(age => age >= bestAge.from && age <= bestAge.to) ? true : undefined
  }
  await waitUntil('the Sentinel has read INFO of all replicas half a second ago', isTime, {
    withinMs: READ_WITHIN_MS,
    everyMs: 20,
  })
}

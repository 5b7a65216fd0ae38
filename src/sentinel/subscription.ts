// subscription.ts: subscribes to what a Sentinel publishes: to everything, or to single channels where an ACL allows
// no more.
import type { Redis } from 'ioredis'
import type { Log } from '../ops/log.ts'
import { isNoPerm } from '../ops/missing-rights.ts'
import { reasonOf } from './ioredis-client.ts'

/** Where the ACL of a Sentinel does not allow `PSUBSCRIBE *`: the channels that matter, one by one. */
const channels = [
  '+try-failover',
  '+elected-leader',
  '+failover-state-select-slave',
  '+selected-slave',
  '+failover-state-send-slaveof-noone',
  '+failover-state-wait-promotion',
  '+promoted-slave',
  '+failover-state-reconf-slaves',
  '-failover-abort-not-elected',
  '-failover-abort-no-good-slave',
  '-failover-abort-slave-timeout',
  '-failover-abort-master-is-back',
  '+failover-end',
  '+config-update-from',
  '+switch-master',
  '+sdown',
  '-sdown',
  '+odown',
  '-odown',
  '+tilt',
  '-tilt',
  '+monitor',
  '-monitor',
  '+reset-master',
]

/** Rejects where the whole connection has to be tried again. A Sentinel that cannot be heard is only polled. */
export async function subscribe(client: Redis, { sentinel, log }: { sentinel: string; log: Log }): Promise<void> {
  try {
    await client.psubscribe('*')
  } catch (error) {
    // Only a missing right stays. Any other error passes, or is the end of the connection.
    if (!isNoPerm(reasonOf(error))) throw error
    const results = await Promise.allSettled(channels.map(channel => client.subscribe(channel)))
    const failed = results.find(one => one.status === 'rejected' && !isNoPerm(reasonOf(one.reason)))
    if (failed?.status === 'rejected') throw failed.reason
    const refused = channels.filter((_, i) => results[i]?.status === 'rejected')
    if (client.status !== 'ready' || refused.length === 0) return
    log.error(
      { event: 'sentinel.deaf', sentinel, refused, err: reasonOf(error) },
      'planned failovers are noticed late and may lose writes: allow the user +subscribe +psubscribe &*',
    )
  }
  if (client.mode !== 'subscriber') return
  await client.punsubscribe('*')
  log.error(
    { event: 'sentinel.too_old', sentinel },
    'this Sentinel does not speak RESP3 (Redis 6 or later): it is only polled, so planned failovers are noticed late',
  )
}

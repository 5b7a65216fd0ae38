// subscription.ts: subscribes to what a Sentinel publishes of masters: by patterns, or to the channels that its ACL
// allows.
import type { Redis } from 'ioredis'
import type { Log } from '../ops/log.ts'
import { isNoPerm, isUnknownCommand } from '../ops/missing-rights.ts'
import { elected, promoted } from './events.ts'
import { reasonOf } from './ioredis-client.ts'

/**
 * What matters. In a failover three times as much is published, to all sidecars at the same time, and each would have to
 * read it. (+failover-state-... repeats what the others say. Every Sentinel says +sdown of the master in the very tenth
 * of a second in which they have to vote, and +odown follows where it matters.)
 */
const patterns = [
  '+new-epoch',
  '+try-failover',
  '+elected-leader',
  '+selected-*',
  '+promoted-*',
  '-failover-abort-*',
  '+switch-master',
  '?odown',
  '?tilt',
  '?monitor',
  '+reset-master',
  '+reboot',
  '+set',
  '+sentinel*',
]

/** The same by name, for a Sentinel whose ACL does not allow patterns. */
const channels = [
  '+new-epoch',
  '+try-failover',
  ...elected,
  ...promoted,
  '-failover-abort-not-elected',
  '-failover-abort-no-good-slave',
  '-failover-abort-slave-timeout',
  '-failover-abort-master-is-back',
  '+switch-master',
  '+odown',
  '-odown',
  '+tilt',
  '-tilt',
  '+monitor',
  '-monitor',
  '+reset-master',
  '+sentinel',
  '+sentinel-address-switch',
]

/**
 * Answers whether all that matters will be heard; a Sentinel that cannot be heard is asked more often. Rejects where the
 * caller has to dial again.
 */
export async function subscribe(client: Redis, { sentinel, log }: { sentinel: string; log: Log }): Promise<boolean> {
  const { refused, why } = await subscribeToAll(client)
  if (why !== '' && client.status !== 'ready') return false
  const hears = refused.length === 0
  if (!hears) {
    log.error(
      { event: 'sentinel.deaf', sentinel, refused, err: why },
      'Holdfast notices planned failovers late, and writes may be lost: allow the user +subscribe +psubscribe &*',
    )
  }
  if (client.mode !== 'subscriber') return hears
  // Without RESP3 a connection that is subscribed takes no question.
  await settled([client.punsubscribe(...patterns), client.unsubscribe(...channels)])
  log.error(
    { event: 'sentinel.too_old', sentinel },
    'this Sentinel does not speak RESP3 (Redis 6 or later): Holdfast only polls it and notices planned failovers late',
  )
  return false
}

/** `why`: the error where patterns are not allowed; then by name, and `refused` are the channels that are not either. */
export async function subscribeToAll(client: Redis): Promise<{ refused: readonly string[]; why: string }> {
  try {
    await client.psubscribe(...patterns)
    return { refused: [], why: '' }
  } catch (error) {
    // A missing right or command stays until a person grants it. Any other error passes, or ends the connection.
    if (!isLasting(error)) throw error
    const results = await settled(channels.map(channel => client.subscribe(channel)))
    return { refused: channels.filter((_, i) => results[i]?.status === 'rejected'), why: reasonOf(error) }
  }
}

function isLasting(error: unknown): boolean {
  const text = reasonOf(error)
  return isNoPerm(text) || isUnknownCommand(text)
}

/** Waits for all. Only a missing right or command is no reason to reject. */
async function settled(calls: readonly Promise<unknown>[]): Promise<readonly PromiseSettledResult<unknown>[]> {
  const results = await Promise.allSettled(calls)
  const failed = results.find(one => one.status === 'rejected' && !isLasting(one.reason))
  if (failed?.status === 'rejected') throw failed.reason
  return results
}

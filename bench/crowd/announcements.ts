// announcements.ts: hears what the Sentinels of a set publish, and dates each step of a failover by it.
//
// It subscribes before the crowd does, so each Sentinel writes to it first. It asks nothing: a question every few
// milliseconds would count among those of the crowd.
import type { Node } from '../../test/support/sentinel-set.ts'
import { type Client, encode, openClient } from '../load/client.ts'

export interface Announcement {
  /** Date.now() */
  readonly at: number
  readonly sentinel: string
  readonly channel: string
  readonly text: string
}

export interface Announcements {
  readonly heard: readonly Announcement[]
  /** The first with this channel at or after `since`; undefined while there is none. */
  first(channel: string, since: number): Announcement | undefined
  /** When more than half of the Sentinels had named another master since `since`; undefined before. */
  majoritySince(since: number): number | undefined
  stop(): void
}

export async function hearSentinels(sentinels: readonly Node[]): Promise<Announcements> {
  const heard: Announcement[] = []
  const clients: Client[] = []
  for (const { name, port } of sentinels) {
    const onReply = (reply: unknown): void => {
      if (!Array.isArray(reply) || reply[0] !== 'pmessage') return
      heard.push({ at: Date.now(), sentinel: name, channel: String(reply[2]), text: String(reply[3]) })
    }
    const client = await openClient(port, onReply, () => {})
    client.write(encode(['PSUBSCRIBE', '*']))
    clients.push(client)
  }
  return {
    heard,
    first: (channel, since) => heard.find(one => one.at >= since && one.channel === channel),
    majoritySince: since => majorityOf(heard, since, sentinels.length),
    stop: () => {
      for (const client of clients) client.close()
    },
  }
}

/**
 * The leader names the new master from +promoted-slave on, the others from +switch-master on
 * (sentinelGetCurrentMasterAddress and sentinelProcessHelloMessage in sentinel.c).
 */
function majorityOf(heard: readonly Announcement[], since: number, sentinels: number): number | undefined {
  const moved = new Set<string>()
  for (const { at, channel, sentinel } of heard) {
    if (at < since || (channel !== '+promoted-slave' && channel !== '+switch-master')) continue
    moved.add(sentinel)
    if (moved.size * 2 > sentinels) return at
  }
  return undefined
}

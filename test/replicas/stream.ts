// stream.ts: a replica whose replication stream a test can stall.
import type { Test } from 'tap'
import { FaultyLink } from '../support/faulty-link.ts'
import type { Node, SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import type { Scene } from './scene.ts'

/** The first replica gets its stream through a link that the test can stall. */
export async function stallable(t: Test, { set, replicas, master }: Scene): Promise<FaultyLink> {
  const link = await FaultyLink.start(t, { host: '127.0.0.1', port: master.port })
  await set.command(replicas[0], 'REPLICAOF', '127.0.0.1', String(link.port))
  const isUp = async (): Promise<boolean> =>
    /master_link_status:up/.test(String(await set.command(replicas[0], 'INFO', 'replication')))
  await waitUntil('it follows through the link', isUp, { withinMs: 10_000 })
  await waitUntil('it is good', () => isRead(set, replicas[0]), { withinMs: 10_000 })
  return link
}

/** It answers commands of clients. */
async function isRead(set: SentinelSet, node: Node): Promise<boolean> {
  const stats = String(await set.command(node, 'INFO', 'commandstats'))
  await set.command(node, 'CONFIG', 'RESETSTAT')
  return Number(/cmdstat_get:calls=(\d+)/.exec(stats)?.[1] ?? 0) > 10
}

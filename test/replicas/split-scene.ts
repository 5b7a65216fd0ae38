// split-scene.ts: a set with one replica, and a Holdfast with --read-split before it.
//
// Owns: all of it, until the test's teardown. Never: makes a fault.
import type { Test } from 'tap'
import { ask } from '../support/admin.ts'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { type Node, SentinelSet, type SentinelSetOptions } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

export interface Scene {
  readonly set: SentinelSet
  readonly holdfast: InProcess
  readonly master: Node
  readonly replica: Node
}

/** `options`: of Holdfast. */
export async function open(
  t: Test,
  options: Record<string, string> = {},
  about: { readonly set?: SentinelSetOptions; readonly expectedErrors?: readonly string[] } = {},
): Promise<Scene> {
  // One replica, which these tests kill or cut off: it cannot confirm writes, whatever the policy.
  const set = await SentinelSet.start({ replicas: 1, isExact: true, failoverTimeoutMs: 60_000, ...about.set })
  t.teardown(() => set.stopAll())
  const [master, replica] = set.nodes
  if (master === undefined || replica === undefined) throw new Error('not two nodes')
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    expectedErrors: about.expectedErrors ?? [],
    // --read-split goes with plain reads alone.
    options: { 'admin-listen': '127.0.0.1:0', 'read-split': 'on', ack: 'master', reads: 'plain', ...options },
  })
  return { set, holdfast, master, replica }
}

export async function connect(t: Test, { holdfast }: Scene): Promise<RespClient> {
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  return client
}

export interface Reads {
  readonly replica: number
  readonly master: Readonly<Record<'unanswered' | 'behind' | 'no-replica' | 'paused', number>>
}

export async function readsOf({ holdfast }: Scene): Promise<Reads> {
  return JSON.parse((await ask(holdfast.admin, '/status')).body).replicas.split.reads
}

/** How often commands of this name ran there. */
export async function callsAt({ set }: Scene, node: Node, name: string): Promise<number> {
  const stats = String(await set.command(node, 'INFO', 'commandstats'))
  return Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
}

/** Reads until a replica has answered one. */
export async function untilRead(scene: Scene, client: RespClient): Promise<void> {
  const { replica } = await readsOf(scene)
  const isThere = async (): Promise<boolean> => {
    await client.send('GET', 'warm')
    return (await readsOf(scene)).replica > replica
  }
  await waitUntil('a replica answers', isThere, { withinMs: 20_000 })
}

// more-masters.ts: further masters under the Sentinels of a set, each with a replica.
//
// Owns: their processes, until the test's teardown. Never: touches the set's own nodes.
import type { Teardown } from './fake-redis.ts'
import type { SentinelSet } from './sentinel-set.ts'
import { endServer, freePort, type Node, startServer } from './servers.ts'
import { fieldsOf } from './set-health.ts'
import { settings } from './settings.ts'
import { waitUntil } from './wait-until.ts'

export interface AddedMaster {
  readonly name: string
  readonly master: Node
  readonly replica: Node
}

/**
 * Answers when every Sentinel of the set watches it, knows the replica and the other Sentinels. `isExact`: one replica,
 * although replies wait for replicas elsewhere.
 */
export async function addMaster(
  t: Teardown,
  set: SentinelSet,
  name: string,
  { isExact = false }: { readonly isExact?: boolean } = {},
): Promise<AddedMaster> {
  const start = async (what: string, config: readonly string[]): Promise<Node> => {
    const port = await freePort()
    const lines = ['save ""', 'repl-diskless-sync yes', ...config]
    const node = await startServer({
      flavour: set.flavour,
      kind: 'data',
      name: what,
      dir: set.dir,
      port,
      config: lines,
    })
    t.teardown(() => endServer(node))
    return node
  }
  const master = await start(`${name}-1`, [])
  const replica = await start(`${name}-2`, [`replicaof ${master.host} ${master.port}`])
  const hasThird = settings.isReplicated && !isExact
  // Whom the test does not name confirms what the named one, as the new master, is told. It is never promoted.
  if (hasThird) await start(`${name}-3`, [`replicaof ${master.host} ${master.port}`, 'replica-priority 0'])
  const quorum = Math.floor(set.sentinels.length / 2) + 1
  for (const sentinel of set.sentinels) {
    const tell = (...words: string[]) => set.command(sentinel, 'SENTINEL', ...words)
    await tell('MONITOR', name, master.host, String(master.port), String(quorum))
    await tell('SET', name, 'down-after-milliseconds', '2000', 'failover-timeout', '10000')
  }
  const isKnown = async (): Promise<boolean> => {
    const seen = await Promise.all(
      set.sentinels.map(async one => fieldsOf(await set.command(one, 'SENTINEL', 'MASTER', name))),
    )
    return seen.every(
      fields =>
        fields.get('num-slaves') === (hasThird ? '2' : '1') &&
        fields.get('num-other-sentinels') === String(set.sentinels.length - 1),
    )
  }
  await waitUntil(`all Sentinels know ${name}`, isKnown, { withinMs: 30_000, everyMs: 50 })
  return { name, master, replica }
}

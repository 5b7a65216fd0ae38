// behind-faulty-link.ts: one real server behind a network whose faults a test switches on, and the proxy in front of it.
import type { Teardown } from './fake-redis.ts'
import { FakeSentinel } from './fake-sentinel.ts'
import { FaultyLink } from './faulty-link.ts'
import { type HoldfastOptions, type InProcess, startHoldfast, startWitness } from './holdfast.ts'
import { anyFlavour, endServer, makeFolder, type Node, removeFolder, startServer } from './servers.ts'
import { waitUntil } from './wait-until.ts'

export interface BehindFaultyLink {
  readonly holdfast: InProcess
  readonly node: Node
  readonly wire: FaultyLink
}

/** The Sentinel names the near end of the network; the proxy serves. */
export async function startBehindFaultyLink(
  t: Teardown,
  options: Omit<HoldfastOptions, 'sentinels'> = {},
): Promise<BehindFaultyLink> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const node = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'one', dir, config: ['save ""'] })
  t.teardown(() => endServer(node))
  await startWitness(t, node, { dir })
  const wire = await FaultyLink.start(t, { host: node.host, port: node.port })
  const sentinel = await FakeSentinel.start(t, { master: { host: wire.host, port: wire.port } })
  const holdfast = await startHoldfast(t, { ...options, sentinels: [`${sentinel.host}:${sentinel.port}`] })
  await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 5000 })
  return { holdfast, node, wire }
}

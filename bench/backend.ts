// backend.ts: the one redis-server that every target stands in front of, and three Sentinels that watch it.
//
// Owns: their configuration (no persistence, so that no fork or fsync falls into a measurement) and their end. The
// Sentinels are started only for targets that ask them; their pings cost the server next to nothing.

import { freePort, type Node, type ServerSpec, startServer, termServer } from '../test/support/servers.ts'
import type { Stage } from './stage.ts'

export interface Backend {
  readonly port: number
  readonly pid: number
  readonly masterName: string
  readonly sentinelPorts: readonly number[]
}

const masterName = 'bench'
const quorum = 2
// Far above any measurement: a server that is slow under load must not be voted down.
const downAfterMs = 60_000

export async function startBackend(stage: Stage, options: { sentinels: boolean; replicas: number }): Promise<Backend> {
  const server = await startOne(stage, 'data', 'redis', ['save ""', 'appendonly no'])
  for (let n = 1; n <= options.replicas; n++)
    await startOne(stage, 'data', `replica-${n}`, ['save ""', 'appendonly no', `replicaof 127.0.0.1 ${server.port}`])
  const monitor = [
    `sentinel monitor ${masterName} 127.0.0.1 ${server.port} ${quorum}`,
    `sentinel down-after-milliseconds ${masterName} ${downAfterMs}`,
  ]
  const sentinelPorts: number[] = []
  for (let n = 1; options.sentinels && n <= 3; n++) {
    const sentinel = await startOne(stage, 'sentinel', `sentinel-${n}`, monitor)
    sentinelPorts.push(sentinel.port)
  }
  return { port: server.port, pid: server.pid, masterName, sentinelPorts }
}

async function startOne(stage: Stage, kind: Node['kind'], name: string, config: readonly string[]): Promise<Node> {
  const spec: ServerSpec = { flavour: 'redis', kind, name, dir: stage.folder, port: await freePort(), config }
  const node = await startServer(spec)
  stage.onClose(() => termServer(node))
  return node
}

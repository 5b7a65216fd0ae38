// stage.ts: what a suite is run against: a redis-server that allows what suites want to change, three Sentinels, and
// Holdfast in front, each a process of its own. A suite that asks for failovers gets two replicas; for the others
// nothing ever fails over.
import { join } from 'node:path'
import type { Teardown } from '../support/fake-redis.ts'
import { startHoldfastProcess } from '../support/holdfast.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import type { Suite, Target } from './suite.ts'

export interface Stage {
  readonly direct: Target
  readonly through: Target
  /** `planned`: SENTINEL FAILOVER. `killed`: kill -9 of the master. Returns when another node is master. */
  readonly please: (what: string) => Promise<void>
}

/** Longer than any script or pause of a suite. */
const neverMs = 120_000

/** Starts all of it; `t` ends it. Sockets and the suite's report are in `folder`. */
export async function startStage(t: Teardown, folder: string, { failovers = false }: Suite): Promise<Stage> {
  const directSocket = join(folder, 'direct.sock')
  const throughSocket = join(folder, 'through.sock')
  const free = ['enable-protected-configs yes', 'enable-debug-command yes', 'enable-module-command yes']
  const set = await SentinelSet.start({
    flavour: 'redis',
    replicas: failovers ? 2 : 0,
    dataConfig: failovers ? free : [...free, `unixsocket ${directSocket}`],
    ...(failovers ? {} : { downAfterMs: neverMs }),
  })
  t.teardown(() => set.stopAll())
  const server = await set.currentMaster()
  const holdfast = await startHoldfastProcess(t, {
    sentinels: set.sentinelAddresses(),
    options: { 'log-level': 'info', 'listen-socket': throughSocket },
  })
  const report = join(folder, 'report')
  return {
    direct: { host: server.host, port: server.port, socket: directSocket, report },
    through: { host: holdfast.host, port: holdfast.port, socket: throughSocket, report },
    please: async what => {
      const before = await set.currentMaster()
      await (what === 'planned' ? set.failover() : set.kill(before))
      await set.waitForNewMaster(before, { withinMs: 60_000 })
    },
  }
}

// stage.ts: what the suite is run against: one redis-server with all that the suite wants to change allowed, three
// Sentinels that leave it the master whatever it does, and Holdfast in front, each a process of its own.
//
// The Sentinels say nothing more to the server once they know one another: tests of MONITOR see each PING of theirs,
// and tests of CLIENT PAUSE count each PUBLISH as one more client that waits, directly and through Holdfast alike.
import type { Teardown } from '../support/fake-redis.ts'
import { startHoldfastProcess } from '../support/holdfast.ts'
import { SentinelSet } from '../support/sentinel-set.ts'

export interface Stage {
  readonly host: string
  readonly port: number
}

const serverConfig = ['enable-protected-configs yes', 'enable-debug-command yes', 'enable-module-command yes']
/** Longer than any run. */
const day = 24 * 3600_000
const quiet = ['INFO-PERIOD', 'PING-PERIOD', 'PUBLISH-PERIOD'].flatMap(name => [name, String(day)])

/** Starts all that `where` needs and answers where the suite is to connect; `t` ends it. */
export async function startStage(
  t: Teardown,
  where: 'direct' | 'through',
  options: Readonly<Record<string, string>> = {},
): Promise<Stage> {
  const set = await SentinelSet.start({ flavour: 'redis', replicas: 0, downAfterMs: day, dataConfig: serverConfig })
  t.teardown(() => set.stopAll())
  const server = await set.currentMaster()
  const holdfast =
    where === 'direct'
      ? null
      : await startHoldfastProcess(t, {
          sentinels: set.sentinelAddresses(),
          options: { 'log-level': 'info', ...options },
        })
  for (const sentinel of set.sentinels) await set.command(sentinel, 'SENTINEL', 'DEBUG', ...quiet)
  return holdfast === null ? { host: server.host, port: server.port } : { host: holdfast.host, port: holdfast.port }
}

// stage.ts — what the suite is run against: one redis-server with all that the suite wants to change allowed, three Sentinels that
// leave it the master whatever it does, and Holdfast in front, each a process of its own.
import type { Teardown } from '../support/fake-redis.ts'
import { type AsProcess, startHoldfastProcess } from '../support/holdfast.ts'
import { SentinelSet } from '../support/sentinel-set.ts'

export interface Stage {
  readonly server: { readonly host: string; readonly port: number }
  readonly holdfast: AsProcess
}

const serverConfig = ['enable-protected-configs yes', 'enable-debug-command yes', 'enable-module-command yes']
/** Longer than any script or pause of the suite, so that nothing fails over. */
const downAfterMs = 120_000

/** Starts all of it; `t` ends it. */
export async function startStage(t: Teardown, options: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const set = await SentinelSet.start({ flavour: 'redis', replicas: 0, downAfterMs, dataConfig: serverConfig })
  t.teardown(() => set.stopAll())
  const server = await set.currentMaster()
  const holdfast = await startHoldfastProcess(t, {
    sentinels: set.sentinelAddresses(),
    options: { 'log-level': 'info', ...options },
  })
  return { server, holdfast }
}

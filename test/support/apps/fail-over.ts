// fail-over.ts: one failover of a whole set behind a proxy, from the fault to the moment the proxy serves the new
// master.
import type { Holdfast, LogLine } from '../holdfast.ts'
import { nowMs } from '../ledger.ts'
import { RespClient, type Value } from '../resp-client.ts'
import type { Node, SentinelSet } from '../sentinel-set.ts'
import { waitUntil } from '../wait-until.ts'
import type { Window } from './judge-work.ts'

export type Fault = 'kill' | 'planned'

export interface FailedOver extends Window {
  readonly old: Node
  readonly master: Node
  /** How long commands were held, milliseconds. */
  readonly heldMs: number
}

/** Replication on one machine is behind by less than this when it works at all. */
const replicationLagMs = 1000

/**
 * `from` is a moment before the fault, early enough for replication lag; `to` is when the proxy had sent all it held.
 */
export async function failOver(set: SentinelSet, holdfast: Holdfast, fault: Fault): Promise<FailedOver> {
  const old = await set.currentMaster()
  const seen = holdfast.log.length
  const from = nowMs() - replicationLagMs
  if (fault === 'kill') await set.kill(old)
  else await set.failover()
  const { node: master } = await set.waitForNewMaster(old, { withinMs: 30_000 })
  const address = `${master.host}:${master.port}`
  const onNew = (event: string): (LogLine & { master?: string }) | undefined =>
    holdfast.log
      .slice(seen)
      .find((line: LogLine & { master?: string }) => line.event === event && line.master === address)
  await waitUntil('the proxy serves the new master', () => onNew('hold.end'), { withinMs: 10_000 })
  return { old, master, from, to: nowMs(), heldMs: onNew('hold.drain')?.heldMs ?? 0 }
}

/** Waits, by WAIT through the proxy, until `replicas` replicas have everything written up to now. */
export async function replicated(port: number, replicas: number): Promise<void> {
  const client = await RespClient.connect(port)
  try {
    const enough = async (): Promise<Value> => Number(await client.send('WAIT', replicas, 1000)) >= replicas
    await waitUntil(`${replicas} replicas have caught up`, enough, { withinMs: 10_000 })
  } finally {
    await client.close()
  }
}

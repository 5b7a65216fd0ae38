// control-status.ts: what the control plane knows, as plain data for the status page and the metrics. Pure.
import { formatAddress, type Master } from '../address.ts'
import type { SentinelSnapshot, TopologySnapshot } from '../ops/snapshot.ts'
import { blocks } from './failover.ts'
import { describeMinority } from './minority-rules.ts'
import type { FailoverStage } from './sentinel-view.ts'
import type { Basis, HoldCause, Topology } from './topology-state.ts'
import { deadSentinels, quorumOf } from './voters.ts'

export interface SentinelStatus extends SentinelSnapshot {
  readonly seed: boolean
  readonly epoch: number | null
  readonly flags: string | null
  /** How far the failover is that this Sentinel announced or shows. */
  readonly failover: FailoverStage | null
  readonly answerAgeMs: number | null
  readonly error: string | null
}

export interface TopologyStatus extends TopologySnapshot {
  /** The last good master; null before the first. */
  readonly master: Master | null
  readonly epoch: number | null
  /** `serve`; `unconfirmed`: none yet, or asked again; otherwise why nothing may be sent. */
  readonly decision: 'serve' | 'unconfirmed' | HoldCause
  readonly decisionAgeMs: number
  readonly basis: Basis | null
  readonly sentinels: readonly SentinelStatus[]
}

export function topologyStatus(
  masterName: string,
  topology: Topology,
  errors: ReadonlyMap<string, string | null>,
  now: number,
): TopologyStatus {
  const { known, majority } = quorumOf(topology, now)
  const { master } = topology
  const sentinels = [...topology.sentinels].map(
    ([address, { seed, up, runId, view, failover }]): SentinelStatus => ({
      address,
      seed,
      reachable: up,
      runId,
      names: view && formatAddress(view.address),
      epoch: view?.epoch ?? null,
      flags: view?.flags ?? null,
      failover:
        failover && master && blocks(failover, master, master.epoch, now) ? failover.stage : (view?.failover ?? null),
      answerAgeMs: view && Math.round(now - view.answeredAt),
      error: errors.get(address) ?? null,
    }),
  )
  return {
    masterName,
    master,
    epoch: master?.epoch ?? null,
    decision: topology.gate.kind === 'open' ? 'serve' : topology.gate.cause,
    decisionAgeMs: Math.round(now - topology.gate.since),
    knownSentinels: known,
    majority,
    reachableSentinels: new Set([...topology.sentinels].filter(([, s]) => s.up).map(([k, s]) => s.runId ?? k)).size,
    deadSentinels: deadSentinels(topology).length,
    basis: topology.basis,
    trouble: topology.minoritySince === null ? null : describeMinority(topology, now),
    sentinels,
  }
}

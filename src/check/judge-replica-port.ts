// judge-replica-port.ts: judges whether --replica-listen has the replicas that it needs. Pure.
import { formatAddress } from '../address.ts'
import type { Evidence } from './evidence.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import type { CheckSettings } from './settings.ts'

const without = {
  master: 'the master answers all reads then',
  hold: 'reads wait then, and fail when --hold-timeout is over',
  error: 'reads get errors then',
} as const

export function judgeReplicaPort({ sentinels }: Evidence, settings: CheckSettings): Finding[] {
  const { replicaListen, replicaFallback } = settings
  if (replicaListen === null) return []
  const subject = '--replica-listen'
  const listed = new Map(sentinels.flatMap(({ replicas }) => replicas.map(one => [formatAddress(one.address), one])))
  const linked = [...listed.values()].filter(({ linkStatus }) => linkStatus === 'ok')
  if (linked.length === 0) {
    const what = `no replica is connected to the master (${listed.size} are listed): ${without[replicaFallback]}`
    return [
      problem('replica-port.none', subject, what, 'attach replicas, or look at why those that are listed have no link'),
    ]
  }
  if (linked.length === 1) {
    const what = `one replica is connected to the master: when it is lost, or promoted, ${without[replicaFallback]}`
    return [warning('replica-port.one', subject, what, 'attach a second one')]
  }
  return [ok(subject, `${linked.length} replicas are connected to the master`)]
}

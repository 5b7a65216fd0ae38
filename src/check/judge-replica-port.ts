// judge-replica-port.ts: judges whether --replica-listen or --read-split has the replicas that it needs, and what each is
// good for. Without the port the master answers what replicas do not. Pure.
import { formatAddress } from '../address.ts'
import type { Evidence, ReplicaEvidence } from './evidence.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import { areReplicasUnseen } from './judge-sentinels.ts'
import type { CheckSettings } from './settings.ts'

const without = {
  master: 'the master answers all reads then',
  hold: 'reads wait then, and fail when --hold-timeout is over',
  error: 'reads get errors then',
} as const

export function judgeReplicaPort({ sentinels, replication }: Evidence, settings: CheckSettings): Finding[] {
  const { hasReplicaPort, replicaFallback, readSplit } = settings
  if (!hasReplicaPort && !readSplit) return []
  const subject = hasReplicaPort ? '--replica-listen' : '--read-split'
  const then = without[hasReplicaPort ? replicaFallback : 'master']
  const listed = new Map(sentinels.flatMap(({ replicas }) => replicas.map(one => [formatAddress(one.address), one])))
  const good =
    replication === null
      ? [...listed.values()].filter(({ linkStatus }) => linkStatus === 'ok').length
      : replication.filter(({ state }) => state === 'has-all').length
  const each = (replication ?? []).flatMap(one => judgeReplica(one, settings))
  if (areReplicasUnseen(sentinels)) {
    const what = `our user may not ask the Sentinels for the replicas: ${then}`
    const remedy = `ACL SETUSER ${settings.sentinelUsername ?? 'default'} +sentinel|replicas, on every Sentinel`
    const isTrouble = hasReplicaPort ? problem : warning
    return [...each, isTrouble('replica-port.none', subject, what, remedy)]
  }
  if (good === 0) {
    const what = `no replica is good now (${listed.size} are listed): ${then}`
    const isRefused = replication?.some(({ state }) => state === 'refused') === true
    const remedy = isRefused
      ? 'first mend what is said of the nodes that do not tell how far they are (INFO)'
      : 'attach replicas, or look at why those that are listed are not connected to the master, or behind'
    const isTrouble = hasReplicaPort ? problem : warning
    return [...each, isTrouble('replica-port.none', subject, what, remedy)]
  }
  if (good === 1 && hasReplicaPort) {
    const what = `one replica is good now: when it is lost, or promoted, ${then}`
    return [...each, warning('replica-port.one', subject, what, 'attach a second one')]
  }
  return [...each, ok(subject, `${good} ${good === 1 ? 'replica is' : 'replicas are'} good now`)]
}

function judgeReplica({ announced, state, behindMs }: ReplicaEvidence, settings: CheckSettings): Finding[] {
  const { replicaMaxLagMs, redisUsername } = settings
  const subject = `node ${formatAddress(announced)}`
  switch (state) {
    case 'behind': {
      const what =
        `is more than ${seconds(behindMs)} behind the master; --replica-max-lag is ${seconds(replicaMaxLagMs)}, ` +
        'and from half of it on no session comes to it'
      const remedy =
        'look at its load, its network and long commands there (SLOWLOG), or raise --replica-max-lag where older reads do'
      return [warning('replica-port.lag', subject, what, remedy)]
    }
    case 'cut-off': {
      const what = 'is not connected to the master, or follows another history: no session comes to it'
      return [warning('replica-port.cut_off', subject, what, 'look at master_link_status in its INFO, and at its log')]
    }
    case 'no-data': {
      const what = 'loads its data, or has lost its master and serves no old data: no session comes to it'
      return [warning('replica-port.no_data', subject, what, 'wait until it has loaded, or look at its log')]
    }
    case 'refused': {
      const what = 'does not tell our user how far it is (INFO): without that no replica is known to be good'
      const remedy = `ACL SETUSER ${redisUsername ?? 'default'} +info on every node, correct the password, or give INFO its name back`
      return [warning('replica-port.rights', subject, what, remedy)]
    }
    // What a node that does not answer means is said of the node.
    case 'unknown':
    case 'has-all':
      return []
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).replace(/\.0$/, '')} s`
}

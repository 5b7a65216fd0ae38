// judge-acknowledged.ts: which faults a write survives that --ack replicated=N has acknowledged, here, and what takes
// that away. Pure; survival.ts has the arithmetic.
import { type Address, formatAddress, sameAddress } from '../address.ts'
import type { Evidence, ListedReplica, NodeEvidence } from './evidence.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import { areReplicasUnseen, chosenMaster } from './judge-sentinels.ts'
import type { CheckSettings } from './settings.ts'
import { type Fault, type Need, needsOf, type Topology } from './survival.ts'

/** The deployment as far as it concerns acknowledgements. */
interface Scene {
  readonly n: number
  readonly subject: string
  readonly master: NodeEvidence | undefined
  readonly replicas: readonly ListedReplica[]
  readonly topology: Topology
  readonly downAfterMs: number
}

export function judgeAcknowledged(evidence: Evidence, { ackReplicas }: CheckSettings): Finding[] {
  const address = chosenMaster(evidence)
  if (ackReplicas === null || address === null) return []
  if (areReplicasUnseen(evidence.sentinels)) {
    const text = 'what an acknowledged write survives is left out: no Sentinel lists replicas to our user'
    return [{ level: 'note', id: 'note', subject: `--ack replicated=${ackReplicas}`, text, remedy: null }]
  }
  const scene = sceneOf(evidence, address, ackReplicas)
  const few = tooFew(scene)
  if (few !== null) return [few, ...judgeRestart(scene)]
  return [
    ...judgeFaults(scene),
    ...judgePriorities(scene),
    ...judgeStaleInfo(scene),
    ...judgeSpare(scene),
    ...judgeMinimum(scene),
    ...judgeRestart(scene),
  ]
}

function sceneOf(evidence: Evidence, address: Address, n: number): Scene {
  const hostOf = ({ host }: Address): string => evidence.hostAddresses.get(host) ?? host
  const views = evidence.sentinels.flatMap(({ view }) => view ?? [])
  const listed = evidence.sentinels.flatMap(({ replicas }) => replicas)
  const replicas = [...new Map(listed.map(replica => [formatAddress(replica.address), replica])).values()]
  return {
    n,
    subject: `--ack replicated=${n}`,
    master: evidence.nodes.find(({ announced }) => sameAddress(announced, address)),
    replicas,
    topology: {
      masterHost: hostOf(address),
      replicas: replicas.map(({ address, priority }) => ({ host: hostOf(address), priority })),
      sentinelHosts: evidence.sentinels.flatMap(({ announced, address, view }) =>
        view === null ? [] : [hostOf(announced ?? address)],
      ),
      knownSentinels: Math.max(...views.map(view => view.knownSentinels)),
      quorum: Math.max(...views.map(view => view.quorum)),
    },
    downAfterMs: Math.max(...views.map(view => view.downAfterMs)),
  }
}

/** Without N replicas no write is ever acknowledged. */
function tooFew({ n, subject, master, replicas }: Scene): Finding | null {
  const there = Math.min(replicas.length, master?.attached ?? replicas.length)
  if (there >= n) return null
  const what = `${there} of the ${n} replicas that have to confirm are there: every write waits, and then gets an error`
  return problem('ack.too_few_replicas', subject, what, `attach ${n - there} more, or ask for fewer`)
}

const names: Readonly<Record<Fault, string>> = {
  process: "the death of the master's process",
  host: 'the loss of any one host',
  partition: 'any clean partition of the hosts',
}

/** Priorities have a finding of their own: here all that may take over count the same. */
function* judgeFaults({ n, subject, topology }: Scene): Iterable<Finding> {
  const equal = topology.replicas.map(({ host, priority }) => ({ host, priority: Math.min(priority, 1) }))
  const needs = needsOf({ ...topology, replicas: equal })
  const faults = ['process', 'host', 'partition'] as const
  const survived = faults.filter(fault => needs[fault].replicas <= n)
  if (survived.length === faults.length) {
    yield ok(subject, `an acknowledged write survives any one of: ${survived.map(fault => names[fault]).join(', ')}`)
    return
  }
  if (survived.length > 0) yield ok(subject, `survived: ${survived.map(fault => names[fault]).join(', ')}`)
  for (const fault of faults) if (needs[fault].replicas > n) yield notSurvived(subject, fault, needs[fault])
}

function notSurvived(subject: string, fault: Fault, { replicas, side }: Need): Finding {
  if (replicas === Number.POSITIVE_INFINITY) {
    const what = 'all replicas are on the host of the master: with it, acknowledged writes are lost'
    return warning('ack.host', subject, what, 'run replicas on other hosts')
  }
  const what = `an acknowledged write may be lost by ${names[fault]}: a replica may take over that does not have it`
  if (fault === 'process') return problem('ack.process', subject, what, `--ack replicated=${replicas}`)
  const where = side.length === 0 ? '' : ` (as soon as the Sentinels elect on ${side.join(', ')})`
  const remedy = `--ack replicated=${replicas}, or one Sentinel on the host of each node and none elsewhere`
  return warning(`ack.${fault}`, subject, what + where, remedy)
}

/** Sentinel looks at the priority first, and then at who has most. */
function* judgePriorities({ n, subject, replicas, master }: Scene): Iterable<Finding> {
  if (n >= replicas.length) return
  const own = Number(master?.settings['replica-priority'] ?? Number.NaN)
  const ofReplicas = new Set(replicas.map(({ priority }) => priority).filter(priority => priority > 0))
  const all = new Set([...ofReplicas, ...(own > 0 ? [own] : [])])
  if (all.size < 2) return
  const values = [...all].sort((a, b) => a - b).join(', ')
  const what =
    `the nodes have different replica-priority (${values}), and Sentinel prefers the lowest to the one that has most: ` +
    'an acknowledged write may be on another'
  const remedy = `CONFIG SET replica-priority 100 on every node that may be master, or --ack replicated=${replicas.length}`
  const level = ofReplicas.size > 1 ? problem : warning
  yield level('ack.priorities', subject, what, remedy)
}

/** A replica that has the write loses to one whose INFO is newer: of up to 5 s ago, and 30 s when a person asks. */
function* judgeStaleInfo({ n, subject, replicas }: Scene): Iterable<Finding> {
  if (n >= replicas.length) return
  const what =
    `SENTINEL FAILOVER compares replicas by what they said up to 30 s before: with ${n} of ${replicas.length} ` +
    'confirmations it may choose one that lacks the last writes'
  const remedy =
    `--ack replicated=${replicas.length} where people fail over by hand; after a crash the same takes a replica that ` +
    'lags and one that answers late'
  yield warning('ack.stale_info', subject, what, remedy)
}

function* judgeSpare({ n, subject, replicas }: Scene): Iterable<Finding> {
  if (n < replicas.length) return
  const what = `all ${n === 1 ? 'there is has' : `${n} replicas have`} to confirm: while one is down, every write waits`
  yield warning('ack.no_spare', subject, what, 'have one replica more, as far as the faults above permit')
}

/** 0 has a finding of its own. */
function* judgeMinimum({ n, master }: Scene): Iterable<Finding> {
  const least = Number(master?.settings['min-replicas-to-write'] ?? Number.NaN)
  if (master === undefined || !(least > 0 && least < n)) return
  const what =
    `min-replicas-to-write is ${least}: with fewer than ${n} replicas a write still runs, and its client waits for ` +
    'confirmations and gets UNKNOWN'
  const remedy = `CONFIG SET min-replicas-to-write ${n} on every node: then it is refused before it runs`
  yield warning('ack.min_replicas', `master ${formatAddress(master.address)}`, what, remedy)
}

/** Nobody fails over a master that is back before it is found down: its replicas copy what its disk has. */
function* judgeRestart({ master, downAfterMs, subject }: Scene): Iterable<Finding> {
  const { appendonly, appendfsync } = master?.settings ?? {}
  if (appendonly === undefined || (appendonly === 'yes' && appendfsync === 'always')) return
  const disk = appendonly === 'yes' ? `appendfsync ${appendfsync}` : 'appendonly no'
  const what =
    `a master that restarts within down-after-milliseconds (${downAfterMs}) is not failed over. It comes back with what ` +
    `its disk has (${disk}), its replicas copy that, and acknowledged writes are gone`
  const remedy =
    `let its supervisor wait longer than that before it restarts (systemd: RestartSec=${Math.ceil(downAfterMs / 1000) + 1}), or ` +
    'CONFIG SET appendonly yes and appendfsync always on every node'
  yield warning('ack.restart', subject, what, remedy)
}

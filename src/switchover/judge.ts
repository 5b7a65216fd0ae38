// judge.ts: all findings before a switchover, and the plan where none forbids it. Pure.
//
// A problem forbids the switchover, unless --force names it. What `holdfast check` calls a problem is one here too,
// unless it is of no matter (the port that we would listen on), or is judged here by what is newer or nearer.
import { type Address, formatAddress, sameAddress } from '../address.ts'
import type { Evidence } from '../check/evidence.ts'
import { type Finding, ok, problem, warning } from '../check/finding.ts'
import { judge as judgeDeployment } from '../check/judge.ts'
import type { CheckSettings } from '../check/settings.ts'
import { ranked, unfitness } from './candidate.ts'
import { throughOf } from './client-rows.ts'
import { judgeProxy } from './judge-proxy.ts'
import { judgeSeen } from './judge-seen.ts'
import { judgeTargets } from './judge-target.ts'
import { judgeTimes } from './judge-times.ts'
import { judgeWriters } from './judge-writers.ts'
import type { Plan } from './plan.ts'
import type { Standing } from './proxy-hold.ts'
import type { SwitchoverSettings } from './settings.ts'
import type { NodeSight, SentinelSight, Sight } from './sight.ts'

export interface Judgement {
  readonly findings: readonly Finding[]
  /** Null: a problem forbids it. */
  readonly plan: Plan | null
}

export interface Known {
  readonly evidence: Evidence
  readonly sight: Sight
  readonly check: CheckSettings
  readonly settings: SwitchoverSettings
  /** The proxy's own name at the servers; null: no proxy answers at the control socket. */
  readonly instance: string | null
  /** null: the same. */
  readonly standing: Standing | null
  /** Ids that its links have at the master. */
  readonly ownLinks: ReadonlySet<string>
}

export function judgeSwitchover(known: Known): Judgement {
  const { evidence, sight, check, settings, standing } = known
  const deployment = judgeDeployment(evidence, check).filter(
    ({ level, id }) => level === 'problem' && !judgedHere.has(id),
  )
  const plan = planOf(known)
  const findings = [
    ...(standing === null ? [] : judgeProxy(standing)),
    ...deployment,
    ...judgeUnderWay(sight),
    ...judgeRights(sight, check),
    ...judgeChoice(sight, plan),
    ...(plan === null ? [] : [...judgeSeen(plan, sight), ...judgeTargets(plan, settings), ...judgeWriters(plan)]),
    ...judgeTimes(standing, check, settings),
  ].map(finding => forced(finding, settings))
  const forbidden = findings.some(({ level }) => level === 'problem')
  return { findings, plan: forbidden ? null : plan }
}

/** `replica.link` is the Sentinels' word, up to ten seconds old: the replica itself is asked here. */
const judgedHere: ReadonlySet<string> = new Set([
  'listen.taken',
  'listen.impossible',
  'hold.too_short',
  'replica.link',
  'replicas.priority',
])

function forced(finding: Finding, { force }: SwitchoverSettings): Finding {
  if (finding.level !== 'problem' || !force.includes(finding.id)) return finding
  return { ...finding, level: 'warning', text: `${finding.text} (accepted with --force)` }
}

/** The Sentinel with the freshest view that may be asked. */
function planOf({ sight, instance, ownLinks }: Known): Plan | null {
  const { sentinels, nodes } = sight
  const [master] = nodes
  const [sentinel] = sentinels
    .filter(({ mayFailover, candidates, downAfterMs }) => mayFailover && ranked(candidates, downAfterMs).length > 0)
    .sort((a, b) => ageOf(a) - ageOf(b))
  if (!master?.isMaster || sentinel === undefined) return null
  const candidates = ranked(sentinel.candidates, sentinel.downAfterMs).flatMap(
    ({ address }) => nodeAt(nodes, address) ?? [],
  )
  const [target] = candidates
  if (target === undefined) return null
  return { master, sentinel, target, candidates, through: throughOf(master, ownLinks, instance) }
}

function ageOf({ candidates, downAfterMs }: SentinelSight): number {
  return ranked(candidates, downAfterMs)[0]?.infoAgeMs ?? Number.POSITIVE_INFINITY
}

function nodeAt(nodes: readonly NodeSight[], address: Address): NodeSight | undefined {
  return nodes.find(node => sameAddress(node.address, address))
}

function* judgeUnderWay({ sentinels }: Sight): Iterable<Finding> {
  for (const { address, failoverState } of sentinels) {
    if (failoverState === null) continue
    const what = `leads a failover of this master now (${failoverState})`
    const remedy = 'wait until it is over; one that gets nowhere ends after failover-timeout'
    yield problem('failover.under_way', `Sentinel ${formatAddress(address)}`, what, remedy)
  }
}

function* judgeRights({ sentinels }: Sight, { sentinelUsername }: CheckSettings): Iterable<Finding> {
  const denied = sentinels.filter(({ mayFailover }) => !mayFailover)
  if (denied.length === 0) return
  const who = sentinelUsername ?? 'default'
  const remedy = `ACL SETUSER ${who} +sentinel|failover, on every Sentinel`
  // One that may is enough.
  const level = denied.length === sentinels.length ? problem : warning
  for (const { address } of denied) {
    const what = `the user ${who} may not run SENTINEL FAILOVER`
    yield level('sentinel.failover_right', `Sentinel ${formatAddress(address)}`, what, remedy)
  }
}

/** Who may be promoted, and who would be. */
function* judgeChoice({ sentinels, nodes }: Sight, plan: Plan | null): Iterable<Finding> {
  const sentinel = plan?.sentinel ?? sentinels[0]
  if (sentinel === undefined) return
  for (const candidate of sentinel.candidates) {
    const why = unfitness(candidate, sentinel.downAfterMs)
    if (why === null) continue
    const subject = `replica ${formatAddress(candidate.address)}`
    yield warning(
      'replica.unfit',
      subject,
      `would not be chosen: ${why}`,
      'nothing, if that is meant; else mend it first',
    )
  }
  if (plan === null) {
    if (ranked(sentinel.candidates, sentinel.downAfterMs).length > 0) return
    const what = 'the Sentinels would choose none of its replicas'
    const remedy = 'mend one of them: its link, its replica-priority, its connection to the Sentinels'
    yield problem('target.none', 'master', what, remedy)
    return
  }
  const [best] = ranked(sentinel.candidates, sentinel.downAfterMs)
  const { target, candidates } = plan
  const age = `${((best?.infoAgeMs ?? 0) / 1000).toFixed(1)} s`
  const others = candidates.length > 1 ? `; it may choose another of ${candidates.length} when its INFO is fresher` : ''
  const text =
    `Sentinel ${formatAddress(sentinel.address)} would promote it: replica-priority ${best?.priority}, ` +
    `offset ${best?.offset} by an INFO ${age} old${others}`
  yield ok(`replica ${formatAddress(target.address)}`, text)
  yield {
    level: 'note',
    id: 'note',
    subject: `Sentinel ${formatAddress(sentinel.address)}`,
    text: sentinel.coordinates ? 'knows COORDINATED, which is used' : 'has no SENTINEL FAILOVER ... COORDINATED',
    remedy: null,
  }
  const listed = sentinel.candidates.filter(one => unfitness(one, sentinel.downAfterMs) === null)
  for (const { address } of listed) {
    if (nodeAt(nodes, address) !== undefined) continue
    const what = 'the Sentinel may promote it, and it cannot be asked from here'
    yield problem('target.unknown', `replica ${formatAddress(address)}`, what, 'see what holdfast check says of it')
  }
}

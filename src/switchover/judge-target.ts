// judge-target.ts: judges each replica that may be promoted: can it serve as the master does now? Pure.
import { formatAddress } from '../address.ts'
import { type Finding, ok, problem, warning } from '../check/finding.ts'
import { unknownRemedy } from '../ops/missing-rights.ts'
import type { Plan } from './plan.ts'
import type { MaxLag, SwitchoverSettings } from './settings.ts'
import type { NodeSight } from './sight.ts'

export function judgeTargets(plan: Plan, settings: SwitchoverSettings): Finding[] {
  return plan.candidates.flatMap(target => {
    const findings = [
      ...judgeLag(plan, target, settings.maxLag),
      ...judgeUsers(plan, target),
      ...judgeFunctions(plan, target),
      ...judgeMemory(plan, target),
      ...judgeMinimum(plan, target),
      ...judgeUnseen(target),
    ]
    const isFine = findings.every(({ level }) => level === 'note')
    return isFine ? [ok(nameOf(target), 'can serve as the master does'), ...findings] : findings
  })
}

function nameOf({ address }: NodeSight): string {
  return `replica ${formatAddress(address)}`
}

function* judgeLag({ master }: Plan, target: NodeSight, maxLag: MaxLag): Iterable<Finding> {
  const { replication } = target
  const subject = nameOf(target)
  if (replication === null) {
    yield problem('target.role', subject, ...unaskedOf(target))
    return
  }
  if (replication.role === 'master') {
    const what = 'says it is a master, and the Sentinel may promote it'
    const remedy = 'the Sentinels make a replica of an old master within some ten seconds: try again then'
    yield problem('target.role', subject, what, remedy)
    return
  }
  if (!replication.linkUp) {
    const what = 'its link to the master is down, and the Sentinel may promote it all the same'
    const remedy =
      'wait until it is up; or CONFIG SET replica-priority 0 there, and ten seconds for the Sentinels to see it'
    yield problem('target.link', subject, what, remedy)
    return
  }
  const behind = Math.max(0, (master.replication?.offset ?? 0) - replication.offset)
  const remedy = 'wait until it has caught up, or raise --max-lag: clients wait as long as it takes, up to --timeout'
  if ('bytes' in maxLag && behind > maxLag.bytes) {
    yield problem('target.lag', subject, `is ${behind} bytes behind, and --max-lag is ${maxLag.bytes}`, remedy)
  }
  // The master knows its replicas by addresses of its own, and only the oldest word of them is needed.
  const oldest = Math.max(0, ...(master.replication?.replicas ?? []).map(({ lagSeconds }) => lagSeconds)) * 1000
  if ('ms' in maxLag && oldest > Math.max(maxLag.ms, ACK_PERIOD_MS)) {
    const what = `a replica has not said for ${oldest} ms how far it is, and --max-lag is ${maxLag.ms} ms`
    yield problem('target.lag', subject, what, remedy)
  }
}

/** Why it does not say how far it is, and what helps. */
function unaskedOf({ target, denied, unknown }: NodeSight): readonly [what: string, remedy: string] {
  const what = 'does not say how far it is'
  if (denied.includes('info')) {
    const user = target.username ?? 'default'
    return [`${what}: our user may not run INFO`, `ACL SETUSER ${user} +info, on every node`]
  }
  if (unknown.includes('info')) return [`${what}: it does not know INFO`, unknownRemedy]
  return [what, 'see what holdfast check says of it']
}

/** A replica tells how far it is once a second; the master counts whole seconds. */
const ACK_PERIOD_MS = 1_000

/** ACLs are not replicated. Shows names alone. */
function* judgeUsers({ master }: Plan, target: NodeSight): Iterable<Finding> {
  if (master.users === null || target.users === null) return
  const names = new Set([...master.users.keys(), ...target.users.keys()])
  const missing = [...names].filter(name => !target.users?.has(name))
  const differing = [...names].filter(name => {
    const [here, there] = [master.users?.get(name), target.users?.get(name)]
    return here !== undefined && there !== undefined && here !== there
  })
  if (missing.length === 0 && differing.length === 0) return
  const parts = [
    ...(missing.length > 0 ? [`it has no user ${missing.join(', ')}`] : []),
    ...(differing.length > 0 ? [`the rules or passwords of ${differing.join(', ')} differ from the master's`] : []),
  ]
  const remedy = 'ACL SETUSER there as on the master: ACLs are not replicated'
  yield problem('target.users', nameOf(target), parts.join('; '), remedy)
}

function* judgeFunctions({ master }: Plan, target: NodeSight): Iterable<Finding> {
  if (master.functions !== null && target.functions !== null && master.functions !== target.functions) {
    const what = 'its functions are not those of the master'
    const remedy = 'FUNCTION LOAD is replicated: find out why it has others, and resync it (REPLICAOF the master again)'
    yield problem('target.functions', nameOf(target), what, remedy)
  }
  if (target.scripts < master.scripts) {
    const text =
      `has ${target.scripts} of ${master.scripts} scripts in its cache, which is not replicated: Holdfast loads those ` +
      'that its clients have shown, others answer NOSCRIPT once'
    yield { level: 'note', id: 'note', subject: nameOf(target), text, remedy: null }
  }
}

function* judgeMemory({ master }: Plan, target: NodeSight): Iterable<Finding> {
  const subject = nameOf(target)
  const [here, there] = [Number(master.settings.maxmemory ?? 0), Number(target.settings.maxmemory ?? 0)]
  if (there !== 0 && there < master.usedMemory) {
    const what = `its maxmemory is ${there}, and the master uses ${master.usedMemory} bytes`
    yield problem('target.memory', subject, what, `CONFIG SET maxmemory ${here} there`)
  } else if (here !== there) {
    const what = `its maxmemory is ${there}, the master's ${here}`
    yield warning('target.settings', subject, what, `CONFIG SET maxmemory ${here} there, if that is not meant`)
  }
  for (const name of ['maxmemory-policy', 'databases'] as const) {
    const [ours, theirs] = [master.settings[name], target.settings[name]]
    if (ours === undefined || theirs === undefined || ours === theirs) continue
    const what = `its ${name} is ${theirs}, the master's ${ours}`
    const remedy = name === 'databases' ? 'change redis.conf there and restart it' : `CONFIG SET ${name} ${ours} there`
    yield warning('target.settings', subject, what, remedy)
  }
}

/** The old master is a replica again some ten seconds later. */
function* judgeMinimum({ candidates }: Plan, target: NodeSight): Iterable<Finding> {
  const needed = Number(target.settings['min-replicas-to-write'] ?? 0)
  const left = candidates.length - 1
  if (needed <= left) return
  const what =
    `its min-replicas-to-write is ${needed}, and ${left} ${left === 1 ? 'replica stays' : 'replicas stay'}: it refuses ` +
    `writes until the old master has become one, some ten seconds`
  const remedy = `attach one replica more, or CONFIG SET min-replicas-to-write ${left} there for the time`
  yield problem('target.min_replicas', nameOf(target), what, remedy)
}

/** What could not be compared, because our user may not ask, or the node does not know the command. */
function* judgeUnseen(target: NodeSight): Iterable<Finding> {
  if (target.unknown.length > 0) {
    const text = `does not know ${target.unknown.join(', ')}: what that would show is not compared`
    yield { level: 'note', id: 'note', subject: nameOf(target), text, remedy: null }
  }
  if (target.denied.length === 0) return
  const rules = target.denied.map(right => `+${right}`).join(' ')
  const text = `our user may not run ${target.denied.join(', ')}: what that would show is not compared (${rules})`
  yield { level: 'note', id: 'note', subject: nameOf(target), text, remedy: null }
}

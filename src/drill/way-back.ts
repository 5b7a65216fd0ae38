// way-back.ts: judges before a drill whether its way back can be: would the Sentinels choose the first master again, and
// could that node then serve as the other one did? Pure.
//
//   there: first master ─▶ target          back: of first master and the other replicas, the first master
//
// Who is chosen is candidate.ts's rule: the lowest replica-priority, then the most data, then the lowest run id.
import { formatAddress } from '../address.ts'
import { type Finding, ok, problem, warning } from '../check/finding.ts'
import { type Candidate, ranked } from '../switchover/candidate.ts'
import { judgeTargets } from '../switchover/judge-target.ts'
import type { Plan } from '../switchover/plan.ts'
import type { SwitchoverSettings } from '../switchover/settings.ts'
import type { NodeSight } from '../switchover/sight.ts'

/** `plan`: that of the way there. A problem is accepted where --force names it. */
export function judgeWayBack(plan: Plan, settings: SwitchoverSettings): Finding[] {
  const found = [...judgeChoice(plan), ...judgeTargets(mirrored(plan), settings)]
  return found
    .filter(({ level, id }) => id.startsWith('back.') || level !== 'note')
    .map(finding => ({ ...finding, subject: `way back: ${finding.subject}` }))
    .map(finding =>
      finding.level === 'problem' && settings.force.includes(finding.id)
        ? { ...finding, level: 'warning', text: `${finding.text} (accepted with --force)` }
        : finding,
    )
}

/** The set after the way there: the target is the master, the first master one of its replicas. */
function mirrored({ master, target, candidates, ...rest }: Plan): Plan {
  const first: NodeSight = { ...master, isMaster: false, replication: asReplica(master) }
  const others = candidates.filter(node => node !== target)
  return { ...rest, master: { ...target, isMaster: true }, target: first, candidates: [first, ...others] }
}

/** It will have all that its master has. */
function asReplica({ replication }: NodeSight): NodeSight['replication'] {
  return replication && { ...replication, role: 'replica', linkUp: true, offset: Number.POSITIVE_INFINITY }
}

function* judgeChoice({ master, sentinel, target }: Plan): Iterable<Finding> {
  const subject = `replica ${formatAddress(master.address)}`
  const own = priorityOf(master)
  if (own === null) {
    const what = 'its replica-priority is not known: whether the Sentinels would choose it again is not either'
    yield warning('back.unknown', subject, what, 'ACL SETUSER there +config|get')
    return
  }
  if (own === 0) {
    const what = 'its replica-priority is 0: the Sentinels would never choose it again'
    const remedy = 'CONFIG SET replica-priority 100 there; holdfast switchover goes one way without that'
    yield problem('back.never', subject, what, remedy)
    return
  }
  const left = ranked(sentinel.candidates, sentinel.downAfterMs).filter(
    ({ address }) => formatAddress(address) !== formatAddress(target.address),
  )
  const better = left.find(({ priority }) => priority < own)
  if (better !== undefined) {
    const what =
      `its replica-priority is ${own}, and that of ${formatAddress(better.address)} ${better.priority}: the Sentinels ` +
      'would choose that one'
    const remedy = `CONFIG SET replica-priority to less than ${better.priority} on ${formatAddress(master.address)}`
    yield problem('back.other', subject, what, remedy)
    return
  }
  const equal = left.filter(({ priority }) => priority === own)
  if (equal.length > 0) yield byChance(subject, equal, sentinel.masterRunId)
  else
    yield ok(subject, `the Sentinels would choose it again: of those left it has the lowest replica-priority, ${own}`)
}

/** Under load each INFO finds another replica ahead. */
function byChance(subject: string, equal: readonly Candidate[], runId: string): Finding {
  const names = equal.map(({ address }) => formatAddress(address)).join(', ')
  const isFirst = equal.every(one => runId !== '' && runId.toLowerCase() < one.runId.toLowerCase())
  const then = isFirst ? 'it, while nobody writes' : 'another, while nobody writes'
  const what =
    `${names} ${equal.length === 1 ? 'has' : 'have'} the same replica-priority: the Sentinel would choose ${then}; the ` +
    'drill waits up to a minute for a moment at which it would choose this one, and else stays there'
  return warning('back.by_chance', subject, what, `CONFIG SET replica-priority to a higher number on ${names}`)
}

function priorityOf({ settings }: NodeSight): number | null {
  const text = settings['replica-priority']
  return text === undefined ? null : Number(text)
}

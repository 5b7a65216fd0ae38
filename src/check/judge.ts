// judge.ts: makes all findings, in the order that people read them: our own port, Sentinels, nodes, what
// becomes of writes, times. Pure.
import { type Address, formatAddress } from '../address.ts'
import { lentPort } from '../transport/port-probe.ts'
import type { Evidence, ListenEvidence, SocketEvidence } from './evidence.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import { judgeAcknowledged } from './judge-acknowledged.ts'
import { judgeClients } from './judge-clients.ts'
import { judgeMarkers } from './judge-markers.ts'
import { judgeNodes } from './judge-nodes.ts'
import { judgeReplicaPort } from './judge-replica-port.ts'
import { judgeSentinels } from './judge-sentinels.ts'
import type { CheckSettings } from './settings.ts'

/**
 * From the moment that a master is found down until a majority names the next one: 350 ms for election and promotion,
 * one INFO period of 1 s, which nobody can tune, 100 ms until the others hear, and a second for a busy host.
 */
const FAILOVER_MS = 2500

export function judge(evidence: Evidence, settings: CheckSettings): Finding[] {
  return [
    ...judgeListen(evidence.listen, settings.listen, 'listen'),
    ...judgeListen(evidence.replicaListen, settings.replicaListen, 'replica-listen'),
    ...evidence.sockets.map(judgeSocket),
    ...judgeSentinels(evidence, settings),
    ...judgeNodes(evidence, settings),
    ...judgeMarkers(evidence, settings),
    ...judgeAcknowledged(evidence, settings),
    ...judgeReplicaPort(evidence, settings),
    ...judgeTimes(evidence, settings),
    ...judgeSlow(evidence, settings),
    ...judgeClients(evidence, settings),
    ...evidence.unusedNat.map(from =>
      warning(
        'nat-map.unused',
        '--nat-map',
        `nobody announces ${formatAddress(from)}`,
        'correct the rule, or take it away',
      ),
    ),
  ]
}

function judgeListen(
  found: ListenEvidence | null,
  wanted: Address | null,
  option: 'listen' | 'replica-listen',
): Finding[] {
  if (found === null || wanted === null) return []
  const subject = `${option} ${formatAddress(wanted)}`
  switch (found.kind) {
    case 'free':
      return [ok(subject, 'is free')]
    case 'holdfast':
      return [ok(subject, 'a Holdfast listens there already')]
    case 'lent':
      return [problem('listen.taken', subject, lentPort.what, `choose another with --${option}, ${lentPort.remedy}`)]
    case 'taken':
      return [
        problem('listen.taken', subject, 'something else listens there', `stop it, or choose another with --${option}`),
      ]
    case 'impossible':
      return [problem('listen.impossible', subject, `cannot be had (${found.code})`, `choose another with --${option}`)]
  }
}

function judgeSocket({ option, path, found }: SocketEvidence): Finding {
  const subject = `${option} ${path}`
  if (found === 'free') return ok(subject, 'can be made')
  if (found === 'served')
    return ok(subject, 'somebody serves it already: a running Holdfast, or it must be stopped first')
  // The words of the start: cause; remedy. A service manager may make the folder, and another user may write there.
  const [what = '', remedy = ''] = found.impossible.split('; ')
  return warning('listen.socket', subject, `${what}, as this user sees it now`, remedy)
}

/** Half of the limit is left for a busy moment. The measured time covers a connection and an answer. */
function judgeSlow({ sentinels, nodes }: Evidence, { answerTimeoutMs }: CheckSettings): Finding[] {
  const met = [
    ...sentinels.map(({ address, contact }) => ['sentinel', `Sentinel ${formatAddress(address)}`, contact] as const),
    ...nodes.map(({ address, contact, listed }) => ['node', `${listed} ${formatAddress(address)}`, contact] as const),
  ]
  return met.flatMap(([kind, subject, contact]) => {
    if (contact.kind !== 'answers' || contact.ms <= answerTimeoutMs / 2) return []
    const what = `took ${Math.round(contact.ms)} ms to connect and answer; --answer-timeout is ${answerTimeoutMs} ms`
    const level = contact.ms > answerTimeoutMs ? problem : warning
    return [
      level(`${kind}.slow`, subject, what, 'raise --answer-timeout and --connect-timeout, or look at the network'),
    ]
  })
}

function* judgeTimes({ sentinels }: Evidence, { holdLimitMs: hold, masterName }: CheckSettings): Iterable<Finding> {
  const views = sentinels.flatMap(({ view }) => view ?? [])
  if (views.length === 0) return
  const subject = '--hold-timeout'
  const downAfter = Math.max(...views.map(view => view.downAfterMs))
  const retry = 2 * Math.max(...views.map(view => view.failoverTimeoutMs))
  const needed = downAfter + FAILOVER_MS
  if (hold < needed) {
    const what =
      `a command waits ${seconds(hold)} at most, and a failover takes about ${seconds(needed)} ` +
      `(down-after-milliseconds ${downAfter} and ${FAILOVER_MS})`
    const remedy = `raise --hold-timeout (and --max-retries) above that, or lower down-after-milliseconds`
    yield problem('hold.too_short', subject, what, remedy)
    return
  }
  if (hold < downAfter + retry) {
    const what =
      `${seconds(hold)} outlasts a failover (about ${seconds(needed)}), but not a second attempt after a failed one ` +
      `(failover-timeout: ${seconds(retry)} later)`
    const remedy = `SENTINEL SET ${masterName} failover-timeout 10000 on each, or accept errors in that case`
    yield warning('hold.one_attempt', subject, what, remedy)
  } else {
    yield ok(subject, `${seconds(hold)} outlasts a failover (about ${seconds(needed)})`)
  }
  const advice =
    `a command time-out of their own shorter than ${seconds(needed)} shows in every failover, one longer than ` +
    `${seconds(hold)} in none; see docs/operations.md`
  yield { level: 'note', id: 'note', subject: 'clients', text: advice, remedy: null }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).replace(/\.0$/, '')} s`
}

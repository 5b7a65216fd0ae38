// judge-markers.ts: can the markers of --retry-policy once and of --ack be written, and do they stay? Pure.
import { formatAddress } from '../address.ts'
import { unknownRemedy } from '../ops/missing-rights.ts'
import type { Evidence, NodeEvidence } from './evidence.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import type { CheckSettings } from './settings.ts'

export function judgeMarkers({ nodes }: Evidence, settings: CheckSettings): Finding[] {
  const { policy, ackReplicas } = settings
  if (policy !== 'once' && ackReplicas === null) return []
  const findings = nodes.flatMap(node => [...judgeRights(node, settings), ...judgeEviction(node)])
  const isAsked = nodes.some(({ contact, refused }) => contact.kind === 'answers' && refused === null)
  if (findings.length > 0 || !isAsked) return findings
  const rights = 'our user has the rights that they need; each user that a client signs in as needs them too'
  return [ok('markers', rights)]
}

function* judgeRights(node: NodeEvidence, { redisUsername, policy, ackReplicas }: CheckSettings): Iterable<Finding> {
  const { proofDenied, proofUnknown } = node
  const option = policy === 'once' ? '--retry-policy once' : `--ack replicated=${ackReplicas}`
  if (proofUnknown.length > 0) {
    const what = `does not know ${proofUnknown.join(', ').toUpperCase()}, which ${option} needs`
    yield problem('markers.commands', subjectOf(node), what, unknownRemedy)
  }
  if (proofDenied.length === 0) return
  const isMarked = proofDenied.every(rule => rule === '+wait')
  const cost = isMarked
    ? `as long as no user may, nobody can be asked which replicas have a write (--ack replicated=${ackReplicas}): writes wait and then fail`
    : `its writes leave without the markers of ${option}`
  const what = `our user lacks ${proofDenied.join(' ')}: ${cost}`
  const remedy = `ACL SETUSER ${redisUsername ?? 'default'} ${proofDenied.join(' ')}, on every node and for every user`
  yield problem('markers.rights', subjectOf(node), what, remedy)
}

/**
 * These choose by chance, or by the time that is left. LRU and LFU spare the key that each block writes, as long as there are
 * others: their samples are small, so a set with few keys may lose it all the same.
 */
const choosesMarkers = /^(allkeys-random|volatile-random|volatile-ttl)$/

function* judgeEviction(node: NodeEvidence): Iterable<Finding> {
  const { maxmemory, 'maxmemory-policy': policy = '' } = node.settings
  if (Number(maxmemory ?? 0) === 0 || !choosesMarkers.test(policy)) return
  const what = `maxmemory-policy is ${policy}: it may evict markers, and a write whose marker is gone gets UNKNOWN`
  const remedy = `CONFIG SET maxmemory-policy ${policy.replace(/random|ttl/, 'lru')} on every node`
  yield warning('markers.evicted', subjectOf(node), what, remedy)
}

function subjectOf({ listed, address }: NodeEvidence): string {
  return `${listed} ${formatAddress(address)}`
}

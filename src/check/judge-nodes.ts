// judge-nodes.ts: judges the data nodes: the master, each replica, and whether one can take over. Pure.
import { formatAddress, isLoopback, sameAddress } from '../address.ts'
import { exceptionOf, unknownRemedy } from '../ops/missing-rights.ts'
import { knowsNoAuth } from '../sentinel/remedies.ts'
import type { Evidence, NodeEvidence } from './evidence.ts'
import { type Finding, judgeContact, lostWords, ok, problem, warning } from './finding.ts'
import { areReplicasUnseen, chosenMaster } from './judge-sentinels.ts'
import { judgeLost } from './judge-tls.ts'
import type { CheckSettings } from './settings.ts'

/** The time that the questions take explains a smaller difference. */
const CLOCK_LIMIT_MS = 2000

export function* judgeNodes(evidence: Evidence, settings: CheckSettings): Iterable<Finding> {
  for (const node of evidence.nodes) yield* judgeNode(node, settings)
  yield* judgeUnasked(evidence.nodes)
  const master = chosenMaster(evidence)
  if (master === null) return
  const node = evidence.nodes.find(({ announced }) => sameAddress(announced, master))
  const views = evidence.sentinels.flatMap(({ view }) => (view && sameAddress(view.master, master) ? [view] : []))
  const subject = `master ${formatAddress(master)}`
  if (views.some(({ flags }) => flags.includes('o_down'))) {
    const remedy = 'a failover should be under way: if none comes, see the replicas below and the logs of the Sentinels'
    yield problem('master.down', subject, 'the Sentinels agree that it is down', remedy)
  }
  const isMapped = settings.mapped.some(from => sameAddress(from, master))
  if (isLoopback(master.host) && !isMapped && evidence.sentinels.some(({ address }) => !isLoopback(address.host))) {
    const what = 'the Sentinels announce a loopback address, which is another host for each who asks'
    const remedy = 'SENTINEL MONITOR the master by its address in the network; or translate it with --nat-map'
    yield problem('master.loopback', subject, what, remedy)
  }
  yield* judgeReplicas(evidence, subject)
  if (node) yield* judgeSettings(node, subject, settings)
}

function judgeNode(node: NodeEvidence, settings: CheckSettings): Finding[] {
  const subject = `${node.listed} ${formatAddress(node.address)}`
  const { address, announced } = node
  const isMapped = settings.mapped.some(from => sameAddress(from, announced))
  const side = { kind: 'node', subject, tlsOption: 'redis-tls', address, announced, isMapped } as const
  const unmet = judgeContact(node.contact, side)
  if (unmet) return [unmet]
  const refusal = judgeRefusal(node, subject, settings)
  if (refusal) return [refusal]
  const findings = [...judgeRights(node, subject, settings), ...judgeCommands(node, subject)]
  if (node.role === 'loading') {
    const remedy = 'it is no use before that: wait, and watch INFO persistence there'
    findings.push(problem('node.loading', subject, 'is still loading its data', remedy))
  } else if (node.role !== null && node.role !== node.listed) {
    const what = `says it is a ${node.role}, the Sentinels say ${node.listed}`
    const remedy =
      node.listed === 'master'
        ? 'REPLICAOF or FAILOVER was used behind the back of the Sentinels, or a failover is under way: check again'
        : 'the Sentinels demote it within some ten seconds: check again; if it stays, look at their logs'
    findings.push(problem('node.role', subject, what, remedy))
  }
  if (!node.knowsHello) {
    const remedy = `${unknownRemedy}: Redis 6, Valkey 7.2 or later is needed`
    findings.push(problem('node.too_old', subject, 'does not know HELLO', remedy))
  }
  if (node.clockOffsetMs !== null && Math.abs(node.clockOffsetMs) > CLOCK_LIMIT_MS) {
    const what = `its clock differs from ours by ${(node.clockOffsetMs / 1000).toFixed(1)} s`
    const remedy = 'keys that expire do so at another time on each node: run NTP on all hosts'
    findings.push(warning('node.clock', subject, what, remedy))
  }
  if (findings.every(({ level }) => level === 'warning')) findings.unshift(ok(subject, aboutNode(node)))
  return findings
}

function aboutNode({ contact, role, attached }: NodeEvidence): string {
  const ms = contact.kind === 'answers' ? Math.max(1, Math.round(contact.ms)) : 0
  const replicas = attached === null ? '' : `, ${attached} ${attached === 1 ? 'replica' : 'replicas'} attached`
  return `answers in ${ms} ms${role === null ? '' : `, says it is a ${role}`}${replicas}`
}

function judgeRefusal({ refused }: NodeEvidence, subject: string, settings: CheckSettings): Finding | null {
  if (refused === null) return null
  const lost = judgeLost(refused, { side: 'redis', subject, usesTls: settings.redisTls })
  if (lost) return lost
  if (refused.code === 'LOST') return problem('node.refused', subject, ...lostWords(refused))
  if (refused.code === 'NOAUTH') {
    const level = settings.hasRedisPassword ? problem : warning
    const remedy = 'set --redis-password, unless every client signs in by itself'
    return level('node.no_password', subject, 'asks for a password, and none is given', remedy)
  }
  if (/without any password configured/.test(refused.text)) {
    return problem('node.needless_password', subject, 'has no password, and one is given', 'take --redis-password away')
  }
  if (refused.code === 'WRONGPASS' || /invalid password/.test(refused.text)) {
    const who = settings.redisUsername === null ? 'the default user' : `the user ${settings.redisUsername}`
    const remedy = 'correct --redis-username and --redis-password; ACLs are not replicated: each node needs the user'
    return problem('node.password', subject, `refuses the password of ${who}`, remedy)
  }
  const remedy = knowsNoAuth(refused.text) ? unknownRemedy : 'look at its log'
  return problem('node.refused', subject, `refuses us: ${refused.text}`, remedy)
}

/** Without these rights Holdfast is blind or may run a command twice. */
const needed = ['hello', 'role', 'client|kill']
const whyNeeded = 'it cannot see the role of a node, or end its old connection before it sends a command again'
/** The check alone asks this (judgeUnasked). */
const OF_THE_CHECK = 'config|get'

function* judgeRights({ denied }: NodeEvidence, subject: string, settings: CheckSettings): Iterable<Finding> {
  const missing = denied.filter(right => needed.includes(right))
  const useful = denied.filter(right => !needed.includes(right) && right !== OF_THE_CHECK)
  const remedyOf = (rights: readonly string[]): string => {
    const rule = rights.map(right => `+${right}`).join(' ')
    return `ACL SETUSER ${settings.redisUsername ?? 'default'} ${rule}, on every node${exceptionOf(rule)}`
  }
  if (missing.length > 0) {
    const what = `our user may not run ${missing.join(', ')}: ${whyNeeded}`
    yield problem('node.rights', subject, what, remedyOf(missing))
  }
  if (useful.length > 0) {
    const what = `our user may not run ${useful.join(', ')}: docs/access.md says what each lack costs`
    yield warning('node.fewer_rights', subject, what, remedyOf(useful))
  }
}

/** HELLO has a finding of its own. */
function* judgeCommands({ unknown }: NodeEvidence, subject: string): Iterable<Finding> {
  const nameOf = (right: string): string => right.replace(/ .*/, '').replace('|', ' ').toUpperCase()
  const missing = unknown.filter(right => needed.includes(right) && right !== 'hello').map(nameOf)
  const useful = unknown.filter(right => !needed.includes(right) && right !== OF_THE_CHECK).map(nameOf)
  if (missing.length > 0) {
    const what = `does not know ${missing.join(', ')}: ${whyNeeded}`
    yield problem('node.commands', subject, what, unknownRemedy)
  }
  if (useful.length > 0) {
    const what = `does not know ${useful.join(', ')}: docs/access.md says what each lack costs`
    yield warning('node.fewer_commands', subject, what, unknownRemedy)
  }
}

/** What this check alone asks: without an answer it cannot see what that would tell. */
function* judgeUnasked(nodes: readonly NodeEvidence[]): Iterable<Finding> {
  const isHidden = (of: readonly string[]): boolean => of.includes(OF_THE_CHECK)
  const why = nodes.some(({ denied }) => isHidden(denied))
    ? `our user may not run ${OF_THE_CHECK}`
    : nodes.some(({ unknown }) => isHidden(unknown))
      ? 'not every node knows CONFIG GET'
      : null
  if (why === null) return
  const text = `how they are configured is left out: ${why}`
  yield { level: 'note', id: 'note', subject: 'nodes', text, remedy: null }
}

function* judgeReplicas({ sentinels, nodes }: Evidence, subject: string): Iterable<Finding> {
  const listed = sentinels.flatMap(({ replicas }) => replicas)
  if (areReplicasUnseen(sentinels)) return
  if (listed.length === 0) {
    const what = 'has no replica that the Sentinels know: nothing can take over'
    yield problem('replicas.none', subject, what, 'give it a replica: REPLICAOF on another node')
    return
  }
  const replicas = [...new Map(listed.map(replica => [formatAddress(replica.address), replica])).values()]
  for (const { address, linkStatus, flags } of replicas) {
    // What it says itself is of this moment; what the Sentinels say is of its last INFO, up to ten seconds ago.
    const state = nodes.find(({ announced }) => sameAddress(announced, address))?.linkState ?? null
    const isLinked = state === null ? linkStatus === 'ok' : state === 'connected'
    if (isLinked && !flags.includes('s_down')) continue
    const what = flags.includes('s_down') ? 'the Sentinels see it down' : 'its link to the master is down'
    const remedy =
      'it cannot take over: look at its log (masterauth, network); where it is gone for good, SENTINEL RESET on each ' +
      'Sentinel, one after the other, half a minute apart'
    yield problem('replica.link', `replica ${formatAddress(address)}`, what, remedy)
  }
  if (replicas.every(({ priority }) => priority === 0)) {
    const what = 'every replica has replica-priority 0: none may take over'
    yield problem('replicas.priority', subject, what, 'CONFIG SET replica-priority 100 on those that may')
  }
}

function* judgeSettings(
  { settings: config, attached }: NodeEvidence,
  subject: string,
  settings: CheckSettings,
): Iterable<Finding> {
  const minReplicas = Number(config['min-replicas-to-write'] ?? Number.NaN)
  if (minReplicas === 0) {
    const what = 'min-replicas-to-write is 0: a master that is cut off goes on taking writes that will be lost'
    const wanted = settings.ackReplicas ?? 1
    // With no replica to spare, the next failover would leave a master that takes no writes.
    const more = attached === null ? 0 : wanted + 1 - attached
    const first = more > 0 ? `attach ${more} more ${more === 1 ? 'replica' : 'replicas'}, then ` : ''
    yield warning(
      'master.split_brain',
      subject,
      what,
      `${first}CONFIG SET min-replicas-to-write ${wanted} on every node`,
    )
  } else if (attached !== null && minReplicas > attached) {
    const what = `min-replicas-to-write is ${minReplicas}, and ${attached} are attached: every write is refused`
    yield problem('master.min_replicas', subject, what, 'attach more replicas, or lower it on every node')
  } else if (attached !== null && minReplicas === attached) {
    const what =
      `min-replicas-to-write is ${minReplicas}, as many as there are: ` +
      'the next failover leaves one less, and no writes'
    yield warning('master.min_replicas', subject, what, 'have one replica more than that')
  }
  if (Number(config.timeout ?? 0) > 0) {
    const what = `timeout is ${config.timeout} s: the server ends connections that are idle for so long`
    yield warning('master.timeout', subject, what, 'CONFIG SET timeout 0 and tcp-keepalive 300 on every node')
  }
  const maxClients = Number(config.maxclients ?? Number.NaN)
  const sessions = settings.maxSessions === 0 ? Number.POSITIVE_INFINITY : settings.maxSessions
  if (maxClients < sessions) {
    const why = settings.links === 'private' ? 'each has a connection there' : 'each may need a connection there'
    const limit = settings.maxSessions === 0 ? 'no limit on sessions' : `${settings.maxSessions} sessions`
    const what = `maxclients is ${maxClients}, and --max-sessions allows ${limit}, where ${why}`
    yield warning('master.maxclients', subject, what, 'raise maxclients (and its open files), or lower --max-sessions')
  }
}

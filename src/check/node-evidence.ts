// node-evidence.ts: asks one data node everything that a judgement needs. Judges nothing.
//
// It finds out rights by using them, because ACL DRYRUN needs rights of its own. It changes nothing that lasts: CLIENT
// KILL and UNBLOCK name an id that no client has, and SCRIPT LOAD leaves only `return 0` in the server's script cache.
// What a marker needs is queued in a MULTI that is never executed: a server judges rights when it queues.
import { isUnknownCommand } from '../ops/missing-rights.ts'
import type { Reply } from '../sentinel/sentinel-view.ts'
import { ask, deniedOf, errorReplyOf, listOf, type Target, unknownOf } from './ask.ts'
import { type NodeEvidence, settingNames } from './evidence.ts'
import { contact } from './first-question.ts'
import { leastLimits } from './limits.ts'

type NodeTarget = Pick<NodeEvidence, 'announced' | 'listed'> & {
  readonly target: Target
  /** Commands of markers and acknowledgements whose rights are asked for. */
  readonly proof?: readonly ProofRight[]
}

/** EXEC by itself is an error, and needs the right all the same. */
const proofQuestions = {
  exec: ['EXEC'],
  multi: ['MULTI'],
  hset: ['HSET', '__holdfast:check', 'check', '0'],
  hmget: ['HMGET', '__holdfast:check', 'check'],
  hdel: ['HDEL', '__holdfast:check', 'check'],
  expire: ['EXPIRE', '__holdfast:check', '1'],
  wait: ['WAIT', '0', '1'],
} as const

export type ProofRight = keyof typeof proofQuestions

/** In the order of the questions: MULTI comes before what it queues, and EXEC before that. */
export const markerRights: readonly ProofRight[] = ['exec', 'multi', 'hset', 'hmget', 'hdel', 'expire']
export const ackRights: readonly ProofRight[] = ['wait']

/** Ids grow by one with each connection: no server reaches this one. */
const noClient = String(Number.MAX_SAFE_INTEGER)

export async function nodeEvidence({ target, announced, listed, proof = [] }: NodeTarget): Promise<NodeEvidence> {
  const { address, tls } = target.route
  const met = await contact(address, { tls: tls !== null, limits: target.limits ?? leastLimits })
  const unasked: NodeEvidence = {
    announced,
    address,
    listed,
    contact: met,
    refused: null,
    denied: [],
    unknown: [],
    proofDenied: [],
    proofUnknown: [],
    role: null,
    knowsHello: true,
    attached: null,
    linkState: null,
    settings: {},
    libraries: [],
    clockOffsetMs: null,
  }
  if (met.kind !== 'answers') return unasked
  const { replies, refused } = await ask(target, [
    ['HELLO', '2'],
    ['PING'],
    ['ROLE'],
    ['INFO', 'server'],
    ['CLIENT', 'KILL', 'ID', noClient],
    ['SCRIPT', 'LOAD', 'return 0'],
    ['SPUBLISH', 'holdfast:wait', ''],
    ['TIME'],
    ['CLIENT', 'LIST'],
    ['CLIENT', 'UNBLOCK', noClient],
    ['CLIENT', 'SETNAME', 'holdfast-check'],
    ['COMMAND'],
    ...settingNames.map(name => ['CONFIG', 'GET', name]),
    ...proof.map(right => proofQuestions[right]),
  ])
  const now = Date.now()
  if (refused) return { ...unasked, refused }
  const [hello, ping, role, info, kill, script, publish, time, clients, unblock, setName, commands, ...more] = replies
  const config = more.slice(0, settingNames.length)
  const proofReplies = more.slice(settingNames.length)
  const asked = [
    ['hello', hello],
    ['ping', ping],
    ['role', role],
    ['client|kill', kill],
    ['info', info],
    ['script|load', script],
    ['spublish &holdfast:wait', publish],
    ['client|list', clients],
    ['client|unblock', unblock],
    ['client|setname', setName],
    ['command', commands],
    ['config|get', config[0]],
  ] as const
  const isWhole = ({ message }: Error): boolean => /^(NOAUTH|ERR)/.test(message) && !isUnknownCommand(message)
  const error = [role, ping].flatMap(reply => reply?.[0] ?? []).find(isWhole)
  return {
    ...unasked,
    refused: error ? errorReplyOf(error) : null,
    denied: deniedOf(asked),
    unknown: unknownOf(asked),
    role: /^LOADING/.test(role?.[0]?.message ?? ping?.[0]?.message ?? '') ? 'loading' : roleOf(role),
    knowsHello: !/unknown command/i.test(hello?.[0]?.message ?? ''),
    attached: attachedOf(role),
    linkState: linkStateOf(role),
    proofDenied: proofDeniedOf(proof, proofReplies),
    proofUnknown: unknownOf(proof.map((right, i) => [right, proofReplies[i]] as const)),
    settings: Object.fromEntries(settingNames.flatMap((name, i) => settingOf(name, config[i]))),
    libraries: librariesOf(clients),
    clockOffsetMs: clockOf(time, now),
  }
}

function roleOf(reply: Reply | undefined): NodeEvidence['role'] {
  const [word] = listOf(reply)
  if (word === 'master') return 'master'
  return word === 'slave' || word === 'replica' ? 'replica' : null
}

function attachedOf(reply: Reply | undefined): number | null {
  const [role, , replicas] = listOf(reply)
  return role === 'master' && Array.isArray(replicas) ? replicas.length : null
}

function linkStateOf(reply: Reply | undefined): string | null {
  const state = listOf(reply)[3]
  return roleOf(reply) === 'replica' && typeof state === 'string' ? state : null
}

/** ACL rules that are missing. A key that is refused shows at the first command that may run at all. */
function proofDeniedOf(proof: readonly ProofRight[], replies: readonly Reply[]): string[] {
  const denied = deniedOf(proof.map((right, i) => [right, replies[i]] as const))
  const isOfKey = (right: string): boolean =>
    /\bkeys?\b/i.test(replies[proof.indexOf(right as ProofRight)]?.[0]?.message ?? '')
  const rules = denied.filter(right => !isOfKey(right)).map(right => `+${right}`)
  return denied.some(isOfKey) ? [...rules, '~__holdfast:*'] : rules
}

function settingOf(name: string, reply: Reply | undefined): [string, string][] {
  const [, value] = listOf(reply)
  return typeof value === 'string' ? [[name, value]] : []
}

/** Each library and version in CLIENT LIST, once. */
function librariesOf(reply: Reply | undefined): [name: string, version: string][] {
  const found = new Map<string, [string, string]>()
  for (const line of String(reply?.[1] ?? '').split('\n')) {
    const [, name, version = ''] = / lib-name=(\S+)(?: lib-ver=(\S*))?/.exec(line) ?? []
    if (name !== undefined) found.set(`${name} ${version}`, [name, version])
  }
  return [...found.values()]
}

/** Wrong by the time of the conversation, which may be seconds: only large differences mean anything. */
function clockOf(reply: Reply | undefined, now: number): number | null {
  const [seconds = Number.NaN, micros] = listOf(reply).map(Number)
  return Number.isFinite(seconds) ? seconds * 1000 + Number(micros) / 1000 - now : null
}

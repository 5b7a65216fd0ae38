// node-evidence.ts: asks one data node everything that a judgement needs. Judges nothing.
//
// It finds out rights by using them, because ACL DRYRUN needs rights of its own. It changes nothing that lasts: CLIENT
// KILL names an id that no client has, and SCRIPT LOAD leaves only `return 0` in the server's script cache.
import type { Reply } from '../sentinel/sentinel-view.ts'
import { ask, deniedOf, errorReplyOf, listOf, type Target } from './ask.ts'
import type { NodeEvidence } from './evidence.ts'
import { contact } from './first-question.ts'

type NodeTarget = Pick<NodeEvidence, 'announced' | 'listed'> & { readonly target: Target }

/** Ids grow by one with each connection: no server reaches this one. */
const noClient = String(Number.MAX_SAFE_INTEGER)
const settings = ['min-replicas-to-write', 'timeout', 'maxclients'] as const

export async function nodeEvidence({ target, announced, listed }: NodeTarget): Promise<NodeEvidence> {
  const { address, tls } = target.route
  const met = await contact(address, { tls: tls !== null })
  const unasked: NodeEvidence = {
    announced,
    address,
    listed,
    contact: met,
    refused: null,
    denied: [],
    role: null,
    knowsHello: true,
    attached: null,
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
    ...settings.map(name => ['CONFIG', 'GET', name]),
  ])
  const now = Date.now()
  if (refused) return { ...unasked, refused }
  const [hello, ping, role, info, kill, script, publish, time, clients, ...config] = replies
  const error = [role, ping].map(reply => reply?.[0]).find(found => /^(NOAUTH|ERR)/.test(found?.message ?? ''))
  return {
    ...unasked,
    refused: error ? errorReplyOf(error) : null,
    denied: deniedOf([
      ['hello', hello],
      ['ping', ping],
      ['role', role],
      ['client|kill', kill],
      ['info', info],
      ['script|load', script],
      ['spublish &holdfast:wait', publish],
    ]),
    role: /^LOADING/.test(role?.[0]?.message ?? ping?.[0]?.message ?? '') ? 'loading' : roleOf(role),
    knowsHello: !/unknown command/i.test(hello?.[0]?.message ?? ''),
    attached: attachedOf(role),
    settings: Object.fromEntries(settings.flatMap((name, i) => settingOf(name, config[i]))),
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

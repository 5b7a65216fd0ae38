// look.ts: asks each Sentinel and node what `holdfast switchover` must know before it does anything. Judges nothing.
//
// It changes nothing. Whether the user may run SENTINEL FAILOVER is found out with the name of a master that no Sentinel
// has: a server judges rights before it looks for the name.
import { createHash } from 'node:crypto'
import { type Address, sameAddress } from '../address.ts'
import { ask, deniedOf, listOf, type Target, unknownOf } from '../check/ask.ts'
import { routesOf } from '../check/collect.ts'
import type { Evidence } from '../check/evidence.ts'
import { chosenMaster } from '../check/judge-sentinels.ts'
import type { Config } from '../config.ts'
import { type Reply, readAddress, readFields } from '../sentinel/sentinel-view.ts'
import type { Candidate } from './candidate.ts'
import { hostOf, readClients } from './client-rows.ts'
import { readReplication } from './replication.ts'
import { comparedSettings, type NodeSight, type SentinelSight, type Sight } from './sight.ts'

/** Sentinels are configured with names of masters; nobody takes this one. */
const noMaster = 'holdfast-asks-for-its-rights'
/** Our own row in CLIENT LIST is known by it: CLIENT ID needs a right that nothing else needs. */
const OWN_NAME = 'holdfast-check'

/** Those that answered the check. */
export async function look(config: Config, evidence: Evidence): Promise<Sight> {
  const master = chosenMaster(evidence)
  const sentinelRoutes = routesOf(config, 'sentinel')
  const nodeRoutes = routesOf(config, 'redis')
  const sentinels = evidence.sentinels.filter(({ view }) => view !== null)
  const nodes = evidence.nodes.filter(({ contact, refused }) => contact.kind === 'answers' && refused === null)
  const [sentinelSights, nodeSights] = await Promise.all([
    Promise.all(
      sentinels.map(({ address, announced }) => {
        const route = sentinelRoutes.route(announced ?? address)
        const { sentinelUsername: username, sentinelPassword: password } = config
        const target = { route, username, password, helloSignsIn: true }
        return lookAtSentinel(target, config.masterName)
      }),
    ),
    Promise.all(
      nodes.map(({ announced }) => {
        const target = {
          route: nodeRoutes.route(announced),
          username: config.redisUsername,
          password: config.redisPassword,
        }
        return lookAtNode(announced, target, master !== null && sameAddress(announced, master))
      }),
    ),
  ])
  return {
    sentinels: sentinelSights.filter(sight => sight !== null),
    nodes: nodeSights.sort((a, b) => Number(b.isMaster) - Number(a.isMaster)),
  }
}

async function lookAtSentinel(target: Target, masterName: string): Promise<SentinelSight | null> {
  const { replies, refused } = await ask(target, [
    ['SENTINEL', 'MASTER', masterName],
    ['SENTINEL', 'REPLICAS', masterName],
    ['SENTINEL', 'FAILOVER', noMaster],
    ['INFO', 'server'],
  ])
  const [master, replicas, failover, info] = replies
  const fields = readFields(master?.[1])
  if (refused !== null || !fields) return null
  const isUnderWay = (fields.get('flags') ?? '').split(',').includes('failover_in_progress')
  return {
    address: target.route.address,
    target,
    mayFailover: deniedOf([['sentinel|failover', failover]]).length === 0,
    coordinates: knowsCoordinated(String(info?.[1] ?? '')),
    failoverState: isUnderWay ? (fields.get('failover-state') ?? 'unknown') : null,
    downAfterMs: Number(fields.get('down-after-milliseconds') ?? 0),
    masterRunId: fields.get('runid') ?? '',
    candidates: listOf(replicas).flatMap(readCandidate),
  }
}

/** Since Valkey 9.0; Redis has none. `info`: INFO server. */
export function knowsCoordinated(info: string): boolean {
  return Number(/^valkey_version:(\d+)\./m.exec(info)?.[1] ?? 0) >= 9
}

/** An entry of SENTINEL REPLICAS. */
export function readCandidate(entry: unknown): Candidate[] {
  const fields = readFields(entry)
  const address: Address | undefined = fields && readAddress([fields.get('ip'), fields.get('port')])
  if (!fields || !address) return []
  const number = (name: string): number => Number(fields.get(name) ?? 0)
  const candidate = {
    address,
    runId: fields.get('runid') ?? '',
    flags: (fields.get('flags') ?? '').split(','),
    priority: Number(fields.get('slave-priority') ?? 100),
    offset: number('slave-repl-offset'),
    infoAgeMs: number('info-refresh'),
    linkDownMs: number('master-link-down-time'),
    lastPingMs: number('last-ok-ping-reply'),
    isTakenForMaster: fields.get('role-reported') === 'master',
  }
  return [candidate]
}

async function lookAtNode(address: Address, target: Target, isMaster: boolean): Promise<NodeSight> {
  const { replies } = await ask(target, [
    ['INFO', 'replication'],
    ['INFO', 'memory'],
    ['ACL', 'LIST'],
    ['FUNCTION', 'LIST', 'WITHCODE'],
    ['CLIENT', 'SETNAME', OWN_NAME],
    ['CLIENT', 'LIST'],
    ...comparedSettings.map(name => ['CONFIG', 'GET', name]),
  ])
  const [replication, memory, users, functions, , clients, ...config] = replies
  const memoryText = textOf(memory)
  const rows = readClients(textOf(clients))
  const asked = [
    ['info', replication],
    ['acl|list', users],
    ['function|list', functions],
    ['client|list', clients],
    ['config|get', config[0]],
  ] as const
  return {
    address,
    target,
    isMaster,
    denied: deniedOf(asked),
    unknown: unknownOf(asked),
    replication: readReplication(textOf(replication)),
    usedMemory: Number(/^used_memory:(\d+)/m.exec(memoryText)?.[1] ?? 0),
    settings: Object.fromEntries(comparedSettings.flatMap((name, i) => settingOf(name, config[i]))),
    users: users?.[0] === null ? usersOf(listOf(users)) : null,
    functions: functions?.[0] === null ? digestOf(JSON.stringify(sorted(functions[1]))) : null,
    scripts: Number(/^number_of_cached_scripts:(\d+)/m.exec(memoryText)?.[1] ?? 0),
    ownHost: rows.filter(({ name }) => name === OWN_NAME).map(hostOf)[0] ?? '',
    clients: clients?.[0] === null ? rows : null,
  }
}

function textOf(reply: Reply | undefined): string {
  return String(reply?.[1] ?? '')
}

function settingOf(name: string, reply: Reply | undefined): [string, string][] {
  const [, value] = listOf(reply)
  return typeof value === 'string' ? [[name, value]] : []
}

/** `user NAME on #hash ~* ...`: the line holds hashes of passwords, so only a digest of it is kept. */
function usersOf(lines: readonly unknown[]): Map<string, string> {
  return new Map(
    lines.flatMap(line => {
      const [, name, rules] = /^user (\S+) (.*)$/.exec(String(line)) ?? []
      return name === undefined || rules === undefined ? [] : [[name, digestOf(rules)] as const]
    }),
  )
}

/** Servers list libraries in an order of their own. */
function sorted(list: unknown): string[] {
  return Array.isArray(list) ? list.map(entry => JSON.stringify(entry)).sort() : []
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}

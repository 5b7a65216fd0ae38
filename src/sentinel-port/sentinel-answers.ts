// sentinel-answers.ts: what the Sentinel port says of the masters that it knows: Holdfast itself, by each name. Pure.
//
// Fields, their order and the texts of errors are those of Sentinel (sentinelCommand, addReplySentinelRedisInstance and
// sentinelInfoCommand in sentinel.c, Redis 8.0).
// Never: has an address of a real Sentinel or node at hand, so none can be told. Never names a replica: reads go
// through Holdfast too. Never names another Sentinel: ioredis, go-redis and redis-client would ask that one instead.
import { array, bulk, failure, map, nilArray, type Protocol, simple } from './replies.ts'

/** What is told, as one client is to see it. */
export interface Told {
  readonly masters: readonly ToldMaster[]
  /** Of this port: 40 hexadecimal digits, made at the start. */
  readonly id: string
}

export interface ToldMaster {
  readonly masterName: string
  /** Where that client reaches Holdfast for this master. */
  readonly host: string
  readonly port: number
  /** The server that Holdfast stands for has another; clients see this one never change. */
  readonly runId: string
}

const noSuchMaster = failure('ERR No such master with that name')

/** Subcommands that change something at a Sentinel. */
const changing: ReadonlySet<string> = new Set([
  'failover',
  'reset',
  'monitor',
  'remove',
  'set',
  'config',
  'flushconfig',
  'debug',
  'simulate-failure',
])

/** Subcommands with one argument, the master's name. */
const named: Readonly<Record<string, (master: ToldMaster, protocol: Protocol) => string>> = {
  'get-master-addr-by-name': ({ host, port }) => array([bulk(host), bulk(String(port))]),
  master: masterOf,
  replicas: () => array([]),
  slaves: () => array([]),
  sentinels: () => array([]),
  ckquorum: () => simple('OK 1 usable Sentinels. Quorum and failover authorization can be reached'),
}

/** Subcommands without an argument. */
const plain: Readonly<Record<string, (told: Told, protocol: Protocol) => string>> = {
  masters: (told, protocol) => array(told.masters.map(master => masterOf(master, protocol))),
  myid: told => bulk(told.id),
}

/** SENTINEL; `args` are the words behind it. */
export function answerSentinel(told: Told, protocol: Protocol, args: readonly string[]): string {
  const [word, name, ...more] = args
  if (word === undefined) return failure("ERR wrong number of arguments for 'sentinel' command")
  const subcommand = word.toLowerCase()
  const arity = failure(`ERR wrong number of arguments for 'sentinel|${subcommand}' command`)
  const ofAll = Object.hasOwn(plain, subcommand) ? plain[subcommand] : undefined
  if (ofAll !== undefined) return name === undefined ? ofAll(told, protocol) : arity
  const ofOne = Object.hasOwn(named, subcommand) ? named[subcommand] : undefined
  if (ofOne !== undefined) {
    if (name === undefined || more.length > 0) return arity
    const master = told.masters.find(({ masterName }) => masterName === name)
    if (master !== undefined) return ofOne(master, protocol)
    return subcommand === 'get-master-addr-by-name' ? nilArray(protocol) : noSuchMaster
  }
  if (changing.has(subcommand))
    return failure(
      `NOPERM holdfast: SENTINEL ${subcommand.toUpperCase()} is refused: this port changes nothing; ask a Sentinel itself`,
    )
  return failure(`ERR unknown subcommand '${word.slice(0, 128)}'. Try SENTINEL HELP.`)
}

function masterOf({ masterName, host, port, runId }: ToldMaster, protocol: Protocol): string {
  const fields: readonly (readonly [string, string])[] = [
    ['name', masterName],
    ['ip', host],
    ['port', String(port)],
    ['runid', runId],
    ['flags', 'master'],
    ['link-pending-commands', '0'],
    ['link-refcount', '1'],
    ['last-ping-sent', '0'],
    ['last-ok-ping-reply', '0'],
    ['last-ping-reply', '0'],
    ['down-after-milliseconds', '30000'],
    ['info-refresh', '0'],
    ['role-reported', 'master'],
    ['role-reported-time', '0'],
    ['config-epoch', '0'],
    ['num-slaves', '0'],
    ['num-other-sentinels', '0'],
    ['quorum', '1'],
    ['failover-timeout', '180000'],
    ['parallel-syncs', '1'],
  ]
  return map(
    protocol,
    fields.map(([name, value]) => [name, bulk(value)]),
  )
}

/** ROLE of a Sentinel. */
export function roleOf({ masters }: Told): string {
  return array([bulk('sentinel'), array(masters.map(({ masterName }) => bulk(masterName)))])
}

/** The version that HELLO and INFO tell: one whose answers these are. */
export const TOLD_VERSION = '8.0.2'

const infoLine = ({ masterName, host, port }: ToldMaster, i: number): string =>
  `master${i}:name=${masterName},status=ok,address=${host}:${port},slaves=0,sentinels=1\r\n`

/** INFO; `sections` in lower case, none: all there are. */
export function infoOf(told: Told, sections: readonly string[]): string {
  const every = sections.length === 0 || sections.some(name => ['all', 'default', 'everything'].includes(name))
  const has = (name: string): boolean => every || sections.includes(name)
  const parts: string[] = []
  if (has('server'))
    parts.push(`# Server\r\nredis_version:${TOLD_VERSION}\r\nredis_mode:sentinel\r\nrun_id:${told.id}\r\n`)
  if (has('sentinel'))
    parts.push(
      `# Sentinel\r\nsentinel_masters:${told.masters.length}\r\nsentinel_tilt:0\r\nsentinel_tilt_since_seconds:-1\r\n` +
        'sentinel_running_scripts:0\r\nsentinel_scripts_queue_length:0\r\nsentinel_simulate_failure_flags:0\r\n' +
        told.masters.map(infoLine).join(''),
    )
  return bulk(parts.join('\r\n'))
}

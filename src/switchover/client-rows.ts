// client-rows.ts: reads CLIENT LIST, and says of each connection what it is to a switchover. Pure.
import type { ReplayClass } from '../command/command-spec.ts'
import { commandByName } from '../command/lookup.ts'
import { instanceOf } from '../instance.ts'
import type { ClientRow, NodeSight } from './sight.ts'

export function readClients(list: string): ClientRow[] {
  return list.split('\n').flatMap(line => {
    // A name holds no space: the server takes none.
    const fields = new Map(line.split(' ').flatMap(field => pairOf(field)))
    const id = fields.get('id')
    if (id === undefined) return []
    const command = fields.get('cmd') ?? ''
    const client = {
      id,
      address: fields.get('addr') ?? '',
      name: fields.get('name') ?? '',
      library: fields.get('lib-name') ?? '',
      user: fields.get('user') ?? 'default',
      command: command === 'NULL' ? '' : command,
      flags: fields.get('flags') ?? '',
      idleSeconds: Number(fields.get('idle') ?? 0),
    }
    return [client]
  })
}

function pairOf(field: string): [string, string][] {
  const at = field.indexOf('=')
  return at > 0 ? [[field.slice(0, at), field.slice(at + 1)]] : []
}

/** Which clients come through a Holdfast. */
export interface Through {
  /** Ids of the links of the proxy that is asked to hold. */
  readonly own: ReadonlySet<string>
  /** Hosts on which another Holdfast runs. A link of a session's own bears no mark, so that it is known by its host. */
  readonly hosts: ReadonlySet<string>
  /** How many others there are. */
  readonly others: number
}

/** `instance`: the name of the proxy that is asked; null: none answers. */
export function throughOf(
  { clients, ownHost }: Pick<NodeSight, 'clients' | 'ownHost'>,
  own: ReadonlySet<string>,
  instance: string | null,
): Through {
  const all = clients ?? []
  const ownHosts = new Set([ownHost, ...all.filter(({ id }) => own.has(id)).map(hostOf)])
  const named = all.filter(({ name }) => instanceOf(name) !== null && name !== instance)
  // One without sessions that share has its watcher alone.
  const watched = all.filter(client => client.name === 'holdfast-watcher' && !ownHosts.has(hostOf(client)))
  const hosts = new Set(named.map(hostOf))
  const silent = new Set(watched.map(hostOf).filter(host => !hosts.has(host)))
  const others = new Set(named.map(({ name }) => name)).size + silent.size
  return { own, hosts: new Set([...hosts, ...silent]), others }
}

export function hostOf({ address }: ClientRow): string {
  return address.slice(0, address.lastIndexOf(':'))
}

/**
 * `servers`: a replica, or a Sentinel. `holdfast`: it comes through a Holdfast, or is one. `probable`: one runs on its
 * host. `writer`: it comes through none, and its last command changes data. `other`: it has not written lately.
 */
export type ClientKind = 'servers' | 'holdfast' | 'probable' | 'writer' | 'other'

export function kindOf(client: ClientRow, { own, hosts }: Through): ClientKind {
  const { id, name, flags, command } = client
  if (/[SM]/.test(flags) || /^sentinel-[0-9a-f]{8}-(cmd|pubsub)$/.test(name)) return 'servers'
  if (own.has(id) || instanceOf(name) !== null || /^holdfast-(watcher|replicas|check)$/.test(name)) return 'holdfast'
  if (hosts.has(hostOf(client))) return 'probable'
  return changesData(command) ? 'writer' : 'other'
}

/** By the name that CLIENT LIST gives: `set`, `client|list`. A command that we do not know counts as such. */
function changesData(command: string): boolean {
  if (command === '' || command === 'unknown') return false
  const [name = '', subcommand] = command.toLowerCase().split('|')
  const spec = commandByName(name)
  if (!spec.known) return true
  if (noData.has(name) || (spec.subcommands !== null && subcommand === undefined)) return false
  return writes.has(spec.subcommands?.get(subcommand ?? '')?.cls ?? spec.cls)
}

const writes: ReadonlySet<ReplayClass> = new Set(['idempotent', 'state-idempotent', 'non-idempotent', 'blocking'])
/** Messages and waits: in a class of writes for what a repeat does, and still no data of theirs is lost. */
const noData: ReadonlySet<string> = new Set(['publish', 'spublish', 'wait', 'waitaof', 'script', 'xread'])

/** The same for INFO commandstats, which counts what a script or transaction runs by itself. */
export function countsAsWrite(command: string): boolean {
  return !/^(multi|exec|discard|eval|evalsha|fcall)$/i.test(command) && changesData(command)
}

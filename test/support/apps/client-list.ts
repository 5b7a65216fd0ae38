// client-list.ts: the connections a master has from a proxy, as CLIENT LIST shows them.
import { ask } from '../resp-client.ts'
import type { Node } from '../servers.ts'

export interface MasterLink {
  readonly resp: number
  /** Channels it is subscribed to. */
  readonly channels: number
  /** The last command, lower case. */
  readonly command: string
  /** b: blocked, x: inside MULTI, ... as the server shows them. */
  readonly flags: string
  readonly library: string
  readonly name: string
}

/** Those that carry clients' commands: not replicas, Sentinels, the proxy's own watcher, the connection that asks. */
export async function linksAt(node: Node): Promise<MasterLink[]> {
  const reply = String(await ask(node, ['CLIENT', 'LIST'], { password: node.password }))
  return reply
    .split('\n')
    .filter(line => line !== '')
    .map(line => new Map(line.split(' ').map(field => splitField(field))))
    .filter(fields => {
      const isReplica = (fields.get('flags') ?? '').includes('S')
      const watches = /^(sentinel-|holdfast-(watcher|replicas)$)/.test(fields.get('name') ?? '')
      return !isReplica && !watches && fields.get('cmd') !== 'client|list'
    })
    .map(fields => ({
      resp: Number(fields.get('resp')),
      channels: Number(fields.get('sub')),
      command: fields.get('cmd') ?? '',
      flags: fields.get('flags') ?? '',
      library: fields.get('lib-name') ?? '',
      name: fields.get('name') ?? '',
    }))
}

function splitField(field: string): [string, string] {
  const at = field.indexOf('=')
  return [field.slice(0, at), field.slice(at + 1)]
}

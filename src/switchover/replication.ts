// replication.ts: reads INFO replication. Pure.
import type { Replication } from './sight.ts'

/** Null where the text is none of a server. */
export function readReplication(info: string): Replication | null {
  const fields = new Map(
    info.split('\r\n').flatMap(line => {
      const at = line.indexOf(':')
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : []
    }),
  )
  const role = fields.get('role')
  if (role !== 'master' && role !== 'slave') return null
  const replicas = [...fields].flatMap(([name, value]) => (/^slave\d+$/.test(name) ? replicaOf(value) : []))
  return {
    role: role === 'master' ? 'master' : 'replica',
    // Of a replica slave_repl_offset is what it has received; master_repl_offset is the same or behind.
    offset: Number(
      (role === 'slave' ? fields.get('slave_repl_offset') : undefined) ?? fields.get('master_repl_offset'),
    ),
    linkUp: fields.get('master_link_status') === 'up',
    master: role === 'slave' ? `${fields.get('master_host')}:${fields.get('master_port')}` : '',
    replicas,
  }
}

/** `ip=10.0.0.2,port=6379,state=online,offset=1404,lag=0` */
function replicaOf(value: string): Replication['replicas'][number][] {
  const parts = new Map(value.split(',').map(part => part.split('=', 2) as [string, string]))
  const [ip, port] = [parts.get('ip'), parts.get('port')]
  if (ip === undefined || port === undefined) return []
  const lagSeconds = Number(parts.get('lag') ?? 0)
  return [{ address: `${ip}:${port}`, online: parts.get('state') === 'online', lagSeconds }]
}

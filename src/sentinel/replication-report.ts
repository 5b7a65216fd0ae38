// replication-report.ts: what a data node says of its replication: its role, its place in the history, and whether it
// can serve reads. Pure.
//
// INFO replication and INFO server in one reply each, and PING: a replica that has lost its master and may serve no old
// data (replica-serve-stale-data no) answers the first two all the same.
import { withoutArguments } from '../ops/without-arguments.ts'
import type { Reply } from './sentinel-view.ts'

export interface NodeReport {
  readonly role: 'master' | 'replica'
  /** Its process; null where it does not say. */
  readonly runId: string | null
  /** The history that it follows or writes, and how far it has come there: of a replica what it has applied. */
  readonly replid: string
  readonly offset: number
  /** The history before, and the first offset that is not of both. */
  readonly replid2: string | null
  readonly secondOffset: number
  /** Of a replica: it is connected to its master, and not about to load all data anew. */
  readonly linkUp: boolean
}

export type NodeAnswer =
  | ({ readonly kind: 'report' } & NodeReport)
  /** It is there and can serve no reads now: it loads, or has lost its master and serves no old data. */
  | { readonly kind: 'no-data'; readonly why: string }
  /** It will not say: the user may not ask. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'silent'; readonly why: string }

/** What the replies to INFO replication, INFO server and PING say. Never throws. */
export function readReport([replication, server, ping]: readonly Reply[]): NodeAnswer {
  for (const reply of [replication, server, ping]) {
    const error = reply?.[0]
    if (!error) continue
    const why = withoutArguments(error.message)
    if (/^-?(LOADING|MASTERDOWN)\b/.test(why)) return { kind: 'no-data', why }
    // PING alone may be forbidden: then commands of clients will tell.
    if (reply !== ping) return { kind: error.name === 'ReplyError' ? 'refused' : 'silent', why }
  }
  const fields = readInfo(String(replication?.[1] ?? ''))
  const about = readInfo(String(server?.[1] ?? ''))
  const role = fields.get('role')
  const isReplica = role === 'slave' || role === 'replica'
  const replid = fields.get('master_replid')
  const offset = Number(fields.get(isReplica ? 'slave_repl_offset' : 'master_repl_offset'))
  if ((!isReplica && role !== 'master') || replid === undefined || !Number.isSafeInteger(offset))
    return { kind: 'silent', why: 'the answer to INFO replication is not one of a Redis node' }
  const replid2 = fields.get('master_replid2') ?? ''
  return {
    kind: 'report',
    role: isReplica ? 'replica' : 'master',
    runId: about.get('run_id') ?? null,
    replid,
    offset,
    replid2: /^0*$/.test(replid2) ? null : replid2,
    secondOffset: Number(fields.get('second_repl_offset') ?? -1),
    linkUp: fields.get('master_link_status') === 'up' && fields.get('master_sync_in_progress') !== '1',
  }
}

function readInfo(text: string): Map<string, string> {
  const lines = text.split('\r\n').map(line => line.split(':', 2))
  return new Map(lines.flatMap(([name, value]) => (name && value !== undefined ? [[name, value] as const] : [])))
}

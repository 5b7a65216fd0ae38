// client-capa.ts: what of CLIENT CAPA reaches a replica: all but `redirect`.
//
// A replica of Valkey answers whoever can be redirected with the master's own address, reads too. Clients of the port for
// replicas have come to read there; their writes are refused as ever.
import { encodeCommand } from '../../resp/encode.ts'
import type { SessionContext } from '../state/session-context.ts'

/** A server takes what it does not know, and has to be told something. */
const NOTHING = 'none'

/** The frame to send in place of this CLIENT CAPA. */
export function capaFor({ host }: SessionContext, frame: Buffer, args: readonly Buffer[]): Buffer {
  if (!host.lanes.areOfReplicas || args.length < 3) return frame
  const kept = args.slice(2).filter(name => name.toString('latin1').toLowerCase() !== 'redirect')
  return encodeCommand(['CLIENT', 'CAPA', ...(kept.length > 0 ? kept : [NOTHING])])
}

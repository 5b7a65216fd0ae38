// turn-away.ts: what a client is told that may not come in: the error of Redis, then its connection ends.
//
// Owns: nothing. Never: decides who may come in (port.ts for open files, listener.ts for --max-sessions).
import type { Socket } from 'node:net'
import { errors } from '../../errors.ts'
import type { Counters } from '../../ops/counters.ts'
import { closeGracefully } from '../flow/graceful-close.ts'
import type { ThrottledLog } from '../flow/throttled-log.ts'
import { endsOf } from '../state/socket-addresses.ts'

/** Why: the option, or the limit of open files. */
export interface Crowded {
  readonly limit: number
  readonly by: '--max-sessions' | 'open files'
  /** The option of the port, where that is not clear from the others. */
  readonly port?: string
}

const texts: Readonly<Record<Crowded['by'], string>> = {
  '--max-sessions': 'too many sessions (--max-sessions)',
  'open files': 'too many sessions for the limit of open files: raise it (ulimit -n, LimitNOFILE)',
}

/** Counts and logs a client that may not come in. `peer` undefined: it is gone already. */
export function noteRefused(
  peer: string | undefined,
  { limit, by, port }: Crowded,
  { counters, limitLog }: { readonly counters: Counters; readonly limitLog: ThrottledLog },
): void {
  counters.sessionsRefused++
  limitLog.warn('session.refused', { peer, limit, by, port }, texts[by])
}

/** Tells the client, and ends its connection within a second. */
export function turnAway(
  socket: Socket,
  crowded: Crowded,
  host: { readonly counters: Counters; readonly limitLog: ThrottledLog },
): void {
  noteRefused(endsOf(socket).peer, crowded, host)
  socket.on('error', () => {})
  socket.write(errors.tooManySessions.reply)
  closeGracefully(socket)
}

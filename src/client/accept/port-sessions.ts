// port-sessions.ts: the sessions of one port by their numbers, and the client ids that they are told. Listeners that
// share a port share this: to their clients, CLIENT LIST and CLIENT KILL mean everybody at the port.
//
// Never: ends a session, or knows which listener has it.
import { ClientIds } from '../state/client-ids.ts'
import type { SessionContext } from '../state/session-context.ts'

export class PortSessions {
  readonly ids = new ClientIds()
  /** In the order in which they came. */
  readonly all = new Map<number, SessionContext>()
  #last = 0

  /** The number of a new session. */
  next(): number {
    return ++this.#last
  }
}

// session-state.ts: what a client has told Redis about its connection, so that another node can be told again.
// Data and small pure functions. Never: sends, decides.
import { createIdentity, type Identity } from '../../upstream/identity.ts'

/** Everything but transactions and subscriptions, which have files of their own. Begins at Redis's defaults. */
export class SessionState {
  identity: Identity
  /** CLIENT SETNAME or HELLO SETNAME; empty: none. */
  name = ''
  libName = ''
  libVersion = ''
  noEvict = false
  noTouch = false
  /** READONLY (Valkey takes it outside of a cluster). */
  readonly = false
  importSource = false
  /** The frame of CLIENT CAPA, which is sent again as it was. */
  capa: Buffer | null = null
  /** The frame of the CLIENT TRACKING in force. */
  tracking: Buffer | null = null
  /** The frame of the last CLIENT CACHING, and how many commands were answered before it. */
  caching: { readonly frame: Buffer; readonly answered: number } | null = null
  /** How many commands came before the last CLIENT CACHING that was sent; -1: there was none. */
  cachingSent = -1
  monitoring = false
  /** performance.now() when MONITOR was sent on the link that is up. */
  monitoringSince = 0
  /** CLIENT REPLY: off, or one more reply to be skipped. */
  reply: 'on' | 'off' | 'skip-next' = 'on'
  /** WATCH has been sent since the last EXEC, DISCARD or UNWATCH. */
  watching = false
  /** A link that watched keys is lost: nobody knows whether they changed, so the next EXEC answers nil. */
  watchLost = false

  /** `identity`: as the options give it. */
  constructor(identity: Identity) {
    this.identity = identity
  }
}

/**
 * RESET: back to the defaults (clearClientConnectionState in networking.c). The library's name and version stay, and so
 * do CLIENT CAPA and CLIENT IMPORT-SOURCE, as they do in the server.
 */
export function resetState(state: SessionState, identity: Identity): void {
  const { libName, libVersion, capa, importSource } = state
  Object.assign(state, new SessionState(identity), { libName, libVersion, capa, importSource })
}

/** The identity with some of its parts replaced. */
export function withIdentity(
  old: Identity,
  change: Partial<Pick<Identity, 'username' | 'password' | 'database' | 'protocol'>>,
): Identity {
  const { username, password, database, protocol } = { ...old, password: old.own ?? old.password, ...change }
  return createIdentity(username, password, database, protocol)
}

/** EXEC, DISCARD or UNWATCH: no key is watched any more. */
export function unwatch(state: SessionState): void {
  state.watching = false
  state.watchLost = false
}

/** Nothing in this state needs a link of the session's own. */
export function isPlain(state: SessionState): boolean {
  return (
    !state.watching &&
    !state.watchLost &&
    !state.monitoring &&
    !state.noEvict &&
    !state.noTouch &&
    !state.readonly &&
    !state.importSource &&
    state.capa === null &&
    state.tracking === null
  )
}

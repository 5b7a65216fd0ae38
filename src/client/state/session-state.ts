// session-state.ts: what a client has told Redis about its connection, so that another node can be told again.
// Data and small pure functions. Never: sends, decides.
import { createIdentity, type Identity } from '../../upstream/identity.ts'

/** Everything but transactions and subscriptions, which have files of their own. */
export interface SessionState {
  identity: Identity
  /** CLIENT SETNAME or HELLO SETNAME; empty: none. */
  name: string
  libName: string
  libVersion: string
  noEvict: boolean
  noTouch: boolean
  /** READONLY (Valkey takes it outside of a cluster). */
  readonly: boolean
  importSource: boolean
  /** The frame of CLIENT CAPA, which is sent again as it was. */
  capa: Buffer | null
  /** The frame of the CLIENT TRACKING in force. */
  tracking: Buffer | null
  /** The frame of the last CLIENT CACHING, and how many commands were answered before it. */
  caching: { readonly frame: Buffer; readonly answered: number } | null
  monitoring: boolean
  /** performance.now() when MONITOR was sent on the link that is up. */
  monitoringSince: number
  /** CLIENT REPLY: off, or one more reply to be skipped. */
  reply: 'on' | 'off' | 'skip-next'
  /** WATCH has been sent since the last EXEC, DISCARD or UNWATCH. */
  watching: boolean
  /** A link that watched keys is lost: nobody knows whether they changed, so the next EXEC answers nil. */
  watchLost: boolean
}

/** A new session's state: the identity that the options give it, everything else at Redis's defaults. */
export function createState(identity: Identity): SessionState {
  return {
    identity,
    name: '',
    libName: '',
    libVersion: '',
    noEvict: false,
    noTouch: false,
    readonly: false,
    importSource: false,
    capa: null,
    tracking: null,
    caching: null,
    monitoring: false,
    monitoringSince: 0,
    reply: 'on',
    watching: false,
    watchLost: false,
  }
}

/**
 * RESET: back to the defaults (clearClientConnectionState in networking.c). The library's name and version stay, and so
 * do CLIENT CAPA and CLIENT IMPORT-SOURCE, as they do in the server.
 */
export function resetState(state: SessionState, identity: Identity): void {
  const { libName, libVersion, capa, importSource } = state
  Object.assign(state, createState(identity), { libName, libVersion, capa, importSource })
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

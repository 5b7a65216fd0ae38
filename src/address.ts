// address.ts: the two nouns that both planes share: where a node listens, and which node is the master. Pure; a leaf.

/** Where something listens. `host` is a name, an IPv4 or an IPv6 address without brackets. */
export interface Address {
  readonly host: string
  readonly port: number
}

/**
 * The master as a majority of the Sentinels names it. `epoch` is Sentinel's config epoch: it only grows, and orders
 * configurations (sentinel.c). `runId` identifies the process, by INFO; null where the node does not give it. A node
 * that restarts at the same address has a new one, so a fence by client id means something only while it stays the
 * same.
 */
export interface Master extends Address {
  readonly epoch: number
  /**
   * The epoch under which this process became the master, where the Sentinels have begun anew since and say an older
   * one; left out: `epoch`.
   */
  readonly since?: number
  readonly runId: string | null
  /**
   * Where the master before it stands, `ip:port`: no link may, whatever its name resolves to. That server says for ten
   * seconds more that it is a master. Left out: not known, or both are reached there.
   */
  readonly notAt?: string
  /** What the node must say that it is, before anything is sent to it; left out: a master. */
  readonly role?: 'replica'
}

/** `host:port`, with brackets around IPv6, as people write it on a command line. */
export function formatAddress(address: Address): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/** Whether both are the same place. Compares names as text and resolves none. */
export function sameAddress(a: Address, b: Address): boolean {
  return a.port === b.port && a.host === b.host
}

/** Whether only one of the two can listen: 0.0.0.0 and :: are every address of this machine. Port 0 is another each time. */
export function isSamePlace(a: Address, b: Address): boolean {
  const isEvery = [a, b].some(({ host }) => host === '0.0.0.0' || host === '::')
  return a.port !== 0 && a.port === b.port && (a.host === b.host || isEvery)
}

/** 127.0.0.0/8, ::1 (also as an IPv4 address in IPv6) and the name that means them (RFC 6761). */
export function isLoopback(host: string): boolean {
  return /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(host) || host === '::1' || /^localhost\.?$/i.test(host)
}

/** Where to reach from here what listens at this address: 0.0.0.0 and :: are every address of this machine. */
export function reachable({ host, port }: Address): Address {
  return { host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port }
}

/**
 * Reads `HOST:PORT`, `[IPv6]:PORT` or, with `defaultHost`, a bare `PORT`. Answers undefined for anything else, and for
 * ports outside 1..65535 (with `allowZero` 0 is allowed).
 */
export function parseAddress(
  text: string,
  options: { defaultHost?: string; allowZero?: boolean } = {},
): Address | undefined {
  const match = /^(?:\[([^\]]+)\]:|([^:[\]]+):)?(\d{1,5})$/.exec(text.trim())
  if (!match) return undefined
  const host = match[1] ?? match[2] ?? options.defaultHost
  const port = Number(match[3])
  if (host === undefined || port > 65535 || (port === 0 && !options.allowZero)) return undefined
  return { host, port }
}

// address.ts: the two nouns both planes share: where a node listens, and which node is the master.
// Imports nothing; pure functions only.

/** Where something listens. `host` is a name, an IPv4 or an IPv6 address without brackets. */
export interface Address {
  readonly host: string
  readonly port: number
}

/**
 * The master as a majority of the Sentinels gives it.
 * `epoch` is Sentinel's config epoch: it only grows, and orders configurations (sentinel.c).
 * `runId` is the process identity from INFO; null where the node would not tell it. A node that restarted at the
 * same address has a new one, so a fence by client id is meaningful only while it stays the same.
 */
export interface Master extends Address {
  readonly epoch: number
  readonly runId: string | null
}

/** `host:port`, with brackets around IPv6, as people write it on a command line. */
export function formatAddress(address: Address): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/** Same place; names are compared as text, without resolving them. */
export function sameAddress(a: Address, b: Address): boolean {
  return a.port === b.port && a.host === b.host
}

/**
 * Reads `HOST:PORT`, `[IPv6]:PORT` or, where `defaultHost` is given, a bare `PORT`.
 * Answers undefined for anything else, including ports outside 1..65535 (0 is allowed with `allowZero`).
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

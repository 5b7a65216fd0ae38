// exposed-listeners.ts: which listeners are open to other machines without TLS or a password, and what to do about it.
// Pure; the process edge logs each line once, at the start.
import { type Address, formatAddress } from '../address.ts'
import type { Config } from '../config.ts'

export interface Exposure {
  readonly event: 'listen.exposed' | 'admin.exposed'
  readonly address: string
  readonly msg: string
}

/** One for each door that is not kept to this machine and asks for nothing. */
export function exposures(config: Config): Exposure[] {
  const { listen, adminListen, clientPassword, listenTls, redisPassword } = config
  const found: Exposure[] = []
  if (listen !== null && !isLoopback(listen) && clientPassword === null && listenTls === null) {
    const rights =
      redisPassword === null
        ? 'whoever reaches it speaks to Redis, in clear'
        : 'whoever reaches it works at Redis with the rights of --redis-username, without a password'
    found.push({
      event: 'listen.exposed',
      address: formatAddress(listen),
      msg:
        `clients are let in from other machines with neither TLS nor a password: ${rights}. Listen on 127.0.0.1 or a ` +
        '--listen-socket, or set --client-password-file, or --listen-tls-cert and --listen-tls-key',
    })
  }
  if (adminListen !== null && !isLoopback(adminListen))
    found.push({
      event: 'admin.exposed',
      address: formatAddress(adminListen),
      msg:
        'the admin port answers other machines and asks for no password: addresses, counters and states can be read ' +
        'there. Listen on 127.0.0.1, or let a firewall or network policy admit only who scrapes and probes it',
    })
  return found
}

/** 127.0.0.0/8, ::1 (also as an IPv4 address in IPv6) and the name that means them (RFC 6761). */
export function isLoopback({ host }: Address): boolean {
  return /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(host) || host === '::1' || /^localhost\.?$/i.test(host)
}

// exposed-listeners.ts: finds listeners that are open to other machines without TLS or a password, and says what to do.
// Pure. cli/serve.ts logs each line once, at the start.
import { formatAddress, isLoopback } from '../address.ts'
import type { Config } from '../config.ts'

export interface Exposure {
  readonly event: 'listen.exposed' | 'admin.exposed'
  readonly address: string
  readonly msg: string
}

/** One for each listener that other machines reach and that asks for nothing. `configs`: one for each master. */
export function exposures(configs: readonly [Config, ...Config[]]): Exposure[] {
  const found = configs.flatMap(exposedClients)
  found.push(...exposedSentinelPort(configs))
  const [{ adminListen }] = configs
  if (adminListen !== null && !isLoopback(adminListen.host))
    found.push({
      event: 'admin.exposed',
      address: formatAddress(adminListen),
      msg:
        'the admin port answers other machines without a password: they can read addresses, counters and states ' +
        'there. Listen on 127.0.0.1, or let a firewall or network policy admit only what scrapes and probes it',
    })
  return found
}

function exposedClients({ listen, replicaListen, clientPassword, listenTls, redisPassword }: Config): Exposure[] {
  if (clientPassword !== null || listenTls !== null) return []
  const rights =
    redisPassword === null
      ? 'whoever reaches the port speaks to Redis, in the clear'
      : 'whoever reaches the port has the rights of --redis-username, without a password'
  const open = [listen, replicaListen].flatMap(one => (one === null || isLoopback(one.host) ? [] : [one]))
  return open.map(address => ({
    event: 'listen.exposed' as const,
    address: formatAddress(address),
    msg:
      `clients of other machines come in with neither TLS nor a password: ${rights}. Listen on 127.0.0.1 or a ` +
      '--listen-socket, or set --client-password-file, or --listen-tls-cert and --listen-tls-key',
  }))
}

/** The Sentinel port asks for what the ports of all masters ask for (proxy/sentinel-port-entry.ts). */
function exposedSentinelPort(configs: readonly [Config, ...Config[]]): Exposure[] {
  const [{ sentinelListen }] = configs
  if (sentinelListen === null || isLoopback(sentinelListen.host)) return []
  const asksPassword = configs.every(one => one.clientPassword !== null)
  const speaksTls = configs.every(one => one.listenTls !== null)
  if (asksPassword || speaksTls) return []
  const all = configs.length > 1 ? ' for every master' : ''
  return [
    {
      event: 'listen.exposed',
      address: formatAddress(sentinelListen),
      msg:
        'the Sentinel port answers other machines with neither TLS nor a password: whoever reaches it learns the names ' +
        `of the masters and where Holdfast listens. Set --sentinel-listen to 127.0.0.1, or set${all} ` +
        '--client-password-file, or --listen-tls-cert and --listen-tls-key',
    },
  ]
}

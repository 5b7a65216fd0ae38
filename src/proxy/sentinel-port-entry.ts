// sentinel-port-entry.ts: opens the Sentinel port, with the TLS and the passwords of the ports of the masters: who may
// not speak to a master here is not told where it is.
//
// With several masters the port speaks TLS where all of them do (the files of the first), and asks for a password where
// all of them do: that of any master opens it.
import type { Socket } from 'node:net'
import type { Address } from '../address.ts'
import { Port } from '../client/accept/port.ts'
import { turnAway } from '../client/accept/turn-away.ts'
import { ThrottledLog } from '../client/flow/throttled-log.ts'
import type { ProxyPassword } from '../client/state/proxy-password.ts'
import type { Config } from '../config.ts'
import type { Bugs } from '../ops/bugs.ts'
import type { Counters } from '../ops/counters.ts'
import type { Log } from '../ops/log.ts'
import type { Login } from '../sentinel-port/asker.ts'
import type { OpenFiles } from '../transport/open-files.ts'
import { aboutPlace } from './bind-error.ts'
import type { MasterBound } from './master-ports.ts'

export interface OpenSentinelPort {
  readonly bound: Address
  /** The TLS files have changed. */
  reloadTls(): void
  close(): Promise<void>
}

/** The option of this port. */
const SIDE = 'sentinel-listen'

interface Parts {
  readonly counters: Counters
  readonly log: Log
  readonly bugs: Bugs
  readonly openFiles: OpenFiles
  /** The password of each master's clients; null: none. */
  readonly logins: readonly (ProxyPassword | null)[]
}

/** Loads its code only when it is wanted; null: it is not. */
export async function openSentinelPort(
  configs: readonly [Config, ...Config[]],
  bound: readonly MasterBound[],
  { logins, openFiles, ...parts }: Parts,
): Promise<OpenSentinelPort | null> {
  const [{ sentinelListen, maxSessions, tcpKeepaliveMs, listenTls }] = configs
  if (sentinelListen === null) return null
  const { SentinelPort } = await import('../sentinel-port/sentinel-port.ts')
  const passwords = logins.flatMap(login => login ?? [])
  const sentinelPort = new SentinelPort(
    configs.map(({ masterName, announce }, i) => ({
      masterName,
      announced: announce,
      clients: bound[i]?.listen ?? null,
    })),
    passwords.length < logins.length ? null : socket => loginOf(passwords, socket, parts),
    parts,
  )
  const refusals = { counters: parts.counters, limitLog: new ThrottledLog(parts.log) }
  const accept = (socket: Socket): void => {
    if (maxSessions === 0 || sentinelPort.size < maxSessions) sentinelPort.accept(socket)
    else turnAway(socket, { limit: maxSessions, by: '--max-sessions', port: SIDE }, refusals)
  }
  const tls = configs.every(one => one.listenTls !== null) ? listenTls : null
  const port = new Port({ keepAliveMs: tcpKeepaliveMs, tls, side: SIDE, files: openFiles, ...parts }, accept)
  try {
    const at = await port.listen(sentinelListen)
    const close = async (): Promise<void> => {
      const closed = port.close()
      sentinelPort.close()
      await closed
    }
    return { bound: at, reloadTls: () => port.reloadTls(), close }
  } catch (error) {
    throw aboutPlace(error, { option: SIDE, wanted: sentinelListen })
  }
}

function loginOf(
  passwords: readonly ProxyPassword[],
  socket: Socket,
  { counters, log }: Pick<Parts, 'counters' | 'log'>,
): Login {
  const peer = `${socket.remoteAddress}:${socket.remotePort}`
  return {
    // All are compared, so the time tells nothing of which one is right.
    accepts: (username, password) => passwords.filter(one => one.accepts(username, password)).length > 0,
    noteRefused: () => {
      counters.loginsRefused++
      passwords[0]?.logRefused(log, { port: SIDE, peer })
    },
  }
}

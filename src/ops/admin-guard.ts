// admin-guard.ts: who may use the admin port's connections, and for which host names it answers. Knows no page.
//
// A stranger's web page can make a browser on this host ask for the stranger's own name, which DNS has turned into
// 127.0.0.1 (DNS rebinding). The Host header still bears that name. So on the loopback the port answers only names that
// no stranger can have. Other machines reach the port anyway where it is open to them (admin.exposed).
// One connection too many ends the oldest, not the newest: whoever holds many open locks out no probe.
import { isIP, type Socket } from 'node:net'
import { hostname } from 'node:os'

/**
 * An address, `localhost`, this host, what the port was told to listen on, or a name without a dot. Pure but for the
 * host's name.
 */
export function isOwnName(host: string, listenHost: string): boolean {
  const name = host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase()
  if (isIP(name) !== 0 || !name.includes('.') || name.endsWith('.localhost')) return true
  return name === listenHost.toLowerCase() || name === hostname().toLowerCase()
}

/** Whether this host may be asked for by that name. A question without a name comes from no browser. */
export function mayAsk(socket: Socket, host: string | undefined, listenHost: string): boolean {
  const here = socket.localAddress ?? ''
  const isLoopback = here === '::1' || /^(?:::ffff:)?127\./.test(here)
  return host === undefined || !isLoopback || isOwnName(host, listenHost)
}

/** Keeps the newest connections, `most` of them. */
export function keepNewest(most: number): (socket: Socket) => void {
  const open = new Set<Socket>()
  return socket => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    const [oldest] = open
    if (open.size <= most || oldest === undefined) return
    open.delete(oldest)
    oldest.destroy()
  }
}

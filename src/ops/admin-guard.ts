// admin-guard.ts: decides for which host names the admin port answers, and which connections it keeps. Knows no page.
//
// A stranger's web page can make a browser on this host ask for a name of the stranger that DNS turned into 127.0.0.1
// (DNS rebinding). The Host header still has that name, so on the loopback the port answers only for names that no
// stranger can have. Where the port is open to other machines they reach it anyway (admin.exposed).
// One connection too many ends the oldest, so nobody can lock out a probe by holding many.
import { isIP, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { isLoopback } from '../address.ts'

/** An address, `localhost`, this host, the host in --admin-listen, or a name without a dot. */
function isOwnName(host: string, listenHost: string): boolean {
  const name = host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase()
  if (isIP(name) !== 0 || !name.includes('.') || name.endsWith('.localhost')) return true
  return name === listenHost.toLowerCase() || name === hostname().toLowerCase()
}

/** Whether a request may come for that host name. One without a name comes from no browser. */
export function mayAsk(socket: Socket, host: string | undefined, listenHost: string): boolean {
  return host === undefined || !isLoopback(socket.localAddress ?? '') || isOwnName(host, listenHost)
}

/** Keeps the newest `most` connections and ends older ones. */
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

// socket-addresses.ts: the addresses of both sides of a client's connection, as CLIENT LIST shows them: `addr` is the
// client's, `laddr` the one it has connected to.
import type { Server, Socket } from 'node:net'
import { formatAddress } from '../../address.ts'

export interface ClientEnds {
  readonly addr: string
  readonly laddr: string
  readonly unix: boolean
  /** The client's address, for logs. */
  readonly peer: string
}

/** The ends of an open socket. Of a Unix-domain socket a server shows the path twice, each time with port 0. */
export function endsOf(socket: Socket & { readonly server?: Server }): ClientEnds {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  if (remoteAddress === undefined || localAddress === undefined) {
    const path = socket.server?.address()
    const end = typeof path === 'string' ? `${path}:0` : ''
    return { addr: end, laddr: end, unix: typeof path === 'string', peer: 'socket' }
  }
  const [addr, laddr] = [place(remoteAddress, remotePort), place(localAddress, localPort)]
  return { addr, laddr, unix: false, peer: remoteAddress }
}

/** A listener on both families sees IPv4 as a part of IPv6; the client knows its IPv4 address. */
function place(address: string, port = 0): string {
  return formatAddress({ host: address.replace(/^::ffff:(?=\d+\.)/, ''), port })
}

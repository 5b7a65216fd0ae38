// peer.ts: which server a socket stands at. Names and nat-maps lead to servers; two names may lead to one.
import type { Socket } from 'node:net'
import { formatAddress } from '../address.ts'

/** `ip:port`; null while it is not connected. */
export function peerOf({
  remoteAddress: host,
  remotePort: port,
}: Pick<Socket, 'remoteAddress' | 'remotePort'>): string | null {
  return host === undefined || port === undefined ? null : formatAddress({ host, port })
}

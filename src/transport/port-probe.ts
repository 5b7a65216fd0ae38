// port-probe.ts: finds out whether anybody accepts connections at an address. A port in use may also belong to an
// outgoing connection of some program: the system says EADDRINUSE for both. Never: sends a byte.
import { connect } from 'node:net'
import type { Address } from '../address.ts'

/** An owner of the port that takes longer counts as nobody. */
const PROBE_MS = 500

/** For people: a port that is in use and where nobody accepts connections. */
export const lentPort = {
  what: 'the port is in use, but nothing accepts connections there: most likely an outgoing connection has it',
  remedy:
    'outside net.ipv4.ip_local_port_range, or name it in net.ipv4.ip_local_reserved_ports (ss -tanp shows who has it)',
} as const

/** Never rejects. */
export function accepts({ host, port }: Address): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port })
    const end = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(PROBE_MS, () => end(false))
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
}

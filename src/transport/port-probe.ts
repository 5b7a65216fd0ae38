// port-probe.ts: finds out whether anybody accepts connections at an address. A port in use may also belong to an
// outgoing connection of some program: the system says EADDRINUSE for both. Never: sends a byte.
import { connect, type Socket } from 'node:net'
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
  const socket = connect({ host, port })
  return findOut(socket, PROBE_MS, settle => socket.once('connect', () => settle(true)))
}

/** What `listen` settles; false where it does not in time, or before the connection ends. Destroys the socket. */
export function findOut(
  socket: Socket,
  limitMs: number,
  listen: (settle: (answer: boolean) => void) => void,
): Promise<boolean> {
  return new Promise(resolve => {
    const settle = (answer: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(() => settle(false), limitMs)
    socket.on('error', () => settle(false))
    socket.once('close', () => settle(false))
    listen(settle)
  })
}

// accept-queue.ts: how many connections this machine's kernel has turned away because a listener's queue was full.
import { readFileSync } from 'node:fs'

export interface Dropped {
  /** The accept queue was full when a handshake ended: ListenOverflows. */
  readonly overflows: number
  /** SYNs that were dropped for any reason, that one included: ListenDrops. */
  readonly drops: number
}

/** Since the machine began; subtract two of them. */
export function droppedSoFar(): Dropped {
  const [names = [], values = []] = readFileSync('/proc/net/netstat', 'latin1')
    .split('\n')
    .filter(line => line.startsWith('TcpExt:'))
    .map(line => line.split(' '))
  const count = (name: string): number => Number(values[names.indexOf(name)] ?? Number.NaN)
  return { overflows: count('ListenOverflows'), drops: count('ListenDrops') }
}

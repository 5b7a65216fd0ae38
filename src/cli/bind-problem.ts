// bind-problem.ts: says why we cannot have a port, and what to do about it.
//
// A port is in use for one of two causes. The system gives the same error for both; a connection to the port differs.
import { type Address, formatAddress } from '../address.ts'
import type { WantedPlace } from '../proxy/bind-error.ts'
import { accepts, lentPort } from '../transport/port-probe.ts'

/** undefined for an error of another kind. `several`: there is more than one master. */
export async function bindProblem(error: unknown, { several }: { several: boolean }): Promise<string | undefined> {
  if (!(error instanceof Error)) return undefined
  const { code, option = 'listen', wanted = null, masterName } = error as Partial<WantedPlace> & NodeJS.ErrnoException
  const place = wanted === null ? 'nowhere' : formatAddress(wanted)
  const flag = `choose another with --${option} or HOLDFAST_${option.toUpperCase().replaceAll('-', '_')}`
  const choose = several && masterName !== undefined ? `choose another for the master ${masterName}` : flag
  switch (code) {
    case 'EADDRINUSE':
      return `cannot listen on ${place}: ${await inUse(wanted, choose)}`
    case 'EACCES':
      return `cannot listen on ${place}: not permitted (${code}); ports below 1024 are reserved, ${choose}`
    case 'EADDRNOTAVAIL':
      return `cannot listen on ${place}: this machine has no such address (${code}); ${choose}`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `cannot listen on ${place}: the name cannot be resolved (${code}); ${choose}`
    default:
      return undefined
  }
}

/** The system also lends ports of a range to outgoing connections. */
async function inUse(wanted: Address | null, choose: string): Promise<string> {
  if (wanted !== null && (await accepts(wanted)))
    return `something else listens there (EADDRINUSE); stop it, or ${choose}`
  return `${lentPort.what} (EADDRINUSE); ${choose}, ${lentPort.remedy}`
}

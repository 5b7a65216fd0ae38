// bind-problem.ts: says why we cannot have a port, and what to do about it.
//
// A port is in use for one of two causes. The system gives the same error for both; a connection to the port differs.
import { type Address, formatAddress } from '../address.ts'
import type { Config } from '../config.ts'
import { accepts, lentPort } from '../transport/port-probe.ts'

/** undefined for an error of another kind. */
export async function bindProblem(error: unknown, config: Config): Promise<string | undefined> {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  const option = error instanceof Error && 'option' in error ? String(error.option) : 'listen'
  const wanted = wantedBy(option, config)
  const place = wanted === null ? 'nowhere' : formatAddress(wanted)
  const choose = `choose another with --${option} or HOLDFAST_${option.toUpperCase().replaceAll('-', '_')}`
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

function wantedBy(option: string, { adminListen, sentinelListen, listen }: Config): Address | null {
  if (option === 'admin-listen') return adminListen
  return option === 'sentinel-listen' ? sentinelListen : listen
}

/** The system also lends ports of a range to outgoing connections. */
async function inUse(wanted: Address | null, choose: string): Promise<string> {
  if (wanted !== null && (await accepts(wanted)))
    return `something else listens there (EADDRINUSE); stop it, or ${choose}`
  return `${lentPort.what} (EADDRINUSE); ${choose}, ${lentPort.remedy}`
}

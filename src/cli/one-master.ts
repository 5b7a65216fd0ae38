// one-master.ts: what the commands have in common that change the master of a running proxy: which master is meant, the
// proxy that serves it, and how somebody stops them.
import type { Config } from '../config.ts'
import { ControlClient } from '../control/client.ts'
import { controlProxy } from '../switchover/control-proxy.ts'
import type { ProxyControl } from '../switchover/proxy-hold.ts'

/** The master of this name, or the only one; null: what is wrong is in `errors`. */
export function masterOf(
  command: string,
  { masters, name }: { readonly masters: readonly Config[]; readonly name: string | null },
  errors: string[],
): Config | null {
  const found = name === null ? masters : masters.filter(({ masterName }) => masterName === name)
  if (found.length === 1) return found[0] ?? null
  const names = masters.map(({ masterName }) => masterName).join(', ')
  errors.push(`${command}: argument 1: expected the name of one master: ${names}`)
  return null
}

export interface Reached {
  /** An error says why there is none. */
  readonly proxy: ProxyControl | Error
  readonly client: ControlClient | null
}

/** Does `work` with the proxy at `--control-socket`. */
export async function withProxyOf(config: Config, work: (reached: Reached) => Promise<void>): Promise<void> {
  const client = await clientOf(config)
  if (client instanceof Error) return work({ proxy: client, client: null })
  try {
    const proxy = await controlProxy(client, config.masterName).catch((error: Error) => error)
    await work({ proxy, client })
  } finally {
    client.close()
  }
}

async function clientOf({ controlSocket }: Config): Promise<ControlClient | Error> {
  if (controlSocket === null) return new Error('no --control-socket is given; give the path that the proxy has')
  return ControlClient.open(controlSocket).catch((error: Error) => error)
}

/** Aborted by Ctrl-C, SIGTERM or SIGHUP from now on. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort())
  return stop.signal
}

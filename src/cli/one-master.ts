// one-master.ts: what the commands have in common that change the master of a running proxy: their options, which master
// is meant, and the proxy that serves it.
import { didYouMean, nearest } from '../config/suggest.ts'
import { type Config, type Environment, readConfig } from '../config.ts'
import { ControlClient } from '../control/client.ts'
import { ControlError } from '../control/protocol.ts'
import { controlProxy, type Holder } from '../switchover/control-proxy.ts'
import type { ProxyControl } from '../switchover/proxy-hold.ts'
import type { SwitchoverSettings } from '../switchover/settings.ts'
import { commandHelp } from './command-help.ts'
import { wrong } from './control-socket.ts'
import { answerInstead } from './output.ts'
import { takeFlags } from './own-flags.ts'
import { ownFlags, readSettings } from './switchover-flags.ts'

export interface Order {
  /** Of the master that is meant. */
  readonly config: Config
  readonly settings: SwitchoverSettings
}

/** What `command` is to do; null: the help, or what is wrong, is printed, and the exit code is set. */
export function orderOf(command: Holder, argv: readonly string[], env: Environment): Order | null {
  const flags = takeFlags(argv, ownFlags)
  const errors = [...flags.errors]
  const settings = readSettings(command, flags, errors)
  const read = readConfig(flags.rest, env)
  if (read.kind !== 'config') {
    answerInstead(read.kind === 'help' ? { ...read, text: commandHelp(command) } : read)
    return null
  }
  const config = masterOf(command, { masters: read.masters, name: settings.masterName }, errors)
  if (errors.length === 0 && config !== null) return { config, settings }
  wrong(command, errors)
  return null
}

/** The master of this name, or the only one; null: what is wrong is in `errors`. */
function masterOf(
  command: string,
  { masters, name }: { readonly masters: readonly Config[]; readonly name: string | null },
  errors: string[],
): Config | null {
  const found = name === null ? masters : masters.filter(({ masterName }) => masterName === name)
  if (found.length === 1) return found[0] ?? null
  const names = masters.map(({ masterName }) => masterName)
  const meant = name === null ? undefined : nearest(name, names)
  errors.push(`${command}: argument 1: expected the name of one master: ${names.join(', ')}${didYouMean(meant)}`)
  return null
}

export interface Reached {
  /** An error says why there is none. */
  readonly proxy: ProxyControl | Error
  readonly client: ControlClient | null
}

/** Does `work` with the proxy at `--control-socket`, which knows `by` as the one who pauses it. */
export async function withProxyOf(
  config: Config,
  by: Holder,
  work: (reached: Reached) => Promise<void>,
): Promise<void> {
  const client = await clientOf(config)
  if (client instanceof Error) return work({ proxy: client, client: null })
  try {
    const { masterName } = config
    const proxy = await controlProxy(client, { masterName, by }).catch((error: Error) => error)
    await work({ proxy, client })
  } finally {
    client.close()
  }
}

async function clientOf({ controlSocket }: Config): Promise<ControlClient | Error> {
  if (controlSocket === null) {
    const cause = 'no --control-socket is given'
    const remedy = 'start the proxy with --control-socket PATH, and give the same path here'
    return new ControlError({ code: 'no-socket', cause, remedy })
  }
  return ControlClient.open(controlSocket).catch((error: Error) => error)
}

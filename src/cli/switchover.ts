// switchover.ts: `holdfast switchover [MASTER] [--dry-run] [--json] [--max-lag LAG] [--timeout TIME] [--force ID,...]
// [options]`: makes another node the master while the clients of the running proxy wait, and loses no write.
//
// Exit code: 0 when another node is the master (or a dry run finds nothing against it), 1 when a problem was found and
// nothing was done, 2 for wrong options, 3 when it was begun and aborted, with the same master as before, 4 when it
// was not seen to its end.
// Never: leaves commands held, shows a secret.
import { collectAll } from '../check/collect.ts'
import { problem } from '../check/finding.ts'
import { settingsOf } from '../check/settings.ts'
import { type Config, type Environment, readConfig } from '../config.ts'
import { ControlClient } from '../control/client.ts'
import { ControlError } from '../control/protocol.ts'
import { controlProxy } from '../switchover/control-proxy.ts'
import { type Judgement, judgeSwitchover } from '../switchover/judge.ts'
import { look } from '../switchover/look.ts'
import { asJson, findingsAsTable, outcomeAsText, stepAsLine } from '../switchover/print.ts'
import type { ProxyControl } from '../switchover/proxy-hold.ts'
import { type Outcome, runSwitchover } from '../switchover/run.ts'
import type { SwitchoverSettings } from '../switchover/settings.ts'
import { wrong } from './control-socket.ts'
import { answerInstead } from './output.ts'
import { takeFlags } from './own-flags.ts'
import { ownFlags, readSettings } from './switchover-flags.ts'

const exitCodes: Readonly<Record<Outcome['kind'], number>> = { done: 0, aborted: 3, unfinished: 4 }
const EXIT_PROBLEM = 1

export async function switchover(argv: readonly string[], env: Environment): Promise<void> {
  const flags = takeFlags(argv, ownFlags)
  const errors = [...flags.errors]
  const settings = readSettings(flags, errors)
  const read = readConfig(flags.rest, env)
  if (read.kind !== 'config') {
    answerInstead(read)
    return
  }
  const config = masterOf(read.masters, settings.masterName, errors)
  if (errors.length > 0 || config === null) {
    wrong(errors)
    return
  }
  const client = await clientOf(config)
  try {
    await withProxy(client, config, settings)
  } finally {
    if (client instanceof ControlClient) client.close()
  }
}

function masterOf(masters: readonly Config[], name: string | null, errors: string[]): Config | null {
  const found = name === null ? masters : masters.filter(({ masterName }) => masterName === name)
  if (found.length === 1) return found[0] ?? null
  const names = masters.map(({ masterName }) => masterName).join(', ')
  errors.push(`switchover: argument 1: expected the name of one master: ${names}`)
  return null
}

/** An error says why there is no proxy. */
async function clientOf({ controlSocket }: Config): Promise<ControlClient | Error> {
  if (controlSocket === null) return new Error('no --control-socket is given; give the path that the proxy has')
  return ControlClient.open(controlSocket).catch((error: Error) => error)
}

async function withProxy(client: ControlClient | Error, config: Config, settings: SwitchoverSettings): Promise<void> {
  const { masterName } = config
  const proxy = client instanceof Error ? client : await controlProxy(client, masterName).catch((error: Error) => error)
  const judgement = await judgementOf(proxy, config, settings)
  const { plan } = judgement
  if (!settings.json) process.stdout.write(findingsAsTable(masterName, judgement, settings.dryRun))
  let outcome: Outcome | null = null
  if (plan === null) process.exitCode = EXIT_PROBLEM
  else if (!settings.dryRun && !(proxy instanceof Error)) {
    const stop = new AbortController()
    const onSignal = (): void => stop.abort()
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal)
    outcome = await runSwitchover(plan, {
      masterName,
      proxy,
      timeoutMs: settings.timeoutMs,
      signal: stop.signal,
      say: step => void (settings.json || process.stdout.write(stepAsLine(step))),
    })
    process.exitCode = exitCodes[outcome.kind]
  }
  if (settings.json) process.stdout.write(asJson(masterName, judgement, outcome))
  else if (outcome !== null) process.stdout.write(outcomeAsText(outcome))
}

/** Without a proxy everything else is judged all the same. */
async function judgementOf(
  proxy: ProxyControl | Error,
  config: Config,
  settings: SwitchoverSettings,
): Promise<Judgement> {
  const [found] = await collectAll([config])
  if (found === undefined) throw new Error('one master was asked about')
  const evidence = found[1]
  const linksOf = async (): Promise<ReadonlySet<string>> => (proxy instanceof Error ? new Set() : proxy.links())
  // Links come and go while the master is asked for its clients.
  const before = await linksOf()
  const sight = await look(config, evidence)
  const ownLinks = new Set([...before, ...(await linksOf())])
  const instance = proxy instanceof Error ? null : proxy.instance
  const judgement = judgeSwitchover({ evidence, sight, check: settingsOf(config), settings, instance, ownLinks })
  if (!(proxy instanceof Error)) return judgement
  const remedy =
    proxy instanceof ControlError ? proxy.failure.remedy : 'run the command with the options of the proxy that runs'
  const what = proxy instanceof ControlError ? proxy.failure.cause : proxy.message
  return { findings: [problem('proxy.unreachable', 'proxy', what, remedy), ...judgement.findings], plan: null }
}

// judgement.ts: looks at Sentinels, nodes and the proxy, and judges what was seen. Changes nothing.
import { collectAll } from '../check/collect.ts'
import { problem } from '../check/finding.ts'
import { settingsOf } from '../check/settings.ts'
import type { Config } from '../config.ts'
import { ControlError } from '../control/protocol.ts'
import { type Judgement, judgeSwitchover } from './judge.ts'
import { look } from './look.ts'
import type { ProxyControl } from './proxy-hold.ts'
import type { SwitchoverSettings } from './settings.ts'

/** `proxy`: an error says why there is none; everything else is judged all the same. */
export async function judgementOf(
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

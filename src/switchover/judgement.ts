// judgement.ts: looks at Sentinels, nodes and the proxy, and judges what was seen. Changes nothing.
import { collectAll } from '../check/collect.ts'
import { problem } from '../check/finding.ts'
import { settingsOf } from '../check/settings.ts'
import type { Config } from '../config.ts'
import { ControlError } from '../control/protocol.ts'
import { type Judgement, judgeSwitchover } from './judge.ts'
import { look } from './look.ts'
import type { ProxyControl, Standing } from './proxy-hold.ts'
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
  // Links come and go while the master is asked for its clients.
  const before = await seenAt(proxy)
  const sight = await look(config, evidence)
  const after = await seenAt(proxy)
  const ownLinks = new Set([...before.links, ...after.links])
  const { standing, instance, trouble } = after
  const judgement = judgeSwitchover({
    evidence,
    sight,
    check: settingsOf(config),
    settings,
    instance,
    standing,
    ownLinks,
  })
  if (trouble === null) return judgement
  const { cause, remedy } =
    trouble instanceof ControlError
      ? trouble.failure
      : { cause: trouble.message, remedy: 'run the command with the options of the proxy that runs' }
  return { findings: [problem('proxy.unreachable', 'proxy', cause, remedy), ...judgement.findings], plan: null }
}

interface Seen {
  readonly instance: string | null
  readonly standing: Standing | null
  readonly links: ReadonlySet<string>
  readonly trouble: Error | null
}

/** A proxy may go while it is looked at. */
async function seenAt(proxy: ProxyControl | Error): Promise<Seen> {
  const nothing = { instance: null, standing: null, links: new Set<string>() }
  if (proxy instanceof Error) return { ...nothing, trouble: proxy }
  try {
    const [standing, links] = await Promise.all([proxy.standing(), proxy.links()])
    return { instance: proxy.instance, standing, links, trouble: null }
  } catch (error) {
    return { ...nothing, trouble: error instanceof Error ? error : new Error(String(error)) }
  }
}

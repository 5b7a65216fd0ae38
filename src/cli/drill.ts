// drill.ts: `holdfast drill [MASTER] [--dry-run] [--json] [--max-lag LAG] [--timeout TIME] [--force ID,...] [options]`: a
// switchover there and back, and what each class of sessions saw. With --hold it only holds (drill-hold.ts).
//
// Exit code: 0 when the first master is master again and no client gave up (or a dry run finds nothing against it), 1
// when a problem was found and nothing was done, 2 for wrong options, 3 when the way there was aborted, with the same
// master as before, 4 when a failover was not seen to its end, 5 when another node is the master and serves, 6 when it
// came back and a client gave up or a command failed.
// Never: leaves commands held, shows a secret.
import { countOf, rowsOf } from '../check/print.ts'
import type { Config, Environment } from '../config.ts'
import type { ControlClient } from '../control/client.ts'
import { runTrip, type Trip, type TripEnd } from '../drill/round-trip.ts'
import {
  asJson,
  type Before,
  classRowsOf,
  dryRunAsText,
  endAsText,
  hasFound,
  legAsText,
  remediesOf,
  suspectRowsOf,
} from '../drill/trip-print.ts'
import { judgeWayBack } from '../drill/way-back.ts'
import { judgementOf } from '../switchover/judgement.ts'
import type { Plan } from '../switchover/plan.ts'
import { stepAsLine } from '../switchover/print.ts'
import type { ProxyControl } from '../switchover/proxy-hold.ts'
import type { SwitchoverSettings } from '../switchover/settings.ts'
import { table } from './ctl-print.ts'
import { drillHold, sessionsOf } from './drill-hold.ts'
import { type Order, orderOf, type Reached, withProxyOf } from './one-master.ts'
import { stopSignal } from './stop-signal.ts'

const exitCodes: Readonly<Record<TripEnd['kind'], number>> = { back: 0, aborted: 3, unfinished: 4, 'not-back': 5 }
const EXIT_PROBLEM = 1
const EXIT_FOUND = 6

export async function drill(argv: readonly string[], env: Environment): Promise<void> {
  if (argv.some(word => word === '--hold' || word.startsWith('--hold='))) return drillHold(argv, env)
  const order = orderOf('drill', argv, env)
  if (order === null) return
  await withProxyOf(order.config, 'drill', reached => thereAndBack(reached, order))
}

async function thereAndBack({ proxy, client }: Reached, { config, settings }: Order): Promise<void> {
  const { masterName } = config
  const before = await lookAhead(proxy, config, settings)
  const { plan } = before
  const tell = (text: string): void => void (settings.json || process.stdout.write(text))
  tell(`Holdfast drill of master ${masterName}\n\n${rowsOf(before.findings).join('\n')}\n\n`)
  if (plan === null) {
    process.exitCode = EXIT_PROBLEM
    const problems = countOf(before.findings, 'problem')
    tell(`${problems === 1 ? '1 problem' : `${problems} problems`}: nothing was done.\n`)
  } else if (settings.dryRun) tell(dryRunAsText(before))
  let trip: Trip | null = null
  if (plan !== null && !settings.dryRun && !(proxy instanceof Error) && client !== null) {
    trip = await run(plan, { proxy, client, config, settings, tell })
    process.exitCode = trip.end.kind === 'back' && hasFound(trip) ? EXIT_FOUND : exitCodes[trip.end.kind]
  }
  if (settings.json) process.stdout.write(asJson(before, trip))
  else if (trip !== null) process.stdout.write(textOf(trip))
}

/** Both ways, before anything is done. */
async function lookAhead(proxy: ProxyControl | Error, config: Config, settings: SwitchoverSettings): Promise<Before> {
  const { findings, plan } = await judgementOf(proxy, config, settings)
  const wayBack = plan === null ? [] : judgeWayBack(plan, settings)
  const isForbidden = wayBack.some(({ level }) => level === 'problem')
  return { masterName: config.masterName, findings: [...findings, ...wayBack], plan: isForbidden ? null : plan }
}

interface Means {
  readonly proxy: ProxyControl
  readonly client: ControlClient
  readonly config: Config
  readonly settings: SwitchoverSettings
  readonly tell: (text: string) => void
}

function run(plan: Plan, { proxy, client, config, settings, tell }: Means): Promise<Trip> {
  const { masterName } = config
  return runTrip(plan, {
    masterName,
    proxy,
    sessions: async () => (await sessionsOf(client, masterName)).get(masterName) ?? [],
    judge: () => judgementOf(proxy, config, settings),
    timeoutMs: settings.timeoutMs,
    signal: stopSignal(),
    say: step => tell(stepAsLine(step)),
    tell: line => tell(` ${line}\n`),
  })
}

function textOf(trip: Trip): string {
  return [
    `\n${endAsText(trip)}\n`,
    ...trip.legs.map(legAsText),
    `\n${table(classRowsOf(trip))}`,
    table(suspectRowsOf(trip)),
    ...remediesOf(trip).map(text => `remedy: ${text}\n`),
  ].join('')
}

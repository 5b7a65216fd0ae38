// switchover.ts: `holdfast switchover [MASTER] [--dry-run] [--json] [--max-lag LAG] [--timeout TIME] [--force ID,...]
// [options]`: makes another node the master while the clients of the running proxy wait, and loses no write.
//
// Exit code: 0 when another node is the master (or a dry run finds nothing against it), 1 when a problem was found and
// nothing was done, 2 for wrong options, 3 when it was begun and aborted, with the same master as before, 4 when it
// was not seen to its end.
// Never: leaves commands held, shows a secret.
import type { Environment } from '../config.ts'
import { judgementOf } from '../switchover/judgement.ts'
import { asJson, findingsAsTable, outcomeAsText, stepAsLine, waitAsLine } from '../switchover/print.ts'
import { type Outcome, runSwitchover } from '../switchover/run.ts'
import { type Order, orderOf, type Reached, withProxyOf } from './one-master.ts'
import { stopSignal } from './stop-signal.ts'

const exitCodes: Readonly<Record<Outcome['kind'], number>> = { done: 0, aborted: 3, unfinished: 4 }
const EXIT_PROBLEM = 1

export async function switchover(argv: readonly string[], env: Environment): Promise<void> {
  const order = orderOf('switchover', argv, env)
  if (order === null) return
  await withProxyOf(order.config, 'switchover', reached => run(reached, order))
}

async function run({ proxy }: Reached, { config, settings }: Order): Promise<void> {
  const { masterName } = config
  const judgement = await judgementOf(proxy, config, settings)
  const { plan } = judgement
  if (!settings.json) process.stdout.write(findingsAsTable(masterName, judgement, settings.dryRun))
  let outcome: Outcome | null = null
  if (plan === null) process.exitCode = EXIT_PROBLEM
  else if (!settings.dryRun && !(proxy instanceof Error)) {
    const tell = (line: string): void => void (settings.json || process.stdout.write(line))
    outcome = await runSwitchover(plan, {
      masterName,
      proxy,
      timeoutMs: settings.timeoutMs,
      signal: stopSignal(),
      say: step => tell(stepAsLine(step)),
      sayWait: text => tell(waitAsLine(text)),
    })
    process.exitCode = exitCodes[outcome.kind]
  }
  if (settings.json) process.stdout.write(asJson(masterName, judgement, outcome))
  else if (outcome !== null) process.stdout.write(outcomeAsText(outcome))
}

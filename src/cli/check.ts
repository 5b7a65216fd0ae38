// check.ts: `holdfast check [--json] [options]`: looks at the deployment with the options of the proxy and names what
// is wrong.
//
// Exit code: 0 without a problem (a warning is none), 1 with one, 2 for wrong options.
// Never: changes anything that lasts, waits longer than a few seconds, or shows a secret.
import { collectAll } from '../check/collect.ts'
import { judge } from '../check/judge.ts'
import { asJson, asTables, countOf } from '../check/print.ts'
import { settingsOf } from '../check/settings.ts'
import { type Environment, readConfig } from '../config.ts'
import { commandHelp } from './command-help.ts'
import { answerInstead } from './output.ts'

export async function check(argv: readonly string[], env: Environment): Promise<void> {
  const words = argv.filter(word => word !== '--json')
  const read = readConfig(words, env)
  if (read.kind !== 'config') {
    answerInstead(read.kind === 'help' ? { ...read, text: commandHelp('check') } : read)
    return
  }
  const reports = (await collectAll(read.masters)).map(([config, evidence]) => ({
    masterName: config.masterName,
    findings: judge(evidence, settingsOf(config)),
  }))
  const print = words.length < argv.length ? asJson : asTables
  process.stdout.write(print(reports))
  process.exitCode = reports.some(({ findings }) => countOf(findings, 'problem') > 0) ? 1 : 0
}

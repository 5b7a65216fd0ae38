#!/usr/bin/env node
// main.ts: the process edge: the first word names the command. Without a word the proxy runs.
//
// Exit codes:
//   0  help, version, all is well, or a stop that was asked for
//   1  the port, the socket or a TLS file cannot be had, Node may not use the network, an uncaught error, a second
//      signal, a check that found a problem, or a command that was not done
//   2  wrong options
// Nothing that happens at Redis or Sentinel ends a running proxy.
//
// It loads only the command that it runs: the proxy may start over first (node-flags.ts), and a probe is quick.
import { restartWithFlags } from './cli/node-flags.ts'

const [word, ...rest] = process.argv.slice(2)
const isProxy = word === undefined || word.startsWith('-')
const asksVersion = word === '--version' || word === '-v'
const isQuestion = asksVersion || word === '--help' || word === '-h'
// The reader of standard error may leave (`| head -1`): that is no reason to end, or to say so.
process.stderr.on('error', () => {})
void main()

async function main(): Promise<void> {
  if (!isQuestion) {
    const { missingPermission } = await import('./cli/node-permissions.ts')
    const forbidden = missingPermission()
    if (forbidden !== null) {
      const { complain } = await import('./cli/output.ts')
      complain(forbidden)
      process.exitCode = 1
      return
    }
  }
  if (isProxy && !isQuestion) {
    restartWithFlags()
    const { mindSignals } = await import('./cli/early-signals.ts')
    mindSignals()
    const { holdOptimizer } = await import('./cli/engine.ts')
    holdOptimizer()
  }

  if (asksVersion && rest.length === 0) {
    const { answerInstead } = await import('./cli/output.ts')
    answerInstead({ kind: 'version' })
  } else if (isProxy) {
    const { readConfig } = await import('./config.ts')
    const read = readConfig(process.argv.slice(2), process.env)
    if (read.kind === 'config') {
      const { serve } = await import('./cli/serve.ts')
      await serve(read)
    } else {
      const { answerInstead } = await import('./cli/output.ts')
      answerInstead(read)
    }
  } else if (word === 'check') {
    const { check } = await import('./cli/check.ts')
    await check(rest, process.env)
  } else if (word === 'health') {
    const { health } = await import('./cli/health.ts')
    await health(rest, process.env)
  } else if (word === 'drill') {
    const { drill } = await import('./cli/drill.ts')
    await drill(rest, process.env)
  } else if (word === 'switchover') {
    const { switchover } = await import('./cli/switchover.ts')
    await switchover(rest, process.env)
  } else if (word === 'ctl') {
    const { ctl } = await import('./cli/ctl.ts')
    await ctl(rest, process.env)
  } else {
    const { complain } = await import('./cli/output.ts')
    const { unknownCommandText } = await import('./config/help.ts')
    complain(unknownCommandText(word ?? ''))
    complain('see holdfast --help')
    process.exitCode = 2
  }
}

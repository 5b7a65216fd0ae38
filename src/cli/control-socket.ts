// control-socket.ts: how a command of the program reaches the running proxy, and what it says when it cannot.

import { readControlPath } from '../config/control-path.ts'
import type { Environment } from '../config.ts'
import { ControlClient } from '../control/client.ts'
import { ControlError, type Failure } from '../control/protocol.ts'
import { commandHelp, type commandHelps } from './command-help.ts'
import { answerInstead, complain } from './output.ts'

const EXIT_FAILED = 1
const EXIT_WRONG_OPTIONS = 2

/** The path that --control-socket gives; null: what is wrong, or the help, is printed, and the exit code is set. */
export function controlPath(command: 'ctl' | 'drill', argv: readonly string[], env: Environment): string | null {
  const read = readControlPath(argv, env)
  if (read.kind === 'errors') {
    wrong(command, read.errors)
    return null
  }
  if (read.kind !== 'control') {
    answerInstead(read)
    return null
  }
  if (read.path === null) {
    wrong(command, [`${command}: needs --control-socket (or HOLDFAST_CONTROL_SOCKET), as the proxy has it`])
    return null
  }
  return read.path
}

/** Answers --help and --version, whatever else is missing. `argv`: what is not the command's own. */
export function answersQuestion(command: 'ctl' | 'drill', argv: readonly string[], env: Environment): boolean {
  const read = readControlPath(argv, env)
  if (read.kind !== 'help' && read.kind !== 'version') return false
  answerInstead(read.kind === 'help' ? { ...read, text: commandHelp(command) } : read)
  return true
}

/**
 * Adds to `errors` that a command which acts has no dry run. The proxy has an option of this name: unnoticed, the command
 * would act although somebody has asked it not to.
 */
export function refuseDryRun(command: string, argv: readonly string[], errors: string[]): void {
  if (argv.some(word => word === '--dry-run' || word.startsWith('--dry-run=')))
    errors.push(`${command}: takes no --dry-run: it acts at once; leave the flag away`)
}

/** Prints what is wrong with the options. */
export function wrong(command: keyof typeof commandHelps, errors: readonly string[]): void {
  for (const error of errors) complain(error)
  complain(`see holdfast ${command} --help`)
  process.exitCode = EXIT_WRONG_OPTIONS
}

/**
 * Does `work` with a connection to the proxy. A failure is printed with its cause and remedy, `--json` as an object, and
 * the exit code is 1.
 */
export async function withControl(
  path: string,
  { command, json }: { readonly command: string; readonly json: boolean },
  work: (client: ControlClient) => Promise<void>,
): Promise<void> {
  let client: ControlClient | null = null
  try {
    client = await ControlClient.open(path)
    await work(client)
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    fail(error.failure, { command, json })
  } finally {
    client?.close()
  }
}

function fail(failure: Failure, { command, json }: { readonly command: string; readonly json: boolean }): void {
  process.exitCode = EXIT_FAILED
  if (json) process.stdout.write(`${JSON.stringify({ error: failure }, null, 2)}\n`)
  else complain(`${command}: ${failure.cause}; ${failure.remedy}`)
}

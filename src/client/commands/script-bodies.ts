// script-bodies.ts: takes script bodies from the commands that carry one, and forgets them with SCRIPT FLUSH.
import type { CommandSpec } from '../../command/command-spec.ts'
import type { ScriptStore } from '../../relay/script-store.ts'

/** Takes the body of EVAL, EVAL_RO, SCRIPT LOAD; SCRIPT FLUSH forgets all. `args` begins with the command's name. */
export function rememberScript(scripts: ScriptStore, spec: CommandSpec, args: readonly Buffer[]): void {
  if (spec.name === 'function') return
  const subcommand = spec.name === 'script' ? args[1]?.toString('latin1').toLowerCase() : undefined
  if (subcommand === 'flush') scripts.clear()
  const body = subcommand === 'load' ? args[2] : subcommand === undefined && args.length > 2 ? args[1] : undefined
  if (body !== undefined) scripts.remember(body)
}

// classify.ts: the class of a command by its arguments: may it be sent again when nobody knows whether it ran? Pure,
// and the slow path only: it is asked when a link was lost, for requests whose outcome is unknown.
//
// Must stay true: a rule answers something better than the table's class only for arguments it has understood to the
// last one. Whatever it does not know (an option of a newer server, a wrong count) keeps the table's class. An option
// of a data command is one only where an option may stand; keys and values are never taken for options.

import { wordAt } from './argument-parser.ts'
import { rules } from './argument-rules.ts'
import type { CommandSpec, ReplayClass } from './command-spec.ts'
import { lookupCommand } from './lookup.ts'

export { blockingTimeout, blocksServer } from './blocking-arguments.ts'
export { worstClass } from './catalog.ts'

/**
 * The class of one command with these arguments, its name first. `nowMs` is the present as milliseconds since 1970, by
 * which a time in the past is told from one in the future (EXPIREAT, GETEX PXAT, ...).
 *
 * An unknown subcommand of a known container is one of a newer server, so nothing good is assumed of it; what the
 * master's COMMAND tells of it is asked in relay/replay-rule.ts.
 */
export function classifyCommand(args: readonly Buffer[], nowMs: number): ReplayClass {
  const name = args[0]
  if (name === undefined) return 'read'
  const spec = lookupCommand(name, 0, name.length)
  if (spec.subcommands !== null && args.length > 1) return classifySubcommand(spec, args, nowMs)
  return rules.get(spec.name)?.(args, nowMs) ?? spec.cls
}

function classifySubcommand(spec: CommandSpec, args: readonly Buffer[], nowMs: number): ReplayClass {
  const subcommand = spec.subcommands?.get(wordAt(args, 1).toLowerCase())
  if (subcommand === undefined) return 'non-idempotent'
  return rules.get(`${spec.name}|${subcommand.name}`)?.(args, nowMs) ?? subcommand.cls
}

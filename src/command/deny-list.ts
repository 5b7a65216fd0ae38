// deny-list.ts: the commands an operator does not let through: `shutdown`, `config|set`, or the name of a module's
// command. The hot path reads one byte by the command's index and goes on. Names become strings only if it asks.
//
// Never: sees what runs inside a script or a function, decides what the client is told.

import { commandSpecs } from './catalog.ts'
import type { CommandSpec } from './command-spec.ts'
import { commandByName } from './lookup.ts'

/** What `DenyList.hot` says of a command; all but `no` need a call of `denies`, which answers for `always` too. */
export const Deny = { no: 0, always: 1, bySubcommand: 2, byName: 3 } as const

export interface DenyEntry {
  /** Lower case. */
  readonly name: string
  /** Lower case; null denies the command whatever its subcommand. */
  readonly subcommand: string | null
}

export type DenyList = ReturnType<typeof createDenyList>

/**
 * Denied in every list: after SCRIPT DEBUG the next EVAL answers with a debugger's dialogue, which ends the pairing of
 * requests with replies on whatever link it uses (ldb, eval.c). Whole commands like that have the route `refuse`.
 */
const builtIn = ['script|debug']

/** Reads one entry, `name` or `name|subcommand` in any case. `why` is a sentence for the person who wrote it. */
export function parseDenyEntry(text: string): { ok: true; entry: DenyEntry } | { ok: false; why: string } {
  const refuse = (why: string) => ({ ok: false, why: `"${text}": ${why}` }) as const
  const [name = '', subcommand = null, ...more] = text.trim().toLowerCase().split('|')
  if (name === '') return refuse('the name of a command is missing')
  if (more.length > 0) return refuse('only one "|" may stand between a command and its subcommand')
  if (subcommand === '') return refuse('a subcommand must follow "|"; to deny the whole command leave "|" out')
  if (/[^!-~]/.test(name + (subcommand ?? ''))) return refuse('a name has no spaces and only ASCII characters')
  const spec = commandByName(name)
  // To the server DEBUG is no container, yet its first argument works as a subcommand.
  const takesOne = !spec.known || spec.subcommands !== null || name === 'debug'
  if (subcommand !== null && !takesOne) return refuse(`${name} has no subcommands; write "${name}" to deny it`)
  return { ok: true, entry: { name, subcommand } }
}

/**
 * Builds the list from entries as `parseDenyEntry` takes them; throws at one that it refuses, since configuration has
 * been checked before. A name the table does not know is accepted: a module, or a newer server, may have it.
 */
export function createDenyList(names: readonly string[]) {
  const hot = new Uint8Array(commandSpecs.length)
  const wholly = new Set<string>()
  const partly = new Set<string>()
  for (const text of [...builtIn, ...names]) {
    const parsed = parseDenyEntry(text)
    if (!parsed.ok) throw new Error(`deny list: ${parsed.why}`)
    const { name, subcommand } = parsed.entry
    const { known, index } = commandByName(name)
    if (subcommand === null) wholly.add(name)
    else partly.add(`${name}|${subcommand}`)
    if (!known) hot[index] = Deny.byName
    else if (subcommand === null) hot[index] = Deny.always
    else if (hot[index] === Deny.no) hot[index] = Deny.bySubcommand
  }
  return {
    /** By `CommandSpec.index`, a value of `Deny`. `byName` is possible for the unknown command (index 0) alone. */
    hot,
    /**
     * Whether the command is denied, in any case of letters. `name` is called for unknown commands only. `subcommand`
     * gives the first argument or null; it is called only where an entry names one.
     */
    denies(spec: CommandSpec, name: () => string, subcommand: () => string | null): boolean {
      const how = hot[spec.index]
      if (how === Deny.no) return false
      if (how === Deny.always) return true
      const called = spec.known ? spec.name : name().toLowerCase()
      if (wholly.has(called)) return true
      const member = subcommand()
      return member !== null && partly.has(`${called}|${member.toLowerCase()}`)
    },
  }
}

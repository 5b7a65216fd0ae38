// deny-typos.ts: finds names in --deny-commands that look like a slip: such a command would be let through. Pure.
// cli/serve.ts logs each once, at the start.
//
// A name that nobody knows is no error: a module, a newer server or `rename-command` may have it.
import { commandSpecs } from '../command/catalog.ts'
import { commandByName } from '../command/lookup.ts'
import type { Config } from '../config.ts'
import { nearest } from './suggest.ts'

export interface DenyTypo {
  readonly event: 'deny.unknown'
  /** As it stands in the list, in lower case. */
  readonly command: string
  readonly msg: string
}

/** One for each name that is almost that of a command or subcommand. `configs`: one for each master. */
export function denyTypos(configs: readonly Pick<Config, 'denyCommands'>[]): DenyTypo[] {
  const names = new Set(configs.flatMap(({ denyCommands }) => denyCommands.map(text => text.trim().toLowerCase())))
  return [...names].flatMap(command => {
    const meant = meantBy(command)
    if (meant === undefined) return []
    return [
      { event: 'deny.unknown', command, msg: `--deny-commands names no command that is known; did you mean ${meant}?` },
    ]
  })
}

function meantBy(command: string): string | undefined {
  const [name = '', subcommand] = command.split('|')
  const { known, subcommands } = commandByName(name)
  if (known) {
    if (subcommand === undefined || subcommands === null || subcommands.has(subcommand)) return undefined
    const near = nearest(subcommand, [...subcommands.keys()])
    return near && `${name}|${near}`
  }
  // The commands of modules have a dot, and some are near to others without one (BF.ADD, PFADD).
  if (name.includes('.')) return undefined
  const near = nearest(
    name,
    commandSpecs.flatMap(spec => (spec.known ? [spec.name] : [])),
  )
  return near && (subcommand === undefined ? near : `${near}|${subcommand}`)
}

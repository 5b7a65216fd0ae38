// sources.ts: what a person wrote: flags, environment and file, in the order in which they win. Or the question that was
// asked in place of the work.
// Never: judges a value, or reads any file but that of --config.
import { type Environment, readEnvironment } from './environment.ts'
import { readConfigFile } from './file.ts'
import { readFlags } from './flags.ts'
import { helpText } from './help.ts'
import type { Source } from './option.ts'
import { options } from './option-table.ts'

/** What is answered in place of the work. */
export type Question = { readonly kind: 'help'; readonly text: string } | { readonly kind: 'version' }

export interface WrongOptions {
  readonly kind: 'errors'
  readonly errors: string[]
}

type SourcesRead = { readonly kind: 'sources'; readonly sources: readonly Source[] } | Question

/** `argv` starts behind node and the script. */
export function readSources(argv: readonly string[], env: Environment): SourcesRead {
  const flags = readFlags(argv, options)
  if (flags.asked === 'help') return { kind: 'help', text: helpText(options) }
  if (flags.asked === 'version') return { kind: 'version' }
  const environment = readEnvironment(env, options)
  const named = flags.given.get('config') ?? environment.given.get('config')
  const file: Source = named ? readConfigFile(named, options) : { given: new Map(), errors: [] }
  return { kind: 'sources', sources: [flags, environment, file] }
}

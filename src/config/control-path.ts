// control-path.ts: reads --control-socket alone, from the same sources as everything else, for the commands that speak to
// a running proxy. They need neither Sentinels nor secrets. Unknown flags are reported; other values are not judged.
import type { Environment } from './environment.ts'
import { options } from './option-table.ts'
import { resolveOptions } from './resolve.ts'
import { type Question, readSources, type WrongOptions } from './sources.ts'

export type ControlRead = { readonly kind: 'control'; readonly path: string | null } | Question | WrongOptions

export function readControlPath(argv: readonly string[], env: Environment): ControlRead {
  const read = readSources(argv, env)
  if (read.kind !== 'sources') return read
  const { values, errors } = resolveOptions({ 'control-socket': options['control-socket'] }, read.sources)
  if (errors.length > 0) return { kind: 'errors', errors }
  return { kind: 'control', path: (values.get('control-socket') as string | null | undefined) ?? null }
}

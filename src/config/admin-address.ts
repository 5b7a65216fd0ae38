// admin-address.ts: reads --admin-listen alone, from the same sources as everything else, for `holdfast health`.
//
// A probe runs every few seconds in every pod. So it needs neither Sentinels nor secrets, and loads no TLS (config.ts).
// Unknown flags are still reported; the values of other options are not judged.
import type { Address } from '../address.ts'
import type { Environment } from './environment.ts'
import { options } from './option-table.ts'
import { resolveOptions } from './resolve.ts'
import { type Question, readSources, type WrongOptions } from './sources.ts'

export type AdminRead = { readonly kind: 'admin'; readonly address: Address | null } | Question | WrongOptions

export function readAdminAddress(argv: readonly string[], env: Environment): AdminRead {
  const read = readSources(argv, env)
  if (read.kind !== 'sources') return read
  const { values, errors } = resolveOptions({ 'admin-listen': options['admin-listen'] }, read.sources)
  if (errors.length > 0) return { kind: 'errors', errors }
  return { kind: 'admin', address: (values.get('admin-listen') as Address | null | undefined) ?? null }
}

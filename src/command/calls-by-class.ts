// calls-by-class.ts: counts of commands, kept by their index in the table, added up by class. Pure; for rare use.
import { commandSpecs } from './catalog.ts'
import type { ReplayClass } from './command-spec.ts'

/** `calls[i]`: how often the command with index i came; the unknown command's index counts all that have no own. */
export function callsByClass(calls: Float64Array): Map<ReplayClass, number> {
  const byClass = new Map<ReplayClass, number>()
  for (const { index, cls } of commandSpecs) byClass.set(cls, (byClass.get(cls) ?? 0) + (calls[index] ?? 0))
  return byClass
}

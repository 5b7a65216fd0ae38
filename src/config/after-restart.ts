// after-restart.ts: what a restart would change: the options as they are written now, against those of the start. Pure.
//
// Flags and environment stay what they were; the file of --config, and what it names, may have changed. A password whose
// file is the same is left out, because its content is read again without a restart (transport/security.ts).
//
// Never: shows a value, which may be a password.
import { isDeepStrictEqual } from 'node:util'
import { optionsOf } from './master-options.ts'
import type { ResolvedMaster } from './masters.ts'
import { twinOf } from './option.ts'

/** Options that differ from those in force, by their names; with several masters `NAME: OPTION` for one of them alone. */
export function differingOptions(started: readonly ResolvedMaster[], now: readonly ResolvedMaster[]): string[] {
  const pairs = pairsOf(started, now)
  const each = pairs.map(([before, after]) => ({ name: after.name, options: differing(before, after) }))
  const namesOf = (masters: readonly ResolvedMaster[]): string[] => masters.map(({ name }) => name)
  const found = isDeepStrictEqual(namesOf(started), namesOf(now)) ? [] : ['master']
  const ofProgram = optionsOf('program')
  for (const { name, options } of each) {
    for (const option of options) {
      const isForAll = option in ofProgram || each.every(other => other.options.includes(option))
      found.push(isForAll ? option : `${name}: ${option}`)
    }
  }
  return [...new Set(found)]
}

/** One master alone is the same place under another name. */
function pairsOf(started: readonly ResolvedMaster[], now: readonly ResolvedMaster[]) {
  const [first] = started
  return now.flatMap((after): [ResolvedMaster, ResolvedMaster][] => {
    const isAlone = started.length === 1 && now.length === 1
    const before = isAlone ? first : started.find(({ name }) => name === after.name)
    return before === undefined ? [] : [[before, after]]
  })
}

function differing(before: ResolvedMaster, after: ResolvedMaster): string[] {
  const was = new Map<string, unknown>(Object.entries({ ...before.values, required: before.required }))
  const is = Object.entries({ ...after.values, required: after.required })
  return is.flatMap(([name, value]) => {
    // The names are compared by themselves.
    if (name === 'master') return []
    const [oldFile, file] = [before.secretFiles.get(name), after.secretFiles.get(name)]
    if (oldFile !== file) return [file === undefined ? name : twinOf(name)]
    return file !== undefined || isDeepStrictEqual(was.get(name), value) ? [] : [name]
  })
}

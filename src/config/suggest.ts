// suggest.ts: "did you mean": finds the known name nearest to an unknown one. Pure.

/** The nearest of `known`; undefined where none is near enough. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map(candidate => ({ candidate, steps: editSteps(name, candidate) }))
    .sort((a, b) => a.steps - b.steps)
  const best = ranked[0]
  const allowed = Math.max(1, Math.floor(name.length / 3))
  return best && best.steps <= allowed ? best.candidate : undefined
}

/** ` (did you mean X?)`, or nothing. */
export function didYouMean(suggestion: string | undefined): string {
  return suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`
}

/** Levenshtein distance: inserted, removed and replaced characters. It keeps two rows of the usual table. */
function editSteps(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      const removed = (above[column] ?? 0) + 1
      const inserted = (current[column - 1] ?? 0) + 1
      current.push(Math.min(replaced, removed, inserted))
    }
    above = current
  }
  return above[b.length] ?? 0
}

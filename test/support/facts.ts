// facts.ts: what a failing test tells besides the failure: the last lines of what it has running.
//
// Whoever reads a failure that happens once in a hundred runs has nothing but the log of that run.
// Owns: whose lines are told. Never: fails a test, keeps a line itself.

/** What facts.ts needs of tap's test. Where `passing` is missing, waits and promises tell alone. */
export interface Teller {
  teardown(fn: () => unknown): void
  passing?(): boolean
  comment?(text: string): unknown
}

/** The end of a run repeats so much of a failure at most, its stack included (scripts/failures.mjs). */
const MOST_CHARACTERS = 2_500
const MOST_OF_A_LINE = 240

/** Whether they have been told. */
const sources = new Map<readonly object[], boolean>()

/** A failure in this test tells the last of these lines: with a wait or a promise that fails, or else at its end. */
export function tellOnFailure(t: Teller, lines: readonly object[]): void {
  sources.set(lines, false)
  t.teardown(() => {
    const isUntold = sources.get(lines) === false
    sources.delete(lines)
    if (isUntold && t.passing?.() === false) t.comment?.(`the test failed; the last lines were\n${lastOf(lines)}`)
  })
}

/** The last lines of all, one JSON each, and the time by which they are told; '' where there are none. */
export function factsNow(): string {
  const told = [...sources.keys()].map(lines => lastOf(lines, MOST_CHARACTERS / sources.size))
  for (const lines of sources.keys()) sources.set(lines, true)
  return told.length === 0 ? '' : [...told, `now: ${Date.now()}`].join('\n')
}

function lastOf(lines: readonly object[], room = MOST_CHARACTERS): string {
  const chosen: string[] = []
  let left = room
  for (let i = lines.length - 1; i >= 0; i--) {
    // The event says what the text for people says.
    const text = JSON.stringify({ ...lines[i], msg: undefined }).slice(0, MOST_OF_A_LINE)
    left -= text.length + 1
    if (left < 0) break
    chosen.unshift(text)
  }
  return chosen.join('\n')
}

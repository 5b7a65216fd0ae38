// log-throttle.ts — says the same thing at most once in a while, and how often it was left unsaid: for troubles that come with
// every try, of which there may be thousands in a minute.

const everyMs = 10_000
/** Different texts remembered; beyond, the oldest is forgotten and may be said again. */
const maxTexts = 100

/** Answers how often `text` was not said since it last was, or undefined: not now. `now` in milliseconds, monotonic. */
export type Seldom = (text: string, now: number) => number | undefined

/** Remembers what was said when. One per kind of trouble. */
export function createSeldom(): Seldom {
  const said = new Map<string, { at: number; unsaid: number }>()
  return (text, now) => {
    const last = said.get(text)
    if (last !== undefined && now - last.at < everyMs) {
      last.unsaid++
      return undefined
    }
    said.delete(text)
    said.set(text, { at: now, unsaid: 0 })
    const [oldest] = said.keys()
    if (said.size > maxTexts && oldest !== undefined) said.delete(oldest)
    return last?.unsaid ?? 0
  }
}

// mutation.ts: what one entry of the list of known bugs is, and the check that the list still fits the source. Pure.

export interface Mutation {
  /** What the changed program does wrong, in a few words; unique. */
  readonly name: string
  /** Of the checkout. */
  readonly file: string
  /** Stands exactly once in the file. */
  readonly from: string
  readonly to: string
  /** The promise it breaks: an invariant of the design, or what a test calls it. */
  readonly breaks: string
  readonly test: string
  /** Must stand in the output of the first test that fails: its name, or what it found. */
  readonly shows: RegExp
}

/** `source` with the bug in it. @throws Error when the list is out of date. */
export function mutate(source: string, { name, file, from, to }: Mutation): string {
  const parts = source.split(from)
  if (parts.length !== 2)
    throw new Error(`the list is out of date: the text of "${name}" stands ${parts.length - 1} times in ${file}`)
  return parts.join(to)
}

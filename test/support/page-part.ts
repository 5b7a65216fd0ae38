// page-part.ts: a page of which a program writes a part: what stands between two comments that name it. Pure.

/** The comments, with nothing in between. */
export function marksOf(part: string): readonly [string, string] {
  return [`<!-- ${part}:start -->`, `<!-- ${part}:end -->`]
}

/** What stands between them; null where they are not there. */
export function partOf(page: string, part: string): string | null {
  const [start, end] = marksOf(part)
  const from = page.indexOf(start)
  const to = page.indexOf(end)
  return from < 0 || to < from ? null : page.slice(from + start.length, to).trim()
}

/** `page` with `text` as its part. @throws Error where the marks are not there. */
export function withPart(page: string, part: string, text: string): string {
  const [start, end] = marksOf(part)
  const from = page.indexOf(start)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`the page: expected ${start} and, after it, ${end}`)
  return `${page.slice(0, from + start.length)}\n\n${text}\n\n${page.slice(to)}`
}

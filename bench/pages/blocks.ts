// blocks.ts: puts text between the markers of a page. Pure.
//
//   <!-- figures:NAME:start -->  what is here is replaced  <!-- figures:NAME:end -->

/** Names of the blocks of a page, in order. */
export function blockNames(page: string): string[] {
  return [...page.matchAll(/<!-- figures:([\w-]+):start -->/g)].map(match => match[1] ?? '')
}

/** @throws Error naming a block without an end, or without a text. */
export function fillBlocks(page: string, texts: ReadonlyMap<string, string>): string {
  return blockNames(page).reduce((filled, name) => {
    const text = texts.get(name)
    if (text === undefined) throw new Error(`there are no figures for the block ${name}`)
    const start = `<!-- figures:${name}:start -->`
    const [from, to] = [filled.indexOf(start) + start.length, filled.indexOf(`<!-- figures:${name}:end -->`)]
    if (to < from) throw new Error(`the block ${name} has no end after its start`)
    return `${filled.slice(0, from)}\n${text}\n${filled.slice(to)}`
  }, page)
}

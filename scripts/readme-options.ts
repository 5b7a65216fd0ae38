// readme-options.ts: writes the table of options into docs/options.md, between its two markers.
//
//   node scripts/run.mjs scripts/readme-options.ts [--check]
//
// With --check nothing is written: exit code 1 says that the table is not what src/config/option-table.ts gives.
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { helpTable } from '../src/config/help.ts'
import { options } from '../src/config/option-table.ts'

const page = new URL('../docs/options.md', import.meta.url)
const start = '<!-- options:start -->'
const end = '<!-- options:end -->'

/** The page with the table as it should be; undefined when the markers are missing or in the wrong order. */
export function withOptions(content: string): string | undefined {
  const from = content.indexOf(start)
  const to = content.indexOf(end)
  if (from < 0 || to < from) return undefined
  return `${content.slice(0, from + start.length)}\n\n${helpTable(options)}\n\n${content.slice(to)}`
}

function main(args: readonly string[]): number {
  const content = readFileSync(page, 'utf8')
  const wanted = withOptions(content)
  if (wanted === undefined) {
    console.error(`docs/options.md: expected ${start} and, after it, ${end}`)
    return 1
  }
  if (wanted === content) return 0
  if (args.includes('--check')) {
    console.error(
      'docs/options.md: the table of options is not that of src/config/option-table.ts; run: npm run readme',
    )
    return 1
  }
  writeFileSync(page, wanted)
  return 0
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = main(process.argv.slice(2))
}

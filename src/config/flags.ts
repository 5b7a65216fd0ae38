// flags.ts: reads options from the command line. Never: judges a value.
//
// An error names the place of a word that belongs to no option and never shows the word: it may be half of a password
// (`--redis-password two words`) or the value of a mistyped flag.
import { parseArgs } from 'node:util'
import { flagOf, type Given, type Source, shownName, type Table, valueNames } from './option.ts'
import { didYouMean, nearest } from './suggest.ts'

type Asked = 'help' | 'version'

/** The flags that take no value: name and short form. */
export const questions = { help: 'h', version: 'v' } as const satisfies Record<Asked, string>

export interface Flags extends Source {
  /** The first of `--help` and `--version`, if any. */
  readonly asked: Asked | null
}

export function readFlags(argv: readonly string[], table: Table): Flags {
  const names = valueNames(table)
  const given = new Map<string, Given>()
  const errors: string[] = []
  let asked: Asked | null = null
  let quietUntil = -1 // words up to this index follow a mistake that is already reported

  for (const token of parseTokens(withBareValues(argv, table), names)) {
    if (token.kind === 'option-terminator' || token.index <= quietUntil) continue
    if (token.kind === 'positional') {
      errors.push(strayWord(argv, token.index, table))
    } else if (token.name === 'help' || token.name === 'version') {
      asked ??= token.name
    } else if (!names.includes(token.name)) {
      errors.push(unknownFlag(token.rawName, table))
      quietUntil = token.value === undefined ? token.index + 1 : token.index
      if (argv[quietUntil]?.startsWith('-')) quietUntil = token.index
    } else if (token.value === undefined || (token.value.startsWith('--') && !token.inlineValue)) {
      errors.push(`${token.rawName}: expected a value; one that starts with -- is written ${token.rawName}=VALUE`)
      quietUntil = token.index + 2
      if (argv[quietUntil]?.startsWith('-')) quietUntil = token.index + 1
    } else {
      const earlier = given.get(token.name)
      const list = table[token.name]?.kind.list
      if (earlier && !list) errors.push(`${token.rawName}: given more than once`)
      const text = earlier && list ? `${earlier.text},${token.value}` : token.value
      given.set(token.name, { text, origin: flagOf(token.name) })
    }
  }
  return { given, errors, asked }
}

/** `--redis-tls` alone becomes `--redis-tls=on`; all words keep their places, which errors name. */
function withBareValues(argv: readonly string[], table: Table): string[] {
  return argv.map((word, i) => {
    const kind = word.startsWith('--') ? table[word.slice(2)]?.kind : undefined
    const next = argv[i + 1]
    const hasValue = next !== undefined && kind !== undefined && 'value' in kind.read(next)
    return kind?.bare === undefined || hasValue ? word : `${word}=${kind.bare}`
  })
}

function parseTokens(argv: readonly string[], names: readonly string[]) {
  const options = Object.fromEntries<{ type: 'string' | 'boolean'; short?: string }>([
    ...names.map(name => [name, { type: 'string' }] as const),
    ...Object.entries(questions).map(([name, short]) => [name, { type: 'boolean', short }] as const),
  ])
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens
}

/** A word that belongs to no option; behind a switch it was meant for that. */
function strayWord(argv: readonly string[], index: number, table: Table): string {
  const before = argv[index - 1] ?? ''
  const kind = before.startsWith('--') ? table[before.slice(2)]?.kind : undefined
  if (kind?.bare !== undefined) return `${before}: got another word, expected ${kind.placeholder.replace('|', ' or ')}`
  return `argument ${index + 1}: expected an option (--name value), got a word that belongs to none`
}

function unknownFlag(rawName: string, table: Table): string {
  const flags = [...valueNames(table), ...Object.keys(questions)].map(flagOf)
  const shown = shownName(rawName, table)
  return `${shown}: no such option${didYouMean(nearest(shown, flags))}`
}

// own-flags.ts: takes the flags of one command (`ctl`, `drill`) from its words; what is left are options of the proxy.
// Never: shows a word that it does not know, which may be half of a password.
import { valueNames } from '../config/option.ts'
import { options } from '../config/option-table.ts'
import { didYouMean, nearest } from '../config/suggest.ts'
import { duration } from '../config/value-kinds.ts'

export interface OwnFlags {
  /** Given without a value. */
  readonly on: ReadonlySet<string>
  readonly texts: ReadonlyMap<string, string>
  /** Words that are no flags, in front of the first one. */
  readonly words: readonly string[]
  /** All others, for the options of the proxy. */
  readonly rest: readonly string[]
  readonly errors: readonly string[]
}

/** `switches`: flags without a value; `values`: flags with one, `--flag VALUE` or `--flag=VALUE`. Without `--`. */
export function takeFlags(
  argv: readonly string[],
  { switches, values }: { readonly switches: readonly string[]; readonly values: readonly string[] },
): OwnFlags {
  const on = new Set<string>()
  const texts = new Map<string, string>()
  const words: string[] = []
  const rest: string[] = []
  const errors: string[] = []
  const left = [...argv]
  const own = [...switches, ...values]
  let sawFlag = false
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    const [flag = '', inline] = split(word)
    const name = flag.startsWith('--') ? flag.slice(2) : ''
    if (!word.startsWith('-') && !sawFlag) words.push(word)
    else if (switches.includes(name) && inline === undefined) on.add(name)
    else if (values.includes(name)) {
      const value = inline ?? left.shift()
      if (value === undefined || value === '') errors.push(`--${name}: expected a value`)
      else if (texts.has(name)) errors.push(`--${name}: given more than once`)
      else texts.set(name, value)
    } else {
      const meant = isOption(name) ? undefined : nearest(name, own)
      if (meant === undefined) rest.push(word)
      else {
        errors.push(`--${name}: no such option${didYouMean(`--${meant}`)}`)
        if (inline === undefined && left[0]?.startsWith('-') === false) left.shift()
      }
    }
    sawFlag ||= word.startsWith('-')
  }
  return { on, texts, words, rest, errors }
}

const proxyFlags: ReadonlySet<string> = new Set(valueNames(options))

/** Of the proxy; '' for a word that is no flag. */
function isOption(name: string): boolean {
  return name === '' || proxyFlags.has(name) || nearest(name, [...proxyFlags]) !== undefined
}

function split(word: string): [string, string | undefined] {
  const at = word.indexOf('=')
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)]
}

/** The time that the flag gives, ms; `fallback` where it is not given. Adds to `errors` what is wrong with it. */
export function timeOf<T>(
  flags: OwnFlags,
  name: string,
  about: { readonly min: string; readonly max: string; readonly fallback: T; readonly errors: string[] },
): number | T {
  const text = flags.texts.get(name)
  if (text === undefined) return about.fallback
  const read = duration(about).read(text)
  if ('value' in read) return read.value
  about.errors.push(`--${name}: got ${JSON.stringify(text.slice(0, 60))}, expected ${read.expected}`)
  return about.fallback
}

// resolve.ts: finds which text counts for each option, what it means, and what is wrong with it.
//
// One pass over the table: the first source that has the option wins, a secret may come from the file that its twin
// names, and the kind reads the text. It collects all mistakes, each with its place, and never puts a secret into one.
import { readSecretFile } from './file.ts'
import { flagOf, type Given, type Option, type Source, type Table, twinOf, variableOf } from './option.ts'

/** A rule between two options, checked where both could be read. */
export interface Relation<Values> {
  readonly between: readonly [keyof Values & string, keyof Values & string]
  readonly rule: string
  holds(values: Values): boolean
}

export interface ResolvedOptions {
  /** The value of each option that could be read; null for one that is not given and has no default. */
  readonly values: ReadonlyMap<string, unknown>
  readonly givens: ReadonlyMap<string, Given>
  /** The files of the secrets that were read from one. */
  readonly secretFiles: ReadonlyMap<string, string>
  readonly errors: string[]
}

/** Takes each option of the table from the first of `sources` that has it. */
export function resolveOptions(table: Table, sources: readonly Source[]): ResolvedOptions {
  const values = new Map<string, unknown>()
  const givens = new Map<string, Given>()
  const secretFiles = new Map<string, string>()
  const errors = sources.flatMap(source => source.errors)
  const complete = !sources.some(source => source.unread)
  for (const [name, option] of Object.entries(table)) {
    const found = findText(name, option, sources)
    if (found === null && !option.required) values.set(name, null)
    else if (found === null && complete) errors.push(missing(name))
    else if (found === null) continue
    else if ('error' in found) errors.push(found.error)
    else {
      givens.set(name, found)
      if (found.file !== undefined) secretFiles.set(name, found.file)
      const read = found.bytes ? { value: found.bytes } : option.kind.read(found.text)
      if ('value' in read) values.set(name, read.value)
      else errors.push(wrong(found, { ...read, secret: option.secret }))
    }
  }
  return { values, givens, secretFiles, errors }
}

/** `bytes`: a secret that is no text, in place of `text`. */
type Found = Given & { readonly file?: string; readonly bytes?: Buffer }

/** The text that counts for an option: that of a flag, variable, key or twin, or the default. */
function findText(name: string, option: Option<unknown>, sources: readonly Source[]): Found | { error: string } | null {
  const given = firstOf(name, sources)
  const twin = option.secret ? firstOf(twinOf(name), sources) : undefined
  if (given && twin) return { error: `${given.origin}: given together with ${twin.origin}; expected only one of them` }
  if (twin) {
    const content = readSecretFile(twin)
    if ('error' in content) return content
    const about = { origin: `${twin.origin}: ${twin.text}`, file: twin.text }
    return Buffer.isBuffer(content.secret)
      ? { ...about, text: '', bytes: content.secret }
      : { ...about, text: content.secret }
  }
  return given ?? (option.fallback === null ? null : { text: option.fallback, origin: 'default' })
}

function firstOf(name: string, sources: readonly Source[]): Given | undefined {
  return sources.map(source => source.given.get(name)).find(given => given !== undefined)
}

function missing(name: string): string {
  return `${flagOf(name)}: required; give the flag, ${variableOf(name)}, or "${name}" in the --config file`
}

function wrong(given: Given, about: { expected: string; part?: string; secret: boolean }): string {
  const whole = about.part === undefined || about.part === given.text
  const shown = whole ? quote(given.text) : `${quote(about.part ?? '')} in ${quote(given.text)}`
  const got = given.text === '' ? 'nothing' : about.secret ? 'a value that is not shown' : shown
  return `${given.origin}: got ${got}, expected ${about.expected}`
}

/** In quotes and of bounded length, without what stands before an @: a URL has a password there. */
function quote(text: string): string {
  const shown = text.replace(/[^\s,]*@/g, '…@')
  return JSON.stringify(shown.length > 200 ? `${shown.slice(0, 200)}…` : shown)
}

/** Broken rules between two options that could both be read: more about a value already reported is noise. */
export function brokenRelations<Values>(
  { values, givens }: ResolvedOptions,
  { table, relations }: { table: Table; relations: readonly Relation<Values>[] },
): string[] {
  const known = Object.fromEntries(values) as Values
  return relations
    .filter(({ between, holds }) => between.every(name => values.has(name)) && !holds(known))
    .map(({ between, rule }) => `${rule} (got ${between.map(name => side(name, { table, givens })).join(' and ')})`)
}

function side(name: string, about: { table: Table; givens: ReadonlyMap<string, Given> }): string {
  const given = about.givens.get(name)
  if (!given) return `no ${flagOf(name)}`
  const shown = about.table[name]?.secret ? 'a value that is not shown' : given.text
  return given.origin === 'default' ? `the default ${shown} of ${flagOf(name)}` : `${shown} from ${given.origin}`
}

// file.ts: reads the YAML or JSON file of --config, and the files that hold one secret each.
//
// Every scalar is the text that stands in the file (the failsafe schema of YAML): `0123` stays a password of four
// characters, and a value means the same in the file as in a flag. A parser's message can quote the file, and the file
// can hold passwords, so a syntax error is reported only by its place and kind.
// `yaml` costs 40 ms to import, so only a start with a file imports it.
import { createRequire } from 'node:module'
import { readSmallFile, secretIn, secretProblem } from '../transport/read-file.ts'
import type { Secret } from '../transport/secret.ts'
import { masterTable } from './master-options.ts'
import { type Given, type GivenMaster, type Source, shownName, type Table, valueNames } from './option.ts'
import { didYouMean, nearest } from './suggest.ts'

type Yaml = typeof import('yaml')
type Scalar = import('yaml').Scalar

/** Reads the file that `named` names; `named.origin` says where that name stood. */
export function readConfigFile(named: Given, table: Table): Source {
  const path = named.text
  // The option itself is told what it lacks.
  if (path === '') return unread([])
  const content = readSmallFile(path)
  if ('cause' in content) return unread([`${named.origin}: cannot read ${path}: ${content.cause}`])
  const yaml = createRequire(import.meta.url)('yaml') as Yaml
  const counter = new yaml.LineCounter()
  const parsed = yaml.parseDocument(content.bytes.toString(), {
    schema: 'failsafe',
    prettyErrors: false,
    lineCounter: counter,
  })
  const broken = [...parsed.errors, ...parsed.warnings].map(problem => {
    const kind = problem.code.toLowerCase().replaceAll('_', ' ')
    const hint = hints[problem.code] ?? 'a value that starts with a special character needs quotes'
    return `${path}: line ${counter.linePos(problem.pos[0]).line}: not valid YAML or JSON (${kind}; ${hint})`
  })
  if (broken.length > 0) return unread(broken)
  if (parsed.contents === null) return { given: new Map(), errors: [] }
  if (!yaml.isMap(parsed.contents)) {
    return unread([`${path}: expected "option: value" lines or a JSON object`])
  }
  return readProgram(path, parsed.contents.items, { yaml, table })
}

const columns = 'options of one level begin in the same column, and a value with a colon and a blank in it needs quotes'

/** What to do about an error of the parser; all others are nearly always a value without its quotes. */
const hints: Readonly<Partial<Record<import('yaml').ErrorCode, string>>> = {
  TAB_AS_INDENT: 'indent with blanks',
  DUPLICATE_KEY: 'an option stands there once',
  BAD_INDENT: columns,
  BLOCK_AS_IMPLICIT_KEY: columns,
  MULTILINE_IMPLICIT_KEY: columns,
  MISSING_CHAR: 'a quote, a bracket, or the colon behind a name is missing',
  MULTIPLE_DOCS: 'a file has one document, without --- in it',
}

function unread(errors: string[]): Source {
  return { given: new Map(), errors, unread: true }
}

interface Pair {
  readonly key: unknown
  readonly value: unknown
}

interface Context {
  readonly yaml: Yaml
  /** The options that may stand there. */
  readonly table: Table
}

const MASTERS = 'masters'

function readProgram(path: string, pairs: readonly Pair[], { yaml, table }: Context): Source {
  const isMasters = ({ key }: Pair): boolean => yaml.isScalar(key) && key.value === MASTERS
  const found = pairs.find(isMasters)
  const names = valueNames(table).filter(name => name !== 'config')
  const source = readPairs(
    `${path}: `,
    pairs.filter(pair => !isMasters(pair)),
    { yaml, table, names, others: [MASTERS] },
  )
  if (found === undefined) return source
  const { masters, errors } = readMasters(`${path}: ${MASTERS}`, found.value, { yaml, table })
  return { ...source, errors: [...source.errors, ...errors], masters }
}

/** Each master below its name. */
function readMasters(origin: string, value: unknown, { yaml, table }: Context) {
  const masters: GivenMaster[] = []
  const expected = [`${origin}: expected a name for each master, with its options below it`]
  if (!yaml.isMap(value) || value.items.length === 0) return { masters, errors: expected }
  const names = valueNames(masterTable)
  const ofProgram = Object.keys(table).filter(name => !(name in masterTable))
  const errors: string[] = []
  for (const { key, value: own } of value.items) {
    const name = yaml.isScalar(key) ? scalarText(key) : undefined
    if (
      name === undefined ||
      name === '' ||
      !(yaml.isMap(own) || (yaml.isScalar(own) && own.value === '') || own === null)
    ) {
      errors.push(name ? `${origin}.${name}: expected "option: value" lines below the name` : (expected[0] ?? ''))
      continue
    }
    const pairs: readonly Pair[] = yaml.isMap(own) ? own.items : []
    const source = readPairs(`${origin}.${name}: `, pairs, { yaml, table: masterTable, names, others: [], ofProgram })
    masters.push({ name, source })
  }
  return { masters, errors }
}

function readPairs(
  prefix: string,
  pairs: readonly Pair[],
  about: Context & {
    readonly names: readonly string[]
    /** Other names that a mistyped one may mean. */
    readonly others: readonly string[]
    /** Options that hold for all masters. */
    readonly ofProgram?: readonly string[]
  },
): Source {
  const { yaml, table, names, others, ofProgram = [] } = about
  const given = new Map<string, Given>()
  const errors: string[] = []
  for (const pair of pairs) {
    const key = yaml.isScalar(pair.key) ? String(pair.key.value) : '?'
    const origin = `${prefix}${key}`
    if (ofProgram.includes(key)) {
      errors.push(`${origin}: holds for all masters; it stands outside of ${MASTERS}`)
      continue
    }
    if (!names.includes(key)) {
      const shown = shownName(key, table)
      errors.push(`${prefix}${shown}: no such option${didYouMean(nearest(shown, [...names, ...others]))}`)
      continue
    }
    const list = table[key]?.kind.list === true
    const text = textOf(pair.value, { yaml, list })
    if (text === undefined) errors.push(`${origin}: ${expectedValue(pair.value, { yaml, list })}`)
    else given.set(key, { text, origin })
  }
  return { given, errors }
}

/** A name for later use (`&name`) or its use (`*name`): of no use here, so it was meant as the beginning of a value. */
function isReference(value: unknown, yaml: Yaml): boolean {
  return yaml.isAlias(value) || (yaml.isScalar(value) && value.anchor !== undefined)
}

/** What is wrong with a value that has no text. */
function expectedValue(value: unknown, { yaml, list }: { yaml: Yaml; list: boolean }): string {
  if (isReference(value, yaml)) return 'a value that starts with & or * needs quotes'
  const got = value === null || yaml.isScalar(value) ? 'got nothing, ' : ''
  return `${got}expected ${list ? 'one value or a list of values' : 'one value'}`
}

/** The text of a value as it was written, or of a list, joined with commas; undefined for anything else. */
function textOf(value: unknown, { yaml, list }: { yaml: Yaml; list: boolean }): string | undefined {
  if (isReference(value, yaml)) return undefined
  if (yaml.isScalar(value)) return scalarText(value)
  if (!list || !yaml.isSeq(value)) return undefined
  const parts = value.items.map(item => (yaml.isScalar(item) ? scalarText(item) : undefined))
  return parts.includes(undefined) ? undefined : parts.join(',')
}

/** `key:`, `key: ~` and `key: null` have no value; in quotes the same words are one. */
function scalarText(scalar: Scalar): string | undefined {
  if (typeof scalar.value !== 'string') return undefined
  return scalar.type === 'PLAIN' && ['', '~', 'null'].includes(scalar.value) ? undefined : scalar.value
}

export function readSecretFile(named: Given): { secret: Secret } | { error: string } {
  if (named.text === '') return { error: `${named.origin}: got nothing, expected the name of a file` }
  const content = readSmallFile(named.text)
  if ('cause' in content) return { error: `${named.origin}: cannot read ${named.text}: ${content.cause}` }
  const problem = secretProblem(content.bytes)
  if (problem !== null) return { error: `${named.origin}: ${named.text} ${problem}` }
  return { secret: secretIn(content.bytes) }
}

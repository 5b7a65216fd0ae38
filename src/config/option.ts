// option.ts: what an option is: one row of option-table.ts (where new ones go), and the names that come from it.
//
// One word, `hold-timeout`, gives the flag `--hold-timeout`, the variable `HOLDFAST_HOLD_TIMEOUT` and the file key
// `hold-timeout`; a secret also has the twin `…-file`. These names are written nowhere by hand.
// Never: reads a source, or knows a particular option.

/** What a text means: a value, or what should have stood there, and which part of it was wrong. */
export type Read<T> = { readonly value: T } | { readonly expected: string; readonly part?: string }

/** A kind of value: how people write it, and how to read it. */
export interface Kind<T> {
  readonly placeholder: string
  /** For --help and docs/options.md: the unit, or the allowed words. */
  readonly form: string
  /** A list may be given as a repeated flag or a YAML sequence; the parts are joined with commas. */
  readonly list?: true
  /** What a flag without a value stands for; left out: a flag needs a value. */
  readonly bare?: string
  read(text: string): Read<T>
}

export interface Option<T> {
  readonly group: string
  readonly kind: Kind<T>
  readonly help: string
  /** The default as a person would write it; null where there is none. */
  readonly fallback: string | null
  readonly required: boolean
  /** The value is shown nowhere, and may come from the file that the twin `-file` names. */
  readonly secret: boolean
}

export type Table = Readonly<Record<string, Option<unknown>>>

/** The type of the value of each option, by its name. */
export type Settings<T extends Table> = {
  readonly [K in keyof T]: T[K] extends Option<infer V> ? V : never
}

/** A row of the table without its group, which `inGroup` gives it. */
type Row<T> = Omit<Option<T>, 'group'>

export function inGroup<T>(group: string, rows: { [K in keyof T]: Row<T[K]> }): { [K in keyof T]: Option<T[K]> } {
  const entries = Object.entries<Row<unknown>>(rows).map(([name, row]) => [name, { ...row, group }])
  return Object.fromEntries(entries)
}

export function required<T>(kind: Kind<T>, help: string): Row<T> {
  return { kind, help, fallback: null, required: true, secret: false }
}

export function withDefault<T>(fallback: string, kind: Kind<T>, help: string): Row<T> {
  return { kind, help, fallback, required: false, secret: false }
}

export function optional<T>(kind: Kind<T>, help: string): Row<T | null> {
  return { kind, help, fallback: null, required: false, secret: false }
}

export function secret<T>(kind: Kind<T>, help: string): Row<T | null> {
  return { kind, help, fallback: null, required: false, secret: true }
}

const prefix = 'HOLDFAST_'

export function flagOf(name: string): string {
  return `--${name}`
}

export function variableOf(name: string): string {
  return prefix + name.toUpperCase().replaceAll('-', '_')
}

/** The option that a variable stands for; undefined for a variable that is not ours. */
export function nameOfVariable(variable: string): string | undefined {
  return variable.startsWith(prefix) ? variable.slice(prefix.length).toLowerCase().replaceAll('_', '-') : undefined
}

export function twinOf(name: string): string {
  return `${name}-file`
}

/** Every name that takes a value: the options, and the twins of the secret ones. */
export function valueNames(table: Table): string[] {
  return Object.entries(table).flatMap(([name, option]) => (option.secret ? [name, twinOf(name)] : [name]))
}

/**
 * An unknown name as an error may show it: cut where a value may begin, as in `--redis-password:secret` or
 * `--redis-passwordsecret`.
 */
export function shownName(name: string, table: Table): string {
  const secretName = Object.keys(table).find(known => table[known]?.secret && name.includes(known))
  const end = secretName === undefined ? name.search(/[^\w-]|$/) : name.indexOf(secretName) + secretName.length
  return end < name.length ? `${name.slice(0, end)}…` : name
}

/** A text that a source gives for an option, and the words that say where it stands. */
export interface Given {
  readonly text: string
  readonly origin: string
}

/** All that one source gives, and what is wrong with the source itself. */
export interface Source {
  readonly given: ReadonlyMap<string, Given>
  readonly errors: readonly string[]
  /** The source could not be read, so what it does not give may still stand in it. */
  readonly unread?: true
  /** Several masters by `masters`, which a file alone can have. */
  readonly masters?: readonly GivenMaster[]
}

/** What stands below the name of one of several masters. */
export interface GivenMaster {
  readonly name: string
  readonly source: Source
}

// masters.ts: finds the options of each master: one by --master and the other options, or several.
//
//   --master NAME                      all options are those of this one
//   --master NAME=PORT,NAME=PORT       each listens there; the other options hold for all
//   masters: (in the --config file)    each has what stands below its name, and inherits the rest (master-options.ts)
//
// All mistakes are collected, each once, and those of one master with its name.
import { resolve } from 'node:path'
import { type Address, formatAddress, isSamePlace } from '../address.ts'
import { masterTable, optionsOf } from './master-options.ts'
import { type Given, type GivenMaster, type Source, type Table, twinOf } from './option.ts'
import { options, type Values } from './option-table.ts'
import { relations } from './relations.ts'
import { brokenRelations, type ResolvedOptions, resolveOptions } from './resolve.ts'
import { tlsFileProblems } from './tls-check.ts'

/** One master with all its options, those of the program among them. */
export interface ResolvedMaster {
  readonly name: string
  /** /startup waits for it. */
  readonly required: boolean
  readonly values: Values
  readonly secretFiles: ReadonlyMap<string, string>
}

type NonEmpty<T> = readonly [T, ...T[]]

export interface ResolvedMasters {
  /** Null where something is wrong. */
  readonly masters: NonEmpty<ResolvedMaster> | null
  readonly errors: readonly string[]
}

export function resolveMasters(sources: readonly Source[]): ResolvedMasters {
  const inFile = sources.find(source => source.masters !== undefined)?.masters
  const master = sources.map(({ given }) => given.get('master')).find(given => given !== undefined)
  if (inFile !== undefined) {
    const both =
      master && `${master.origin}: given together with masters in the --config file; expected only one of them`
    return resolveSeveral(sources, inFile, both ? [both] : [])
  }
  const short = master === undefined ? [] : ownOf(master)
  return short.length > 0 ? resolveSeveral(sources, short, []) : resolveOne(sources)
}

function resolveOne(sources: readonly Source[]): ResolvedMasters {
  const resolved = resolveOptions(options, sources)
  const broken = brokenRelations(resolved, { table: options, relations })
  const errors = [...resolved.errors, ...broken, ...tlsFileProblems(resolved)]
  if (errors.length > 0) return { masters: null, errors }
  const values = valuesOf(resolved)
  const [named] = values.master
  return { masters: [{ name: named.name, required: true, values, secretFiles: resolved.secretFiles }], errors }
}

/** The masters of the short form; none where the text is no such form. */
function ownOf(master: Given): GivenMaster[] {
  const read = options.master.kind.read(master.text)
  if (!('value' in read)) return []
  return read.value.flatMap(({ name, listen }) => {
    const given = listen && { text: formatAddress(listen), origin: master.origin }
    return given ? [{ name, source: { given: new Map([['listen', given]]), errors: [] } }] : []
  })
}

function resolveSeveral(
  sources: readonly Source[],
  own: readonly GivenMaster[],
  errors: readonly string[],
): ResolvedMasters {
  const { master: _, ...table }: Table = optionsOf('program', 'master')
  const base = resolveOptions(table, sources)
  const each = own.map(one => ({ ...one, resolved: merge(base, one.source) }))
  const problems = [
    ...errors,
    ...givenForAll(sources),
    ...base.errors,
    ...each.flatMap(({ resolved }) => resolved.errors),
    ...each.flatMap(brokenOf),
    ...each.flatMap(({ resolved }) => tlsFileProblems(resolved)),
    ...samePlaces(each),
  ]
  const [first, ...others] = each.map(({ name, resolved }) => ({
    name,
    required: resolved.values.get('required') !== false,
    values: valuesOf(resolved),
    secretFiles: resolved.secretFiles,
  }))
  const isWell = problems.length === 0 && first !== undefined
  return { masters: isWell ? [first, ...others] : null, errors: [...new Set(problems)] }
}

/** What each master says for itself, given for all of them. */
function givenForAll(sources: readonly Source[]): string[] {
  const given = Object.keys(optionsOf('own')).flatMap(name => sources.flatMap(source => source.given.get(name) ?? []))
  return given.map(({ origin }) => {
    return `${origin}: given for several masters; each needs its own, below its name in masters in the --config file`
  })
}

/** What the master says, and what it inherits. */
function merge(base: ResolvedOptions, source: Source): ResolvedOptions {
  const isOwn = (name: string): boolean => source.given.has(name) || source.given.has(twinOf(name))
  const table = Object.fromEntries(Object.entries(masterTable).filter(([name]) => isOwn(name)))
  const own = resolveOptions(table, [source])
  const inherit = <T>(all: ReadonlyMap<string, T>): [string, T][] => [...all].filter(([name]) => !isOwn(name))
  const absent = Object.keys(optionsOf('own')).map((name): [string, null] => [name, null])
  return {
    values: new Map([...inherit(base.values), ...inherit(new Map(absent)), ...own.values]),
    givens: new Map([...inherit(base.givens), ...own.givens]),
    secretFiles: new Map([...inherit(base.secretFiles), ...own.secretFiles]),
    errors: own.errors,
  }
}

interface Resolved extends GivenMaster {
  readonly resolved: ResolvedOptions
}

/** Broken rules; without the name where the master has inherited both sides. */
function brokenOf({ name, source, resolved }: Resolved): string[] {
  const alone = optionsOf('own')
  return relations.flatMap(relation => {
    const isOwn = relation.between.some(one => one in alone || source.given.has(one) || source.given.has(twinOf(one)))
    const broken = brokenRelations(resolved, { table: options, relations: [relation] })
    return isOwn ? broken.map(text => `master ${name}: ${text}`) : broken
  })
}

/** Two masters cannot have the same port or socket. */
function samePlaces(each: readonly Resolved[]): string[] {
  return each.flatMap((one, i) => {
    const values = valuesOf(one.resolved)
    return each.slice(i + 1).flatMap(other => {
      const theirs = valuesOf(other.resolved)
      const both = `masters ${one.name} and ${other.name}`
      const problems = portsOf(values).flatMap(a =>
        portsOf(theirs).flatMap(b => {
          if (!isSamePlace(a, b)) return []
          const places = [...new Set([a, b].map(formatAddress))]
          return [`${both}: both listen at ${places.join(' and ')}; each needs a port of its own`]
        }),
      )
      const shared = socketsOf(values).filter(path => socketsOf(theirs).includes(path))
      return [...problems, ...shared.map(path => `${both}: both listen at ${path}; each needs a socket of its own`)]
    })
  })
}

function portsOf({ listen, 'replica-listen': replicas }: Values): Address[] {
  return [listen, replicas].filter(port => port !== null)
}

function socketsOf({ 'listen-socket': socket, 'replica-listen-socket': replicas }: Values): string[] {
  return [socket, replicas].filter(path => path !== null).map(path => resolve(path))
}

function valuesOf({ values }: ResolvedOptions): Values {
  return Object.fromEntries(values) as Values
}

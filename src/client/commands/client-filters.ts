// client-filters.ts: the filters of CLIENT LIST and CLIENT KILL, applied to a client's line. Pure.
//
// The server has judged form and values before they are read here. Known are the filters of Redis 8 and of Valkey 8 and
// 9, each also with NOT- before it, as in Valkey 9.
import type { ClientLine } from './client-lines.ts'

/** This much of an argument is looked at: no field of a client is as long. */
const MAX_BYTES = 4_096

type Test = (line: ClientLine) => boolean

export interface ClientFilter {
  /** All filters but SKIPME let this line through. */
  readonly test: Test
  /** SKIPME as given; null: not given. */
  readonly skipMe: boolean | null
  /** ID, ADDR or LADDR is among them. */
  readonly namesOne: boolean
  /** The one ID, when there is no other filter but SKIPME. */
  readonly onlyId: string | null
}

/** Filters that ask whether the field of their name has this value. */
const exact: ReadonlySet<string> = new Set(['addr', 'laddr', 'user', 'name', 'db', 'lib-name', 'lib-ver'])

/** Other filters that take one value. */
const tests: Readonly<Record<string, (value: string) => Test>> = {
  type: value => line => typeOf(line) === typeNames[value.toLowerCase()],
  maxage: value => line => Number(line.get('age')) >= Number(value),
  idle: value => line => Number(line.get('idle')) >= Number(value),
  flags: value => line => [...value].every(flag => line.get('flags')?.includes(flag)),
  capa: value => line => [...value].every(capa => line.get('capa')?.includes(capa)),
  ip: value => line =>
    line
      .get('addr')
      ?.replace(/:\d+$/, '')
      .replace(/^\[(.*)\]$/, '$1') === value,
}

const typeNames: Readonly<Record<string, string>> = {
  normal: 'normal',
  pubsub: 'pubsub',
  replica: 'replica',
  slave: 'replica',
  master: 'master',
  primary: 'master',
}

/** As getClientType in networking.c tells them apart: a client that MONITORs is a normal one. */
function typeOf(line: ClientLine): string {
  const flags = line.get('flags') ?? ''
  if (flags.includes('M')) return 'master'
  if (flags.includes('S')) return 'replica'
  return flags.includes('P') ? 'pubsub' : 'normal'
}

/** The filters from the third argument on; undefined: one of them is not known here. */
export function parseFilters(args: readonly Buffer[]): ClientFilter | undefined {
  const found = new Map<string, Test>()
  let ids: Set<string> | null = null
  let skipMe: boolean | null = null
  const words = args.map(arg => arg.toString('latin1', 0, MAX_BYTES))
  for (let i = 2; i < words.length; ) {
    const word = words[i]?.toLowerCase() ?? ''
    const value = words[i + 1] ?? ''
    i += 2
    const name = word.replace(/^not-/, '')
    const isNot = name !== word
    if (word === 'skipme') skipMe = value.toLowerCase() === 'yes'
    else if (name === 'id') {
      const named = new Set([plainId(value)])
      for (let more = words[i]; more && /^\d+$/.test(more); more = words[++i]) named.add(plainId(more))
      if (isNot) found.set(word, line => !named.has(line.get('id') ?? ''))
      else ids = new Set([...(ids ?? []), ...named])
    } else {
      const test = exact.has(name) ? (line: ClientLine) => line.get(name) === value : tests[name]?.(value)
      if (test === undefined) return undefined
      found.set(word, isNot ? line => !test(line) : test)
    }
  }
  const all = [...found.values()]
  if (ids !== null) {
    const wanted = ids
    all.push(line => wanted.has(line.get('id') ?? ''))
  }
  const [only = null] = ids?.size === 1 && found.size === 0 ? ids : []
  const namesOne = ids !== null || found.has('addr') || found.has('laddr')
  return { test: line => all.every(test => test(line)), skipMe, namesOne, onlyId: only }
}

/** A number as the server prints it. */
function plainId(text: string): string {
  return text.replace(/^0+(?=\d)/, '')
}

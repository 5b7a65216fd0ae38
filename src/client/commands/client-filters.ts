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

/** Filters that take one value. */
const tests: Readonly<Record<string, (value: string) => Test>> = {
  type: value => line => typeOf(line) === typeNames[value.toLowerCase()],
  addr: value => line => line.get('addr') === value,
  laddr: value => line => line.get('laddr') === value,
  user: value => line => line.get('user') === value,
  maxage: value => line => Number(line.get('age')) >= Number(value),
  idle: value => line => Number(line.get('idle')) >= Number(value),
  name: value => line => line.get('name') === value,
  db: value => line => line.get('db') === value,
  flags: value => line => [...value].every(flag => line.get('flags')?.includes(flag)),
  'lib-name': value => line => line.get('lib-name') === value,
  'lib-ver': value => line => line.get('lib-ver') === value,
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
  for (let i = 2; i < args.length; ) {
    const word = args[i]?.toString('latin1', 0, MAX_BYTES).toLowerCase() ?? ''
    const value = args[i + 1]?.toString('latin1', 0, MAX_BYTES) ?? ''
    i += 2
    const name = word.replace(/^not-/, '')
    const isNot = name !== word
    if (word === 'skipme') skipMe = value.toLowerCase() === 'yes'
    else if (name === 'id') {
      const named = new Set([plainId(value)])
      for (; i < args.length && /^\d+$/.test(args[i]?.toString('latin1', 0, MAX_BYTES) ?? ''); i++)
        named.add(plainId(args[i]?.toString('latin1', 0, MAX_BYTES) ?? ''))
      if (isNot) found.set(word, line => !named.has(line.get('id') ?? ''))
      else ids = new Set([...(ids ?? []), ...named])
    } else {
      const make = tests[name]
      if (make === undefined) return undefined
      const test = make(value)
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

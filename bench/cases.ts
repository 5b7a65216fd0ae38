// cases.ts: the table of what is measured, by name. Data and the selection from it; runs nothing.
//
// A name is GROUP.WHAT, as in c50p16.get: 50 clients, pipelines of 16, GET. A group selects all of its cases.

import type { Feature } from './targets.ts'

/** What is in the server before the case starts. */
export interface Preload {
  /** Keys key:000000000000 up, with values of `valueBytes`. */
  keys: number
  valueBytes: number
  /** Elements of 64 bytes in the list `bench:list`. */
  listElements: number
}

interface Common {
  name: string
  title: string
  preload: Preload
  needs: readonly Feature[]
  clients: number
  argv: readonly string[]
}

export type Case =
  | (Common & { kind: 'closed'; pipeline: number; resp: 2 | 3; valueBytes: number | null; sleepers: number })
  | (Common & { kind: 'open'; ratePerSecond: number })

const kibibyte = 1_024
const smallValue = 64
const manyKeys = 1_000
const randomKey = 'key:__rand_int__'

type ClosedCase = Extract<Case, { kind: 'closed' }>

function closed(name: string, title: string, rest: Partial<ClosedCase> & { argv: readonly string[] }): Case {
  const preload = { keys: manyKeys, valueBytes: smallValue, listElements: 0 }
  const plain = {
    clients: 50,
    pipeline: 1,
    resp: 2,
    valueBytes: null,
    sleepers: 0,
    needs: ['server'],
    preload,
  } as const
  return { kind: 'closed', name, title, ...plain, ...rest }
}

function setAndGet(group: string, title: string, bytes: number, rest: Partial<ClosedCase>): Case[] {
  // A gigabyte of values would measure the allocator: large values get few keys.
  const keys = Math.min(manyKeys, Math.max(16, Math.floor((64 * kibibyte * kibibyte) / bytes)))
  const preload = { keys, valueBytes: bytes, listElements: 0 }
  return [
    closed(`${group}.set`, `SET, ${title}`, { argv: ['SET', randomKey], valueBytes: bytes, preload, ...rest }),
    closed(`${group}.get`, `GET, ${title}`, { argv: ['GET', randomKey], preload, ...rest }),
  ]
}

function concurrency(clients: number, pipeline: number): Case[] {
  const title = `64 B, ${clients} client${clients === 1 ? '' : 's'}, pipeline ${pipeline}`
  return setAndGet(`c${clients}p${pipeline}`, title, smallValue, { clients, pipeline, needs: [] })
}

function values(group: string, bytes: number, label: string): Case[] {
  return setAndGet(group, `${label}, 50 clients, pipeline 1`, bytes, {})
}

function open(ratePerSecond: number): Case {
  const name = `open${ratePerSecond / 1_000}k.get`
  const title = `GET, 64 B, ${ratePerSecond} a second in an open loop over 50 connections`
  const preload = { keys: manyKeys, valueBytes: smallValue, listElements: 0 }
  return {
    kind: 'open',
    name,
    title,
    preload,
    needs: ['server'],
    clients: 50,
    argv: ['GET', 'key:000000000007'],
    ratePerSecond,
  }
}

const list = { keys: 0, valueBytes: smallValue, listElements: 1_000 }

const allCases: readonly Case[] = [
  ...[1, 50, 200, 1_000].flatMap(clients => [1, 16, 100].flatMap(pipeline => concurrency(clients, pipeline))),
  ...values('v16', 16, '16 B'),
  ...values('v1k', kibibyte, '1 KiB'),
  ...values('v16k', 16 * kibibyte, '16 KiB'),
  ...values('v1m', kibibyte * kibibyte, '1 MiB'),
  closed('incr.p1', 'INCR, 50 clients, pipeline 1', { argv: ['INCR', 'count:__rand_int__'] }),
  closed('incr.p16', 'INCR, 50 clients, pipeline 16', { argv: ['INCR', 'count:__rand_int__'], pipeline: 16 }),
  closed('mget100.p1', 'MGET of 100 keys, 50 clients', { argv: ['MGET', ...Array(100).fill(randomKey)] }),
  closed('lrange1000.p1', 'LRANGE of 1000, 50 clients', { argv: ['LRANGE', 'bench:list', '0', '999'], preload: list }),
  ...setAndGet('r3p1', '64 B, RESP3, 50 clients, pipeline 1', smallValue, { resp: 3, needs: ['server', 'resp3'] }),
  ...setAndGet('r3p16', '64 B, RESP3, 50 clients, pipeline 16', smallValue, {
    resp: 3,
    needs: ['server', 'resp3'],
    pipeline: 16,
  }),
  ...setAndGet('mix50', '64 B, 45 clients beside 5 sessions blocked in BLPOP', smallValue, {
    clients: 45,
    sleepers: 5,
    needs: ['server', 'blocking'],
  }),
  ...[2_000, 10_000, 20_000].map(open),
]

const quickGroups = ['c50p1', 'c200p1', 'c50p16', 'c1p1', 'v16k']

export type SetName = 'quick' | 'full'

function groupOf(name: string): string {
  return name.slice(0, name.indexOf('.'))
}

/** The cases of a set, in the order they are run. */
export function casesOfSet(set: SetName): Case[] {
  return set === 'full' ? [...allCases] : selectCases(quickGroups)
}

/** Cases by group or full name, in the order asked for. @throws Error naming what does not exist. */
export function selectCases(names: readonly string[]): Case[] {
  return names.flatMap(name => {
    const found = allCases.filter(one => one.name === name || groupOf(one.name) === name)
    if (found.length === 0) throw new Error(`no case ${name}; groups: ${caseGroups().join(' ')}`)
    return found
  })
}

export function caseGroups(): string[] {
  return [...new Set(allCases.map(one => groupOf(one.name)))]
}

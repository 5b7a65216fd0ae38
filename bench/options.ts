// options.ts: the command line of the benchmark, read once. Prints and runs nothing.

import { parseArgs } from 'node:util'
import { type Case, caseGroups, casesOfSet, selectCases } from './cases.ts'
import { type Cores, readCores } from './cores.ts'
import { rowNames, selectRows, type TailRow } from './tail/rows.ts'
import { targetNames } from './targets.ts'

export interface Options {
  mode: 'compare' | 'idle' | 'memory' | 'steady' | 'failover' | 'tail' | 'syscalls' | 'rest' | 'help'
  cases: Case[]
  targets: string[]
  rounds: number
  seconds: number
  json: string | undefined
  keep: boolean
  profile: string | undefined
  base: string | undefined
  predixy: string | undefined
  /** Further options of the target `holdfast-with`. */
  further: string[] | undefined
  idleSessions: number
  steadyMinutes: number
  /** Replicas of the server, on the same machine. */
  replicas: number
  /** undefined: where the kernel puts them. */
  cores: Cores | undefined
  tailRows: TailRow[]
  traceGc: boolean
  /** undefined: C where there is a compiler. */
  generator: 'c' | 'node' | undefined
}

const tailTargets = ['direct', 'haproxy', 'twemproxy', 'holdfast', 'holdfast-noflags']
const defaultTargets = ['direct', 'haproxy', 'twemproxy', 'pipe', 'echo-node', 'holdfast']

export const help = `usage: npm run bench -- [options]
  --set quick|full        which cases (quick)
  --cases a,b             cases by group or name instead: ${caseGroups().join(' ')}
  --targets a,b           of ${targetNames.join(' ')} (${defaultTargets.join(',')})
  --rounds N              rounds for each case (7; with --failover, --tail and --syscalls 3)
  --seconds S             length of one measurement (1.2; with --tail 4)
  --base DIR              another checkout of holdfast, measured in the same rounds as the target "base"
  --predixy PROGRAM       predixy, measured in the same rounds as the target "predixy"
  --with="OPTIONS"        holdfast with further options too, as the target "holdfast-with"
  --replicas N            replicas of the server on the same machine (0)
  --cores P,S,L           the proxy, redis-server and the load each on a core of this number
  --json FILE             where all samples go (bench/results/<time>.json)
  --keep                  append the figures to bench/history.jsonl
  --profile DIR           CPU profiles of holdfast into DIR
  --idle                  instead: memory and CPU with nothing to do, start, --version and health (with --base: both)
  --idle-sessions N       instead: memory for each of N idle sessions
  --memory                instead: memory for a session, a link of its own, a held command
  --steady-minutes N      instead: memory during N minutes of one mixed load, with heap snapshots
  --failover              instead: time to the first reply after a failover, and the drain of held commands
  --tail [ROW,ROW]        instead: latency of small GETs beside large values: ${rowNames.join(' ')}
  --syscalls              instead: system calls for a command, by kind, with perf or strace
  --trace-gc              with --tail: count full garbage collections of holdfast
  --generator c|node      with --tail: what sends the load (C where there is a compiler)`

/** @throws Error in plain words for an option that is not known or has no sense. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      set: { type: 'string', default: 'quick' },
      cases: { type: 'string' },
      targets: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      base: { type: 'string' },
      predixy: { type: 'string' },
      with: { type: 'string' },
      replicas: { type: 'string', default: '0' },
      cores: { type: 'string' },
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
      profile: { type: 'string' },
      'idle-sessions': { type: 'string' },
      memory: { type: 'boolean', default: false },
      'steady-minutes': { type: 'string' },
      failover: { type: 'boolean', default: false },
      tail: { type: 'boolean', default: false },
      idle: { type: 'boolean', default: false },
      syscalls: { type: 'boolean', default: false },
      'trace-gc': { type: 'boolean', default: false },
      generator: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const [first] = positionals
  if (first !== undefined && !values.tail) throw new Error(`${first}: only --tail takes words`)
  if (values['trace-gc'] && !values.tail) throw new Error('--trace-gc: only with --tail')
  if (values.set !== 'quick' && values.set !== 'full') throw new Error(`--set: quick or full, not ${values.set}`)
  const { generator } = values
  if (generator !== undefined && !(values.tail && (generator === 'c' || generator === 'node'))) {
    throw new Error(`--generator: c or node, and only with --tail`)
  }
  const targets = values.targets?.split(',') ?? [...(values.tail ? tailTargets : defaultTargets)]
  if (values.base !== undefined && !targets.some(isBase)) targets.push('base')
  if (values.base === undefined && targets.some(isBase)) throw new Error('the target base needs --base DIR')
  const { predixy } = values
  if (predixy !== undefined && !targets.includes('predixy')) targets.push('predixy')
  if (predixy === undefined && targets.includes('predixy'))
    throw new Error('the target predixy needs --predixy PROGRAM')
  const further = values.with?.split(' ').filter(Boolean)
  if (further !== undefined && !targets.includes('holdfast-with')) targets.push('holdfast-with')
  if (further === undefined && targets.includes('holdfast-with'))
    throw new Error('the target holdfast-with needs --with')
  const unknown = targets.filter(name => !targetNames.includes(name))
  if (unknown.length > 0) throw new Error(`--targets: no ${unknown.join(', ')}; there are ${targetNames.join(', ')}`)
  const idleSessions = values['idle-sessions']
  const steady = values['steady-minutes']
  return {
    mode: modeOf({ ...values, idleSessions, steady }),
    cases: values.cases === undefined ? casesOfSet(values.set) : selectCases(values.cases.split(',')),
    targets,
    rounds: numberOf('--rounds', values.rounds ?? (values.failover || values.tail || values.syscalls ? '3' : '7'), {
      min: 1,
      max: 1_000,
    }),
    seconds: numberOf('--seconds', values.seconds ?? (values.tail ? '4' : '1.2'), { min: 0.1, max: 600 }),
    json: values.json,
    keep: values.keep,
    profile: values.profile,
    base: values.base,
    predixy,
    further,
    replicas: numberOf('--replicas', values.replicas, { min: 0, max: 5 }),
    cores: values.cores === undefined ? undefined : readCores(values.cores),
    steadyMinutes: steady === undefined ? 0 : numberOf('--steady-minutes', steady, { min: 0.5, max: 1_440 }),
    idleSessions: idleSessions === undefined ? 0 : numberOf('--idle-sessions', idleSessions, { min: 1, max: 100_000 }),
    tailRows: values.tail ? selectRows(positionals.flatMap(words => words.split(','))) : [],
    traceGc: values['trace-gc'],
    generator,
  }
}

function isBase(name: string): boolean {
  return name === 'base' || name === 'base-noflags'
}

interface Asked {
  readonly help: boolean
  readonly memory: boolean
  readonly failover: boolean
  readonly tail: boolean
  readonly syscalls: boolean
  readonly idle: boolean
  readonly idleSessions: string | undefined
  readonly steady: string | undefined
}

function modeOf(asked: Asked): Options['mode'] {
  if (asked.help) return 'help'
  if (asked.idleSessions !== undefined) return 'idle'
  if (asked.idle) return 'rest'
  if (asked.steady !== undefined) return 'steady'
  if (asked.memory) return 'memory'
  if (asked.tail) return 'tail'
  if (asked.syscalls) return 'syscalls'
  return asked.failover ? 'failover' : 'compare'
}

function numberOf(flag: string, text: string, limits: { min: number; max: number }): number {
  const value = Number(text)
  if (value >= limits.min && value <= limits.max) return value
  throw new Error(`${flag}: a number from ${limits.min} to ${limits.max}, not ${text}`)
}

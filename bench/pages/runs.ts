// runs.ts: the runs that README.md and docs/performance.md are made of, and the files they leave. No page has a figure
// of two runs in one row, so a row compares what was measured in the same minutes.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AtRest, Command, Start } from '../rest/rest.ts'
import type { RunFacts } from '../results.ts'
import type { CaseSummary } from '../summary.ts'
import type { CallsSample } from '../syscalls/run.ts'
import type { RowSummary } from '../tail/report.ts'

export interface CompareFile extends RunFacts {
  readonly cases: readonly CaseSummary[]
}

export interface TailFile extends RunFacts {
  readonly generators: string
  readonly rows: readonly RowSummary[]
}

export interface CallsFile extends RunFacts {
  readonly counter: string
  readonly cases: readonly { readonly name: string; readonly samples: readonly CallsSample[] }[]
}

export interface RestFile extends RunFacts {
  readonly nodeAlone: AtRest
  readonly figures: readonly { name: string; rest: AtRest; start: Start; version: Command; health: Command }[]
}

export interface Runs {
  readonly compare: CompareFile
  readonly full: CompareFile
  readonly tail: TailFile
  readonly calls: CallsFile
  readonly rest: RestFile
}

const beside = 'direct,haproxy,twemproxy,holdfast'

/** The words of each run, but for where it writes; about forty minutes in all. */
export const words: Readonly<Record<keyof Runs, readonly string[]>> = {
  compare: [
    ...['--cases', 'c50p1,c200p1,c50p16,c50p100,c1p1,v16k', '--rounds', '7'],
    ...['--targets', `echo-node,echo-onread,echo-c,${beside}`],
  ],
  full: ['--set', 'full', '--targets', 'haproxy,holdfast', '--rounds', '3', '--seconds', '0.6'],
  tail: ['--tail', '--targets', `${beside},holdfast-noflags`],
  calls: ['--syscalls', '--cases', 'c1p1.get,c50p1,c50p16,v16k', '--targets', `echo-node,${beside}`],
  rest: ['--idle'],
}

export const runNames = Object.keys(words) as (keyof Runs)[]

export function fileOf(folder: string, name: keyof Runs): string {
  return join(folder, `${name}.json`)
}

/** @throws Error naming the file that is missing. */
export function readRuns(folder: string): Runs {
  const read = (name: keyof Runs): unknown => {
    const file = fileOf(folder, name)
    if (!existsSync(file)) throw new Error(`there is no ${file}`)
    return JSON.parse(readFileSync(file, 'utf8'))
  }
  // The files are this benchmark's own, written minutes ago.
  return Object.fromEntries(runNames.map(name => [name, read(name)])) as unknown as Runs
}

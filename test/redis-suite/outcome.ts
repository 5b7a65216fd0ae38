// outcome.ts: what a run of Redis's own test suite printed, as data, and what one run lacks that another one has.
// Pure.
//
// The suite prints `Testing unit/x`, then a line for each test: `[ok]: NAME (N ms)`, `[err]: NAME in FILE` and its
// cause on the lines after it. It says `The End` when it has come to its end; `[exception]` or `[TIMEOUT]` when it has
// not.
import type { Reason } from './reasons.ts'

export interface Failure {
  readonly unit: string
  readonly test: string
  /** What the suite says of it, several lines. */
  readonly cause: string
}

export interface Outcome {
  /** How often each test passed, by `UNIT: NAME`. A unit may have several tests of one name. */
  readonly passed: ReadonlyMap<string, number>
  readonly failures: readonly Failure[]
  /** Units that came to their end, in order. */
  readonly units: readonly string[]
  /** Where and why the suite ended before its end; none: it came to its end. */
  readonly early: readonly Early[]
}

export interface Early {
  readonly unit: string
  readonly cause: string
}

export interface Missing {
  /** `UNIT: NAME` */
  readonly test: string
  readonly unit: string
  /** Why it may be missing; undefined: it may not. */
  readonly reason: string | undefined
  readonly cause: string
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the suite colours its output with escape sequences.
const colours = /\x1b\[[0-9;]*m/g
const status = /^\[([^\]]+)\]: ?(.*)$/

export const withoutColours = (text: string): string => text.replaceAll(colours, '')

/** Reads the whole output of a run. */
export function readOutcome(output: string): Outcome {
  const passed = new Map<string, number>()
  const failures: { unit: string; test: string; cause: string }[] = []
  const units: string[] = []
  let unit = ''
  let early: { unit: string; cause: string } | undefined
  let ended = false
  /** The failure or the early end whose cause goes on with the next line. */
  let open: { cause: string } | undefined
  for (const line of withoutColours(output).split('\n')) {
    const [, word = '', rest = ''] = status.exec(line) ?? []
    if (word === '' && open && !line.startsWith('Testing ') && !line.includes('The End')) {
      open.cause += `\n${line}`
      continue
    }
    open = undefined
    if (line.startsWith('Testing ')) unit = line.slice('Testing '.length).trim()
    else if (line.trim() === 'The End') {
      ended = true
      break
    } else if (word === 'ok') {
      const test = `${unit}: ${rest.replace(/ \(\d+ ms\)$/, '')}`
      passed.set(test, (passed.get(test) ?? 0) + 1)
    } else if (word === 'err') {
      const failure = { unit, test: rest.replace(/ in tests\/\S+\.tcl$/, ''), cause: '' }
      failures.push(failure)
      open = failure
    } else if (/^\d+\/\d+ done$/.test(word)) units.push(rest.replace(/ \(\d+ seconds\)$/, ''))
    else if (word === 'exception' || word === 'TIMEOUT') {
      early = { unit, cause: `${word}: ${rest}` }
      open = early
    }
  }
  if (!ended) early ??= { unit, cause: 'the suite ended without a word' }
  return { passed, failures, units, early: early ? [early] : [] }
}

/** Two runs one after the other, as one. */
export function join(first: Outcome, second: Outcome): Outcome {
  const passed = new Map(first.passed)
  for (const [test, times] of second.passed) passed.set(test, (passed.get(test) ?? 0) + times)
  return {
    passed,
    failures: [...first.failures, ...second.failures],
    units: [...first.units, ...second.units],
    early: [...first.early, ...second.early],
  }
}

/**
 * Tests that passed in `direct` more often than in `through`, each with its reason from `reasons` and the cause it
 * gave.
 */
export function compare(direct: Outcome, through: Outcome, reasons: readonly Reason[]): Missing[] {
  return [...direct.passed].flatMap(([test, times]) => {
    if ((through.passed.get(test) ?? 0) >= times) return []
    const failure = through.failures.find(one => `${one.unit}: ${one.test}` === test)
    const reason = reasons.find(one => one.tests.includes(test))?.reason
    return [
      {
        test,
        unit: test.slice(0, test.indexOf(': ')),
        reason,
        cause: failure?.cause.trim() ?? 'it was not run, or not to its end',
      },
    ]
  })
}

/** How many tests passed. */
export function passes({ passed }: Outcome): number {
  return [...passed.values()].reduce((sum, times) => sum + times, 0)
}

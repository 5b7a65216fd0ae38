// time-rules.ts: commands whose repeat depends on a time. With one in the past they delete at once, so a repeat finds
// nothing and answers something else. With one in the future they only set it (a relative one starts again). Conditions
// like NX, GT and LT may hold the first time alone. A rule answers null for "the table's class holds".

import { integerAt, type OptionGrammar, readAllOptions, readOptions, wordAt } from './argument-parser.ts'
import type { ReplayRule } from './command-spec.ts'

/** How the options of GETEX, HGETEX and HSETEX that carry a time mean it. */
const timeOptions: OptionGrammar = { EX: 1, PX: 1, EXAT: 1, PXAT: 1 }

/**
 * `nowMs` is by this process's clock, and the latest moment at which the command may be sent again. The server's clock may
 * be minutes ahead. A repeat behind its time would delete what somebody else has written to the key since. So a time that
 * is written out is in the future only from here on. A server whose clock is behind takes it for later: that is safe.
 */
const AHEAD_MS = 10 * 60_000

/** Whether the time at `index`, meant as `unit` says, lies in the future; false where it is no number. */
function isFuture(args: readonly Buffer[], index: number, unit: string, nowMs: number): boolean {
  const time = integerAt(args, index)
  if (unit === 'EXAT') return time * 1000 > nowMs + AHEAD_MS
  if (unit === 'PXAT') return time > nowMs + AHEAD_MS
  return time > 0
}

function timesAreFuture(args: readonly Buffer[], options: ReadonlyMap<string, number>, nowMs: number): boolean {
  return [...options].every(([word, at]) => !Object.hasOwn(timeOptions, word) || isFuture(args, at + 1, word, nowMs))
}

/** EXPIRE and its kin: KEY TIME [XX]. */
function expire(unit: string): ReplayRule {
  return (args, nowMs) =>
    isFuture(args, 2, unit, nowMs) && readAllOptions(args, 3, { XX: 0 }) !== null ? 'idempotent' : null
}

/** HEXPIRE and its kin: KEY TIME [XX] FIELDS count field... */
function hashExpire(unit: string): ReplayRule {
  return (args, nowMs) => {
    const { end } = readOptions(args, 3, { XX: 0 })
    return isFuture(args, 2, unit, nowMs) && fieldsReachTheEnd(args, end, 1) ? 'idempotent' : null
  }
}

const getex: ReplayRule = (args, nowMs) => {
  const options = readAllOptions(args, 2, { ...timeOptions, PERSIST: 0 })
  return options !== null && timesAreFuture(args, options, nowMs) ? 'idempotent' : null
}

/** HGETEX (one argument a field) and HSETEX (two): KEY [options] FIELDS count ... */
function hashFields(grammar: OptionGrammar, perField: number): ReplayRule {
  return (args, nowMs) => {
    const { at, end } = readOptions(args, 2, { ...timeOptions, ...grammar })
    return timesAreFuture(args, at, nowMs) && fieldsReachTheEnd(args, end, perField) ? 'idempotent' : null
  }
}

function fieldsReachTheEnd(args: readonly Buffer[], index: number, perField: number): boolean {
  return wordAt(args, index) === 'FIELDS' && args.length === index + 2 + integerAt(args, index + 1) * perField
}

/** By the command's name in lower case. */
export const timeRules: ReadonlyArray<readonly [name: string, rule: ReplayRule]> = [
  ['expire', expire('EX')],
  ['pexpire', expire('PX')],
  ['expireat', expire('EXAT')],
  ['pexpireat', expire('PXAT')],
  ['hexpire', hashExpire('EX')],
  ['hpexpire', hashExpire('PX')],
  ['hexpireat', hashExpire('EXAT')],
  ['hpexpireat', hashExpire('PXAT')],
  ['getex', getex],
  ['hgetex', hashFields({ PERSIST: 0 }, 1)],
  ['hsetex', hashFields({ FXX: 0, KEEPTTL: 0 }, 2)],
]

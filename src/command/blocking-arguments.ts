// blocking-arguments.ts: does this XREAD block, and where does a blocking command's timeout stand? A command that
// waited on a lost link is sent again with what is left of its time, so the argument must be found.
//
// Slow path: called for commands of the routes `blocking`, `maybeBlocking` and `wait` only. Never: changes a command.

import { integerAt, type OptionGrammar, wordAt } from './argument-parser.ts'
import { lookupCommand } from './lookup.ts'

export interface BlockingTimeout {
  /** The timeout's place among the arguments, the command's name being 0. */
  readonly index: number
  readonly unit: 'seconds' | 'milliseconds'
  /** In `unit`, not negative; 0 waits for ever. */
  readonly value: number
}

/** The options of XREAD and XREADGROUP that may stand before STREAMS, with how many arguments each takes. */
const streamOptions: OptionGrammar = { COUNT: 1, BLOCK: 1, GROUP: 2, NOACK: 0, CLAIM: 1 }

/** Where the timeout stands: the last argument, the first one, or after the word BLOCK. */
const timeoutPlaces: Readonly<Record<string, readonly ['last' | 'first' | 'block', BlockingTimeout['unit']]>> = {
  blpop: ['last', 'seconds'],
  brpop: ['last', 'seconds'],
  blmove: ['last', 'seconds'],
  brpoplpush: ['last', 'seconds'],
  bzpopmin: ['last', 'seconds'],
  bzpopmax: ['last', 'seconds'],
  blmpop: ['first', 'seconds'],
  bzmpop: ['first', 'seconds'],
  xread: ['block', 'milliseconds'],
  xreadgroup: ['block', 'milliseconds'],
  wait: ['last', 'milliseconds'],
  waitaof: ['last', 'milliseconds'],
}

/**
 * Whether an XREAD or XREADGROUP blocks: BLOCK stands among its options, before STREAMS. A group or consumer that is
 * called BLOCK does not count. An option that is not known is taken to have no arguments, so that one of a newer server
 * cannot hide a BLOCK.
 */
export function blocksServer(args: readonly Buffer[]): boolean {
  return findStreamOption(args, 'BLOCK') !== -1
}

/** The place of STREAMS in an XREAD or XREADGROUP; -1 where it is missing. */
export function streamsIndex(args: readonly Buffer[]): number {
  return findStreamOption(args, 'STREAMS')
}

/**
 * The timeout of a blocking command or a WAIT. Null where there is none (XREAD without BLOCK, other commands), or where
 * it is no number the server takes: the server's error is the right answer then. Seconds may have a fraction
 * (getTimeoutFromObjectOrReply in timeout.c), milliseconds may not.
 */
export function blockingTimeout(args: readonly Buffer[]): BlockingTimeout | null {
  const name = args[0]
  if (name === undefined) return null
  const place = timeoutPlaces[lookupCommand(name, 0, name.length).name]
  if (place === undefined) return null
  const [where, unit] = place
  const index = timeoutIndex(args, where)
  if (index < 1) return null
  const value = unit === 'seconds' ? secondsAt(args, index) : integerAt(args, index)
  return value >= 0 ? { index, unit, value } : null
}

function timeoutIndex(args: readonly Buffer[], where: 'last' | 'first' | 'block'): number {
  if (where === 'first') return 1
  if (where === 'last') return args.length - 1
  return findStreamOption(args, 'BLOCK') + 1
}

function findStreamOption(args: readonly Buffer[], wanted: 'BLOCK' | 'STREAMS'): number {
  for (let i = 1; i < args.length; i++) {
    const word = wordAt(args, i)
    if (word === wanted) return i
    if (word === 'STREAMS') return -1
    i += Object.hasOwn(streamOptions, word) ? (streamOptions[word] ?? 0) : 0
  }
  return -1
}

/** Seconds as the server reads a long double, without its hexadecimal form; NaN where it is none or out of range. */
function secondsAt(args: readonly Buffer[], index: number): number {
  const text = wordAt(args, index)
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:E[+-]?\d+)?$/.test(text)) return Number.NaN
  const value = Number(text)
  return value <= Number.MAX_SAFE_INTEGER / 1000 ? value + 0 : Number.NaN // + 0 turns -0 into 0
}

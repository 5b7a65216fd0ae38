// argument-rules.ts: the condition for each command whose class depends on its arguments. Data commands of every type
// live here, grouped by what decides: options, times, whether the destination is also a source, positions.
//
// A rule answers null for "the table's class holds". Only for arguments understood to the end may it answer a better
// one. Each was checked by running examples twice on Redis 8.0 and Valkey 8.1 and comparing replies and data.

import { integerAt, isAmong, type OptionGrammar, readAllOptions, readOptions, wordAt } from './argument-parser.ts'
import { blocksServer, streamsIndex } from './blocking-arguments.ts'
import type { ReplayRule } from './command-spec.ts'
import { timeRules } from './time-rules.ts'

/** SET: XX and KEEPTTL change nothing about a repeat; NX, GET, IFEQ and what is not known make its reply differ. */
const set: ReplayRule = args =>
  readAllOptions(args, 3, { XX: 0, KEEPTTL: 0, EX: 1, PX: 1, EXAT: 1, PXAT: 1 }) === null ? null : 'idempotent'

/** BITFIELD is as bad as its worst operation. A SET leaves the same bits and answers the old ones. */
const bitfield: ReplayRule = args => {
  const operations = readAllOptions(args, 2, { GET: 2, SET: 3, INCRBY: 3, OVERFLOW: 1 })
  if (operations === null || operations.has('INCRBY')) return null
  return operations.has('SET') ? 'state-idempotent' : 'read'
}

/**
 * BITOP: a function of its sources, unless the destination is one. AND and OR have then settled after one run, but a
 * later repeat clears or sets again what others have written.
 */
const bitop: ReplayRule = args => (args.length > 3 && !isAmong(args, 2, 3) ? 'idempotent' : null)

/** SORT: a read without STORE; with it, a function of keys that the destination is not one of. */
const sort: ReplayRule = args => {
  const options = readAllOptions(args, 2, { BY: 1, LIMIT: 2, GET: 1, ASC: 0, DESC: 0, ALPHA: 0, STORE: 1 })
  if (options === null) return null
  const store = options.get('STORE')
  if (store === undefined) return 'read'
  const destination = args[store + 1]
  if (destination === undefined || isAmong(args, 1, store + 1, store + 2)) return null
  return sortPatterns(args).some(pattern => patternReaches(pattern, destination.toString('latin1')))
    ? null
    : 'idempotent'
}

/** All BY and GET patterns; a command may have many GETs, so the options' map does not do. */
function sortPatterns(args: readonly Buffer[]): string[] {
  const patterns: string[] = []
  for (let i = 2; i < args.length; i++) {
    const word = wordAt(args, i)
    if (word === 'BY' || word === 'GET') patterns.push(args[i + 1]?.toString('latin1') ?? '')
    i += word === 'LIMIT' ? 2 : ['BY', 'GET', 'STORE'].includes(word) ? 1 : 0
  }
  return patterns
}

/** Whether `prefix*suffix->field` can name `key`. Without a star nothing is looked up (lookupKeyByPattern, sort.c). */
function patternReaches(pattern: string, key: string): boolean {
  const star = pattern.indexOf('*')
  if (star === -1) return false
  const arrow = pattern.indexOf('->', star + 1)
  const suffix = pattern.slice(star + 1, arrow === -1 || arrow + 2 === pattern.length ? undefined : arrow)
  return key.length >= star + suffix.length && key.startsWith(pattern.slice(0, star)) && key.endsWith(suffix)
}

/** GEORADIUS and GEORADIUSBYMEMBER, whose options start at `start`: a read unless they store. */
function geoRadius(start: number): ReplayRule {
  const grammar = { WITHDIST: 0, WITHHASH: 0, WITHCOORD: 0, ASC: 0, DESC: 0, ANY: 0, COUNT: 1, STORE: 1, STOREDIST: 1 }
  return args => {
    const options = readAllOptions(args, start, grammar)
    if (options === null) return null
    const stores = [options.get('STORE'), options.get('STOREDIST')].filter(index => index !== undefined)
    if (stores.length === 0) return 'read'
    return stores.some(index => isAmong(args, 1, index + 1, index + 2)) ? null : 'idempotent'
  }
}

/** They write at 1 what they compute from the keys that follow; a repeat onto a source would change it again. */
const storesFromAll: ReplayRule = args => (args.length > 2 && !isAmong(args, 1, 2) ? 'idempotent' : null)

/** Commands that write at 1 what they compute from the one key at 2. */
const storesFromOne: ReplayRule = args => (args.length > 2 && !isAmong(args, 1, 2, 3) ? 'idempotent' : null)

/** Commands that write at 1 what they compute from as many keys, from 3 on, as the number at 2 says. */
const storesFromCounted: ReplayRule = args => {
  const count = integerAt(args, 2)
  return count > 0 && args.length >= 3 + count && !isAmong(args, 1, 3, 3 + count) ? 'idempotent' : null
}

/** ZADD: INCR adds again. XX without CH never counts anything, so its reply is 0 both times. */
const zadd: ReplayRule = args => {
  const { at, end } = readOptions(args, 2, { NX: 0, XX: 0, GT: 0, LT: 0, CH: 0, INCR: 0 })
  const pairs = args.length - end
  if (at.has('INCR') || pairs <= 0 || pairs % 2 !== 0) return null
  return at.has('XX') && !at.has('CH') ? 'idempotent' : 'state-idempotent'
}

const geoadd: ReplayRule = args => {
  const { at } = readOptions(args, 2, { NX: 0, XX: 0, CH: 0 })
  return at.has('XX') && !at.has('CH') ? 'idempotent' : null
}

/** XADD: an ID given in full cannot be added twice; one that the server completes can. `5` is short for `5-0`. */
const xadd: ReplayRule = args => {
  return isStreamId(wordAt(args, xaddIdIndex(args))) ? 'state-idempotent' : null
}

function xaddIdIndex(args: readonly Buffer[]): number {
  let index = 2
  for (;;) {
    const word = wordAt(args, index)
    if (word === 'NOMKSTREAM') index += 1
    else if (word === 'LIMIT') index += 2
    else if (word === 'MAXLEN' || word === 'MINID') index += ['=', '~'].includes(wordAt(args, index + 1)) ? 3 : 2
    else return index
  }
}

/** XTRIM: with LIMIT it stops short of its threshold, so a repeat trims further. */
const xtrim: ReplayRule = args => {
  const threshold = ['=', '~'].includes(wordAt(args, 3)) ? 4 : 3
  return args.length === threshold + 1 ? 'state-idempotent' : null
}

/** XREAD changes nothing. Only `$` and `+` under BLOCK mean something else when they are read again later. */
const xread: ReplayRule = args => {
  if (streamsIndex(args) === -1) return null
  return !blocksServer(args) || readsFromIds(args) ? 'read' : 'blocking'
}

/** XREADGROUP: `>` hands out new entries; an ID reads again what this consumer has been given already. */
const xreadgroup: ReplayRule = args => {
  if (streamsIndex(args) === -1 || blocksServer(args)) return null
  return readsFromIds(args) ? 'read' : 'non-idempotent'
}

/** Whether all of `STREAMS key... id...` are IDs given as numbers, in full or without their second half. */
function readsFromIds(args: readonly Buffer[]): boolean {
  const streams = streamsIndex(args)
  const count = (args.length - streams - 1) / 2
  if (streams === -1 || count < 1 || !Number.isInteger(count)) return false
  return args.slice(streams + 1 + count).every((_, i) => isStreamId(wordAt(args, streams + 1 + count + i)))
}

function isStreamId(text: string): boolean {
  return /^\d+(?:-\d+)?$/.test(text)
}

const lrem: ReplayRule = args => (integerAt(args, 2) === 0 ? 'state-idempotent' : null)

/** ZREMRANGEBYRANK of everything; other ranks are taken by the next members. */
const zremrangebyrank: ReplayRule = args =>
  integerAt(args, 2) === 0 && integerAt(args, 3) === -1 ? 'state-idempotent' : null

const rename: ReplayRule = args => (isAmong(args, 1, 2) ? 'idempotent' : null)

/** Commands that are idempotent with one of `words` among their options, which start at `start`. */
function idempotentWith(words: readonly string[], start: number, grammar: OptionGrammar): ReplayRule {
  return args => {
    const options = readAllOptions(args, start, grammar)
    return options !== null && words.some(word => options.has(word)) ? 'idempotent' : null
  }
}

const restore = idempotentWith(['REPLACE'], 4, { REPLACE: 0, ABSTTL: 0, IDLETIME: 1, FREQ: 1 })

/** EVAL: a script that declares no-writes may neither write nor publish (scriptVerifyWriteCommandAllow, script.c). */
const evalScript: ReplayRule = args => {
  const body = args[1]
  if (body === undefined || body[0] !== 0x23 || body[1] !== 0x21) return null
  const newline = body.indexOf('\n')
  const [engine, ...settings] = body
    .toString('latin1', 0, newline === -1 ? body.length : newline)
    .trim()
    .split(/\s+/)
  if (engine !== '#!lua') return null
  return settings.some(setting => /^flags=(?:.*,)?no-writes(?:,|$)/.test(setting)) ? 'read' : null
}

/** By the command's name in lower case, or `container|subcommand`. */
export const rules: ReadonlyMap<string, ReplayRule> = new Map<string, ReplayRule>([
  ...timeRules,
  ['set', set],
  ['bitfield', bitfield],
  ['bitop', bitop],
  ['sort', sort],
  ['georadius', geoRadius(6)],
  ['georadiusbymember', geoRadius(5)],
  ['geosearchstore', storesFromOne],
  ['zrangestore', storesFromOne],
  ['sdiffstore', storesFromAll],
  ['sinterstore', storesFromAll],
  ['sunionstore', storesFromAll],
  ['zdiffstore', storesFromCounted],
  ['zinterstore', storesFromCounted],
  ['zunionstore', storesFromCounted],
  ['zadd', zadd],
  ['geoadd', geoadd],
  ['xadd', xadd],
  ['xtrim', xtrim],
  ['xread', xread],
  ['xreadgroup', xreadgroup],
  ['lrem', lrem],
  ['zremrangebyrank', zremrangebyrank],
  ['rename', rename],
  ['copy', idempotentWith(['REPLACE'], 3, { REPLACE: 0, DB: 1 })],
  ['restore', restore],
  ['restore-asking', restore],
  ['function|load', args => (args.length === 4 && wordAt(args, 2) === 'REPLACE' ? 'idempotent' : null)],
  ['function|restore', idempotentWith(['REPLACE'], 3, { REPLACE: 0 })],
  ['eval', evalScript],
])

// families.ts: a load of commands that the other one leaves out: scripts, functions, streams and their groups, commands
// that block, hashes, expirations, large values, and pipelines that mix transactions with plain commands.
//
// What comes of them is what judge.ts knows: lists that are appended to, counters, queues and moves.
import type { RespClient, Value } from '../support/resp-client.ts'
import type { History, Operation } from './history.ts'
import { type Final, judge, type Terms, type Verdict } from './judge.ts'
import type { Ask } from './load.ts'
import { burst, op, settle, type Turn, type Work } from './turns.ts'

const SCRIPT = "return redis.call('rpush', KEYS[1], ARGV[1])"
const LIBRARY = `#!lua name=proof
redis.register_function('proof_push', function(keys, args) return redis.call('rpush', keys[1], args[1]) end)`
const LARGE_BYTES = 100_000
const GROUP = 'g'

/** The digest is the server's own answer. */
let digest = ''

async function prepare(client: RespClient, prefix: string): Promise<void> {
  digest = String(await client.send('SCRIPT', 'LOAD', SCRIPT))
  await client.send('FUNCTION', 'LOAD', 'REPLACE', LIBRARY)
  await client.send('XGROUP', 'CREATE', `${prefix}:tasks`, GROUP, '0', 'MKSTREAM')
}

const elementOf = ({ client, n }: Turn): string => `${client}-${n}`

const pipelines: Work['pipelines'] = [
  turn => {
    const key = `${turn.prefix}:scripted`
    const element = elementOf(turn)
    return burst([['EVALSHA', digest, '1', key, element], op(turn, 'append', key, element)])
  },
  turn => {
    const key = `${turn.prefix}:called`
    const element = elementOf(turn)
    return burst([['FCALL', 'proof_push', '1', key, element], op(turn, 'append', key, element)])
  },
  turn => {
    const key = `${turn.prefix}:stream`
    const element = elementOf(turn)
    const add = [['XADD', key, '*', 'e', element], op(turn, 'append', key, element)] as const
    if (turn.n % 8 !== 0) return burst(add)
    return burst(add, [['XREAD', 'BLOCK', '20', 'STREAMS', key, '$'], op(turn, 'look', `${turn.prefix}:waits`)])
  },
  turn => {
    const job = elementOf(turn)
    const from = `${turn.prefix}:from`
    return burst(
      [['RPUSH', from, job], op(turn, 'look', `${turn.prefix}:pushed`, job)],
      [['BLMOVE', from, `${turn.prefix}:to`, 'LEFT', 'RIGHT', '1'], op(turn, 'move', `${turn.prefix}:blmove`, job)],
    )
  },
  turn => {
    const key = `${turn.prefix}:sorted`
    const job = elementOf(turn)
    return burst(
      [['ZADD', key, String(turn.n), job], op(turn, 'put', key, job)],
      [['BZPOPMIN', key, '1'], op(turn, 'take', key)],
    )
  },
  turn => {
    const hash = `${turn.prefix}:hash`
    const expiring = `${turn.prefix}:expiring`
    return burst(
      [['HINCRBY', hash, 'n', '1'], op(turn, 'count', hash)],
      // Of newer servers: others do not know it.
      [['HEXPIRE', hash, '3600', 'FIELDS', '1', 'n']],
      [['INCR', expiring], op(turn, 'count', expiring)],
      [['PEXPIRE', expiring, '3600000']],
      [['INCR', expiring], op(turn, 'count', expiring)],
    )
  },
  turn => {
    const [counter, list, tail] = [`${turn.prefix}:plain`, `${turn.prefix}:mixed`, `${turn.prefix}:tail`]
    const element = elementOf(turn)
    return burst(
      [['INCR', counter], op(turn, 'count', counter)],
      [['MULTI']],
      [['INCR', `${turn.prefix}:mixes`]],
      [['RPUSH', list, element]],
      [['EXEC'], op(turn, 'pair', list, element)],
      [['RPUSH', tail, element], op(turn, 'append', tail, element)],
      [['MULTI']],
      [['SET', tail, 'never']],
      [['DISCARD']],
    )
  },
  turn => {
    const list = `${turn.prefix}:watched`
    const element = elementOf(turn)
    return burst(
      [['WATCH', `${turn.prefix}:nobody`]],
      [['GET', `${turn.prefix}:nobody`]],
      [['MULTI']],
      [['INCR', `${turn.prefix}:watches`]],
      [['RPUSH', list, element]],
      [['EXEC'], op(turn, 'pair', list, element)],
    )
  },
]

/** Large values of its own between appends, in one write. */
async function large(client: RespClient, turn: Turn): Promise<void> {
  const list = `${turn.prefix}:between`
  const key = `${turn.prefix}:large:${turn.client}`
  const [before, after] = [`${elementOf(turn)}.1`, `${elementOf(turn)}.2`]
  const parts = [
    [['RPUSH', list, before], op(turn, 'append', list, before)],
    [['SET', key, `${turn.client}.`.repeat(LARGE_BYTES / 4)], op(turn, 'look', `${turn.prefix}:larges`)],
    [['GET', key], op(turn, 'look', `${turn.prefix}:larges`)],
    [['RPUSH', list, after], op(turn, 'append', list, after)],
  ] as const
  client.socket.cork()
  const replies = parts.map(([command, operation]) => settle(client.send(...command), operation))
  client.socket.uncork()
  await Promise.all(replies)
  const { value } = parts[2][1]
  // It is not kept. Null: lost with a crash, as the SET before it.
  if (typeof value === 'string')
    parts[2][1].value = value.replaceAll(`${turn.client}.`, '') === '' ? 'whole' : 'something else'
}

/** A consumer of a group: it adds a task, takes one and confirms it. */
async function consume(client: RespClient, turn: Turn): Promise<void> {
  const key = `${turn.prefix}:tasks`
  const task = elementOf(turn)
  await settle(client.send('XADD', key, '*', 'e', task), op(turn, 'put', key, task))
  const reads = ['XREADGROUP', 'GROUP', GROUP, turn.client, 'COUNT', '1', 'STREAMS', key, '>']
  const taken = entriesOf(await settle(client.send(...reads), op(turn, 'take', key)))
  for (const [id] of taken)
    await settle(client.send('XACK', key, GROUP, id), op(turn, 'look', `${turn.prefix}:confirmed`, id))
}

export const families: Work = { prepare, pipelines, slowly: [large, consume] }

/** Of XREAD and XREADGROUP of one stream: ids, and what was added. */
function entriesOf(value: Value): [id: string, element: string][] {
  return Array.isArray(value) ? entriesIn((value as Value[][])[0]?.[1] ?? []) : []
}

/** Of XRANGE. */
function entriesIn(value: Value): [id: string, element: string][] {
  const entries = Array.isArray(value) ? (value as [string, string[]][]) : []
  return entries.map(([id, fields]) => [id, String(fields[1])])
}

const listOf = (value: Value): string[] => (Array.isArray(value) ? value.map(String) : [])

/** What the servers hold in the end. */
export interface Stored extends Final {
  /** The stream that all add to, by id. */
  readonly stream: readonly (readonly [id: string, element: string])[]
  /** What a consumer has and has not confirmed. */
  readonly pending: ReadonlySet<string>
}

async function read(prefix: string, ask: Ask): Promise<Stored> {
  const lists = new Map<string, readonly string[]>()
  for (const name of ['scripted', 'called', 'from', 'to', 'mixed', 'tail', 'watched', 'between'])
    lists.set(`${prefix}:${name}`, listOf(await ask('LRANGE', `${prefix}:${name}`, '0', '-1')))
  lists.set(`${prefix}:sorted`, listOf(await ask('ZRANGE', `${prefix}:sorted`, '0', '-1')))
  const stream = entriesIn(await ask('XRANGE', `${prefix}:stream`, '-', '+'))
  lists.set(
    `${prefix}:stream`,
    stream.map(([, element]) => element),
  )
  const tasks = `${prefix}:tasks`
  const groups = await ask('XINFO', 'GROUPS', tasks)
  const facts = Array.isArray(groups) && Array.isArray(groups[0]) ? groups[0].map(String) : []
  const delivered = facts[facts.indexOf('last-delivered-id') + 1] ?? '0'
  const left = entriesIn(await ask('XRANGE', tasks, `(${delivered}`, '+'))
  lists.set(
    tasks,
    left.map(([, element]) => element),
  )
  const waiting = await ask('XPENDING', tasks, GROUP, '-', '+', '1000000')
  const pending = new Set(Array.isArray(waiting) ? waiting.map(one => listOf(one)[0] ?? '') : [])
  const counters = new Map<string, number>()
  for (const name of ['expiring', 'plain', 'mixes', 'watches'])
    counters.set(`${prefix}:${name}`, Number((await ask('GET', `${prefix}:${name}`)) ?? 0))
  counters.set(`${prefix}:hash`, Number((await ask('HGET', `${prefix}:hash`, 'n')) ?? 0))
  return { lists, counters, stream, pending }
}

/** Reads what is stored, and judges the history by it. */
export async function judgeFamilies({ operations }: History, prefix: string, terms: Terms, ask: Ask): Promise<Verdict> {
  return judgeStored(operations, prefix, terms, await read(prefix, ask))
}

export function judgeStored(operations: readonly Operation[], prefix: string, terms: Terms, stored: Stored): Verdict {
  const places = new Map(stored.stream.map(([id, element], i) => [element, { id, place: i + 1 }]))
  /** In the words of judge.ts. */
  const plain = (operation: Operation): Operation => {
    const { kind, key, told, value, element } = operation
    if (told !== 'ok') return operation
    // Nobody touches what is watched: its link was lost.
    if (kind === 'pair' && value === null) return { ...operation, told: 'not-run' }
    const entry = places.get(element)
    if (key === `${prefix}:stream` && entry?.id === value) return { ...operation, value: entry?.place ?? null }
    if (key === `${prefix}:tasks` && kind === 'take') return { ...operation, value: entriesOf(value)[0]?.[1] ?? null }
    if (key === `${prefix}:sorted` && kind === 'take') return { ...operation, value: listOf(value)[1] ?? null }
    return operation
  }
  const moves = [[`${prefix}:from`, `${prefix}:to`]] as const
  const verdict = judge(operations.map(plain), stored, moves, terms)
  const of = (name: string): Operation[] => operations.filter(({ key }) => key === `${prefix}:${name}`)
  const ran = ({ told }: Operation): boolean => told === 'ok' || told === 'applied'
  const moved = new Set(moves[0].flatMap(key => stored.lists.get(key) ?? []))
  verdict.lost += of('pushed').filter(push => ran(push) && !moved.has(push.element)).length
  verdict.lost += of('confirmed').filter(one => ran(one) && stored.pending.has(one.element)).length
  const wrong = [...verdict.wrong]
  for (const [counter, list] of [
    ['mixes', 'mixed'],
    ['watches', 'watched'],
  ] as const) {
    const count = stored.counters.get(`${prefix}:${counter}`) ?? 0
    const { length } = stored.lists.get(`${prefix}:${list}`) ?? []
    if (count !== length) wrong.push(`${count} INCR and ${length} RPUSH of the same transactions`)
  }
  for (const { told, value, client } of of('larges'))
    if (told === 'ok' && value === 'something else') wrong.push(`a large value of ${client} is not its own`)
  const open = operations.filter(
    ({ told, kind, key }) => told === 'unknown' && hasNoMarker(kind, key.slice(prefix.length)),
  )
  return { ...verdict, wrong, unknown: verdict.unknown - open.length }
}

/** What blocks and takes something, or reads from `$` before it is known where that is (docs/exactly-once.md). */
function hasNoMarker(kind: Operation['kind'], name: string): boolean {
  return name === ':blmove' || name === ':waits' || (name === ':sorted' && kind === 'take')
}

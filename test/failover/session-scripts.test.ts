// Scripts and iterations through a change of master: a script the proxy has seen is there, one it has not seen is not,
// and an iteration that was half done misses nothing.
import { type RespClient, RespError, type Value } from '../support/resp-client.ts'
import { later, playScenes, type Scene, type World } from './session-scenes.ts'

/** A script of the scene's own: caches are a node's, and other scenes must not fill in for this one. */
const bodyOf = (world: World, what: string): string => `--[[${world.tag} ${what}]] return redis.call('INCR', KEYS[1])`

async function shaOf(world: World, body: string): Promise<string> {
  const sha = await world.set.command(world.old, 'EVAL', 'return redis.sha1hex(ARGV[1])', 0, body)
  return String(sha)
}

const seen: Scene = {
  name: 'EVALSHA — finds what EVAL, SCRIPT LOAD or a transaction has shown',
  before: async world => {
    const { t, tag } = world
    const client = await world.connect()
    const [evaluated, loaded, whole, queued] = ['eval', 'load', 'whole', 'queued'].map(what => bodyOf(world, what))
    t.equal(await client.send('EVAL', evaluated ?? '', 1, tag), 1)
    t.equal(await client.send('SCRIPT', 'LOAD', loaded ?? ''), await shaOf(world, loaded ?? ''))
    t.strictSame((await client.pipeline([['MULTI'], ['EVAL', whole ?? '', 1, tag], ['EXEC']]))[2], [2])
    for (const command of [['MULTI'], ['EVAL', queued ?? '', 1, tag]]) await client.send(...command)
    t.strictSame(await client.send('EXEC'), [3])
    const shas = await Promise.all([evaluated, loaded, whole, queued].map(body => shaOf(world, body ?? '')))
    const calls = shas.map(sha => ['EVALSHA', sha, '1', tag])
    const held: Promise<Value[]>[] = []
    return {
      during: () => void held.push(later(client.pipeline(calls))),
      after: async t => {
        t.strictSame(await held[0], [4, 5, 6, 7], 'pipelined, while commands are held')
        t.strictSame(await client.pipeline(calls), [8, 9, 10, 11], 'pipelined')
        for (const [i, call] of calls.entries()) t.equal(await client.send(...call), 12 + i, 'one by one')
        t.strictSame((await client.pipeline([['MULTI'], ...calls, ['EXEC']])).at(-1), [16, 17, 18, 19], 'in one write')
        const own = await world.connect()
        await own.send('MULTI')
        for (const call of calls) t.equal(await own.send(...call), 'QUEUED')
        t.strictSame(await own.send('EXEC'), [20, 21, 22, 23], 'in an open MULTI')
      },
    }
  },
}

const unseen: Scene = {
  name: 'EVALSHA — answers NOSCRIPT — for a script that came another way',
  before: async world => {
    const body = bodyOf(world, 'never shown')
    await world.set.command(world.old, 'SCRIPT', 'LOAD', body)
    const sha = await shaOf(world, body)
    const client = await world.connect()
    world.t.equal(await client.send('EVALSHA', sha, 1, world.tag), 1)
    return {
      after: async t => {
        const reply = await client.send('EVALSHA', sha, 1, world.tag)
        t.equal(reply instanceof RespError && reply.code, 'NOSCRIPT')
        t.equal(await client.send('EVAL', body, 1, world.tag), 2)
        t.equal(await client.send('EVALSHA', sha, 1, world.tag), 3)
      },
    }
  },
}

const size = 20_000
const database = 9

interface Iteration {
  readonly name: string
  readonly fill: (from: number, to: number) => string[]
  readonly scan: (cursor: string) => string[]
  /** Elements per member in the reply. */
  readonly step: 1 | 2
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const iterations: readonly Iteration[] = [
  {
    name: 'SCAN',
    fill: (from, to) => ['MSET', ...range(from, to).flatMap(n => [`m${n}`, 'v'])],
    scan: cursor => ['SCAN', cursor, 'COUNT', '100'],
    step: 1,
  },
  {
    name: 'HSCAN',
    fill: (from, to) => ['HSET', 'hash', ...range(from, to).flatMap(n => [`m${n}`, 'v'])],
    scan: cursor => ['HSCAN', 'hash', cursor, 'COUNT', '100'],
    step: 2,
  },
  {
    name: 'SSCAN',
    fill: (from, to) => ['SADD', 'set', ...range(from, to).map(n => `m${n}`)],
    scan: cursor => ['SSCAN', 'set', cursor, 'COUNT', '100'],
    step: 1,
  },
  {
    name: 'ZSCAN',
    fill: (from, to) => ['ZADD', 'sorted', ...range(from, to).flatMap(n => [String(n), `m${n}`])],
    scan: cursor => ['ZSCAN', 'sorted', cursor, 'COUNT', '100'],
    step: 2,
  },
]

/** Goes on from `cursor` until it is 0 or `enough` members were seen; answers the cursor. */
async function iterate(client: RespClient, iteration: Iteration, state: State): Promise<string> {
  let { cursor } = state
  for (let calls = 0; calls < 2000; calls++) {
    const reply = await client.send(...iteration.scan(cursor))
    if (!Array.isArray(reply) || !Array.isArray(reply[1])) throw new Error(`${iteration.name}: ${String(reply)}`)
    cursor = String(reply[0])
    for (let i = 0; i < reply[1].length; i += iteration.step) state.seen.add(String(reply[1][i]))
    if (cursor === '0' || state.seen.size >= state.enough) return cursor
  }
  throw new Error(`${iteration.name} does not end`)
}

interface State {
  cursor: string
  readonly seen: Set<string>
  readonly enough: number
}

const iterating: Scene = {
  name: 'SCAN, HSCAN, SSCAN, ZSCAN — miss nothing',
  before: async world => {
    const client = await world.connect()
    await client.send('SELECT', database)
    const begun: { iteration: Iteration; state: State }[] = []
    for (const iteration of iterations) {
      for (let from = 0; from < size; from += 1000) await client.send(...iteration.fill(from, from + 1000))
      const state = { cursor: '0', seen: new Set<string>(), enough: size / 2 }
      state.cursor = await iterate(client, iteration, state)
      world.t.not(state.cursor, '0', `${iteration.name} is half done`)
      begun.push({ iteration, state })
    }
    return {
      after: async t => {
        for (const { iteration, state } of begun) {
          const rest = { ...state, enough: Number.POSITIVE_INFINITY }
          t.equal(await iterate(client, iteration, rest), '0')
          const missing = range(0, size).filter(n => !state.seen.has(`m${n}`))
          t.equal(missing.length, 0, `${iteration.name} misses ${missing.length} of ${size}`)
          const again = { cursor: '0', seen: new Set<string>(), enough: Number.POSITIVE_INFINITY }
          t.equal(await iterate(client, iteration, again), '0')
          t.ok(again.seen.size >= size, `${iteration.name} from the start sees all ${size}`)
        }
      },
    }
  },
}

playScenes([seen, unseen, iterating])

// load.ts: clients of the proof: each has one connection, sends without pause until it is told to stop, retries nothing
// and writes all that it asks and hears into the history.
import { RespClient, type Value } from '../support/resp-client.ts'
import { History, type Operation } from './history.ts'
import { type Final, judge, type Terms, type Verdict } from './judge.ts'
import { burst, noteRace, op, settle, type Turn, type Work } from './turns.ts'

/** Operations on one register: few enough to look for an order of them. */
const OF_ONE_REGISTER = 120

const pipelines: Work['pipelines'] = [
  // One at a time, into a list of two clients and one that all share.
  turn => {
    const key = `${turn.prefix}:shared`
    const element = `${turn.client}-${turn.n}`
    return burst([['RPUSH', key, element], op(turn, 'append', key, element)])
  },
  // A pipeline of writes and reads.
  turn => {
    const key = `${turn.prefix}:piped`
    const push = (i: number): readonly [string[], Operation] => {
      const element = `${turn.client}-${turn.n}.${i}`
      return [['RPUSH', key, element], op(turn, 'append', key, element)]
    }
    const reads = turn.n % 16 === 0
    return burst(
      push(1),
      push(2),
      ...(reads ? [[['LRANGE', key, '0', '-1'], op(turn, 'read', key)] as const] : []),
      push(3),
    )
  },
  turn => {
    const key = `${turn.prefix}:counter`
    return burst([['INCR', key], op(turn, 'count', key)], [['PING']])
  },
  // A transaction in one write, and a neighbour's senseless command.
  turn => {
    const key = `${turn.prefix}:pairs`
    const element = `${turn.client}-${turn.n}`
    const exec = op(turn, 'pair', key, element)
    return burst(
      [['MULTI']],
      [['INCR', `${turn.prefix}:paired`]],
      [['RPUSH', key, element]],
      [['EXEC'], exec],
      [['SET', 'x']],
    )
  },
  turn => {
    const job = `${turn.client}-${turn.n}`
    const from = `${turn.prefix}:jobs`
    return burst(
      [['SADD', `${turn.prefix}:set`, job]],
      [['RPUSH', from, job]],
      [['LMOVE', from, `${turn.prefix}:taken`, 'LEFT', 'RIGHT'], op(turn, 'move', `${turn.prefix}:move`, job)],
    )
  },
  turn => {
    const key = `${turn.prefix}:queue`
    const job = `${turn.client}-${turn.n}`
    return burst([['RPUSH', key, job], op(turn, 'put', key, job)], [['LPOP', key], op(turn, 'take', key)])
  },
  turn => {
    const accounts = [`${turn.prefix}:a`, `${turn.prefix}:b`] as const
    const key = `${turn.prefix}:transfers`
    const amount = (turn.n * 7) % 100
    return burst(
      [['MULTI']],
      [['INCR', key]],
      [['INCRBY', accounts[0], String(-amount)]],
      [['INCRBY', accounts[1], String(amount)]],
      [['EXEC'], op(turn, 'transfer', key)],
      [['MGET', ...accounts], op(turn, 'sum', accounts.join())],
    )
  },
]

/** A transaction that is sent command by command, on a link of the session's own; WATCH in every other. */
async function slowPair(client: RespClient, turn: Turn): Promise<void> {
  const key = `${turn.prefix}:slow`
  const element = `${turn.client}-${turn.n}`
  if (turn.n % 2 === 0) await client.send('WATCH', `${turn.prefix}:nobody`)
  await client.send('MULTI')
  await client.send('INCR', `${turn.prefix}:slowly`)
  await client.send('RPUSH', key, element)
  const exec = op(turn, 'pair', key, element)
  noteRace(exec, await settle(client.send('EXEC'), exec))
}

/** A register that is read, set, and set where nobody else has: in turns. */
async function useRegister(client: RespClient, turn: Turn): Promise<void> {
  const key = `${turn.prefix}:register${Math.floor(turn.registers.used++ / OF_ONE_REGISTER)}`
  const element = `${turn.client}-${turn.n}`
  if (turn.n % 3 === 0) await settle(client.send('GET', key), op(turn, 'get', key))
  else if (turn.n % 3 === 1) await settle(client.send('SET', key, element), op(turn, 'set', key, element))
  else {
    await client.send('WATCH', key)
    const expected = await client.send('GET', key)
    await client.send('MULTI')
    await client.send('SET', key, element)
    // What was not read may have been anything.
    const cas = op(turn, expected === null || typeof expected === 'string' ? 'cas' : 'set', key, element)
    cas.expected = typeof expected === 'string' ? expected : null
    noteRace(cas, await settle(client.send('EXEC'), cas))
  }
}

export const writes: Work = { pipelines, slowly: [slowPair, useRegister] }

export interface Load {
  readonly history: History
  /** performance.now() of each client's last reply. */
  readonly lastOks: readonly number[]
  stop(): Promise<void>
}

/** performance.now() of the last reply of all. */
export const lastOk = ({ lastOks }: Load): number => Math.max(...lastOks)

/** `prefix`: of all its keys. */
export async function startLoad(port: number, clients: number, prefix: string, work: Work = writes): Promise<Load> {
  const { pipelines, slowly } = work
  const history = new History()
  const connections = await Promise.all(Array.from({ length: clients }, () => RespClient.connect(port)))
  if (connections[0] !== undefined) await work.prepare?.(connections[0], prefix)
  const registers = { used: 0 }
  let stopping = false
  const lastOks = connections.map(() => 0)
  const load: Load = {
    history,
    lastOks,
    stop: async () => {
      stopping = true
      await Promise.all(loops)
      await Promise.all(connections.map(one => one.close()))
    },
  }
  const loops = connections.map(async (connection, i) => {
    const client = `c${i}`
    const kind = i % (pipelines.length + slowly.length)
    for (let n = 1; !stopping; n++) {
      const turn = { history, client, n, prefix, registers }
      const pipeline = pipelines[kind]
      if (pipeline === undefined) await slowly[kind - pipelines.length]?.(connection, turn)
      else {
        const { commands, operations } = pipeline(turn)
        connection.socket.cork()
        const replies = commands.map((command, place) => settle(connection.send(...command), operations.get(place)))
        connection.socket.uncork()
        await Promise.all(replies)
      }
      lastOks[i] = performance.now()
    }
  })
  return load
}

export type Ask = (...command: string[]) => Promise<Value>

/** Reads what is stored, and judges the history by it. */
export async function judgeLoad(history: History, prefix: string, terms: Terms, ask: Ask): Promise<Verdict> {
  const { operations } = history
  const final = await readFinal(history, prefix, ask)
  const verdict = judge(operations, final, [[`${prefix}:jobs`, `${prefix}:taken`]], terms)
  return { ...verdict, wrong: [...verdict.wrong, ...halves(operations, final, prefix)] }
}

/** All that a load has written. */
export async function readFinal({ operations }: History, prefix: string, ask: Ask): Promise<Final> {
  const lists = new Map<string, string[]>()
  for (const name of ['shared', 'piped', 'pairs', 'slow', 'jobs', 'taken', 'queue']) {
    const value = await ask('LRANGE', `${prefix}:${name}`, '0', '-1')
    lists.set(`${prefix}:${name}`, Array.isArray(value) ? value.map(String) : [])
  }
  const counters = new Map<string, number>()
  for (const name of ['counter', 'paired', 'slowly', 'transfers', 'a', 'b'])
    counters.set(`${prefix}:${name}`, Number((await ask('GET', `${prefix}:${name}`)) ?? 0))
  const registers = new Map<string, string | null>()
  for (const key of new Set(operations.map(({ key }) => key).filter(key => key.startsWith(`${prefix}:register`)))) {
    const value = await ask('GET', key)
    registers.set(key, value === null ? null : String(value))
  }
  return { lists, counters, registers }
}

/** All of a transaction is there, or nothing: in the end, and for whoever reads meanwhile. */
function halves(operations: readonly Operation[], { lists, counters }: Final, prefix: string): string[] {
  const wrong: string[] = []
  for (const [counter, list] of [
    ['paired', 'pairs'],
    ['slowly', 'slow'],
  ] as const) {
    const count = counters.get(`${prefix}:${counter}`)
    const { length } = lists.get(`${prefix}:${list}`) ?? []
    if (count !== length) wrong.push(`${count} INCR and ${length} RPUSH of the same transactions`)
  }
  const sums = operations.flatMap(({ kind, told, value }) => (kind === 'sum' && told === 'ok' ? [sumOf(value)] : []))
  sums.push((counters.get(`${prefix}:a`) ?? 0) + (counters.get(`${prefix}:b`) ?? 0))
  for (const sum of sums) if (sum !== 0) wrong.push(`half of a transfer: the sum is ${sum}`)
  return wrong
}

const sumOf = (value: Value): number =>
  Array.isArray(value) ? (value as readonly Value[]).reduce<number>((sum, one) => sum + Number(one), 0) : 0

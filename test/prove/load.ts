// load.ts: clients of the proof: each has one connection, sends without pause until it is told to stop, retries nothing
// and writes all that it asks and hears into the history.
import { RespClient, type Value } from '../support/resp-client.ts'
import { end, History, type Kind, lose, type Operation } from './history.ts'
import { type Final, judge, type Verdict } from './judge.ts'

/** One client's next pipeline: what it sends, and which replies are of which operation. */
interface Burst {
  readonly commands: readonly (readonly string[])[]
  /** By the place of the reply. */
  readonly operations: ReadonlyMap<number, Operation>
}

type Behaviour = (history: History, client: string, n: number, prefix: string) => Burst

function burst(...parts: readonly (readonly [command: readonly string[], operation?: Operation])[]): Burst {
  const operations = new Map<number, Operation>()
  for (const [i, [, operation]] of parts.entries()) if (operation !== undefined) operations.set(i, operation)
  return { commands: parts.map(([command]) => command), operations }
}

function op(history: History, client: string, kind: Kind, key: string, element?: string): Operation {
  return history.begin(client, kind, key, element)
}

const behaviours: readonly Behaviour[] = [
  // One at a time, into a list of two clients and one that all share.
  (history, client, n, prefix) => {
    const key = `${prefix}:shared`
    return burst([['RPUSH', key, `${client}-${n}`], op(history, client, 'append', key, `${client}-${n}`)])
  },
  // A pipeline of writes and reads.
  (history, client, n, prefix) => {
    const key = `${prefix}:piped`
    const push = (i: number): readonly [string[], Operation] => {
      const element = `${client}-${n}.${i}`
      return [['RPUSH', key, element], op(history, client, 'append', key, element)]
    }
    const reads = n % 16 === 0
    return burst(
      push(1),
      push(2),
      ...(reads ? [[['LRANGE', key, '0', '-1'], op(history, client, 'read', key)] as const] : []),
      push(3),
    )
  },
  (history, client, _n, prefix) => {
    const key = `${prefix}:counter`
    return burst([['INCR', key], op(history, client, 'count', key)], [['PING']])
  },
  // A transaction in one write, and a neighbour's senseless command.
  (history, client, n, prefix) => {
    const key = `${prefix}:pairs`
    const element = `${client}-${n}`
    const exec = op(history, client, 'pair', key, element)
    return burst(
      [['MULTI']],
      [['INCR', `${prefix}:paired`]],
      [['RPUSH', key, element]],
      [['EXEC'], exec],
      [['SET', 'x']],
    )
  },
  (history, client, n, prefix) => {
    const job = `${client}-${n}`
    const from = `${prefix}:jobs`
    return burst(
      [['SADD', `${prefix}:set`, job]],
      [['RPUSH', from, job]],
      [['LMOVE', from, `${prefix}:taken`, 'LEFT', 'RIGHT'], op(history, client, 'move', `${prefix}:move`, job)],
    )
  },
]

/** A transaction that is sent command by command, on a link of the session's own; WATCH in every other. */
async function slowPair(client: RespClient, history: History, name: string, n: number, prefix: string): Promise<void> {
  const key = `${prefix}:slow`
  const element = `${name}-${n}`
  if (n % 2 === 0) await client.send('WATCH', `${prefix}:nobody`)
  await client.send('MULTI')
  await client.send('INCR', `${prefix}:slowly`)
  await client.send('RPUSH', key, element)
  const exec = op(history, name, 'pair', key, element)
  const value = await settle(client.send('EXEC'), exec)
  // A lost race is the truth about keys whose link was lost: nothing of it ran.
  if (value === null) exec.told = 'not-run'
}

async function settle(reply: Promise<Value>, operation: Operation | undefined): Promise<Value> {
  try {
    const value = await reply
    if (operation !== undefined) end(operation, value)
    return value
  } catch (error) {
    if (operation !== undefined) lose(operation, String(error))
    throw error
  }
}

export interface Load {
  readonly history: History
  /** performance.now() of the last reply that was no error. */
  lastOk: number
  stop(): Promise<void>
}

/** `prefix`: of all its keys. */
export async function startLoad(port: number, clients: number, prefix: string): Promise<Load> {
  const history = new History()
  const connections = await Promise.all(Array.from({ length: clients }, () => RespClient.connect(port)))
  let stopping = false
  const load: Load = {
    history,
    lastOk: 0,
    stop: async () => {
      stopping = true
      await Promise.all(loops)
      await Promise.all(connections.map(one => one.close()))
    },
  }
  const loops = connections.map(async (connection, i) => {
    const name = `c${i}`
    const behaviour = behaviours[i % (behaviours.length + 1)]
    for (let n = 1; !stopping; n++) {
      if (behaviour === undefined) {
        await slowPair(connection, history, name, n, prefix)
        load.lastOk = performance.now()
        continue
      }
      const { commands, operations } = behaviour(history, name, n, prefix)
      connection.socket.cork()
      const replies = commands.map((command, place) => settle(connection.send(...command), operations.get(place)))
      connection.socket.uncork()
      await Promise.all(replies)
      load.lastOk = performance.now()
    }
  })
  return load
}

/** Reads what is stored, and judges the history by it. */
export async function judgeLoad(
  { operations }: History,
  prefix: string,
  ask: (...command: string[]) => Promise<Value>,
): Promise<Verdict> {
  const lists = new Map<string, string[]>()
  for (const name of ['shared', 'piped', 'pairs', 'slow', 'jobs', 'taken']) {
    const value = await ask('LRANGE', `${prefix}:${name}`, '0', '-1')
    lists.set(`${prefix}:${name}`, Array.isArray(value) ? value.map(String) : [])
  }
  const counters = new Map<string, number>()
  for (const name of ['counter', 'paired', 'slowly'])
    counters.set(`${prefix}:${name}`, Number((await ask('GET', `${prefix}:${name}`)) ?? 0))
  const final: Final = { lists, counters }
  const verdict = judge(operations, final, [[`${prefix}:jobs`, `${prefix}:taken`]])
  const wrong = [...verdict.wrong]
  // Both halves of a transaction are there, or none.
  for (const [counter, list] of [
    ['paired', 'pairs'],
    ['slowly', 'slow'],
  ] as const) {
    const count = counters.get(`${prefix}:${counter}`)
    const { length } = lists.get(`${prefix}:${list}`) ?? []
    if (count !== length) wrong.push(`${count} INCR and ${length} RPUSH of the same transactions`)
  }
  return { ...verdict, wrong }
}

// blocking.ts: BLPOP and XREAD BLOCK wait for what two others write.
import type { Operation } from '../../support/ledger.ts'
import type { RespClient, Value } from '../../support/resp-client.ts'
import { judgeQueue, judgeStream } from '../judge-lists.ts'
import { type ClientPlan, settle, startClients } from '../load-client.ts'
import type { Load, Policy } from '../types.ts'

const queue = 'queue'
const stream = 'stream'

export const blocking: Load = {
  name: 'blocking',
  what: 'BLPOP takes what RPUSH puts, XREAD BLOCK follows what XADD adds, the same element once only',
  start: ({ port, policy }) => {
    const record: Record = { pushes: [], pops: [], adds: [], read: [], lastId: '0-0' }
    const plans = [pusher(record), popper(record), adder(record), reader(record)]
    return startClients(port, plans, master => judge(record, policy, master))
  },
}

interface Record {
  readonly pushes: Operation[]
  readonly pops: { readonly operation: Operation; element: string | null }[]
  readonly adds: Operation[]
  readonly read: string[]
  lastId: string
}

function pusher({ pushes }: Record): ClientPlan {
  return {
    name: 'push',
    everyMs: 15,
    round: async ({ name, client, ledger, round }) => {
      const operation = ledger.begin(name, 'other', queue, `e${round}`)
      pushes.push(operation)
      await settle(ledger, operation, client.send('RPUSH', queue, `e${round}`))
    },
  }
}

function popper({ pops }: Record): ClientPlan {
  return {
    name: 'blpop',
    everyMs: 0,
    round: async ({ name, client, ledger }) => {
      const operation = ledger.begin(name, 'other', queue)
      const pop: { readonly operation: Operation; element: string | null } = { operation, element: null }
      pops.push(pop)
      // It outlasts a planned failover: whoever waits through one must not see its end at the old master.
      const reply = await settle(ledger, operation, client.send('BLPOP', queue, '2'))
      if (Array.isArray(reply)) pop.element = String(reply[1])
    },
  }
}

function adder({ adds }: Record): ClientPlan {
  return {
    name: 'xadd',
    everyMs: 15,
    round: async ({ name, client, ledger, round }) => {
      const operation = ledger.begin(name, 'other', stream, `e${round}`)
      adds.push(operation)
      await settle(ledger, operation, client.send('XADD', stream, '*', 'e', `e${round}`))
    },
  }
}

function reader(record: Record): ClientPlan {
  return {
    name: 'xread',
    everyMs: 0,
    round: async ({ name, client, ledger }) => {
      const operation = ledger.begin(name, 'other', stream)
      const question = client.send('XREAD', 'BLOCK', '500', 'STREAMS', stream, record.lastId)
      const reply = await settle(ledger, operation, question)
      for (const { id, element } of entriesOf(reply)) {
        record.read.push(element)
        record.lastId = id
      }
    },
  }
}

async function judge(record: Record, policy: Policy, master: RespClient) {
  const left = await master.send('LRANGE', queue, '0', '-1')
  const rest = entriesOf(await master.send('XREAD', 'STREAMS', stream, record.lastId))
  const stored = rows(await master.send('XRANGE', stream, '-', '+')).map(({ element }) => element)
  const queueFindings = judgeQueue({
    acknowledged: elements(record.pushes.filter(({ outcome }) => outcome.kind === 'ok')),
    popped: record.pops.flatMap(({ element }) => (element === null ? [] : [element])),
    left: Array.isArray(left) ? left.map(String) : [],
    unknownPops: record.pops.filter(({ operation }) => operation.outcome.kind !== 'ok').length,
    policy,
  })
  const streamFindings = judgeStream({
    acknowledged: elements(record.adds.filter(({ outcome }) => outcome.kind === 'ok')),
    stored,
    read: [...record.read, ...rest.map(({ element }) => element)],
  })
  return {
    lost: [...queueFindings.lost, ...streamFindings.lost],
    doubled: [...queueFindings.doubled, ...streamFindings.doubled],
    reordered: [...queueFindings.reordered, ...streamFindings.reordered],
  }
}

function elements(operations: readonly Operation[]): string[] {
  return operations.map(({ value }) => value ?? '')
}

function entriesOf(reply: Value | undefined): { id: string; element: string }[] {
  const first = Array.isArray(reply) ? reply[0] : null
  return Array.isArray(first) ? rows(first[1] ?? null) : []
}

function rows(value: Value): { id: string; element: string }[] {
  if (!Array.isArray(value)) return []
  return value.flatMap(row => {
    if (!Array.isArray(row) || !Array.isArray(row[1])) return []
    return [{ id: String(row[0]), element: String(row[1][1]) }]
  })
}

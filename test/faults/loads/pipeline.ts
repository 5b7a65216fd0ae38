// pipeline.ts: deep pipelines: 150 commands in one write, the replies in their order.
import type { Operation } from '../../support/ledger.ts'
import { type ClientPlan, settle, startClients } from '../load-client.ts'
import type { Load } from '../types.ts'

const depth = 50

export const pipeline: Load = {
  name: 'pipeline',
  what: 'two sockets send 50 times SET, INCR and ECHO in one write, without waiting in between',
  start: ({ port }) => startClients(port, [plan('pipeline-1'), plan('pipeline-2')]),
}

function plan(name: string): ClientPlan {
  return {
    name,
    everyMs: 60,
    round: async ({ client, ledger, round }) => {
      const steps: { operation: Operation; command: string[] }[] = []
      for (let i = 0; i < depth; i++) {
        const [key, value, counter] = [`key:${name}:${round}:${i}`, `value:${name}:${round}:${i}`, `counter:${name}`]
        steps.push(
          { operation: ledger.begin(name, 'set', key, value), command: ['SET', key, value] },
          { operation: ledger.begin(name, 'incr', counter), command: ['INCR', counter] },
          { operation: ledger.begin(name, 'echo', '', value), command: ['ECHO', value] },
        )
      }
      client.socket.cork()
      const replies = steps.map(({ operation, command }) => settle(ledger, operation, client.send(...command)))
      client.socket.uncork()
      const results = await Promise.allSettled(replies)
      for (const result of results) if (result.status === 'rejected') throw result.reason
    },
  }
}

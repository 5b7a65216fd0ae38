// single.ts: one command at a time, by plain sockets and by ioredis.

import { Ledger } from '../../support/ledger.ts'
import { startWorkload } from '../../support/workload.ts'
import { type ClientPlan, nothing, settle, startClients } from '../load-client.ts'
import type { Load, RunningLoad } from '../types.ts'

export const single: Load = {
  name: 'single',
  what: 'four sockets send SET, INCR and ECHO one at a time; two ioredis clients send the three together',
  start({ port }): RunningLoad {
    const ledger = new Ledger()
    const sockets = startClients(
      port,
      Array.from({ length: 4 }, (_, i) => plan(`single-${i + 1}`)),
      undefined,
      ledger,
    )
    const library = startWorkload({ port, ledger, rawClients: 0, ioredisClients: 2, roundsPerSecond: 25, prefix: 's' })
    return {
      ledger,
      clients: [...sockets.clients, 'ioredis-1', 'ioredis-2'],
      findings: async () => nothing,
      stop: async withinMs => void (await Promise.all([sockets.stop(withinMs), library.stop({ withinMs })])),
    }
  },
}

function plan(name: string): ClientPlan {
  return {
    name,
    everyMs: 20,
    round: async ({ client, ledger, round }) => {
      const [key, value] = [`key:${name}:${round}`, `value:${name}:${round}`]
      await settle(ledger, ledger.begin(name, 'set', key, value), client.send('SET', key, value))
      const counter = `counter:${name}`
      await settle(ledger, ledger.begin(name, 'incr', counter), client.send('INCR', counter))
      await settle(ledger, ledger.begin(name, 'echo', '', value), client.send('ECHO', value))
    },
  }
}

// come-and-go.ts: clients with a connection for each few commands, which end it in three ways.
import { type ClientPlan, settle, startClients } from '../load-client.ts'
import type { Load } from '../types.ts'

export const comeAndGo: Load = {
  name: 'come-and-go',
  what: 'three sockets connect, send SET and INCR, and leave: with QUIT, in order, or with a command still open',
  start: ({ port }) =>
    startClients(
      port,
      [1, 2, 3].map(n => plan(`guest-${n}`)),
    ),
}

function plan(name: string): ClientPlan {
  return {
    name,
    everyMs: 30,
    anew: true,
    round: async ({ client, ledger, round }) => {
      const [key, value, counter] = [`key:${name}:${round}`, `value:${name}:${round}`, `counter:${name}`]
      await settle(ledger, ledger.begin(name, 'set', key, value), client.send('SET', key, value))
      await settle(ledger, ledger.begin(name, 'incr', counter), client.send('INCR', counter))
    },
  }
}

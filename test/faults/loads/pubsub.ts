// pubsub.ts: a publisher, a subscriber by channel (RESP2) and one by pattern (RESP3).
import type { Operation } from '../../support/ledger.ts'
import { RespPush, type Value } from '../../support/resp-decoder.ts'
import { judgeChannel } from '../judge-lists.ts'
import { type ClientPlan, nothing, type Seat, settle, startClients } from '../load-client.ts'
import type { Findings, Load } from '../types.ts'

const channel = 'news'

export const pubsub: Load = {
  name: 'pubsub',
  what: 'one PUBLISHes numbered messages, one is SUBSCRIBEd (RESP2), one PSUBSCRIBEd (RESP3)',
  start: ({ port }) => {
    const published: Operation[] = []
    const received = { subscriber: [] as string[], 'pattern-subscriber': [] as string[] }
    const plans = [
      publisher(published),
      listener('subscriber', received.subscriber, seat => seat.client.send('SUBSCRIBE', channel)),
      listener('pattern-subscriber', received['pattern-subscriber'], async ({ client }) => {
        await client.send('HELLO', '3')
        return client.send('PSUBSCRIBE', 'ne*')
      }),
    ]
    return startClients(port, plans, async () => {
      const all = published.filter(({ outcome }) => outcome.kind === 'ok' && Number(outcome.value) >= 2)
      const delivered = all.map(({ value }) => value ?? '')
      return Object.entries(received)
        .map(([subscriber, messages]) => judgeChannel({ delivered, received: messages, subscriber }))
        .reduce(both, nothing)
    })
  },
}

function publisher(published: Operation[]): ClientPlan {
  return {
    name: 'publisher',
    everyMs: 15,
    round: async ({ name, client, ledger, round }) => {
      const operation = ledger.begin(name, 'other', channel, `e${round}`)
      published.push(operation)
      await settle(ledger, operation, client.send('PUBLISH', channel, `e${round}`))
    },
  }
}

/** Each message it takes out of the client's pushes is an operation, so that its pauses are seen as well. */
function listener(name: string, received: string[], subscribe: (seat: Seat) => Promise<Value>): ClientPlan {
  return {
    name,
    everyMs: 5,
    begin: async seat => {
      const { ledger } = seat
      await settle(ledger, ledger.begin(name, 'other', channel), subscribe(seat))
    },
    round: async seat => void take(seat, received),
    // What was published last may still be on its way.
    end: async seat => {
      for (let quiet = 0; quiet < 20; quiet++) {
        await new Promise(resolve => setTimeout(resolve, 10))
        if (take(seat, received) > 0) quiet = 0
      }
    },
  }
}

/** Takes what has come out of the client's pushes; answers how many messages that were. */
function take({ name, client, ledger }: Seat, received: string[]): number {
  let taken = 0
  for (const value of client.pushes.splice(0)) {
    const items = value instanceof RespPush ? value.items : Array.isArray(value) ? value : []
    if (!/^p?message$/.test(String(items[0]))) continue
    received.push(String(items.at(-1)))
    ledger.ok(ledger.begin(name, 'other', channel), 'message')
    taken++
  }
  return taken
}

function both(a: Findings, b: Findings): Findings {
  return {
    lost: [...a.lost, ...b.lost],
    doubled: [...a.doubled, ...b.doubled],
    reordered: [...a.reordered, ...b.reordered],
  }
}

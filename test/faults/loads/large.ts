// large.ts: values of 1 MB: written once each, read back at once.
import type { Operation } from '../../support/ledger.ts'
import type { RespClient, Value } from '../../support/resp-client.ts'
import { type Seat, settle, startClients } from '../load-client.ts'
import type { Load } from '../types.ts'

const bytes = 1024 * 1024
const filler = 'x'.repeat(bytes)

export const large: Load = {
  name: 'large',
  what: 'a socket sets values of 1 MB and gets each back',
  start: ({ port }) => {
    const written: Operation[] = []
    const wrong: string[] = []
    const round = async ({ name, client, ledger, round: n }: Seat): Promise<void> => {
      const [key, head] = [`large:${name}:${n}`, `head:${name}:${n}:`]
      const operation = ledger.begin(name, 'other', key, head)
      written.push(operation)
      await settle(ledger, operation, client.send('SET', key, fullValue(head)))
      const found = await settle(ledger, ledger.begin(name, 'other', key), client.send('GET', key).then(shorten(head)))
      // nil: the SET is lost, and that is judged by what the master has in the end.
      if (found !== 'whole' && found !== undefined && found !== null) wrong.push(`GET ${key}: ${String(found)}`)
    }
    return startClients(port, [{ name: 'large-1', everyMs: 250, round }], async master => {
      const acknowledged = written.filter(({ outcome }) => outcome.kind === 'ok')
      const lost = await Promise.all(acknowledged.map(operation => complaint(master, operation)))
      return { lost: lost.filter(one => one !== ''), doubled: [], reordered: wrong }
    })
  },
}

async function complaint(master: RespClient, { key, value: head }: Operation): Promise<string> {
  const [found, length] = await master.pipeline([
    ['GETRANGE', key, '0', String((head ?? '').length - 1)],
    ['STRLEN', key],
  ])
  return found === head && length === bytes ? '' : `${key}: ${String(length)} bytes`
}

function fullValue(head: string): string {
  return head + filler.slice(head.length)
}

/** A value of 1 MB is not kept: whether it is the right one is. */
function shorten(head: string): (value: Value) => Value {
  return value => {
    if (typeof value !== 'string') return value
    return value === fullValue(head) ? 'whole' : `${value.slice(0, 40)} (${value.length})`
  }
}

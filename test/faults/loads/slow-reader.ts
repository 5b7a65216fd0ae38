// slow-reader.ts: a client that asks for far more than it reads, and reads a little at a time.
import { type Seat, settle, startClients } from '../load-client.ts'
import type { Load } from '../types.ts'

const key = 'slow:value'
const value = 'slow'.repeat(32 * 1024)
const asked = 12

export const slowReader: Load = {
  name: 'slow-reader',
  what: 'a socket asks twelve times for 128 kB and an ECHO in one write, and reads one piece every 15 ms',
  start: ({ port }) => startClients(port, [{ name: 'slow-1', everyMs: 20, begin, round }]),
}

async function begin({ name, client, ledger }: Seat): Promise<void> {
  await settle(ledger, ledger.begin(name, 'other', key, value), client.send('SET', key, value))
  client.socket.on('data', () => {
    client.socket.pause()
    setTimeout(() => client.socket.resume(), 15)
  })
}

async function round({ name, client, ledger, round: n }: Seat): Promise<void> {
  client.socket.cork()
  const replies: Promise<unknown>[] = []
  for (let i = 0; i < asked; i++) {
    const tag = `slow:${n}:${i}`
    const whole = client.send('GET', key).then(reply => (reply === value ? 'whole' : reply))
    replies.push(settle(ledger, ledger.begin(name, 'echo', '', 'whole'), whole))
    replies.push(settle(ledger, ledger.begin(name, 'echo', '', tag), client.send('ECHO', tag)))
  }
  client.socket.uncork()
  const results = await Promise.allSettled(replies)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

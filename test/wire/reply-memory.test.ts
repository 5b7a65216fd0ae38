// reply-memory.test.ts: the memory that replies are read into is used again with the next read: not before every
// client that is owed a part of it has that part.
import t, { type Test } from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { MB } from '../support/resident.ts'
import { RespClient } from '../support/resp-client.ts'
import { randomFrom } from '../support/seeded-random.ts'
import { waitUntil } from '../support/wait-until.ts'
import { command, payload, seed } from './bytes.ts'

async function connect(t: Test, port: number): Promise<RespClient> {
  const client = await RespClient.connect(port)
  t.teardown(() => client.close())
  return client
}

/** Ends when all of `wanted` has come on the socket; answers whether it was just that. */
async function receives(client: RespClient, wanted: Buffer): Promise<boolean> {
  const chunks: Buffer[] = []
  let bytes = 0
  client.socket.removeAllListeners('data').on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
  })
  client.socket.resume()
  await waitUntil('all bytes', () => bytes >= wanted.length, { withinMs: 30_000 })
  return Buffer.concat(chunks).equals(wanted)
}

const replyOf = (value: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')])

t.test(
  'replies that their client does not read — stay as they were — while others are served on the same link',
  async t => {
    const { holdfast } = await startSingle(t)
    const random = randomFrom(seed)
    const [idle, busy] = [await connect(t, holdfast.port), await connect(t, holdfast.port)]
    const large = payload(random, MB)
    await busy.send('SET', 'large', large)
    const small = Array.from({ length: 50 }, () => payload(random, 2_000))
    for (const [i, value] of small.entries()) await busy.send('SET', `small:${i}`, value)

    // More than a socket holds: the rest waits in the process, as parts of what was read.
    idle.socket.pause()
    idle.socket.write(Buffer.concat(new Array(16).fill(command('GET', 'large'))))
    const others = Buffer.concat(small.map((_, i) => command('GET', `small:${i}`)))
    const wanted = Buffer.concat(small.map(replyOf))
    let right = true
    for (let round = 0; round < 40; round++) {
      const frames = await busy.sendRaw(others, small.length)
      if (!Buffer.concat(frames.map(({ raw }) => raw)).equals(wanted)) right = false
    }
    t.ok(right, 'the others have their own replies')
    t.ok(await receives(idle, Buffer.concat(new Array(16).fill(replyOf(large)))), 'and the idle one has its own')
  },
)

t.test('replies in parts — are whole — whatever comes between their reads', async t => {
  const { holdfast } = await startSingle(t)
  const random = randomFrom(seed + 1)
  const sizes = [100, 9_000, 40_000, 65_000, 66_000, 130_000, 300_000]
  const values = sizes.map(size => payload(random, size))
  const clients = await Promise.all(Array.from({ length: 6 }, () => connect(t, holdfast.port)))
  const [first] = clients
  for (const [i, value] of values.entries()) await first?.send('SET', `k:${i}`, value)
  const orders = clients.map((_, c) => values.map((_, i) => (i * (c + 1) + c) % values.length))
  const right = await Promise.all(
    clients.map(async (client, c) => {
      const order = orders[c] ?? []
      const bytes = Buffer.concat(order.map(i => command('GET', `k:${i}`)))
      const wanted = Buffer.concat(order.map(i => replyOf(values[i] ?? Buffer.alloc(0))))
      for (let round = 0; round < 15; round++) {
        const frames = await client.sendRaw(bytes, order.length)
        if (!Buffer.concat(frames.map(({ raw }) => raw)).equals(wanted)) return false
      }
      return true
    }),
  )
  t.strictSame(
    right,
    clients.map(() => true),
  )
})

// command-memory.test.ts: the memory that commands are read into is used again when they are answered, not before: a
// command that is sent again has the bytes that its client sent.
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { randomFrom } from '../support/seeded-random.ts'
import { payload, seed } from './bytes.ts'

const CLIENTS = 12
const SIZES = [3_000, 16_384, 60_000, 200_000]

t.test('commands that are sent again — are what their clients sent — although much was read meanwhile', async t => {
  const { holdfast, node } = await startSingle(t, { options: { 'retry-policy': 'always' } })
  const direct = await RespClient.connect(node.port, '127.0.0.1', { buffers: true })
  t.teardown(() => direct.close())
  const random = randomFrom(seed)
  const connect = async (): Promise<RespClient> => {
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    return client
  }
  const [first, second] = [await connectAll(connect), await connectAll(connect)]
  const other = await connect()
  await other.send('SELECT', '1')

  for (const size of SIZES) {
    const values = first.map(() => payload(random, size))
    await direct.send('CLIENT', 'PAUSE', '100000', 'WRITE')
    const waiting = first.map((client, i) => client.send('SET', `first:${i}`, values[i] ?? ''))
    // Behind these the process has read and written what waits: the server answers nothing of it.
    for (let i = 0; i < 5; i++) await other.send('PING')
    const behind = second.map((client, i) => client.send('SET', `second:${i}`, payload(random, size)))
    for (let i = 0; i < 5; i++) await other.send('PING')
    await direct.send('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await direct.send('CLIENT', 'UNPAUSE')
    t.strictSame(new Set(await Promise.all([...waiting, ...behind])), new Set(['OK']))
    for (const [i, value] of values.entries()) {
      const got = await direct.send('GET', `first:${i}`)
      t.ok(Buffer.isBuffer(got) && got.equals(value), `first:${i} of ${size} bytes`)
    }
  }
})

async function connectAll(connect: () => Promise<RespClient>): Promise<RespClient[]> {
  return Promise.all(Array.from({ length: CLIENTS }, connect))
}

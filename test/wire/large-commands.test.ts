// A command that comes in many reads goes on in these parts. Put together, a value of 200 MB would take 200 MB more, and
// everybody else would wait while it is copied.
import t from 'tap'
import { encodeCommand } from '../../src/resp/encode.ts'
import { startSingle } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { resumeServer, stopServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const MB = 1024 * 1024
const SIZE = 24 * MB

for (const policy of ['always', 'once']) {
  t.test(`a large value — is sent on in the parts that were read — under ${policy}`, async t => {
    const { holdfast, node } = await startSingle(t, { options: { 'retry-policy': policy } })
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    await client.send('PING')
    const value = encodeCommand(['SET', 'k', Buffer.alloc(SIZE, 'v')])
    let largest = 0
    const { concat } = Buffer
    t.capture(Buffer, 'concat', (list: readonly Uint8Array[], size?: number) => {
      const whole = concat(list, size)
      largest = Math.max(largest, whole.length)
      return whole
    })
    t.equal((await client.sendRaw(value, 1)).length, 1)
    t.ok(largest < SIZE / 2, `${largest} bytes were put together`)
    const direct = await RespClient.connect(node.port)
    t.teardown(() => direct.close())
    t.equal(await direct.send('STRLEN', 'k'), SIZE)
  })
}

// On one link the reply to the small command could only come behind that of the large one.
t.test('a first large value — delays nobody — who sends behind it', async t => {
  const { holdfast, node } = await startSingle(t, { options: { ack: 'master' } })
  const [large, small] = [await RespClient.connect(holdfast.port), await RespClient.connect(holdfast.port)]
  t.teardown(() => large.close())
  t.teardown(() => small.close())
  await Promise.all([large.send('PING'), small.send('PING')])
  const order: string[] = []
  await stopServer(node)
  t.teardown(() => resumeServer(node))
  const value = encodeCommand(['SET', 'k', Buffer.alloc(SIZE, 'v')])
  const first = large.sendRaw(value, 1).then(() => order.push('large'))
  await waitUntil('it waits for the server', () => holdfast.counters.pendingBytes > SIZE, { withinMs: 20_000 })
  const second = small.send('PING').then(() => order.push('small'))
  await waitUntil('so does the small one', () => holdfast.counters.commands === 4, { withinMs: 20_000 })
  resumeServer(node)
  await Promise.all([first, second])
  t.strictSame(order, ['small', 'large'])
})

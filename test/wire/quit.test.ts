// A client that has been told OK to QUIT is gone at the server, whether it has closed its side or not. It gets all
// replies before that one, however late it reads them.
import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('QUIT — has ended the subscriptions of its client — when it is answered', async t => {
  const { holdfast } = await startSingle(t)
  const other = await RespClient.connect(holdfast.port)
  t.teardown(() => other.close())
  for (let i = 0; i < 20; i++) {
    const subscriber = await RespClient.connect(holdfast.port)
    t.teardown(() => subscriber.close())
    await subscriber.send('SUBSCRIBE', 'news')
    t.equal(await other.send('PUBLISH', 'news', 'one'), 1)
    t.equal(await subscriber.send('QUIT'), 'OK')
    t.equal(await other.send('PUBLISH', 'news', 'two'), 0)
  }
})

t.test(
  'QUIT, or the last byte — behind large replies — ends no connection before its client has read them',
  async t => {
    const { holdfast } = await startSingle(t)
    const other = await RespClient.connect(holdfast.port)
    t.teardown(() => other.close())
    const large = Buffer.alloc(16 * 1024 * 1024, 'x')
    t.equal(await other.send('SET', 'large', large), 'OK')
    const reply = large.length + '$16777216\r\n\r\n'.length
    for (const [last, answer] of [
      ['QUIT\r\n', '+OK\r\n'],
      ['', ''],
    ] as const) {
      const socket = connect({ port: holdfast.port, host: '127.0.0.1', allowHalfOpen: true })
      t.teardown(() => socket.destroy())
      let got = 0
      socket.on('data', (chunk: Buffer) => {
        got += chunk.length
      })
      socket.pause()
      const begun = performance.now()
      socket.end(`GET large\r\nGET large\r\n${last}`)
      await waitUntil('it has read nothing for a while', () => performance.now() - begun > 3000, { withinMs: 10_000 })
      socket.resume()
      await once(socket, 'end')
      t.equal(got, 2 * reply + answer.length)
    }
  },
)

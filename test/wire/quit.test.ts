// A client that has been told OK to QUIT is gone at the server, whether it has closed its side or not.
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'

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

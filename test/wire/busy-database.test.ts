// A server that answers BUSY lets no new connection into a database. Sessions there are told BUSY all the same, behind another's
// script, and can end it.
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('a script in a database — others there are told BUSY and can end it — twice in a row', async t => {
  const { holdfast } = await startSingle(t)
  const connect = async (): Promise<RespClient> => {
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    t.equal(await client.send('SELECT', '9'), 'OK')
    return client
  }
  const [caller, other] = [await connect(), await connect()]
  await other.send('CONFIG', 'SET', 'busy-reply-threshold', '10')
  const warm = (): unknown => (holdfast.counters.detail.linksOpened.get('spare') ?? 0) > spares
  let spares = 1
  await waitUntil('a warm link to database 9 besides that to 0', warm, { withinMs: 10_000 })
  for (let round = 0; round < 2; round++) {
    spares = holdfast.counters.detail.linksOpened.get('spare') ?? 0
    const script = caller.send('EVAL', 'while true do end', '0')
    // It stands behind the script in the shared link, and nothing tells that session of a busy server but a fresh one.
    t.match(await other.send('PING'), { code: 'BUSY' })
    t.equal(await other.send('SCRIPT', 'KILL'), 'OK')
    t.match(await script, { message: /killed/ })
    t.equal(await other.send('PING'), 'PONG')
    await waitUntil('a warm link again', warm, { withinMs: 10_000 })
  }
})

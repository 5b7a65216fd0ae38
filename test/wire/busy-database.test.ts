// A server that answers BUSY lets no new connection into a database. Sessions there are told BUSY all the same, behind
// another's script, and can end it.
import t, { type Test } from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { RespClient, RespError } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

async function connect(t: Test, port: number): Promise<RespClient> {
  const client = await RespClient.connect(port)
  t.teardown(() => client.close())
  t.equal(await client.send('SELECT', '9'), 'OK')
  return client
}

async function isBusy(direct: RespClient): Promise<boolean> {
  return (await direct.send('PING')) instanceof RespError
}

t.test('a script in a database — others there are told BUSY and can end it — twice in a row', async t => {
  const { holdfast, node } = await startSingle(t)
  const [caller, other] = [await connect(t, holdfast.port), await connect(t, holdfast.port)]
  const direct = await connect(t, node.port)
  await other.send('CONFIG', 'SET', 'busy-reply-threshold', '10')
  const warm = (): unknown => (holdfast.counters.detail.linksOpened.get('spare') ?? 0) > spares
  let spares = 1
  await waitUntil('a warm link to database 9 besides that to 0', warm, { withinMs: 10_000 })
  for (let round = 0; round < 2; round++) {
    spares = holdfast.counters.detail.linksOpened.get('spare') ?? 0
    const script = caller.send('EVAL', 'while true do end', '0')
    // Where writes leave in blocks, another's command of the same turn may overtake it.
    await waitUntil('the server is busy', () => isBusy(direct), { withinMs: 10_000, everyMs: 1 })
    // It stands behind the script in the shared link, and nothing tells that session of a busy server but a fresh one.
    t.match(await other.send('PING'), { code: 'BUSY' })
    t.equal(await other.send('SCRIPT', 'KILL'), 'OK')
    t.match(await script, { message: /killed/ })
    t.equal(await other.send('PING'), 'PONG')
    await waitUntil('a warm link again', warm, { withinMs: 10_000 })
  }
})

t.test('a script in a database, no warm link there — others are told BUSY and can end it', async t => {
  const { holdfast, node } = await startSingle(t)
  const [caller, other, third] = [
    await connect(t, holdfast.port),
    await connect(t, holdfast.port),
    await connect(t, holdfast.port),
  ]
  const direct = await connect(t, node.port)
  await direct.send('CONFIG', 'SET', 'busy-reply-threshold', '10')
  const script = caller.send('EVAL', 'while true do end', '0')
  await waitUntil('the server is busy', () => isBusy(direct), { withinMs: 10_000 })
  // A busy server takes MULTI: the warm link is this session's from now on, and no other one comes up in the database.
  await third.send('MULTI')
  t.match(await other.send('PING'), { code: 'BUSY' })
  t.match(await other.send('SET', 'k', 'v'), { code: 'BUSY' })
  t.equal(await other.send('SCRIPT', 'KILL'), 'OK')
  t.match(await script, { message: /killed/ })
  await waitUntil('the server serves', async () => (await other.send('PING')) === 'PONG', { withinMs: 10_000 })
  t.equal(await other.send('SET', 'k', 'v'), 'OK')
  t.equal(await direct.send('GET', 'k'), 'v', 'in its database')
})

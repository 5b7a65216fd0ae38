// What a master refuses on a new link of a session: how serious it is, and what the log says to do.
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('an open MULTI that a full master refuses — is a warning with a remedy — and EXEC runs nothing', async t => {
  const { holdfast, node } = await startSingle(t)
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  t.equal(await client.send('MULTI'), 'OK')
  t.equal(await client.send('SET', 'k', 'v'), 'QUEUED')
  await ask(node, ['CONFIG', 'SET', 'maxmemory', '1'])
  await ask(node, ['CLIENT', 'KILL', 'TYPE', 'normal'])
  await waitUntil('the line', () => holdfast.find('session.restore_failed'), { withinMs: 30_000 })
  t.match(holdfast.find('session.restore_failed'), { level: 'warn', what: 'MULTI', reply: /^OOM/, remedy: /maxmemory/ })
  t.match(await client.send('EXEC'), { message: /^EXECABORT/ })
  await ask(node, ['CONFIG', 'SET', 'maxmemory', '0'])
  t.equal(await client.send('GET', 'k'), null)
})

t.test("a name that the user may not set at the server — is the session's all the same — and no trouble", async t => {
  const { holdfast, node } = await startSingle(t, {
    serverConfig: ['user app on >pw ~* &* +@all -client|setname -client|setinfo'],
  })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  t.equal(await client.send('AUTH', 'app', 'pw'), 'OK')
  t.equal(await client.send('CLIENT', 'SETNAME', 'worker'), 'OK')
  await client.send('SUBSCRIBE', 'news')
  await ask(node, ['CLIENT', 'KILL', 'TYPE', 'pubsub'])
  const isThere = async (): Promise<boolean> => Number(await ask(node, ['PUBLISH', 'news', 'again'])) === 1
  await waitUntil('it hears again', isThere, { withinMs: 30_000 })
  t.equal(holdfast.find('session.restore_failed'), undefined)
})

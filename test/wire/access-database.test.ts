// A user that may not SELECT works in the database that the client selected before it signed in, as at a server.
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { ask, RespClient, RespError } from '../support/resp-client.ts'

t.test(
  'a user without the right to SELECT — stays in the database of its connection — also on a link of its own',
  async t => {
    const { holdfast, node } = await startSingle(t, { serverConfig: ['user bob on >pw ~* +get +set +blpop +rpush'] })
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    t.equal(await client.send('SELECT', '9'), 'OK')
    t.equal(await client.send('AUTH', 'bob', 'pw'), 'OK')
    t.equal(await client.send('SET', 'k', 'v'), 'OK')
    t.equal(await client.send('RPUSH', 'list', 'one'), 1)
    t.strictSame(await client.send('BLPOP', 'list', '0'), ['list', 'one'])
    t.match(await client.send('SELECT', '8'), RespError)
    t.equal(await client.send('GET', 'k'), 'v', 'a SELECT that was refused changes nothing')
    t.match(await ask(node, ['INFO', 'keyspace']), /db9:keys=1,/)
  },
)

t.test('a user whose password has changed — is told so — in a database of its own, too', async t => {
  const { holdfast, node } = await startSingle(t, {
    serverConfig: ['user bob on >pw ~* +@all'],
    expectedErrors: ['link.refused', 'session.restore_failed'],
  })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  t.equal(await client.send('AUTH', 'bob', 'pw'), 'OK')
  t.equal(await client.send('SELECT', '9'), 'OK')
  await ask(node, ['ACL', 'SETUSER', 'bob', 'resetpass', '>other'])
  await ask(node, ['CLIENT', 'KILL', 'USER', 'bob'])
  const refused = await client.send('GET', 'k')
  t.match(refused instanceof RespError && refused.message, /^WRONGPASS/)
})

t.test('a session — a large reply, then AUTH or HELLO with AUTH — stays in its database and its protocol', async t => {
  const { holdfast } = await startSingle(t, { serverConfig: ['user bob on >pw ~* +@all'] })
  const connect = async (): Promise<RespClient> => {
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    return client
  }
  await (await connect()).pipeline([
    ['SELECT', '9'],
    ['SET', 'large', 'x'.repeat(256 * 1024)],
    ['HSET', 'small', 'field', 'value'],
  ])
  for (const login of [
    ['AUTH', 'bob', 'pw'],
    ['AUTH', 'bob', 'wrong'],
    ['HELLO', '3', 'AUTH', 'bob', 'pw'],
  ]) {
    const client = await connect()
    await client.pipeline([
      ['HELLO', '3'],
      ['SELECT', '9'],
    ])
    await client.send('GET', 'large')
    const answer = await client.send(...login)
    t.equal(answer instanceof RespError, login[2] === 'wrong')
    t.equal((await client.sendForBytes('HGETALL', 'small')).toString('latin1', 0, 4), '%1\r\n', login.join(' '))
  }
})

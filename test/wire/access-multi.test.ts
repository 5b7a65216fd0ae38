// A user that may not MULTI: what it sends behind one in the same write runs at once, and means what it means there.
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { ask, RespClient, RespError } from '../support/resp-client.ts'

for (const protocol of [2, 3] as const) {
  t.test(`MULTI, refused, and more in one write — RESP${protocol} — as at a server`, async t => {
    const { holdfast, node } = await startSingle(t, {
      serverConfig: ['user bob on >pw ~* &* +@all -multi', 'user eve on >pw ~* &* +@all -multi'],
    })
    const connect = async (port: number): Promise<RespClient> => {
      const client = await RespClient.connect(port)
      t.teardown(() => client.close())
      await client.send('AUTH', 'bob', 'pw')
      await client.send('HELLO', protocol)
      return client
    }
    const [client, direct, other] = [
      await connect(holdfast.port),
      await connect(node.port),
      await connect(holdfast.port),
    ]
    for (const database of ['0', '5']) {
      await direct.send('SELECT', database)
      await direct.send('SET', 'database', database)
    }
    await direct.send('SELECT', '0')

    for (const inside of [
      ['SELECT', '5'],
      ['SELECT', '0'],
      ['AUTH', 'eve', 'pw'],
      ['AUTH', 'bob', 'pw'],
      ['WATCH', 'k'],
      ['BLPOP', 'none', '0.01'],
      ['CLIENT', 'SETNAME', 'me'],
      ['SUBSCRIBE', 'news'],
      ['UNSUBSCRIBE', 'news'],
      ['RESET'],
    ]) {
      const commands = [['MULTI'], inside, ['EXEC'], ['GET', 'database'], ['ACL', 'WHOAMI']]
      const replies = await client.pipeline(commands)
      t.strictSame(replies, await direct.pipeline(commands), inside.join(' '))
      t.ok(replies[0] instanceof RespError)
      // RESP2 subscribers may do little else, and what RESET has signed out nothing.
      if (inside[0] !== 'RESET') t.strictSame(await client.send('PING'), await direct.send('PING'))
    }

    // A link that the first session has left serves the other one.
    await ask(node, ['ACL', 'SETUSER', 'bob', '+multi'])
    t.equal(await other.send('WATCH', 'mine'), 'OK')
    t.equal(await other.send('MULTI'), 'OK')
    t.equal(await other.send('GET', 'database'), 'QUEUED')
    t.equal(await other.send('ACL', 'WHOAMI'), 'QUEUED')
    await ask(node, ['SET', 'k', 'changed'])
    t.strictSame(await other.send('EXEC'), ['0', 'bob'])
    await holdfast.stop()
  })
}

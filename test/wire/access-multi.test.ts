// A user that may not MULTI: what it sends behind one in the same write runs at once, and means what it means there.
import t from 'tap'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { FaultyLink } from '../support/faulty-link.ts'
import { startHoldfast, startSingle, startWitness } from '../support/holdfast.ts'
import { ask, RespClient, RespError } from '../support/resp-client.ts'
import { anyFlavour, endServer, makeFolder, removeFolder, startServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

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

for (const policy of ['safe', 'once'] as const) {
  for (const may of [false, true]) {
    const what = may ? 'sent again without a word — where its user may MULTI' : 'run once — where its user may not'
    t.test(`a write behind MULTI, both replies lost — is ${what} — ${policy}`, async t => {
      const dir = await makeFolder()
      t.teardown(() => removeFolder(dir))
      const config = ['save ""', `user bob on >pw ~* &* +@all ${may ? '' : '-multi'}`]
      const node = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'one', dir, config })
      t.teardown(() => endServer(node))
      await startWitness(t, node, { dir })
      const wire = await FaultyLink.start(t, { host: node.host, port: node.port })
      const sentinel = await FakeSentinel.start(t, { master: { host: wire.host, port: wire.port } })
      const sentinels = [`${sentinel.host}:${sentinel.port}`]
      const holdfast = await startHoldfast(t, { sentinels, options: { 'retry-policy': policy } })
      await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 5000 })
      const client = await RespClient.connect(holdfast.port)
      t.teardown(() => client.close())
      t.equal(await client.send('AUTH', 'bob', 'pw'), 'OK')
      t.equal(await client.send('CLIENT', 'NO-EVICT', 'ON'), 'OK', 'it has a link of its own')
      const ran = async (name: string): Promise<boolean> =>
        String(await ask(node, ['INFO', 'commandstats'])).includes(`cmdstat_${name}:`)
      wire.stall('down')
      const replies = client.pipeline([['MULTI'], ['INCR', 'n'], ['SET', 'k', 'v'], ['GET', 'n']])
      const arrived = (): Promise<boolean> => ran(may ? 'multi' : 'set')
      await waitUntil('the server has read all of it', arrived, { withinMs: 10_000 })
      wire.reset()
      wire.resume()
      const [multi, incr, set, get] = await replies
      if (may) {
        t.strictSame([multi, incr, set, get], ['OK', 'QUEUED', 'QUEUED', 'QUEUED'])
        t.strictSame(await client.send('EXEC'), [1, 'OK', '1'])
      } else {
        t.match(multi instanceof RespError ? multi.code : multi, 'NOPERM')
        t.match(incr instanceof RespError ? incr.code : incr, 'UNKNOWN')
        t.strictSame([set, get], ['OK', '1'], 'what can be repeated is')
      }
      t.equal(await ask(node, ['GET', 'n']), '1', 'INCR ran once')
      t.equal(holdfast.counters.unknownOutcomes, may ? 0 : 1)
    })
  }
}

// A server that lets somebody in no longer: new sessions get its error, not a link that was let in before.
import t from 'tap'
import { startBehindFaultyLink } from '../support/behind-faulty-link.ts'
import { startSingle } from '../support/holdfast.ts'
import { RespClient, RespError } from '../support/resp-client.ts'
import { endServer, restartServer, stopServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('a password that is set at run time — is asked of new sessions — and those that were there go on', async t => {
  const { holdfast, node } = await startSingle(t, { expectedErrors: ['master.probe_refused'] })
  const direct = await RespClient.connect(node.port)
  t.teardown(() => direct.close())
  const old = await RespClient.connect(holdfast.port)
  t.teardown(() => old.close())
  t.equal(await old.send('SET', 'k', '1'), 'OK')
  await old.send('CLIENT', 'SETNAME', 'old')
  const warm = (): boolean => holdfast.counters.detail.linksOpened.get('spare') > 0
  await waitUntil('a warm link, which was let in', warm, { withinMs: 5000 })
  t.equal(await direct.send('CONFIG', 'SET', 'requirepass', 'secret'), 'OK')
  const refused = async (): Promise<boolean> => {
    const client = await RespClient.connect(holdfast.port)
    const reply = await client.send('SET', 'k', '2')
    await client.close()
    return reply instanceof RespError && reply.code === 'NOAUTH'
  }
  await waitUntil('a new session is refused', refused, { withinMs: 30_000 })
  for (let i = 0; i < 5; i++) t.ok(await refused())
  t.equal(await old.send('SET', 'k', '3'), 'OK', 'as directly')
  t.equal(await direct.send('GET', 'k'), '3')
  const late = await RespClient.connect(holdfast.port)
  t.teardown(() => late.close())
  t.equal(await late.send('AUTH', 'secret'), 'OK')
  t.equal(await late.send('GET', 'k'), '3')
  t.equal(holdfast.log.filter(({ event }) => event === 'link.shut_out').length, 1)
  t.equal(holdfast.find('session.restore_failed'), undefined)
  await direct.send('CONFIG', 'SET', 'requirepass', '')
})

t.test('a user that is changed — gets the server’s error — when it comes anew', async t => {
  const { holdfast, node } = await startSingle(t, { expectedErrors: ['link.refused'] })
  const direct = await RespClient.connect(node.port)
  t.teardown(() => direct.close())
  await direct.send('ACL', 'SETUSER', 'app', 'on', '>one', '~*', '+@all')
  const signIn = async (): Promise<RespClient> => {
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    t.equal(await client.send('AUTH', 'app', 'one'), 'OK')
    return client
  }
  const old = await signIn()
  t.equal(await old.send('SET', 'k', '1'), 'OK')
  await direct.send('ACL', 'SETUSER', 'app', 'resetpass', '>two')
  await waitUntil('it is noticed', () => holdfast.find('link.shut_out'), { withinMs: 30_000 })
  t.equal(await old.send('SET', 'k', '2'), 'OK', 'who is there stays, as directly')
  t.match(holdfast.find('link.refused'), { reply: /WRONGPASS/, msg: /let in before/ })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  t.match(await client.send('AUTH', 'app', 'one'), { code: 'WRONGPASS' })
  t.equal(await client.send('AUTH', 'app', 'two'), 'OK')
  t.equal(await client.send('GET', 'k'), '2')
})

t.test(
  'who was there before a password came and went — does not wait behind another’s slow command — as ever',
  async t => {
    // Committed reads wait for the end of a pause of writes: a barrier is one.
    const { holdfast, node } = await startSingle(t, {
      options: { reads: 'plain' },
      expectedErrors: ['master.probe_refused'],
    })
    const connect = async (port: number): Promise<RespClient> => {
      const client = await RespClient.connect(port)
      t.teardown(() => client.close())
      return client
    }
    const direct = await connect(node.port)
    const writer = await connect(holdfast.port)
    const reader = await connect(holdfast.port)
    t.equal(await writer.send('SET', 'k', '1'), 'OK')
    t.equal(await reader.send('GET', 'k'), '1')
    const warm = (): boolean => holdfast.counters.detail.linksOpened.get('spare') > 0
    await waitUntil('a warm link, which was let in', warm, { withinMs: 30_000 })
    t.equal(await direct.send('CONFIG', 'SET', 'requirepass', 'secret'), 'OK')
    await waitUntil('it is noticed', () => holdfast.find('link.shut_out'), { withinMs: 30_000 })
    t.equal(await direct.send('CONFIG', 'SET', 'requirepass', ''), 'OK')
    const isLetIn = async (): Promise<boolean> => {
      const client = await RespClient.connect(holdfast.port)
      const reply = await client.send('GET', 'k')
      await client.close()
      return reply === '1'
    }
    await waitUntil('new sessions are let in again', isLetIn, { withinMs: 30_000 })
    t.equal(await direct.send('CLIENT', 'PAUSE', '120000', 'WRITE'), 'OK')
    const written = writer.send('SET', 'k', '2')
    const read = reader.send('GET', 'k')
    let isRead = false
    void read.then(() => {
      isRead = true
    })
    await waitUntil('the reader has its reply', () => isRead, { withinMs: 30_000 })
    t.equal(await read, '1')
    t.equal(holdfast.counters.linksRetired, 1, 'and a fresh link is not made again and again')
    t.equal(await direct.send('CLIENT', 'UNPAUSE'), 'OK')
    t.equal(await written, 'OK')
    t.equal(await reader.send('GET', 'k'), '2')
  },
)

t.test(
  'a restart that loses a user — is waited for, for the hold time — and then the error names the user',
  async t => {
    const { holdfast, node } = await startSingle(t, {
      options: { 'retry-policy': 'once', 'hold-timeout': '8s', ack: 'master' },
      expectedErrors: ['link.refused', 'gate.tripped'],
    })
    const connect = async (): Promise<RespClient> => {
      const client = await RespClient.connect(holdfast.port)
      t.teardown(() => client.close())
      return client
    }
    const direct = await RespClient.connect(node.port)
    t.teardown(() => direct.close())
    await direct.send('ACL', 'SETUSER', 'app', 'on', '>one', '~*', '&*', '+@all') // no ACL SAVE
    const [inDoubt, behind, other] = [await connect(), await connect(), await connect()]
    for (const client of [inDoubt, behind]) t.equal(await client.send('AUTH', 'app', 'one'), 'OK')
    t.equal(await inDoubt.send('INCR', 'n'), 1)
    // It signs in on a link of its own, as somebody whom no handshake has let in.
    await direct.send('ACL', 'SETUSER', 'own', 'on', '>two', '~*', '&*', '+@all')
    const own = await connect()
    t.equal(await own.send('CLIENT', 'NO-EVICT', 'ON'), 'OK')
    t.equal(await own.send('AUTH', 'own', 'two'), 'OK')
    const { commands } = holdfast.counters
    await stopServer(node)
    const lost = inDoubt.send('INCR', 'n')
    await waitUntil('it is sent', () => holdfast.counters.commands > commands, { withinMs: 5000 })
    await endServer(node)
    const unsent = [behind.send('GET', 'n'), own.send('GET', 'n')]
    await restartServer(node)
    await waitUntil('the login is refused', () => holdfast.find('link.refused'), { withinMs: 20_000 })
    const isWaiting = (): boolean => holdfast.counters.waitingForUser === 3
    await waitUntil('each waits for its user', isWaiting, { withinMs: 5000 })
    t.equal(await other.send('SET', 'k', 'v'), 'OK', 'others are served')
    t.match(await lost, {
      message: /^UNKNOWN holdfast: the master refuses the login of user 'app', .*\(make the user, .* on every node\)$/,
    })
    for (const reply of await Promise.all(unsent)) t.match(reply, { code: 'WRONGPASS' })
    t.equal(holdfast.find('gate.tripped'), undefined)
    const late = async (): Promise<boolean> => {
      const sentAt = performance.now()
      t.match(await behind.send('GET', 'n'), { code: 'WRONGPASS' })
      return performance.now() - sentAt < 4000
    }
    await waitUntil('from then on the error comes at once', late, { withinMs: 30_000 })
  },
)

t.test(
  'a login that a restarted server refuses — and a server that is then out of reach — the later cause is told',
  async t => {
    const { holdfast, node, wire } = await startBehindFaultyLink(t, {
      options: { 'retry-policy': 'always', 'hold-timeout': '8s', ack: 'master' },
      expectedErrors: ['link.refused', 'gate.tripped'],
    })
    const direct = await RespClient.connect(node.port)
    t.teardown(() => direct.close())
    await direct.send('ACL', 'SETUSER', 'app', 'on', '>one', '~*', '&*', '+@all') // no ACL SAVE
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    t.equal(await client.send('AUTH', 'app', 'one'), 'OK')
    t.equal(await client.send('SET', 'k', 'v'), 'OK')
    await stopServer(node)
    await endServer(node)
    await restartServer(node)
    const held = client.send('GET', 'k')
    await waitUntil('the login is refused', () => holdfast.find('link.refused'), { withinMs: 20_000 })
    const from = holdfast.log.length
    wire.refuse() // the connection on which the master is asked what it is stays
    const isOutOfReach = (): boolean =>
      holdfast.log.slice(from).some(({ event, reason }) => event === 'link.lost' && reason !== 'handshake')
    await waitUntil('a later dial is lost', isOutOfReach, { withinMs: 5000 })
    t.match(await held, { message: /^TRYAGAIN holdfast: no master in time/ })
    t.equal(holdfast.find('hold.start', from), undefined, 'the master was confirmed all the time')
  },
)

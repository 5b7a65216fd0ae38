// Clients whose link the server ends: one that does not read is ended, as directly; others come back, and the log says
// so of subscribers.
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import { isUnproven } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('a subscriber that does not read — is ended, with its cause — when the server has had enough of it', async t => {
  const at = await startSingle(t, { serverConfig: ['client-output-buffer-limit pubsub 4mb 0 0'] })
  const { holdfast } = at
  const deaf = await RespClient.connect(holdfast.port)
  t.teardown(() => deaf.close())
  await deaf.send('SUBSCRIBE', 'news')
  deaf.socket.pause()
  const text = 'n'.repeat(100_000)
  const published = async (): Promise<boolean> => (await ask(at.node, ['PUBLISH', 'news', text])) === 0
  await waitUntil('the server has ended it', published, { withinMs: 30_000, everyMs: 1 })
  deaf.socket.resume()
  await waitUntil('the client sees its end', () => !deaf.isOpen, { withinMs: 30_000 })
  t.equal(holdfast.counters.unreadEnded, 1)
  const line = holdfast.find('session.unread_at_server')
  t.equal(line?.level, 'warn')
  t.match(line?.msg, /client-output-buffer-limit/)
  t.equal(holdfast.find('session.resubscribed'), undefined)
  await holdfast.stop()
})

t.test('a slow client whose link is ended while replies wait there — gets all of them', async t => {
  const { holdfast, node } = await startSingle(t)
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  t.equal(await client.send('SET', 'k', Buffer.alloc(1_000_000, 'x')), 'OK')
  t.equal(await client.send('CLIENT', 'NO-EVICT', 'ON'), 'OK', 'it has a link of its own')
  client.socket.pause()
  const replies = client.pipeline(new Array(60).fill(['GET', 'k']))
  const isPaused = (): boolean => holdfast.counters.unreadBytes > 1024 * 1024
  await waitUntil('replies wait', isPaused, { withinMs: 30_000 })
  await ask(node, ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
  client.socket.resume()
  t.equal((await replies).filter(reply => String(reply).length === 1_000_000).length, 60)
  t.equal(holdfast.counters.unreadEnded, 0)
  await client.close()
  await holdfast.stop()
})

t.test('a client that has read all that was left for it — keeps its connection — when its link is ended', async t => {
  const { holdfast, node } = await startSingle(t)
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  const large = Buffer.alloc(16 * 1024 * 1024, 'x')
  t.equal(await client.send('SET', 'large', large), 'OK')
  for (const [what, args] of [
    ['owes nothing', ['PING']],
    ['owes what was sent later', ['BLPOP', 'list', '0']],
  ] as const) {
    client.socket.pause()
    const replies = client.pipeline(new Array(8).fill(['GET', 'large']))
    // Some lie in the client's socket, one unread here, and the link is not read from.
    const isPaused = (): boolean => holdfast.counters.unreadBytes > 1024 * 1024
    await waitUntil('replies wait', isPaused, { withinMs: 30_000 })
    client.socket.resume()
    t.equal((await replies).length, 8)
    const later = what === 'owes nothing' ? null : client.send(...args)
    const lost = holdfast.counters.linksLost
    await waitUntil(
      'its link is ended',
      async () => {
        await ask(node, ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
        return holdfast.counters.linksLost > lost
      },
      { withinMs: 30_000 },
    )
    if (later !== null) await ask(node, ['RPUSH', 'list', 'one'])
    const reply = await (later ?? client.send(...args))
    // Where it had reached the server: `once` has no marker for it.
    if (later === null || !isUnproven(reply)) t.strictSame(reply, later === null ? 'PONG' : ['list', 'one'], what)
  }
  t.equal(holdfast.counters.unreadEnded, 0)
  await client.close()
  await holdfast.stop()
})

t.test(
  'subscribers whose links are ended without a failover — are subscribed again — and the log says so once',
  async t => {
    const { holdfast, node } = await startSingle(t)
    const clients = await Promise.all(Array.from({ length: 10 }, () => RespClient.connect(holdfast.port)))
    for (const client of clients) await client.send('SUBSCRIBE', 'news')
    await ask(node, ['CLIENT', 'KILL', 'TYPE', 'pubsub'])
    const line = await waitUntil('the line', () => holdfast.find('session.resubscribed'), { withinMs: 30_000 })
    t.equal(line.level, 'warn')
    t.equal(line.cause, 'link-lost')
    const heard = async (): Promise<boolean> => (await ask(node, ['PUBLISH', 'news', 'x'])) === 10
    await waitUntil('all hear again', heard, { withinMs: 30_000 })
    const lines = holdfast.log.filter(({ event }) => event === 'session.resubscribed')
    t.equal(
      lines.reduce((sum, { sessions }) => sum + Number(sessions), 0),
      10,
    )
    t.ok(lines.length < 5, `${lines.length} lines`)
    t.ok(Number(line['longestMs']) >= 0)
    await Promise.all(clients.map(client => client.close()))
    await holdfast.stop()
  },
)

import { Redis } from 'ioredis'
import t from 'tap'
import { FakeRedis } from '../../support/fake-redis.ts'
import { ConnectionLost, RespClient, RespError } from '../../support/resp-client.ts'
import { waitUntil } from '../../support/wait-until.ts'

t.test('fake — satisfies ioredis with its defaults — and records what it was sent', async t => {
  for (const protocol of [2, 3] as const) {
    const fake = await FakeRedis.start(t, ([name]) => (name === 'get' ? '$1\r\nv\r\n' : undefined))
    const redis = new Redis({
      port: fake.port,
      host: fake.host,
      protocol,
      replyMapping: 'legacy',
      lazyConnect: true,
      db: 3,
    })
    t.teardown(() => redis.disconnect())
    await redis.connect()
    t.equal(await redis.get('k'), 'v')
    t.strictSame(fake.commands().at(-1), ['get', 'k'])
    t.match(fake.stateOf(1), { db: 3, protocol })
    t.equal(fake.received.at(-1)?.connection, 1)
  }
})

t.test('fake — says the role it is given — in ROLE, HELLO and INFO', async t => {
  const fake = await FakeRedis.start(t, undefined, { role: 'slave' })
  const client = await RespClient.connect(fake.port)
  t.teardown(() => client.close())
  t.match(await client.send('ROLE'), ['slave'])
  t.match(await client.send('INFO'), /role:slave/)
  fake.role = 'master'
  t.match(await client.send('ROLE'), ['master', 0, []])
  const hello = await client.send('HELLO', 3)
  t.equal(hello instanceof Map && hello.get('role'), 'master')
})

t.test('fake — demands the password — in AUTH and in HELLO', async t => {
  const fake = await FakeRedis.start(t, undefined, { password: 'pw' })
  const client = await RespClient.connect(fake.port)
  t.teardown(() => client.close())
  const codes = []
  for (const command of [['PING'], ['AUTH', 'no'], ['HELLO', '3', 'AUTH', 'u', 'no'], ['HELLO', '3']]) {
    const reply = await client.send(...command)
    codes.push(reply instanceof RespError ? reply.code : reply)
  }
  t.strictSame(codes, ['NOAUTH', 'WRONGPASS', 'WRONGPASS', 'NOAUTH'])
  t.equal(await client.send('AUTH', 'user', 'pw'), 'OK')
  t.equal(await client.send('PING'), 'PONG')
  t.equal(fake.stateOf(1)?.user, 'user')
})

t.test('fake — plays each fault — and marks what ran', async t => {
  const fake = await FakeRedis.start(t, ([name]) => {
    if (name === 'CUT') return 'cut'
    if (name === 'RESET') return 'reset'
    if (name === 'WRITTEN') return 'cut-after-write'
    if (name === 'HALF') return { send: '$10\r\nabc', fault: 'cut' }
    return undefined
  })
  for (const name of ['CUT', 'RESET', 'WRITTEN', 'HALF']) {
    const client = await RespClient.connect(fake.port, fake.host, { capture: true })
    await t.rejects(client.send(name), ConnectionLost)
    t.equal(client.rawReplies().toString(), name === 'HALF' ? '$10\r\nabc' : '')
    t.equal((await client.closed).error === null, name !== 'RESET')
  }
  t.strictSame(
    fake.received.map(({ argv, executed }) => [argv[0], executed]),
    [
      ['CUT', false],
      ['RESET', false],
      ['WRITTEN', true],
      ['HALF', true],
    ],
  )
})

t.test('fake — answers nothing more on that connection — after a hang, and serves others', async t => {
  const fake = await FakeRedis.start(t, ([name]) => (name === 'HANG' ? 'hang' : undefined))
  const hung = await RespClient.connect(fake.port)
  t.teardown(() => hung.close())
  const outcomes: string[] = []
  for (const name of ['PING', 'HANG', 'PING'])
    hung.send(name).then(
      () => outcomes.push(name),
      () => outcomes.push('lost'),
    )
  await waitUntil('all three are received', () => fake.received.length === 3, { withinMs: 2000 })
  const other = await RespClient.connect(fake.port)
  t.teardown(() => other.close())
  t.equal(await other.send('PING'), 'PONG')
  t.strictSame(outcomes, ['PING'])
})

t.test('fake — keeps the order of replies — when the script takes its time', async t => {
  const gate = Promise.withResolvers<void>()
  const fake = await FakeRedis.start(t, async ([name]) => {
    if (name === 'SLOW') await gate.promise
    return name === 'SLOW' ? '+slow\r\n' : undefined
  })
  const client = await RespClient.connect(fake.port)
  t.teardown(() => client.close())
  const replies = client.pipeline([['SLOW'], ['PING']])
  await waitUntil('both are received', () => fake.received.length === 2, { withinMs: 2000 })
  gate.resolve()
  t.strictSame(await replies, ['slow', 'PONG'])
})

t.test('fake — closes at once or is silent — in those modes', async t => {
  const fake = await FakeRedis.start(t)
  fake.mode = 'refusing'
  const refused = await RespClient.connect(fake.port)
  await refused.closed
  fake.mode = 'silent'
  const silent = await RespClient.connect(fake.port)
  const lost = t.rejects(silent.send('PING'), ConnectionLost)
  await waitUntil('it was read', () => fake.received.length === 1, { withinMs: 2000 })
  t.equal(fake.received[0]?.executed, false)
  fake.dropAll('reset')
  await lost
})

import t from 'tap'
import { FakeRedis } from '../../support/fake-redis.ts'
import { ask, ConnectionLost, RespClient, RespError } from '../../support/resp-client.ts'
import { RespPush } from '../../support/resp-decoder.ts'
import { waitUntil } from '../../support/wait-until.ts'

t.test('client — answers in order, errors as values — to single commands and pipelines', async t => {
  const fake = await FakeRedis.start(t, ([name]) => (name === 'BAD' ? '-ERR bad\r\n' : undefined))
  const client = await RespClient.connect(fake.port)
  t.teardown(() => client.close())
  const replies = await Promise.all([client.send('ECHO', 'a'), client.send('BAD'), client.send('ECHO', 'b')])
  t.strictSame(replies, ['a', new RespError('ERR bad'), 'b'])
  t.equal((replies[1] as RespError).code, 'ERR')
  t.strictSame(await client.pipeline([['ECHO', 1], ['PING'], ['ECHO', 2]]), ['1', 'PONG', '2'])
  t.equal((await client.sendForBytes('ECHO', 'x')).toString(), '$1\r\nx\r\n')
  t.equal(client.bytesIn, '$1\r\na\r\n-ERR bad\r\n$1\r\nb\r\n$1\r\n1\r\n+PONG\r\n$1\r\n2\r\n$1\r\nx\r\n'.length)
})

t.test('client — keeps the exact bytes — of what is answered to raw bytes', async t => {
  const fake = await FakeRedis.start(t, () => '%1\r\n+a\r\n#t\r\n')
  const client = await RespClient.connect(fake.port)
  t.teardown(() => client.close())
  const frames = await client.sendRaw('*1\r\n$1\r\nX\r\n*1\r\n$1\r\nY\r\n', 2)
  t.strictSame(
    frames.map(frame => frame.value),
    [new Map([['a', true]]), new Map([['a', true]])],
  )
  t.equal(client.rawReplies().toString(), '%1\r\n+a\r\n#t\r\n%1\r\n+a\r\n#t\r\n')
})

t.test('client — collects pushes apart from replies — under RESP3 and in a RESP2 subscription', async t => {
  const confirm = (type: string) =>
    ['a', 'b'].map((c, i) => `${type}3\r\n$9\r\nsubscribe\r\n$1\r\n${c}\r\n:${i + 1}\r\n`)
  for (const type of ['>', '*']) {
    const message = `${type}3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n`
    const fake = await FakeRedis.start(t, ([name]) =>
      name === 'SUBSCRIBE' ? message + confirm(type).join('') + message : undefined,
    )
    const client = await RespClient.connect(fake.port)
    t.teardown(() => client.close())
    const [confirmed, pong, echo] = await Promise.all([
      client.send('SUBSCRIBE', 'a', 'b'),
      client.send('PING'),
      client.send('ECHO', 'z'),
    ])
    const items = ['subscribe', 'a', 1]
    t.strictSame(confirmed, type === '>' ? new RespPush(items) : items)
    t.strictSame([pong, echo], ['PONG', 'z'])
    t.equal(client.pushes.length, 2, 'both messages')
  }
})

t.test('client — rejects what is pending and says why it closed — when the peer cuts or resets', async t => {
  const fake = await FakeRedis.start(t, ([name]) => (name === 'CUT' ? 'cut' : name === 'RESET' ? 'reset' : undefined))
  const cut = await RespClient.connect(fake.port)
  await t.rejects(cut.send('CUT'), ConnectionLost)
  t.equal((await cut.closed).error, null)
  const reset = await RespClient.connect(fake.port)
  await t.rejects(reset.send('RESET'), ConnectionLost)
  const { error, at } = await reset.closed
  t.match(error, { code: 'ECONNRESET' })
  t.ok(Math.abs(Date.now() - at) < 5000)
  t.equal(reset.isOpen, false)
  await t.rejects(reset.send('PING'), ConnectionLost, 'and what comes later')
})

t.test('client — closes with an error — when the peer sends what is not RESP', async t => {
  const fake = await FakeRedis.start(t, () => 'HTTP/1.1 400\r\n')
  const client = await RespClient.connect(fake.port)
  await t.rejects(client.send('PING'), ConnectionLost)
  t.match((await client.closed).error, { message: /RESP: unknown type "H"/ })
})

t.test('ask — gives up — when nothing is answered in time', async t => {
  const fake = await FakeRedis.start(t, () => 'hang')
  await t.rejects(ask(fake, ['PING'], { timeoutMs: 60 }), /no answer in 60 ms/)
  await waitUntil('the connection is gone', () => fake.live().length === 0, { withinMs: 2000 })
})

// A client that has been told OK to QUIT is gone at the server, whether it has closed its side or not. It gets all
// replies before that one, however late it reads them.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { startBehindFaultyLink } from '../support/behind-faulty-link.ts'
import type { Teardown } from '../support/fake-redis.ts'
import { startSingle, startSingleProcess } from '../support/holdfast.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import { endServer, type Node } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('QUIT — has ended the subscriptions of its client — when it is answered', async t => {
  const { holdfast } = await startSingle(t)
  const other = await RespClient.connect(holdfast.port)
  t.teardown(() => other.close())
  for (let i = 0; i < 20; i++) {
    const subscriber = await RespClient.connect(holdfast.port)
    t.teardown(() => subscriber.close())
    await subscriber.send('SUBSCRIBE', 'news')
    t.equal(await other.send('PUBLISH', 'news', 'one'), 1)
    t.equal(await subscriber.send('QUIT'), 'OK')
    t.equal(await other.send('PUBLISH', 'news', 'two'), 0)
  }
  t.equal(holdfast.counters.detail.linksLost.get('peer-closed'), 0, 'the end of its link is no loss')
})

t.test(
  'QUIT, or the last byte — behind large replies — ends no connection before its client has read them',
  async t => {
    const { holdfast } = await startSingle(t)
    const other = await RespClient.connect(holdfast.port)
    t.teardown(() => other.close())
    const large = Buffer.alloc(16 * 1024 * 1024, 'x')
    t.equal(await other.send('SET', 'large', large), 'OK')
    const reply = large.length + '$16777216\r\n\r\n'.length
    for (const [last, answer] of [
      ['QUIT\r\n', '+OK\r\n'],
      ['', ''],
    ] as const) {
      const socket = connect({ port: holdfast.port, host: '127.0.0.1', allowHalfOpen: true })
      t.teardown(() => socket.destroy())
      let got = 0
      socket.on('data', (chunk: Buffer) => {
        got += chunk.length
      })
      socket.pause()
      const begun = performance.now()
      socket.end(`GET large\r\nGET large\r\n${last}`)
      await waitUntil('it has read nothing for a while', () => performance.now() - begun > 3000, { withinMs: 10_000 })
      socket.resume()
      await once(socket, 'end')
      t.equal(got, 2 * reply + answer.length)
    }
  },
)

/** One client as bytes: what it has got so far, and whether its connection has ended. */
function talk(t: Teardown, port: number): { socket: Socket; text(): string; ended(): boolean } {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.teardown(() => socket.destroy())
  let got = ''
  socket.on('data', chunk => {
    got += chunk.toString('latin1')
  })
  return { socket, text: () => got, ended: () => socket.readableEnded }
}

const isListed = async (node: Node): Promise<boolean> =>
  String(await ask(node, ['CLIENT', 'LIST'])).includes('name=quitter')

const states: readonly (readonly [what: string, begin: string, last: RegExp, quit: string, answer: string])[] = [
  ['a subscriber', 'SUBSCRIBE news\r\n', /news\r\n:1\r\n$/, 'QUIT\r\n', '+OK\r\n'],
  ['a subscriber on RESP3', 'HELLO 3\r\nSUBSCRIBE news\r\n', /news\r\n:1\r\n$/, 'QUIT\r\n', '+OK\r\n'],
  ['inside MULTI', 'MULTI\r\nSET k v\r\n', /\+QUEUED\r\n$/, 'SET k w\r\nQUIT now\r\nEXEC\r\n', '+QUEUED\r\n+OK\r\n'],
  ['with a key watched', 'WATCH k\r\n', /\+OK\r\n\+OK\r\n$/, 'GET k\r\nQUIT\r\nPING\r\n', '$-1\r\n+OK\r\n'],
  ['tracking', 'HELLO 3\r\nCLIENT TRACKING ON\r\n', /%7[\s\S]*\+OK\r\n$/, 'quit\r\n', '+OK\r\n'],
  ['wants no replies', 'CLIENT NO-EVICT ON\r\n', /\+OK\r\n\+OK\r\n$/, 'CLIENT REPLY OFF\r\nGET k\r\nQUIT\r\n', ''],
  ['skips one', 'CLIENT NO-EVICT ON\r\n', /\+OK\r\n\+OK\r\n$/, 'CLIENT REPLY SKIP\r\nGET k\r\nQUIT\r\n', '+OK\r\n'],
  ['a monitor', 'MONITOR\r\n', /\+OK\r\n\+OK\r\n/, 'QUIT\r\n', '+OK\r\n'],
]

t.test('QUIT — has ended all that its client had at the server — when the server is far away', async t => {
  const { holdfast, node, wire } = await startBehindFaultyLink(t)
  for (const [what, begin, last, quit, answer] of states) {
    const client = talk(t, holdfast.port)
    client.socket.write(`CLIENT SETNAME quitter\r\n${begin}`)
    await waitUntil(`it is ${what}`, () => last.test(client.text()), { withinMs: 10_000 })
    t.ok(await isListed(node), `${what}: it has a link of its own`)
    const before = client.text().length
    const lost = holdfast.counters.linksLost
    const from = holdfast.log.length
    wire.delay(50)
    client.socket.write(quit)
    await waitUntil(`${what}: its connection ends`, client.ended, { withinMs: 10_000 })
    const isThere = await isListed(node)
    wire.delay(0)
    // Where this machine has stood still nobody can know: a QUIT that is held is answered, and the link ends behind it.
    const wasHeld = ['hold.start', 'hold.end'].some(event => holdfast.find(event, from) !== undefined)
    if (holdfast.counters.linksLost === lost && !wasHeld) t.notOk(isThere, `${what}: it is gone at the server`)
    const lines = client.text().slice(before)
    t.equal(lines.replace(/^\+\d.*\r\n/gm, ''), answer, `${what}: the replies`)
    client.socket.destroy()
  }
  t.equal(await ask(node, ['GET', 'k']), null, 'what was queued has not run')
})

t.test('QUIT — of a subscriber that sends its last byte with it — is answered', async t => {
  const { holdfast } = await startSingle(t)
  const client = talk(t, holdfast.port)
  client.socket.write('SUBSCRIBE news\r\n')
  await waitUntil('it is subscribed', () => /:1\r\n$/.test(client.text()), { withinMs: 10_000 })
  client.socket.end('QUIT\r\n')
  await waitUntil('its connection ends', client.ended, { withinMs: 10_000 })
  t.match(client.text(), /:1\r\n\+OK\r\n$/)
})

t.test('QUIT — of a subscriber — is answered soon — when the master says nothing, or there is none', async t => {
  const { holdfast, node, wire } = await startBehindFaultyLink(t)
  const [first, second] = [talk(t, holdfast.port), talk(t, holdfast.port)]
  for (const { socket, text } of [first, second]) {
    socket.write('SUBSCRIBE news\r\n')
    await waitUntil('it is subscribed', () => /:1\r\n$/.test(text()), { withinMs: 10_000 })
  }
  wire.stall('both')
  first.socket.write('QUIT\r\n')
  await waitUntil('a silent master: the connection ends', first.ended, { withinMs: 5000 })
  t.match(first.text(), /:1\r\n\+OK\r\n$/)
  const lost = holdfast.counters.linksLost
  await endServer(node)
  wire.refuse()
  wire.reset()
  await waitUntil('the link is lost', () => holdfast.counters.linksLost > lost, { withinMs: 5000 })
  second.socket.write('QUIT\r\n')
  await waitUntil('no master: the connection ends', second.ended, { withinMs: 5000 })
  t.match(second.text(), /:1\r\n\+OK\r\n$/)
})

t.test(
  'QUIT — that comes while Holdfast stands still — is answered behind all before it — and its client is gone',
  async t => {
    const { holdfast, node } = await startSingleProcess(t)
    const [subscriber, writer] = [talk(t, holdfast.port), talk(t, holdfast.port)]
    subscriber.socket.write('CLIENT SETNAME quitter\r\nSUBSCRIBE news\r\n')
    writer.socket.write('CLIENT SETNAME quitter\r\nWATCH k\r\n')
    await waitUntil('it is subscribed', () => /:1\r\n$/.test(subscriber.text()), { withinMs: 10_000 })
    await waitUntil('it watches', () => writer.text() === '+OK\r\n+OK\r\n', { withinMs: 10_000 })
    const before = subscriber.text().length
    holdfast.signal('SIGSTOP')
    const until = performance.now() + 1000
    subscriber.socket.write('QUIT\r\n')
    writer.socket.write('INCR n\r\nINCR n\r\nQUIT\r\n')
    await waitUntil('it has stood still', () => performance.now() > until, { withinMs: 30_000 })
    holdfast.signal('SIGCONT')
    for (const { ended } of [subscriber, writer]) await waitUntil('the connection ends', ended, { withinMs: 30_000 })
    t.equal(subscriber.text().slice(before), '+OK\r\n')
    t.equal(writer.text(), '+OK\r\n+OK\r\n:1\r\n:2\r\n+OK\r\n')
    await waitUntil('both are gone at the server', async () => !(await isListed(node)), { withinMs: 10_000 })
    t.equal(await ask(node, ['GET', 'n']), '2')
  },
)

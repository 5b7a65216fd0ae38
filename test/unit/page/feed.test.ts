// The stream to many browsers over real sockets: one that does not read costs nobody anything, and what it missed it gets.
import { createServer, get, type IncomingMessage } from 'node:http'
import t, { type Test } from 'tap'
import { encodeEvent, Feed, MAX_VIEWERS } from '../../../src/page/feed.ts'
import { waitUntil } from '../../support/wait-until.ts'

async function startFeed(t: Test) {
  const stats = { viewers: 0, refused: 0, dropped: 0 }
  let hellos = 0
  const feed = new Feed(stats, () => encodeEvent('hello', ++hellos))
  const server = createServer((_, response) => {
    response.writeHead(200)
    feed.add(response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    feed.close()
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const view = async () => {
    const response = await new Promise<IncomingMessage>(resolve => get({ port, agent: false }, resolve))
    let text = ''
    let bytes = 0
    response.setEncoding('utf8').on('error', () => {})
    const read = () =>
      response.on('data', (part: string) => {
        bytes += part.length
        text += part.replace(/x+/g, 'x')
      })
    return { response, read, text: () => text, bytes: () => bytes }
  }
  return { feed, stats, view, hellos: () => hellos }
}

/** Twenty of these are more than the kernel keeps for a socket. */
const words = 'x'.repeat(1024 * 1024)

t.test('feed — encodes a message once for all — and not at all for nobody', async t => {
  const { feed, view, hellos } = await startFeed(t)
  let encoded = 0
  const send = () =>
    feed.send(() => {
      encoded++
      return encodeEvent('tick', encoded)
    }, performance.now())
  send()
  t.equal(encoded, 0)
  const viewers = await Promise.all([view(), view(), view()])
  for (const { read } of viewers) read()
  t.equal(hellos(), 1, 'the same for those that come together')
  send()
  t.equal(encoded, 1)
  for (const { text } of viewers)
    await waitUntil(
      'it has both',
      () => text() === `retry: 1000\n\n${encodeEvent('hello', 1)}${encodeEvent('tick', 1)}`,
      {
        withinMs: 5000,
      },
    )
  t.equal(MAX_VIEWERS, 64)
})

t.test(
  'feed — leaves out one that does not read, with little in memory — and tells it everything when it reads',
  async t => {
    const { feed, stats, view } = await startFeed(t)
    const slow = await view()
    const quick = await view()
    quick.read()
    for (let i = 0; i < 20; i++) {
      feed.send(() => encodeEvent('tick', `${i} ${words}`), performance.now())
      await waitUntil('the other has it', () => quick.text().includes(`"${i} x`), { withinMs: 5000 })
    }
    t.equal(stats.dropped, 0)
    slow.read()
    await waitUntil('it knows the present', () => /event: hello[\s\S]*event: hello/.test(slow.text()), {
      withinMs: 5000,
    })
    t.ok(slow.bytes() < 20 * words.length, 'some of it was left out')
    feed.send(() => encodeEvent('tick', 'last'), performance.now())
    await waitUntil('it goes on', () => slow.text().includes('"last"'), { withinMs: 5000 })
  },
)

t.test('feed — drops one that has read nothing for ten seconds — and nobody else', async t => {
  const { feed, stats, view } = await startFeed(t)
  const slow = await view()
  const quick = await view()
  quick.read()
  for (let i = 0; i < 20; i++) {
    feed.send(() => encodeEvent('tick', `${i} ${words}`), performance.now())
    await waitUntil('the other has it', () => quick.text().includes(`"${i} x`), { withinMs: 5000 })
  }
  const closed = new Promise<void>(resolve => slow.response.once('close', resolve))
  feed.send(() => encodeEvent('tick', 'late'), performance.now() + 11_000)
  t.equal(stats.dropped, 1)
  slow.read()
  await closed
  await waitUntil('the other goes on', () => quick.text().includes('"late"'), { withinMs: 5000 })
  await waitUntil('its place is free', () => stats.viewers === 1, { withinMs: 5000 })
})

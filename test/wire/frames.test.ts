// What passes through is byte for byte what was sent, whatever its size and however the network cuts it.
// What the client gets is compared with what it sent, and with what the server itself holds.
import t, { type Test } from 'tap'
import { FaultyLink } from '../support/faulty-link.ts'
import { startSingle } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { randomFrom } from '../support/seeded-random.ts'
import type { Node } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { between, command, payload, seed } from './bytes.ts'

const buffers = { buffers: true }
const mb = 1024 * 1024

interface World {
  /** Through the proxy, over a link that can slice. */
  readonly client: RespClient
  readonly link: FaultyLink
  readonly direct: RespClient
  readonly port: number
  readonly node: Node
}

async function arrange(t: Test): Promise<World> {
  const { holdfast, node } = await startSingle(t)
  const link = await FaultyLink.start(t, { port: holdfast.port })
  const client = await RespClient.connect(link.port, link.host, buffers)
  const direct = await RespClient.connect(node.port, node.host, buffers)
  t.teardown(() => Promise.all([client.close(), direct.close()]))
  return { client, link, direct, port: holdfast.port, node }
}

function same(t: Test, found: unknown, wanted: Buffer, what: string): void {
  t.ok(Buffer.isBuffer(found) && found.equals(wanted), what)
}

async function roundTrip(t: Test, { client, direct }: World, value: Buffer, what: string): Promise<void> {
  const key = Buffer.from(`key:${what}`)
  t.equal(await client.send('SET', key, value), 'OK', `SET, ${what}`)
  same(t, await direct.send('GET', key), value, `what the server holds, ${what}`)
  same(t, await client.send('GET', key), value, `GET, ${what}`)
  await client.send('DEL', key)
}

t.test('a frame — passes unchanged — of every size from 0 bytes to 64 MB', async t => {
  const world = await arrange(t)
  const random = randomFrom(seed)
  const edges = [0, 1, 2, 3, 16_383, 16_384, 32_767, 65_535, 65_536, 65_537, mb - 1, mb, mb + 1, 4 * mb]
  const sizes = [...edges, ...Array.from({ length: 12 }, () => Math.floor(2 ** (random() * 24))), 16 * mb + 7, 64 * mb]
  for (const size of sizes) await roundTrip(t, world, payload(random, size), `${size} bytes`)
})

t.test('a frame — passes unchanged — cut into slices by the network', async t => {
  const world = await arrange(t)
  const random = randomFrom(seed + 1)
  const cases = [
    { slice: 1, sizes: [0, 1, 2, 3, 10, 99, 100, 1000] },
    { slice: 2, sizes: [1, 100, 2001] },
    { slice: 7, sizes: [1, 100, 9999] },
    { slice: 1000, sizes: [999, 65_536, 300_001] },
    { slice: 16_384, sizes: [16_384, 65_536, mb + 3] },
    { slice: 65_536, sizes: [mb, 8 * mb + 1, 64 * mb] },
  ]
  for (const { slice, sizes } of cases) {
    world.link.slice(slice)
    for (const size of sizes) await roundTrip(t, world, payload(random, size), `${size} bytes by ${slice}`)
  }
  for (let i = 0; i < 10; i++) {
    const slice = between(random, 3, 5000)
    world.link.slice(slice)
    const size = between(random, 1, 200) * slice
    await roundTrip(t, world, payload(random, size), `${size} bytes by ${slice}`)
  }
})

/** Commands whose replies are of every kind that the server has, mixed with small and large values. */
function mixedPipeline(random: () => number, commands: number, largest: number): Buffer[] {
  const key = (): string => `k${between(random, 0, 9)}`
  const makers: (() => Buffer)[] = [
    () => command('SET', key(), payload(random, Math.floor(largest ** random()))),
    () => command('GET', key()),
    () => command('ECHO', payload(random, Math.floor(largest ** random()))),
    () => command('INCR', 'n'),
    () => command('MGET', key(), key(), 'nothing', key()),
    () => command('GET', 'nothing'),
    () => command('LPUSH', 'n', 'x'),
    () => command('NOSUCH', payload(random, 20)),
    () => command('RPUSH', 'list', between(random, 0, 999)),
    () => command('LRANGE', 'list', '0', '-1'),
    () => command('HSET', 'hash', key(), between(random, 0, 999)),
    () => command('HGETALL', 'hash'),
    () => command('ZADD', 'z', random(), key()),
    () => command('ZSCORE', 'z', key()),
    () => command('EVAL', 'return {1, {2, "three", {}}, false, redis.status_reply("fine")}', '0'),
    () => command('GET'),
  ]
  return Array.from({ length: commands }, () => makers[between(random, 0, makers.length - 1)]?.() ?? command('PING'))
}

/** The exact bytes answered to `pieces`, written one after the other. */
async function answers(client: RespClient, pieces: readonly Buffer[], replies: number): Promise<Buffer> {
  const frames: Promise<unknown> = client.sendRaw(pieces[0] ?? '', replies)
  for (const piece of pieces.slice(1)) {
    client.socket.write(piece)
    await new Promise(resolve => setImmediate(resolve))
  }
  await frames
  return client.rawReplies()
}

/** `bytes` in pieces of random length up to `most`. */
function cut(random: () => number, bytes: Buffer, most: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const next = at + between(random, 1, most)
    pieces.push(bytes.subarray(at, next))
    at = next
  }
  return pieces
}

for (const protocol of [2, 3]) {
  t.test(`a pipeline — is answered as by the server itself — RESP${protocol}, small and large mixed`, async t => {
    const { node, port } = await arrange(t)
    const random = randomFrom(seed + 10 + protocol)
    const plans = [
      { commands: 40, largest: 30, cutAt: 1 },
      { commands: 300, largest: 300, cutAt: 50 },
      { commands: 3000, largest: 3000, cutAt: 20_000 },
      { commands: 300, largest: 200_000, cutAt: 100_000 },
      { commands: 60, largest: 4 * mb, cutAt: 3 * mb },
    ]
    for (const { commands, largest, cutAt } of plans) {
      const bytes = Buffer.concat(mixedPipeline(random, commands, largest))
      const seen: Buffer[] = []
      for (const at of [node.port, port]) {
        const client = await RespClient.connect(at)
        await client.send('HELLO', protocol)
        await client.send('FLUSHALL')
        const pieces = at === port ? cut(random, bytes, cutAt) : [bytes]
        seen.push(await answers(client, pieces, commands))
        await client.close()
      }
      const [wanted = Buffer.alloc(0), found] = seen
      same(t, found, wanted, `${commands} commands, ${bytes.length} bytes there, ${wanted.length} back`)
    }
  })
}

t.test('sessions — each have their own replies — when many send frames of mixed sizes at once', async t => {
  const { port } = await arrange(t)
  const run = async (n: number): Promise<number> => {
    const random = randomFrom(seed + 100 + n)
    const client = await RespClient.connect(port, '127.0.0.1', buffers)
    let wrong = 0
    for (let round = 0; round < 20; round++) {
      const values = Array.from({ length: 10 }, () => payload(random, Math.floor(100_000 ** random())))
      const replies = await client.pipeline(values.map(value => ['ECHO', value]))
      wrong += replies.filter((reply, i) => !Buffer.isBuffer(reply) || !reply.equals(values[i] ?? reply)).length
    }
    await client.close()
    return wrong
  }
  const wrong = await Promise.all(Array.from({ length: 20 }, (_, n) => run(n)))
  t.strictSame(wrong, new Array(20).fill(0))
})

t.test('a large command — is sent again whole — when its link is killed on the way', async t => {
  const { holdfast, node } = await startSingle(t)
  const client = await RespClient.connect(holdfast.port, holdfast.host, buffers)
  const direct = await RespClient.connect(node.port, node.host, buffers)
  t.teardown(() => Promise.all([client.close(), direct.close()]))
  const random = randomFrom(seed + 7)
  const { counters } = holdfast
  const before = counters.replayed
  for (let i = 0; counters.replayed < before + 3; i++) {
    t.ok(i < 50, 'a kill meets a command within fifty tries')
    const value = payload(random, 4 * mb + i)
    let over = false
    const reply = client.send('SET', 'large', value).finally(() => {
      over = true
    })
    // Killed once its bytes are on the way: what the proxy has taken of it came in many parts.
    const sent = counters.masterBytesOut
    await waitUntil('it is being sent', () => over || counters.masterBytesOut > sent, { withinMs: 5000, everyMs: 1 })
    await direct.send('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    t.equal(await reply, 'OK')
    same(t, await direct.send('GET', 'large'), value, `try ${i + 1}`)
  }
})

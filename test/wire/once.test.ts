// --retry-policy once on one real server: what clients see of blocks, and what becomes of commands whose connection is
// lost at any byte.
import t from 'tap'
import { type BehindFaultyLink, startBehindFaultyLink } from '../support/behind-faulty-link.ts'
import type { Teardown } from '../support/fake-redis.ts'
import { type InProcess, startSingle } from '../support/holdfast.ts'
import { isOlder } from '../support/needs.ts'
import { ask, RespClient, RespError, type Value } from '../support/resp-client.ts'
import { settings } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'

const once = { options: { 'retry-policy': 'once' } } as const

async function connect(t: Teardown, holdfast: InProcess): Promise<RespClient> {
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  return client
}

/** Its link can be cut at any byte, and is dialled again at once. */
function startCut(t: Teardown): Promise<BehindFaultyLink> {
  const options = { 'retry-policy': 'once', 'retry-backoff-min': '5ms', 'retry-backoff-max': '20ms' }
  return startBehindFaultyLink(t, { options })
}

const text = (value: Value): string => (value instanceof RespError ? `-${value.message}` : JSON.stringify(value))

t.test('once — answers what the server would — to a transaction of a subscriber on RESP2', async t => {
  const { holdfast, node } = await startSingle(t, { options: { ...once.options, links: 'private' } })
  const direct = await RespClient.connect(node.port)
  t.teardown(() => direct.close())
  for (const client of [direct, await connect(t, holdfast)]) {
    t.equal(await client.send('SET', '{k}a', '1'), 'OK')
    t.strictSame(await client.send('SUBSCRIBE', 'ch'), ['subscribe', 'ch', 1])
    // What follows the MULTI is sent before it is known to be refused, a marker before EXEC too; WAIT is not.
    for (const first of [
      ['GET', '{k}a'],
      ['WAIT', '1', '10'],
    ]) {
      const pipeline = [['MULTI'], first, ['SET', '{k}a', '1'], ['EXEC'], ['PING']]
      const said = (await client.pipeline(pipeline)).map(text)
      t.match(said[3], /^-EXECABORT Transaction discarded because of: .*'exec'/)
      t.equal(said.length, 5)
    }
  }
  t.equal(holdfast.counters.linksLost, 0)
})

t.test('once — a subscriber on RESP2 that writes — is refused by the server, and nobody else is blamed', async t => {
  const { holdfast } = await startSingle(t, once)
  const client = await connect(t, holdfast)
  t.equal(await client.send('INCR', 'n'), 1)
  t.strictSame(await client.send('SUBSCRIBE', 'ch'), ['subscribe', 'ch', 1])
  t.match(await client.send('INCR', 'n'), { message: /^ERR Can't execute 'incr'/ })
  t.strictSame(await client.send('UNSUBSCRIBE', 'ch'), ['unsubscribe', 'ch', 0])
  const { unmarkedWrites } = holdfast.counters
  t.equal(await client.send('INCR', 'n'), 2)
  t.equal(holdfast.counters.unmarkedWrites, unmarkedWrites, 'it has a marker again')
  const [, behind] = await client.pipeline([
    ['SUBSCRIBE', 'ch'],
    ['INCR', 'n'],
  ])
  t.match(behind, { message: /^ERR Can't execute 'incr'/ }, 'behind a SUBSCRIBE that nobody has waited for')
  t.equal(holdfast.find('proof.without'), undefined)
})

t.test('once — answers what the server would — to pipelines of all kinds', async t => {
  const { holdfast, node } = await startSingle(t, once)
  const proxied = await connect(t, holdfast)
  const direct = await RespClient.connect(node.port)
  t.teardown(() => direct.close())
  const pipelines: string[][][] = [
    [
      ['SET', '{k}a', '1'],
      ['INCR', '{k}a'],
      ['GET', '{k}a'],
      ['LPUSH', '{k}l', 'x', 'y'],
      ['LRANGE', '{k}l', '0', '-1'],
    ],
    [
      ['GET', '{k}a'],
      ['INCR', '{k}l'],
      ['GET', '{k}a'],
      ['HSET', '{k}h', 'f', 'v'],
      ['HGETALL', '{k}h'],
    ],
    [
      ['INCR', '{k}a'],
      ['NOSUCH', 'x'],
      ['SET', '{k}a'],
      ['INCR', '{k}a'],
      ['GET', '{k}a', 'b'],
      ['INCR', '{k}a'],
    ],
    [['MULTI'], ['INCR', '{k}a'], ['LRANGE', '{k}l', '0', '-1'], ['LPOP', '{k}a'], ['EXEC'], ['GET', '{k}a']],
    [['MULTI'], ['INCR', '{k}a'], ['NOSUCH'], ['EXEC'], ['GET', '{k}a']],
    [['MULTI'], ['INCR', '{k}a'], ['DISCARD'], ['GET', '{k}a']],
    [
      ['MULTI'],
      ['EXEC'],
      ['EXEC'],
      ['PING'],
      ['INCR', '{k}a'],
      ['DISCARD'],
      ['INCR', '{k}a'],
      ['EXEC'],
      ['MULTI', 'x'],
    ],
    [
      ['EVAL', 'return redis.call("INCR", KEYS[1])', '1', '{k}a'],
      ['EVAL', 'return {1,{2,"x"}}', '0'],
      ['GET', '{k}a'],
    ],
    [
      ['EVAL', 'redis.call("INCR", KEYS[1]) error("x")', '1', '{k}a'],
      ['EVALSHA', 'ff', '0'],
      ['GET', '{k}a'],
    ],
    [['CONFIG', 'GET', 'maxmemory'], ['INCR', '{k}a'], ['SAVE'], ['INCR', '{k}a'], ['SCRIPT', 'EXISTS', 'ff']],
    [
      ['BLPOP', '{k}l', '0'],
      ['XADD', '{k}x', '1-1', 'f', 'v'],
      ['XREAD', 'COUNT', '1', 'STREAMS', '{k}x', '0'],
    ],
    [['WATCH', '{k}a'], ['SET', '{k}w', '1'], ['MULTI'], ['INCR', '{k}a'], ['EXEC'], ['GET', '{k}a']],
    [['WATCH', '{k}a'], ['INCR', '{k}a'], ['MULTI'], ['INCR', '{k}w'], ['EXEC'], ['GET', '{k}w']],
    [
      ['SELECT', '3'],
      ['INCR', '{k}a'],
      ['SELECT', '0'],
      ['PUBLISH', 'c', 'm'],
      ['INCR', '{k}a'],
      ['GETSET', '{k}a', '5'],
    ],
    [
      ['SUBSCRIBE', 'c'],
      ['UNSUBSCRIBE', 'c'],
      ['INCR', '{k}a'],
      ['SET', '{k}big', 'v'.repeat(200_000)],
      ['STRLEN', '{k}big'],
    ],
  ]
  for (const pipeline of pipelines) {
    const play = (client: RespClient, prefix: string): Promise<Value[]> =>
      Promise.all(pipeline.map(words => client.send(...words.map(word => word.replace('{k}', prefix)))))
    const wanted = (await play(direct, 'd')).map(text)
    const got = (await play(proxied, 'p')).map(text)
    const plain = (line: string): string => line.replaceAll(/"[dp](?=[a-z]+")/g, '"')
    t.strictSame(got.map(plain), wanted.map(plain), JSON.stringify(pipeline).slice(0, 100))
  }
  t.ok(holdfast.counters.blocks > 10)
  t.equal(holdfast.counters.unknownOutcomes, 0)
})

t.test('once — a neighbour’s senseless commands — cost others a round trip and nothing else', async t => {
  const { holdfast, node } = await startSingle(t, once)
  const bad = await connect(t, holdfast)
  const good = await Promise.all(Array.from({ length: 8 }, () => connect(t, holdfast)))
  for (let round = 0; round < 50; round++) {
    const wrong = [bad.send('SET', 'x'), bad.send('INCR', 'n', 'n'), bad.send('INCR', 'bad')]
    const fine = good.map((client, i) =>
      Promise.all([client.send('INCR', `good${i}`), client.send('RPUSH', 'all', 'x')]),
    )
    const [first, second, third] = await Promise.all(wrong)
    t.ok(first instanceof RespError && second instanceof RespError)
    t.equal(third, round + 1)
    for (const [counter] of await Promise.all(fine)) t.equal(counter, round + 1)
  }
  t.equal(await ask(node, ['LLEN', 'all']), 400)
  t.ok(holdfast.counters.blocksAborted <= 3 + 50, `${holdfast.counters.blocksAborted} blocks were aborted`)
})

t.test('once — a link cut at every byte of a block — runs each command once', async t => {
  const { holdfast, node, wire } = await startCut(t)
  const [a, b] = [await connect(t, holdfast), await connect(t, holdfast)]
  let rounds = 0
  const tally = { replies: 0, applied: 0, lostReads: 0 }
  for (const direction of ['down', 'up'] as const) {
    for (let bytes = 1; bytes < 320; bytes += 3) {
      rounds++
      await Promise.all([a.send('INCR', 'warm'), b.send('PING')])
      wire.cutAfterBytes(direction, bytes)
      const results = await Promise.all([
        a.send('INCR', 'a'),
        a.send('GET', 'a'),
        a.send('RPUSH', 'list', `a${rounds}`),
        b.send('SET', 'b', String(rounds)),
        b.send('RPUSH', 'list', `b${rounds}`),
        ...[['MULTI'], ['INCR', 'multi'], ['EXEC']].map(words => b.send(...words)),
      ])
      for (const [i, result] of results.entries()) {
        const said = text(result)
        if (said.startsWith('-APPLIED') && i !== 3) tally.applied++
        else if (said.startsWith('-TRYAGAIN') && i === 1) tally.lostReads++
        else if (result instanceof RespError) t.fail(`${direction} ${bytes}: ${said}`)
        else tally.replies++
      }
      t.equal(await ask(node, ['GET', 'a']), String(rounds), `${direction} after ${bytes} bytes`)
      t.equal(await ask(node, ['GET', 'b']), String(rounds))
      t.equal(await ask(node, ['GET', 'multi']), String(rounds))
    }
  }
  const list = (await ask(node, ['LRANGE', 'list', '0', '-1'])) as string[]
  t.equal(list.length, rounds * 2)
  t.equal(new Set(list).size, rounds * 2, 'each once')
  t.ok(tally.applied > 0 && tally.lostReads > 0, JSON.stringify(tally))
  t.equal(holdfast.counters.unknownOutcomes, 0)
})

t.test(
  'once — a command that the server refuses while it runs — is told that it has run, not that it took effect',
  async t => {
    const { holdfast, node, wire } = await startCut(t)
    const client = await connect(t, holdfast)
    t.equal(await client.send('SET', 'text', 'x'), 'OK')
    wire.stall('down')
    const refused = client.send('RPUSH', 'text', 'y')
    const hasRun = async (): Promise<boolean> =>
      /^cmdstat_rpush:/m.test(String(await ask(node, ['INFO', 'commandstats'])))
    await waitUntil('the server has refused it', hasRun, { withinMs: 5000 })
    wire.reset()
    wire.resume()
    t.match(
      text(await refused),
      /^-APPLIED holdfast: the command has run: it took effect once, or the server refused it; its reply was lost/,
    )
    t.equal(await client.send('GET', 'text'), 'x')
  },
)

t.test('once — a read whose reply is lost — never shows what its session wrote behind it', async t => {
  const { holdfast, node, wire } = await startCut(t)
  await ask(node, ['SET', 'big', 'x'.repeat(100_000)])
  let lost = 0
  for (const first of [
    ['ECHO', 'a read'],
    ['APPEND', 'log', 'a write'],
  ]) {
    const client = await connect(t, holdfast)
    await ask(node, ['SET', 'n', '0'])
    t.equal(await client.send('GET', 'n'), '0')
    const { bytesIn } = client
    // The first bytes of the replies are here long before the last, so what comes behind is sent and runs meanwhile.
    wire.slice(20)
    const reads = client.pipeline([first, ['GET', 'big'], ['GET', 'n']])
    await waitUntil('the first reply is here', () => client.bytesIn > bytesIn, { withinMs: 5000, everyMs: 1 })
    const behind = client.send('INCR', 'n')
    await waitUntil('what is behind has run', async () => (await ask(node, ['GET', 'n'])) === '1', {
      withinMs: 10_000,
    })
    wire.cut()
    wire.slice(0)
    const said = text((await reads)[2] ?? null)
    t.ok(said === '"0"' || said.startsWith('-TRYAGAIN holdfast: the reply to a read was lost'), said)
    if (said !== '"0"') lost++
    t.match(text(await behind), /^1$|^-APPLIED/)
  }
  // Where replies wait for replicas, the read's may have come before the cut, and is proven.
  if (!settings.isReplicated) t.ok(lost > 0)
})

t.test('once — an EXEC whose connection is lost — runs once, and nil is the truth', async t => {
  const { holdfast, node, wire } = await startCut(t)
  const client = await connect(t, holdfast)
  let ran = 0
  const seen = new Set<string>()
  for (let bytes = 1; bytes < 60; bytes += 2) {
    t.equal(await client.send('WATCH', 'other'), 'OK')
    t.equal(await client.send('MULTI'), 'OK')
    t.equal(await client.send('INCR', 'n'), 'QUEUED')
    wire.cutAfterBytes('down', bytes)
    const result = text(await client.send('EXEC'))
    const kind = result.startsWith('-APPLIED') ? 'applied' : result === 'null' ? 'nil' : result
    if (kind !== 'nil') ran++
    t.ok(kind === 'applied' || kind === 'nil' || kind === `[${ran}]`, `after ${bytes} bytes: ${result}`)
    seen.add(kind === 'applied' || kind === 'nil' ? kind : 'reply')
    t.equal(Number(await ask(node, ['GET', 'n'])), ran)
  }
  t.ok(seen.has('applied'))
})

t.test('once — writes before a MULTI of the same pipeline — have markers, on a link of their session too', async t => {
  const { holdfast } = await startSingle(t, { options: { ...once.options, links: 'private' } })
  const client = await connect(t, holdfast)
  t.equal(await client.send('INCR', 'n'), 1)
  const script = "return redis.call('INCR', KEYS[1])"
  // The first leaves alone, so that the script waits behind its block while MULTI is looked at.
  const replies = await client.pipeline([['INCR', 'n'], ['EVAL', script, '1', 'n'], ['MULTI'], ['INCR', 'n'], ['EXEC']])
  t.strictSame(replies, [2, 3, 'OK', 'QUEUED', [4]])
  t.equal(holdfast.counters.unmarkedWrites, 0)
})

t.test(
  'once — the life of the markers is prolonged — and CLIENT CACHING is for the next command of its client',
  async t => {
    const { holdfast, node } = await startSingle(t, { options: { ...once.options, links: 'private' } })
    const [client, other] = [await connect(t, holdfast), await connect(t, holdfast)]
    await client.send('HELLO', '3')
    await client.send('CLIENT', 'TRACKING', 'ON', 'OPTIN')
    for (const one of [client, other]) await one.send('INCR', 'n')
    await ask(node, ['FLUSHALL'])
    // Its marker is written again, without an end; with the next look at all links it is told one.
    await client.pipeline([
      ['INCR', 'n'],
      ['CLIENT', 'CACHING', 'YES'],
    ])
    const hasEnd = async (): Promise<boolean> => {
      const [key] = (await ask(node, ['KEYS', '__holdfast:*'])) as string[]
      return key !== undefined && Number(await ask(node, ['TTL', key])) > 0
    }
    await waitUntil('the markers have an end', hasEnd, { withinMs: 5000 })
    t.equal(await client.send('GET', 'n'), '1')
    const before = client.pushes.length // FLUSHALL is told to all who cache
    await ask(node, ['SET', 'n', '9'])
    await waitUntil('the client is told', () => client.pushes.length > before, { withinMs: 5000 })
  },
)

t.test(
  'once — the life of the markers is prolonged — behind the command that a CLIENT CACHING on its way is for',
  async t => {
    const options = { 'retry-policy': 'once', links: 'private' }
    const { holdfast, node, wire } = await startBehindFaultyLink(t, { options })
    const [client, other] = [await connect(t, holdfast), await connect(t, holdfast)]
    await client.send('HELLO', '3')
    await client.send('CLIENT', 'TRACKING', 'ON', 'OPTIN')
    for (const one of [client, other]) await one.send('INCR', 'n')
    const hasEnd = async (): Promise<boolean> => {
      const [key] = (await ask(node, ['KEYS', '__holdfast:*'])) as string[]
      return key !== undefined && Number(await ask(node, ['TTL', key])) > 0
    }
    await ask(node, ['FLUSHALL'])
    t.equal(await client.send('INCR', 'n'), 1)
    wire.stall('down')
    const caching = client.send('CLIENT', 'CACHING', 'YES')
    await waitUntil('the markers have an end', hasEnd, { withinMs: 5000 })
    wire.resume()
    t.equal(await caching, 'OK')
    t.equal(await client.send('GET', 'n'), '1')
    const before = client.pushes.length
    await ask(node, ['SET', 'n', '9'])
    await waitUntil('the client is told', () => client.pushes.length > before, { withinMs: 5000 })
  },
)

t.test('once — without the rights — behaves as safe, and says so once', async t => {
  const { holdfast, node } = await startSingle(t, once)
  await ask(node, ['ACL', 'SETUSER', 'app', 'on', '>pw', '~app:*', '+@all', '-exec'])
  await ask(node, ['ACL', 'SETUSER', 'keys', 'on', '>pw', '~app:*', '+@all'])
  for (const user of ['app', 'keys']) {
    const client = await connect(t, holdfast)
    t.equal(await client.send('AUTH', user, 'pw'), 'OK')
    t.equal(await client.send('INCR', 'app:n'), user === 'app' ? 1 : 2)
    t.equal(await client.send('GET', 'app:n'), user === 'app' ? '1' : '2')
    const line = holdfast.log.find(entry => entry.event === 'rights.missing' && entry['user'] === user)
    t.match(line?.right, /__holdfast/)
  }
  t.ok(holdfast.counters.unmarkedWrites >= 2)
})

t.test('once — a full memory — lets clients free it', async t => {
  const { holdfast, node } = await startSingle(t, once)
  const client = await connect(t, holdfast)
  t.equal(await client.send('SET', 'big', 'v'.repeat(2_000_000)), 'OK')
  await ask(node, ['CONFIG', 'SET', 'maxmemory', '1000000'])
  const [set, del, get] = await Promise.all([
    client.send('SET', 'k', 'v'),
    client.send('DEL', 'big'),
    client.send('GET', 'k'),
  ])
  t.match(set instanceof RespError && set.message, /^OOM/)
  t.equal(del, 1)
  t.equal(get, null)
  await ask(node, ['CONFIG', 'SET', 'maxmemory', '0'])
  t.equal(await client.send('INCR', 'n'), 1)
  t.ok(holdfast.counters.unmarkedWrites > 0)
})

t.test('once — a marker that was flushed — is written again, and its absence is no proof', async t => {
  const { holdfast, node, wire } = await startCut(t)
  const client = await connect(t, holdfast)
  t.equal(await client.send('INCR', 'n'), 1)
  await ask(node, ['FLUSHALL'])
  t.equal(await client.send('INCR', 'n'), 1)
  await waitUntil('it is noticed', () => holdfast.counters.markersLost === 1, { withinMs: 5000 })
  const fields = async (): Promise<boolean> => {
    const [key = ''] = (await ask(node, ['KEYS', '__holdfast:*'])) as string[]
    return Number(await ask(node, ['HLEN', key])) >= 64
  }
  await waitUntil('all its fields are there again', fields, { withinMs: 5000 })
  t.equal(await client.send('FLUSHALL'), 'OK')
  await ask(node, ['CLIENT', 'PAUSE', '10000', 'WRITE'])
  const lost = client.send('INCR', 'n')
  await waitUntil('it is on its way', () => holdfast.counters.blocks >= 4, { withinMs: 5000 })
  await ask(node, ['FLUSHALL']).catch(() => undefined)
  wire.cut()
  await ask(node, ['CLIENT', 'UNPAUSE'])
  const reply = await lost
  t.match(text(reply), /^(-UNKNOWN|1|-APPLIED)/)
})

t.test('once — SWAPDB — is refused', async t => {
  const { holdfast } = await startSingle(t, once)
  const client = await connect(t, holdfast)
  const reply = await client.send('SWAPDB', '0', '1')
  t.match(reply instanceof RespError && reply.message, /retry-policy once/)
})

t.test('always — nothing of markers is sent', { skip: isOlder('redis', 6) && 'too old' }, async t => {
  const options = { 'retry-policy': 'always', ack: 'master', reads: 'plain' }
  const { holdfast, node } = await startSingle(t, { options })
  const client = await connect(t, holdfast)
  await Promise.all([client.send('SET', 'a', '1'), client.send('INCR', 'a'), client.send('GET', 'a')])
  t.strictSame(await ask(node, ['KEYS', '*']), ['a'])
  const stats = String(await ask(node, ['INFO', 'commandstats']))
  for (const name of ['multi', 'exec', 'hset', 'hmget', 'expire']) t.notMatch(stats, new RegExp(`cmdstat_${name}:`))
})

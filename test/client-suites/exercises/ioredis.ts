// ioredis.ts PACKAGE HOST PORT — an exercise of ioredis: every family of commands, and failovers in between. TAP; see
// tap.ts.
import assert, { deepEqual as same } from 'node:assert/strict'
import { check, end, throughFailover, until } from './tap.ts'

const [, , name = 'ioredis', host = '', port = ''] = process.argv
const { Redis } = (await import(name)) as typeof import('ioredis')
const troubles: string[] = []

function connect(options: object = {}): InstanceType<typeof Redis> {
  const client = new Redis({ host, port: Number(port), ...options })
  for (const event of ['error', 'close', 'reconnecting']) client.on(event, () => troubles.push(event))
  return client
}

const r = connect()
await r.flushall()

await check('strings', async () => {
  same(await r.set('s', 'a', 'EX', 100, 'NX'), 'OK')
  same(await r.set('s', 'b', 'NX'), null)
  same(await r.append('s', 'd'), 2)
  same(await r.getex('s', 'PX', 5000), 'ad')
  same(await r.mset({ m1: 1, m2: 2 }), 'OK')
  same(await r.mget('m1', 'm2', 'no'), ['1', '2', null])
  same(await r.setbit('bits', 7, 1), 0)
  same(await r.bitcount('bits'), 1)
  same(await r.getdel('s'), 'ad')
})

await check('collections', async () => {
  same(await r.rpush('l', 0, 1, 2, 3, 4), 5)
  same(await r.lmove('l', 'l2', 'LEFT', 'RIGHT'), '0')
  same(await r.hset('h', { a: 1, b: 2 }), 2)
  same(await r.hgetall('h'), { a: '1', b: '2' })
  same(await r.sadd('set', 'x', 'y'), 2)
  same(await r.zadd('z', 1, 'one', 2.5, 'two'), 2)
  same(await r.zrange('z', '0', '-1', 'WITHSCORES'), ['one', '1', 'two', '2.5'])
  same(await r.geoadd('geo', '13.361389', '38.115556', 'Palermo'), 1)
  same(await r.pfadd('hll', 'a', 'b'), 1)
  await r.xadd('x', '*', 'a', 1)
  same(await r.xlen('x'), 1)
  same(await r.xgroup('CREATE', 'x', 'g', '0'), 'OK')
  same((await r.xreadgroup('GROUP', 'g', 'me', 'COUNT', 1, 'STREAMS', 'x', '>'))?.length, 1)
})

await check('iteration', async () => {
  await r.mset(Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`scan:${n}`, n])))
  const found = new Set<string>()
  for await (const keys of r.scanStream({ match: 'scan:*', count: 20 })) for (const key of keys) found.add(key)
  same(found.size, 500)
})

await check('pipelines', async () => {
  const pipe = r.pipeline()
  for (let n = 0; n < 10_000; n++) pipe.set(`p:${n}`, 'v'.repeat(100)).get(`p:${n}`)
  same((await pipe.exec())?.length, 20_000)
  const mixed = await r.pipeline().set('w', 'text').incr('w').get('w').exec()
  same([mixed?.[1]?.[0]?.message.slice(0, 3), mixed?.[2]?.[1]], ['ERR', 'text'])
  const auto = connect({ enableAutoPipelining: true })
  same((await Promise.all(Array.from({ length: 500 }, () => auto.incr('auto')))).at(-1), 500)
})

await check('transactions', async () => {
  same(await r.multi().incr('t').incr('t').exec(), [
    [null, 1],
    [null, 2],
  ])
  const own = connect()
  await own.watch('t')
  await r.set('t', 10)
  same(await own.multi().incr('t').exec(), null)
  await assert.rejects(r.multi().set('t', 'x').call('NOSUCH').exec())
  same(await r.get('t'), '10')
  await own.multi({ pipeline: false })
  same(await own.incr('t'), 'QUEUED')
  same(await own.exec(), [[null, 11]])
})

await check('scripts', async () => {
  r.defineCommand('bump', { numberOfKeys: 1, lua: "return {KEYS[1], ARGV[1], redis.call('incr', KEYS[1])}" })
  const bump = (r as unknown as { bump: (key: string, word: string) => Promise<unknown> }).bump
  same(await bump.call(r, 'sc', 'a'), ['sc', 'a', 1])
  await assert.rejects(r.evalsha('0'.repeat(40), 0), /NOSCRIPT/)
  await r.call('FUNCTION', 'LOAD', 'REPLACE', "#!lua name=ex\nredis.register_function('f', function() return 7 end)")
  same(await r.call('FCALL', 'f', 0), 7)
})

await check('blocking', async () => {
  const own = connect()
  const popped = own.blpop('bl', 5)
  await until('it blocks', async () => Number(/blocked_clients:(\d+)/.exec(await r.info('clients'))?.[1]) > 0)
  await r.rpush('bl', 'v')
  same(await popped, ['bl', 'v'])
  same(await own.brpop('bl', 0.1), null)
})

await check('messages', async () => {
  const sub = connect()
  const heard: string[] = []
  sub.on('message', (_, message) => heard.push(message)).on('pmessage', (_, __, message) => heard.push(message))
  sub.on('smessage', (_, message) => heard.push(message))
  await sub.subscribe('ch')
  await sub.psubscribe('pat*')
  await sub.ssubscribe('shard')
  same([await r.publish('ch', 'one'), await r.publish('pattern', 'two'), await r.spublish('shard', 'three')], [1, 1, 1])
  await until('three messages', () => heard.length === 3)
  same(heard.sort(), ['one', 'three', 'two'])
  same(await sub.unsubscribe('ch'), 1)
  assert.ok(await sub.ping())
})

await check('clients', async () => {
  const own = connect({ connectionName: 'exercise', db: 3 })
  const id = await own.client('ID')
  const line = String(await r.client('LIST'))
    .split('\n')
    .find(one => one.startsWith(`id=${id} `))
  assert.match(line ?? '', /name=exercise .*db=3 .*lib-name=ioredis/)
  const before = troubles.length
  same(await r.client('KILL', 'ID', id), 1)
  await until('it has reconnected', async () => (await own.client('ID')) !== id)
  troubles.length = before
})

// ioredis 5 takes a line that comes at once for the reply to a command of its own.
if (name !== 'ioredis5')
  await check('monitor', async () => {
    const monitor = await r.monitor()
    const seen = new Promise<void>(resolve => {
      monitor.on('monitor', (_, words) => words.includes('seen') && resolve())
    })
    await r.set('seen', 1)
    await seen
    monitor.disconnect()
  })

await check('big', async () => {
  const value = Buffer.alloc(10_000_000, 'abc\r\n')
  same(await r.set('big', value), 'OK')
  assert.ok((await r.getBuffer('big'))?.equals(value))
})

for (const kind of ['planned', 'killed']) {
  await check(`a ${kind} failover`, async () => {
    await r.del('fo')
    const [sub, popper] = [connect(), connect()]
    let counted = 0
    let heard = 0
    await sub.subscribe('fo:ch')
    sub.on('message', () => heard++)
    const before = troubles.length
    await throughFailover(kind, [
      async () => {
        await r.incr('fo')
        counted++
      },
      async () => void (await r.multi().set('fo:t', 1).get('fo:t').exec()),
      async () => void (await popper.blpop('fo:q', 1)),
      async () => void (await r.pipeline().rpush('fo:q', 'job').get('fo').exec()),
      async () => void (await r.publish('fo:ch', 'm')),
    ])
    const last = heard
    await until('messages are heard', async () => (await r.publish('fo:ch', 'm')) >= 0 && heard > last)
    same(troubles.slice(before), [])
    if (kind === 'planned') same(Number(await r.get('fo')), counted)
  })
}
end()

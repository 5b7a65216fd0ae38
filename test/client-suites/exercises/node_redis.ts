// node_redis.ts HOST PORT — an exercise of node-redis over RESP2 and RESP3: every family of commands, client-side
// caching, and failovers in between. TAP; see tap.ts.
import assert, { deepEqual as same } from 'node:assert/strict'
import { createClient } from 'redis'
import { check, end, throughFailover, until } from './tap.ts'

const [, , host = '', port = ''] = process.argv

for (const RESP of [2, 3] as const) {
  const troubles: string[] = []
  const connect = async (options: object = {}) => {
    const client = createClient({ RESP, socket: { host, port: Number(port) }, ...options })
    for (const event of ['error', 'end', 'reconnecting'] as const) client.on(event, () => troubles.push(event))
    await client.connect()
    return client
  }
  const r = await connect()
  await r.flushAll()

  await check(`RESP${RESP}: strings`, async () => {
    same(await r.set('s', 'a', { expiration: { type: 'EX', value: 100 }, condition: 'NX' }), 'OK')
    same(await r.append('s', 'd'), 2)
    same(await r.mSet({ m1: '1', m2: '2' }), 'OK')
    same(await r.mGet(['m1', 'm2', 'no']), ['1', '2', null])
    same(await r.setBit('bits', 7, 1), 0)
    same(await r.getDel('s'), 'ad')
  })

  await check(`RESP${RESP}: collections`, async () => {
    same(await r.rPush('l', ['0', '1', '2']), 3)
    same(await r.lMove('l', 'l2', 'LEFT', 'RIGHT'), '0')
    same(await r.hSet('h', { a: 1, b: 2 }), 2)
    same({ ...(await r.hGetAll('h')) }, { a: '1', b: '2' })
    same(await r.sAdd('set', ['x', 'y']), 2)
    same(await r.zAdd('z', [{ score: 2.5, value: 'two' }]), 1)
    same(await r.zScore('z', 'two'), 2.5)
    same(await r.zRangeWithScores('z', 0, -1), [{ score: 2.5, value: 'two' }])
    same(await r.pfAdd('hll', ['a']), 1)
    await r.xAdd('x', '*', { a: '1' })
    same(await r.xGroupCreate('x', 'g', '0'), 'OK')
    assert.ok(await r.xReadGroup('g', 'me', { key: 'x', id: '>' }))
    let seen = 0
    for (let n = 0; n < 300; n++) void r.set(`scan:${n}`, n)
    for await (const keys of r.scanIterator({ MATCH: 'scan:*', COUNT: 20 })) seen += keys.length
    assert.ok(seen >= 300)
  })

  await check(`RESP${RESP}: pipelines`, async () => {
    const all = Array.from({ length: 10_000 }, (_, n) =>
      Promise.all([r.set(`p:${n}`, 'v'.repeat(100)), r.get(`p:${n}`)]),
    )
    same((await Promise.all(all)).length, 10_000)
    await r.set('w', 'text')
    await assert.rejects(r.incr('w'), /not an integer/)
  })

  await check(`RESP${RESP}: transactions`, async () => {
    same(await r.multi().incr('t').incr('t').exec(), [1, 2])
    const own = await connect()
    await own.watch('t')
    await r.set('t', 10)
    await assert.rejects(own.multi().incr('t').exec(), /watch/i)
    same(await own.multi().incr('t').exec(), [11])
  })

  await check(`RESP${RESP}: scripts`, async () => {
    same(await r.eval('return {KEYS[1], ARGV[1]}', { keys: ['k'], arguments: ['a'] }), ['k', 'a'])
    await assert.rejects(r.evalSha('0'.repeat(40)), /NOSCRIPT/)
    await r.functionLoad("#!lua name=ex\nredis.register_function('f', function() return 7 end)", { REPLACE: true })
    same(await r.fCall('f', { keys: [], arguments: [] }), 7)
  })

  await check(`RESP${RESP}: blocking`, async () => {
    const own = await connect()
    const popped = own.blPop('bl', 5)
    await until('it blocks', async () => Number(/blocked_clients:(\d+)/.exec(await r.info('clients'))?.[1]) > 0)
    await r.rPush('bl', 'v')
    same({ ...(await popped) }, { key: 'bl', element: 'v' })
    same(await own.brPop('bl', 0.1), null)
  })

  await check(`RESP${RESP}: messages`, async () => {
    const sub = await connect()
    const heard: string[] = []
    const hear = (message: string): void => void heard.push(message)
    await sub.subscribe(`ch${RESP}`, hear)
    await sub.pSubscribe(`pat${RESP}*`, hear)
    await sub.sSubscribe(`shard${RESP}`, hear)
    same(
      [
        await r.publish(`ch${RESP}`, 'one'),
        await r.publish(`pat${RESP}tern`, 'two'),
        await r.sPublish(`shard${RESP}`, 'three'),
      ],
      [1, 1, 1],
    )
    await until('three messages', () => heard.length === 3)
    await sub.unsubscribe(`ch${RESP}`)
    if (RESP === 3) same(await sub.get('m1'), '1')
  })

  await check(`RESP${RESP}: clients`, async () => {
    const own = await connect({ name: 'exercise', database: 3 })
    const id = await own.clientId()
    const line = (await r.clientList()).find(one => one.id === id)
    same([line?.name, line?.db, line?.libName], ['exercise', 3, 'node-redis'])
    same((await own.clientInfo()).id, id)
    const before = troubles.length
    same(await r.clientKill({ filter: 'ID', id }), 1)
    await until('it has reconnected', async () => (await own.clientId().catch(() => id)) !== id)
    troubles.length = before
  })

  await check(`RESP${RESP}: monitor and big`, async () => {
    const watcher = await connect()
    let seen = false
    await watcher.monitor(line => (seen ||= String(line).includes('seen')))
    await r.set('seen', '1')
    await until('it is seen', () => seen)
    const value = 'abc\r\n'.repeat(2_000_000)
    same(await r.set('big', value), 'OK')
    assert.ok((await r.get('big')) === value)
  })

  if (RESP === 3) {
    await check('RESP3: caching', async () => {
      const cached = await connect({ clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: 'LRU' } })
      await r.set('cached', '1')
      same(await cached.get('cached'), '1')
      await r.set('cached', '2')
      await until('it is forgotten', async () => (await cached.get('cached')) === '2')
    })
  }

  for (const kind of RESP === 2 ? ['planned'] : ['planned', 'killed']) {
    await check(`RESP${RESP}: a ${kind} failover`, async () => {
      await r.del('fo')
      const [sub, popper] = [await connect(), await connect()]
      let counted = 0
      let heard = 0
      await sub.subscribe('fo:ch', () => heard++)
      const before = troubles.length
      await throughFailover(kind, [
        async () => {
          await r.incr('fo')
          counted++
        },
        async () => void (await r.multi().set('fo:t', '1').get('fo:t').exec()),
        async () => void (await popper.blPop('fo:q', 1)),
        async () => void (await Promise.all([r.rPush('fo:q', 'job'), r.get('fo')])),
      ])
      const last = heard
      await until('messages are heard', async () => (await r.publish('fo:ch', 'm')) >= 0 && heard > last)
      same(troubles.slice(before), [])
      if (kind === 'planned') same(Number(await r.get('fo')), counted)
    })
  }
}
end()

import { Redis } from 'ioredis'
import t from 'tap'
import { FakeSentinel, globMatches } from '../../support/fake-sentinel.ts'
import { RespClient, RespError } from '../../support/resp-client.ts'
import { fieldsOf } from '../../support/set-health.ts'
import { waitUntil } from '../../support/wait-until.ts'

t.test('fake Sentinel — answers what it is set to — under RESP2 and RESP3', async t => {
  const sentinel = await FakeSentinel.start(t, { master: { host: '10.0.0.1', port: 7001 }, configEpoch: 5 })
  sentinel.known = [{ host: '10.0.0.9', port: 26379, runId: 'a'.repeat(40) }]
  for (const protocol of [2, 3]) {
    const client = await RespClient.connect(sentinel.port)
    t.teardown(() => client.close())
    await client.send('HELLO', protocol)
    t.strictSame(await client.send('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster'), ['10.0.0.1', '7001'])
    t.equal(await client.send('SENTINEL', 'get-master-addr-by-name', 'other'), null)
    const master = await client.send('SENTINEL', 'MASTER', 'mymaster')
    t.equal(master instanceof Map, protocol === 3)
    t.match(Object.fromEntries(fieldsOf(master)), {
      ip: '10.0.0.1',
      port: '7001',
      'config-epoch': '5',
      flags: 'master',
    })
    const others = await client.send('SENTINEL', 'SENTINELS', 'mymaster')
    t.match(Array.isArray(others) && others.map(fieldsOf), [
      new Map([
        ['runid', 'a'.repeat(40)],
        ['port', '26379'],
      ]),
    ])
    t.equal(await client.send('SENTINEL', 'MYID'), sentinel.runId)
    t.strictSame(await client.send('ROLE'), ['sentinel', ['mymaster']])
    t.match(await client.send('SENTINEL', 'MASTER', 'other'), new RespError('ERR No such master with that name'))
  }
  sentinel.master = null
  const client = await RespClient.connect(sentinel.port)
  t.teardown(() => client.close())
  t.equal(await client.send('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster'), null)
})

t.test('fake Sentinel — publishes to who is subscribed — through ioredis, by pattern and by channel', async t => {
  for (const protocol of [2, 3] as const) {
    const sentinel = await FakeSentinel.start(t)
    const redis = new Redis({
      port: sentinel.port,
      host: sentinel.host,
      protocol,
      replyMapping: 'legacy',
      lazyConnect: true,
      enableReadyCheck: false,
    })
    t.teardown(() => redis.disconnect())
    const seen: string[] = []
    redis.on('pmessage', (pattern, channel, message) => seen.push(`${pattern} ${channel} ${message}`))
    redis.on('message', (channel, message) => seen.push(`${channel} ${message}`))
    await redis.connect()
    t.equal(sentinel.publish('+sdown', 'nobody listens'), 0)
    await redis.psubscribe('+s*')
    await redis.subscribe('+odown')
    t.equal(sentinel.subscriberCount(), 1)
    sentinel.publish('+odown', 'master mymaster')
    sentinel.publish('-odown', 'not asked for')
    sentinel.switchMaster({ host: '127.0.0.1', port: 7777 }, 9)
    await waitUntil('both events', () => seen.length === 2, { withinMs: 2000 })
    t.strictSame(seen, ['+odown master mymaster', '+s* +switch-master mymaster 127.0.0.1 6379 127.0.0.1 7777'])
    await redis.punsubscribe('+s*')
    t.equal(sentinel.publish('+sdown', 'x'), 0)
    t.equal(sentinel.configEpoch, 9)
  }
})

t.test('fake Sentinel — demands its password — before it tells anything', async t => {
  const sentinel = await FakeSentinel.start(t, { password: 's3' })
  const client = await RespClient.connect(sentinel.port)
  t.teardown(() => client.close())
  t.match(await client.send('SENTINEL', 'MYID'), { message: /^NOAUTH/ })
  await client.send('AUTH', 's3')
  t.equal(await client.send('SENTINEL', 'MYID'), sentinel.runId)
})

t.test('globMatches — takes dots and plus signs as themselves — and * and ? as wild', async t => {
  t.strictSame(
    ['+switch-master', '+sdown', 'x+sdown', '-sdown'].map(channel => globMatches('+s*', channel)),
    [true, true, false, false],
  )
  t.strictSame(
    ['a.b', 'axb'].map(channel => globMatches('a.b', channel)),
    [true, false],
  )
})

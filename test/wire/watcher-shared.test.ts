// Watchers of several masters share one connection to each Sentinel, and hear nothing of one another.
import { pino } from 'pino'
import t from 'tap'
import { SentinelPool } from '../../src/sentinel/sentinel-pool.ts'
import { createNatMap } from '../../src/transport/nat-map.ts'
import { Password } from '../../src/transport/password.ts'
import { ServerRoutes } from '../../src/transport/server-route.ts'
import type { Teardown } from '../support/fake-redis.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { waitUntil } from '../support/wait-until.ts'
import { aboutReplica, intercept, makeWorld, Observed, place } from './watcher-world.ts'

function createPool(): SentinelPool {
  return new SentinelPool({
    sentinelLogin: { username: null, password: new Password(null) },
    sentinelRoutes: new ServerRoutes('sentinel', { tls: null, nat: createNatMap([]) }),
    log: pino({ level: 'silent' }),
    connectTimeoutMs: 1_000,
    answerTimeoutMs: 500,
  })
}

/** The world's Sentinels watch `queue`, which is node b, besides `mymaster`, which is node a. */
async function makeTwoMasters(t: Teardown) {
  const world = await makeWorld(t)
  const queues = await Promise.all(
    world.sentinels.map(async sentinel => {
      const queue = await FakeSentinel.start(t, { masterName: 'queue', master: place(world.b) })
      queue.known = sentinel.known
      intercept(sentinel.server, (argv, context) =>
        argv[0]?.toUpperCase() === 'SENTINEL' && argv[2] === 'queue' ? queue.server.handler(argv, context) : undefined,
      )
      return queue
    }),
  )
  return { ...world, queues }
}

t.test('two masters — are watched over one connection to each Sentinel — and each has its own answers', async t => {
  const { a, b, sentinels, seeds } = await makeTwoMasters(t)
  const pool = createPool()
  const cache = new Observed(t, { sentinels: seeds, pool })
  const queue = new Observed(t, { sentinels: seeds, pool, masterName: 'queue' })
  await cache.untilAllHeard(`serve ${a.port}@1`)
  await queue.untilAllHeard(`serve ${b.port}@1`)
  t.strictSame(
    sentinels.map(({ server }) => server.accepted),
    [1, 1, 1],
  )

  const late = new Observed(t, { sentinels: seeds, pool, masterName: 'queue' })
  await late.untilAllHeard(`serve ${b.port}@1`)
  t.strictSame(
    sentinels.map(({ server }) => server.accepted),
    [1, 1, 1],
    'one that comes later uses the connections that are up',
  )
})

t.test('two masters — a failover of one — holds that one alone', async t => {
  const { a, b, sentinels, seeds } = await makeTwoMasters(t)
  const pool = createPool()
  const cache = new Observed(t, { sentinels: seeds, pool })
  const queue = new Observed(t, { sentinels: seeds, pool, masterName: 'queue' })
  await cache.untilAllHeard(`serve ${a.port}@1`)
  await queue.untilAllHeard(`serve ${b.port}@1`)
  const before = queue.decisions.length
  sentinels[0].publish('+selected-slave', aboutReplica(sentinels[0], b))
  await cache.until('hold failover-announced')
  for (const one of sentinels) one.switchMaster(place(b), 2)
  await cache.until(`serve ${b.port}@2`)
  t.strictSame(
    queue
      .story()
      .slice(before)
      .filter(line => line.startsWith('hold')),
    [],
  )
})

t.test(
  'two masters — one stops being watched — the other keeps the connections, and the last one ends them',
  async t => {
    const { a, b, sentinels, seeds } = await makeTwoMasters(t)
    const pool = createPool()
    const cache = new Observed(t, { sentinels: seeds, pool })
    const queue = new Observed(t, { sentinels: seeds, pool, masterName: 'queue' })
    await cache.untilAllHeard(`serve ${a.port}@1`)
    await queue.untilAllHeard(`serve ${b.port}@1`)
    await queue.watcher.stop()
    t.strictSame(
      sentinels.map(one => one.subscriberCount()),
      [1, 1, 1],
    )
    const before = cache.decisions.length
    cache.watcher.confirm('still there')
    await waitUntil('it is confirmed', () => cache.decisions.length > before, { withinMs: 2_000 })
    await cache.watcher.stop()
    await waitUntil('all connections are gone', () => sentinels.every(one => one.subscriberCount() === 0), {
      withinMs: 2_000,
    })
  },
)

t.test('two masters — a Sentinel that does not know one of them — is in trouble for that one alone', async t => {
  const { a, seeds } = await makeWorld(t)
  const pool = createPool()
  const cache = new Observed(t, { sentinels: seeds, pool })
  const ghost = new Observed(t, { sentinels: seeds, pool, masterName: 'ghost' })
  await cache.untilAllHeard(`serve ${a.port}@1`)
  t.match(await ghost.untilLogged('sentinel.trouble'), { cause: 'it does not know the master name' })
  await waitUntil('all three are seen', () => ghost.logged('sentinel.trouble').length === 3, { withinMs: 2_000 })
  t.match(ghost.watcher.status().sentinels, Array(3).fill({ error: 'it does not know the master name' }))
  t.strictSame(cache.logged('sentinel.trouble'), [])
  t.strictSame(
    cache.watcher.status().sentinels.map(({ error }) => error),
    [null, null, null],
  )
})

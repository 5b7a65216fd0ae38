// The Sentinel port: ioredis and node-redis in Sentinel mode, which were told nothing else, through a failover without
// a reconnect; the answers of a real Sentinel next to ours; and nothing of the real topology in any of ours.

import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createSentinel } from 'redis'
import t, { type Test } from 'tap'
import { failOver } from '../support/apps/fail-over.ts'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { slowness } from '../support/pace.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { saysApplied } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'

async function start(t: Test): Promise<{ set: SentinelSet; holdfast: InProcess }> {
  const set = await SentinelSet.start({ failoverTimeoutMs: 5000 })
  t.teardown(() => set.stopAll())
  const options = { 'sentinel-listen': '127.0.0.1:0' }
  return { set, holdfast: await startHoldfast(t, { sentinels: set.sentinelAddresses(), options }) }
}

interface App {
  readonly name: string
  readonly troubles: string[]
  incr(key: string): Promise<number>
  get(key: string): Promise<string | null>
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>
  close(): unknown
}

async function ioredisApp(port: number): Promise<App> {
  const sentinels = [{ host: '127.0.0.1', port }]
  const make = (): Redis => new Redis({ sentinels, name: 'mymaster', failoverDetector: true, lazyConnect: true })
  const troubles: string[] = []
  const clients: Redis[] = []
  const connect = async (): Promise<Redis> => {
    const client = make()
    clients.push(client)
    for (const event of ['error', 'close', 'reconnecting', 'end', '+node', '-node'])
      client.on(event, detail => troubles.push(`${event} ${detail ?? ''}`))
    await client.connect()
    return client
  }
  const client = await connect()
  return {
    name: 'ioredis',
    troubles,
    incr: key => client.incr(key),
    get: key => client.get(key),
    subscribe: async (channel, onMessage) => {
      const own = await connect()
      own.on('message', (_, message) => onMessage(message))
      await own.subscribe(channel)
    },
    close: () => {
      for (const one of clients) one.removeAllListeners('close').removeAllListeners('end').disconnect()
    },
  }
}

async function nodeRedisApp(port: number, RESP: 2 | 3): Promise<App> {
  const troubles: string[] = []
  const sentinel = createSentinel({
    name: 'mymaster',
    sentinelRootNodes: [{ host: '127.0.0.1', port }],
    RESP,
    // A scan that comes before the last one has ended leaves a slow machine no time for commands.
    scanInterval: Math.round(200 * slowness()),
  })
  sentinel.on('error', error => troubles.push(`error ${error}`))
  sentinel.on('client-error', ({ error }) => troubles.push(`client-error ${error}`))
  await sentinel.connect()
  // Behind the first look at the topology: what it was told must not change any more.
  sentinel.on('topology-change', change => troubles.push(`topology-change ${JSON.stringify(change)}`))
  return {
    name: `node-redis/${RESP}`,
    troubles,
    incr: async key => Number(await sentinel.incr(key)),
    get: async key => (await sentinel.get(key)) as string | null,
    subscribe: async (channel, onMessage) => {
      await sentinel.subscribe(channel, message => onMessage(String(message)))
    },
    close: () => sentinel.destroy(),
  }
}

/** One more than `count`, where the reply is lost and the effect is there. */
function appliedTo(count = 0): (error: Error) => number {
  return error => {
    if (!saysApplied(error.message)) throw error
    return count + 1
  }
}

t.test('ioredis and node-redis in Sentinel mode — notice nothing of a failover — and stay connected', async t => {
  const { set, holdfast } = await start(t)
  const port = holdfast.sentinelPort
  const apps = [await ioredisApp(port), await nodeRedisApp(port, 2), await nodeRedisApp(port, 3)]
  t.teardown(() => Promise.all(apps.map(app => app.close())))
  const counts = new Map<App, number>(apps.map(app => [app, 0]))
  let stopping = false
  const work = apps.map(async (app, n) => {
    while (!stopping) {
      counts.set(app, await app.incr(`n:${n}`).catch(appliedTo(counts.get(app))))
      // Without a rest a slow machine would have no time for the Sentinels.
      await pause(5)
    }
  })
  const heard = new Map<App, string>()
  await Promise.all(apps.map((app, n) => app.subscribe(`news:${n}`, message => heard.set(app, message))))
  const accepted = holdfast.counters.sessionsTotal
  const advance = (): Promise<unknown> => {
    const from = [...counts.values()]
    return waitUntil('all go on', () => apps.every((app, n) => (counts.get(app) ?? 0) > (from[n] ?? 0) + 20), {
      withinMs: 30_000,
    })
  }
  await advance()
  await failOver(set, holdfast, 'kill')
  await advance()
  await failOver(set, holdfast, 'planned')
  await advance()
  stopping = true
  await Promise.all(work)
  t.equal(holdfast.counters.sessionsTotal, accepted, 'nobody has connected again')
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  for (const [n, app] of apps.entries()) {
    t.strictSame(app.troubles, [], `${app.name}: no event`)
    t.equal(Number(await app.get(`n:${n}`)), counts.get(app), `${app.name}: the counter`)
    t.equal(await client.send('PUBLISH', `news:${n}`, app.name), 1, `${app.name} is subscribed`)
    await waitUntil('it is heard', () => heard.get(app) === app.name, { withinMs: 20_000 })
  }
})

const questions: readonly (readonly string[])[] = [
  ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'nobody'],
  ['SENTINEL', 'MASTER', 'nobody'],
  ['SENTINEL', 'REPLICAS', 'nobody'],
  ['SENTINEL', 'SLAVES', 'nobody'],
  ['SENTINEL', 'SENTINELS', 'nobody'],
  ['SENTINEL', 'CKQUORUM', 'nobody'],
  ['SENTINEL', 'MASTER'],
  ['SENTINEL', 'MASTERS', 'x'],
  ['SENTINEL', 'NONSENSE', 'x'],
  ['SENTINEL'],
  ['ROLE'],
  ['PING'],
  ['PING', 'a'],
  ['PING', 'a', 'b'],
  ['GET', 'a'],
  ['SET', 'a', 'b'],
  ['CONFIG', 'GET', '*'],
  ['MONITOR'],
  ['HELLO', '4'],
  ['HELLO', 'x'],
  ['HELLO', '3', 'NONSENSE'],
  ['CLIENT', 'SETNAME', 'a b'],
  ['CLIENT', 'SETNAME', 'ab'],
  ['CLIENT', 'GETNAME'],
  ['CLIENT', 'NONSENSE'],
  ['INFO', 'nonsense'],
  ['SUBSCRIBE'],
  ['SUBSCRIBE', 'a', 'b', 'a'],
  ['PING', 'x'],
  ['GET', 'a'],
  ['UNSUBSCRIBE', 'a'],
  ['PSUBSCRIBE', '+switch-master'],
  ['UNSUBSCRIBE'],
  ['PUNSUBSCRIBE'],
  ['UNSUBSCRIBE', 'never'],
  // What current clients say to a Sentinel besides: go-redis 9, Jedis 8.1, Lettuce 7, StackExchange.Redis 3.
  ['client', 'setinfo', 'LIB-NAME', 'go-redis(,go1.24.1)'],
  ['CLIENT', 'SETINFO', 'LIB-VER', '9.17.0'],
  ['CLIENT', 'SETINFO', 'LIB-NAME', 'a b'],
  ['CLIENT', 'SETINFO', 'NONSENSE', 'a'],
  ['CLIENT', 'SETINFO', 'LIB-NAME'],
  ['client', 'setinfo', 'lib-ver', 'a b'],
  ['CLIENT', 'MAINT_NOTIFICATIONS', 'ON', 'moving-endpoint-type', 'internal-ip'],
  ['sentinel', 'get-master-addr-by-name', 'nobody'],
  ['SELECT', '0'],
  ['CLUSTER', 'NODES'],
  ['ECHO', 'x'],
  ['READONLY'],
  ['GET', '__Booksleeve_TieBreak'],
  ['SUBSCRIBE', '+switch-master', '+replica-reconf-done'],
  ['UNSUBSCRIBE', '+switch-master', '+replica-reconf-done'],
  ['PSUBSCRIBE', '*'],
  ['PUNSUBSCRIBE', '*'],
]

const shape = (text: string): string[] => text.split(' ').filter(word => /^[a-z-]+$/.test(word))

t.test('the Sentinel port — answers as a Sentinel does — but for what it stands for', async t => {
  const { set, holdfast } = await start(t)
  const [sentinel] = set.sentinels
  if (sentinel === undefined) throw new Error('no Sentinel')
  for (const protocol of ['2', '3']) {
    const ours = await RespClient.connect(holdfast.sentinelPort, '127.0.0.1', { capture: true })
    const theirs = await RespClient.connect(sentinel.port, '127.0.0.1', { capture: true })
    t.teardown(() => Promise.all([ours.close(), theirs.close()]))
    for (const client of [ours, theirs]) await client.send('HELLO', protocol)
    for (const words of questions) {
      const [mine, real] = [ours, theirs].map(client => client.rawReplies().length)
      // A reply of PING behind them says that all replies are there, however many they are.
      const frame = `*${words.length}\r\n${words.map(word => `$${word.length}\r\n${word}\r\n`).join('')}`
      for (const client of [ours, theirs]) client.socket.write(`${frame}*2\r\n$4\r\nPING\r\n$9\r\nall-there\r\n`)
      const since = (client: RespClient, from = 0): string => client.rawReplies().subarray(from).toString()
      await waitUntil(
        `${words.join(' ')}`,
        () => since(ours, mine).includes('all-there') && since(theirs, real).includes('all-there'),
        { withinMs: 10_000 },
      )
      t.equal(since(ours, mine), since(theirs, real), `RESP${protocol} ${words.join(' ')}`)
    }
    const [mine, real] = [ours, theirs].map(client => client.rawReplies().length)
    for (const words of [['MASTER', 'mymaster'], ['MASTERS'], ['MYID'], ['GET-MASTER-ADDR-BY-NAME', 'mymaster']])
      for (const client of [ours, theirs]) await client.send('SENTINEL', ...words)
    const fields = [ours.rawReplies().subarray(mine), theirs.rawReplies().subarray(real)].map(bytes =>
      shape(bytes.toString().replaceAll('\r\n', ' ')).filter(word => word !== 'mymaster'),
    )
    t.strictSame(fields[0], fields[1], 'the fields of a master, in their order')
  }
})

t.test('the Sentinel port — tells no address but its own — whatever is asked', async t => {
  const { set, holdfast } = await start(t)
  const secrets = [...set.nodes, ...set.sentinels].map(node => String(node.port))
  for (const protocol of ['2', '3']) {
    const client = await RespClient.connect(holdfast.sentinelPort, '127.0.0.1', { capture: true })
    t.teardown(() => client.close())
    await client.send('HELLO', protocol, 'AUTH', 'default', 'any')
    for (const words of [
      ...['MASTERS', 'MYID', 'PENDING-SCRIPTS', 'INFO-CACHE', 'HELP'].map(word => ['SENTINEL', word]),
      ...['MASTER', 'REPLICAS', 'SLAVES', 'SENTINELS', 'CKQUORUM', 'INFO-CACHE', 'GET-MASTER-ADDR-BY-NAME'].map(
        word => ['SENTINEL', word, 'mymaster'],
      ),
      ['INFO'],
      ['INFO', 'everything'],
      ['ROLE'],
      ['CLIENT', 'LIST'],
      ['CLIENT', 'INFO'],
      ['COMMAND'],
      ['COMMAND', 'DOCS'],
      ['CONFIG', 'GET', '*'],
    ])
      await client.send(...words)
    for (const change of ['FAILOVER', 'RESET', 'REMOVE', 'SET', 'MONITOR', 'FLUSHCONFIG', 'CONFIG', 'DEBUG'])
      t.match(await client.send('SENTINEL', change, 'mymaster', 'x', 'y'), { code: 'NOPERM' }, change)
    t.same(await client.send('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster'), ['127.0.0.1', String(holdfast.port)])
    // By chance a process id is a port, too, and so is a part of a run id.
    const text = client
      .rawReplies()
      .toString('latin1')
      .replace(/process_id:\d+/g, '')
    t.strictSame(
      secrets.filter(port => new RegExp(`(?<![0-9a-f])${port}(?![0-9a-f])`).test(text)),
      [],
    )
    const master = await set.currentMaster()
    t.equal(await set.command(master, 'PING'), 'PONG', 'the real set is as it was')
  }
})

// --read-split with all well, and with replicas that lag: which commands go to a replica, and that no session misses
// what it wrote.
import t from 'tap'
import { replicaReads } from '../../src/command/replica-reads.ts'
import { ask, scrape } from '../support/admin.ts'
import { controlPath, openControl } from '../support/control.ts'
import { FaultyLink } from '../support/faulty-link.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { addMaster } from '../support/more-masters.ts'
import { RespClient, type Value } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { settings } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'
import { startSplitLoad } from './split-load.ts'
import { callsAt, connect, open, type Reads, readsOf, untilRead } from './split-scene.ts'

t.test('read split — reads go to the replica, writes to the master — and the counts add up', async t => {
  const scene = await open(t)
  const client = await connect(t, scene)
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  t.equal(await client.send('GET', 'k'), 'v')
  await untilRead(scene, client)
  const before = { reads: await readsOf(scene), gets: await callsAt(scene, scene.replica, 'get') }
  for (let i = 0; i < 50; i++) t.equal(await client.send('GET', 'k'), 'v')
  t.strictSame(
    await client.pipeline([
      ['GET', 'k'],
      ['STRLEN', 'k'],
      ['MGET', 'k', 'none'],
    ]),
    ['v', 1, ['v', null]],
  )
  const { replica, master } = await readsOf(scene)
  t.equal(replica - before.reads.replica, 53, 'all of them')
  t.strictSame(master, before.reads.master)
  t.equal((await callsAt(scene, scene.replica, 'get')) - before.gets, 51, 'the replica says so, too')
  t.equal(await callsAt(scene, scene.replica, 'strlen'), 1)
  const series = await scrape(scene.holdfast.admin)
  const where = (name: string): number => series.get(`holdfast_split_reads_total{where="${name}"}`) ?? -1
  const why = (name: string): number => series.get(`holdfast_split_reads_at_master_total{why="${name}"}`) ?? -1
  t.equal(where('replica'), replica)
  t.equal(where('master'), why('unanswered') + why('behind') + why('no-replica') + why('paused'))
  const reads = ['get', 'mget', 'strlen']
  const asked = await Promise.all(
    reads.map(async name => (await callsAt(scene, scene.replica, name)) + (await callsAt(scene, scene.master, name))),
  )
  t.equal(
    where('replica') + where('master'),
    asked.reduce((sum, one) => sum + one, 0),
    'each is counted once',
  )
})

t.test('read split — a session that wrote — reads at the master until the replica has it', async t => {
  const scene = await open(t)
  const { set, master, replica } = scene
  const link = await FaultyLink.start(t, { host: '127.0.0.1', port: master.port })
  await set.command(replica, 'REPLICAOF', '127.0.0.1', String(link.port))
  const isUp = async (): Promise<boolean> =>
    /master_link_status:up/.test(String(await set.command(replica, 'INFO', 'replication')))
  await waitUntil('it follows through the link', isUp, { withinMs: 20_000 })
  const [writer, other] = [await connect(t, scene), await connect(t, scene)]
  await untilRead(scene, writer)
  await untilRead(scene, other)
  link.stall('down')
  t.equal(await writer.send('SET', 'k', 'new'), 'OK')
  const gets = await callsAt(scene, replica, 'get')
  for (let i = 0; i < 100; i++) t.equal(await writer.send('GET', 'k'), 'new')
  t.equal(await callsAt(scene, replica, 'get'), gets, 'not at the replica')
  t.ok((await readsOf(scene)).master.behind >= 100)
  t.equal(await other.send('GET', 'k'), null, 'a session that did not write it may read what was there before')
  link.resume()
  await untilRead(scene, writer)
  t.equal(await writer.send('GET', 'k'), 'new')
})

const exempt: readonly (readonly [string, (client: RespClient, later: () => Promise<void>) => Promise<Value[]>])[] = [
  ['MULTI', client => client.pipeline([['MULTI'], ['STRLEN', 'k'], ['EXEC']])],
  [
    'MULTI, in pieces',
    async client => [await client.send('MULTI'), await client.send('STRLEN', 'k'), await client.send('EXEC')],
  ],
  [
    'WATCH',
    async (client, later) => {
      const watched = [await client.send('WATCH', 'k'), await client.send('STRLEN', 'k')]
      await later()
      watched.push(await client.send('STRLEN', 'k'))
      return [...watched, await client.send('UNWATCH')]
    },
  ],
  ['a script', async client => [await client.send('EVAL_RO', "return redis.call('STRLEN', KEYS[1])", '1', 'k')]],
  [
    'tracking',
    async (client, later) => {
      await client.send('HELLO', '3')
      const replies = [await client.send('CLIENT', 'TRACKING', 'ON'), await client.send('STRLEN', 'k')]
      await later()
      replies.push(await client.send('STRLEN', 'k'))
      await client.send('CLIENT', 'TRACKING', 'OFF')
      return replies
    },
  ],
  [
    'CLIENT REPLY SKIP',
    client =>
      client
        .sendRaw(
          '*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$4\r\nSKIP\r\n*2\r\n$6\r\nSTRLEN\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n',
          1,
        )
        .then(() => []),
  ],
  [
    'what is no plain read',
    client =>
      client.pipeline([
        ['TOUCH', 'k'],
        ['SCAN', '0'],
        ['RANDOMKEY'],
        ['OBJECT', 'ENCODING', 'k'],
        ['PFCOUNT', 'none'],
        ['DBSIZE'],
        ['GETEX', 'k'],
      ]),
  ],
]

t.test('read split — never for transactions, WATCH, scripts, tracking — nor for what is no plain read', async t => {
  const scene = await open(t)
  await scene.set.command(scene.master, 'SET', 'k', 'v')
  const names = [
    'strlen',
    'touch',
    'scan',
    'randomkey',
    'object|encoding',
    'pfcount',
    'dbsize',
    'getex',
    'eval_ro',
    'watch',
    // A block with a marker comes to replicas as the MULTI that it is.
    ...(settings.hasMarkers ? [] : ['multi']),
  ]
  const all = async (): Promise<number> => {
    const counts = await Promise.all(names.map(name => callsAt(scene, scene.replica, name.replace('|', '\\|'))))
    return counts.reduce((sum, one) => sum + one, 0)
  }
  // What another session writes now has reached the replica: so has what this one did before.
  const bystander = await connect(t, scene)
  const later = async (): Promise<void> => {
    await bystander.send('SET', 'other', 'v')
    await untilRead(scene, bystander)
  }
  for (const [what, act] of exempt) {
    const client = await connect(t, scene)
    await untilRead(scene, client)
    const before = await all()
    for (const reply of await act(client, later)) t.notMatch(String(reply), /READONLY|ERR/, what)
    t.equal(await all(), before, `${what}: nothing at the replica`)
    await untilRead(scene, client)
    t.pass(`${what}: the session is split again afterwards`)
  }
})

t.test('read split — pipelines of reads and writes drawn at random — keep their order', async t => {
  const scene = await open(t)
  const load = await startSplitLoad(scene.holdfast.port, {
    sessions: 12,
    writeShare: 0.15,
    depth: 4,
    everyMs: 0,
    limit: 40_000,
    inPieces: true,
  })
  const verdict = await load.stop()
  const reads = await readsOf(scene)
  t.comment(JSON.stringify({ ...verdict, split: reads }))
  t.strictSame(verdict.wrong, [])
  t.strictSame(verdict.errors, [])
  t.ok(reads.replica > 100, 'the replica answered some')
  t.ok(reads.master.unanswered > 100, 'some came behind others')
})

t.test('read split — without the option — nothing goes to a replica', async t => {
  const scene = await open(t, { 'read-split': 'off' })
  const client = await connect(t, scene)
  for (let i = 0; i < 20; i++) await client.send('GET', 'k')
  t.equal(await callsAt(scene, scene.replica, 'get'), 0)
  t.equal(JSON.parse((await ask(scene.holdfast.admin, '/status')).body).replicas, undefined)
})

t.test('read split — the commands that a replica answers — are reads to the server, and nothing else', async t => {
  const scene = await open(t)
  const info = await scene.set.command(scene.master, 'COMMAND', 'INFO', ...replicaReads)
  if (!Array.isArray(info)) throw new Error('no list')
  const unfit = /write|blocking|may_replicate|pubsub|admin|noscript/
  const names = [...replicaReads]
  for (const [i, one] of info.entries()) {
    // Commands of newer servers are unknown to this one.
    if (!Array.isArray(one)) continue
    const [name, , flags] = one
    t.equal(name, names[i])
    t.match(String(flags), /readonly/, String(name))
    t.notMatch(String(flags), unfit, String(name))
  }
})

t.test('read split — a replica asks for a password that the master does not — reads are at the master', async t => {
  const scene = await open(t)
  const { set, replica } = scene
  for (const node of set.nodes) await set.command(node, 'ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '+@all')
  const warm = await connect(t, scene)
  t.equal(await warm.send('AUTH', 'app', 'secret'), 'OK')
  await untilRead(scene, warm)
  // Holdfast's own connection there was let in before, so to Holdfast the replica is good.
  await set.command(replica, 'CONFIG', 'SET', 'requirepass', 'secret')
  replica.password = 'secret'
  const client = await connect(t, scene)
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  const before = await readsOf(scene)
  const haveRead = async (): Promise<boolean> => {
    t.equal(await client.send('GET', 'k'), 'v')
    return (await readsOf(scene)).master['no-replica'] >= before.master['no-replica'] + 30
  }
  await waitUntil('it has read', haveRead, { withinMs: 20_000 })
  t.equal((await readsOf(scene)).replica, before.replica)
})

t.test('read split — while the master is paused — no read goes to a replica either', async t => {
  const path = await controlPath(t)
  const scene = await open(t, { 'control-socket': path })
  const client = await connect(t, scene)
  await untilRead(scene, client)
  const control = await openControl(t, path)
  await control.ask('pause', { maxMs: 20_000 })
  const gets = await callsAt(scene, scene.replica, 'get')
  const reads = [client.send('GET', 'k'), client.send('GET', 'k')]
  await waitUntil('they wait', () => scene.holdfast.counters.waiting > 0, { withinMs: 5_000 })
  t.equal(await callsAt(scene, scene.replica, 'get'), gets)
  t.ok((await readsOf(scene)).master.paused >= 1)
  await control.ask('resume')
  t.strictSame(await Promise.all(reads), [null, null])
})

t.test('read split — of one of two masters — leaves the other as it is', async t => {
  const set = await SentinelSet.start({ masterName: 'cache', replicas: 1, failoverTimeoutMs: 60_000 })
  t.teardown(() => set.stopAll())
  const queue = await addMaster(t, set, 'queue')
  const text = [
    `sentinels: [${set.sentinelAddresses().join(', ')}]`,
    'masters:',
    '  cache: { listen: 127.0.0.1:0, read-split: on }',
    '  queue: { listen: 127.0.0.1:0 }',
    '',
  ].join('\n')
  const config = `${t.testdir({ 'holdfast.yaml': text })}/holdfast.yaml`
  const options = { config, 'admin-listen': '127.0.0.1:0', reads: 'plain' }
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), masterName: '', options })
  const connectTo = async (name: string): Promise<RespClient> => {
    const client = await RespClient.connect(holdfast.masters.get(name)?.port ?? 0)
    t.teardown(() => client.close())
    return client
  }
  const [cache, other] = [await connectTo('cache'), await connectTo('queue')]
  const splits = async (): Promise<(Reads | undefined)[]> => {
    const { masters } = JSON.parse((await ask(holdfast.admin, '/status')).body)
    return masters.map((one: { replicas?: { split: { reads: Reads } } }) => one.replicas?.split.reads)
  }
  const isRead = async (): Promise<boolean> => {
    await Promise.all([cache.send('GET', 'k'), other.send('GET', 'k')])
    return ((await splits())[0]?.replica ?? 0) > 0
  }
  await waitUntil('a replica of the cache answers', isRead, { withinMs: 20_000 })
  t.equal((await splits())[1], undefined)
  const stats = String(await set.command(queue.replica, 'INFO', 'commandstats'))
  t.notMatch(stats, /cmdstat_get:/)
})

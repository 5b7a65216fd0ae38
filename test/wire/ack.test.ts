// --ack replicated and --reads committed: what clients are told, and when, by real servers whose replicas can be stopped.
import t, { type Test } from 'tap'
import { SHARED_SLOTS } from '../../src/proof/marker.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { FaultyLink } from '../support/faulty-link.ts'
import { type InProcess, startHoldfast, startReplica } from '../support/holdfast.ts'
import { slowness } from '../support/pace.ts'
import { ask, RespClient, RespError, type Value } from '../support/resp-client.ts'
import { encodeCommand } from '../support/resp-decoder.ts'
import {
  anyFlavour,
  endServer,
  makeFolder,
  type Node,
  removeFolder,
  resumeServer,
  startServer,
  stopServer,
} from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

interface World {
  readonly holdfast: InProcess
  readonly sentinel: FakeSentinel
  readonly master: Node
  readonly replicas: readonly Node[]
  /** Between the master and its replicas. */
  readonly stream: FaultyLink
  readonly connect: () => Promise<RespClient>
  /** A failover is announced. */
  readonly announce: () => Promise<void>
}

async function world(
  t: Test,
  options: Record<string, string> = {},
  { replicas: count = 1, expectedErrors = [] as string[] } = {},
): Promise<World> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const master = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'master', dir, config: ['save ""'] })
  t.teardown(() => endServer(master))
  const replicas: Node[] = []
  const stream = await FaultyLink.start(t, { host: master.host, port: master.port })
  const upstream = { ...master, host: stream.host, port: stream.port }
  for (let i = 0; i < count; i++) replicas.push(await startReplica(t, upstream, { dir, name: `replica${i}` }))
  const sentinel = await FakeSentinel.start(t, { master: { host: master.host, port: master.port } })
  const holdfast = await startHoldfast(t, {
    sentinels: [`${sentinel.host}:${sentinel.port}`],
    options: { 'retry-policy': 'once', ack: 'replicated', reads: 'plain', ...options },
    expectedErrors,
  })
  await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 20_000 })
  const connect = async (): Promise<RespClient> => {
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    return client
  }
  const announce = async (): Promise<void> => {
    const from = holdfast.log.length
    sentinel.flags = 'master,failover_in_progress'
    sentinel.publish('+elected-leader', `master mymaster ${master.host} ${master.port}`)
    await waitUntil('the gate is shut', () => holdfast.find('failover.announced', from), { withinMs: 20_000 })
  }
  return { holdfast, sentinel, master, replicas, stream, connect, announce }
}

/** A hold time that leaves room for as much as `ms` do on a usual machine. */
const roomFor = (ms: number): string => `${Math.round(ms * slowness())}ms`

const text = (value: Value): string => (value instanceof RespError ? value.message : String(value))

/** What has been said so far. */
function watch(reply: Promise<Value>): { readonly reply: Promise<Value>; said: boolean } {
  const watched = { reply, said: false }
  void reply.then(() => {
    watched.said = true
  })
  return watched
}

async function promote(replica: Node, others: readonly Node[]): Promise<void> {
  await ask(replica, ['REPLICAOF', 'NO', 'ONE'])
  for (const other of others) await ask(other, ['REPLICAOF', replica.host, String(replica.port)])
}

t.test('ack — the reply to a write waits for a replica — a read does not', async t => {
  const { holdfast, master, replicas, connect } = await world(t)
  const [writer, reader] = [await connect(), await connect()]
  t.equal(await writer.send('SET', 'k', 'old'), 'OK')
  for (const replica of replicas) await stopServer(replica)
  const set = watch(writer.send('SET', 'k', 'new'))
  const behind = watch(writer.send('GET', 'k'))
  await waitUntil('the master has it', async () => (await ask(master, ['GET', 'k'])) === 'new', { withinMs: 5000 })
  t.equal(await reader.send('GET', 'k'), 'new', 'a plain read is not held back')
  await waitUntil('the replica is missed', () => holdfast.find('ack.short'), { withinMs: 5000 })
  t.equal(await reader.send('PING'), 'PONG')
  t.notOk(set.said || behind.said)
  for (const replica of replicas) await resumeServer(replica)
  t.equal(await set.reply, 'OK')
  t.equal(await behind.reply, 'new')
  t.ok(holdfast.find('ack.restored'))
})

t.test(
  'ack — a stop while a replica is missed — clients are told what is known before their connections end',
  async t => {
    const { holdfast, master, replicas, connect } = await world(t, { 'shutdown-grace': '0s' })
    const writer = await connect()
    t.equal(await writer.send('SET', 'k', 'old'), 'OK')
    for (const replica of replicas) await stopServer(replica)
    const set = writer.send('SET', 'k', 'new')
    await waitUntil('the master has it', async () => (await ask(master, ['GET', 'k'])) === 'new', { withinMs: 5000 })
    const get = writer.send('GET', 'k')
    await waitUntil('both wait', () => holdfast.counters.withheldReplies === 2, { withinMs: 5000 })
    const stopping = holdfast.stop()
    t.match(text(await set), /^UNKNOWN holdfast: the command has run on the master, but not enough replicas have/)
    t.equal(await get, 'new', 'a plain read waits for the order of replies alone')
    t.equal((await writer.closed).error, null, 'the connection is ended, not reset')
    await stopping
    t.equal(holdfast.counters.unacknowledged, 1)
  },
)

/** As many writes as one link can tell apart are at the master and wait for its replica, and two more wait for them. */
async function fillLink({ holdfast, master, replicas, connect }: World) {
  const first = await connect()
  await first.send('SET', 'n', '0')
  for (const replica of replicas) await stopServer(replica)
  const sent: Promise<Value>[] = []
  // Each is a block of its own: the one before is at the master.
  for (let i = 1; i <= SHARED_SLOTS; i++) {
    sent.push((await connect()).send('INCR', 'n'))
    const isThere = async (): Promise<boolean> => (await ask(master, ['GET', 'n'])) === String(i)
    await waitUntil('the master has it', isThere, { withinMs: 5000 })
  }
  const parked = [(await connect()).send('INCR', 'n'), (await connect()).send('INCR', 'n')]
  await waitUntil('the replica is missed', () => holdfast.find('ack.short'), { withinMs: 5000 })
  return { first, sent, parked }
}

t.test('ack — more blocks than can be told apart — the last leave when the first are confirmed', async t => {
  const scene = await world(t)
  const { first, sent, parked } = await fillLink(scene)
  t.equal(await first.send('GET', 'n'), String(SHARED_SLOTS))
  for (const replica of scene.replicas) await resumeServer(replica)
  t.equal((await Promise.all(sent)).at(-1), SHARED_SLOTS)
  const rest = watch(Promise.all(parked))
  await waitUntil('all are answered', () => rest.said, { withinMs: 20_000 })
  t.strictSame(await rest.reply, [SHARED_SLOTS + 1, SHARED_SLOTS + 2])
})

t.test('ack — more blocks than can be told apart — no replica in time — the last are refused, not sent', async t => {
  const scene = await world(t, { 'hold-timeout': roomFor(5000) }, { expectedErrors: ['ack.tripped'] })
  const { first, sent, parked } = await fillLink(scene)
  for (const reply of await Promise.all(sent)) t.match(text(reply), /^UNKNOWN .* has run on the master/)
  for (const reply of await Promise.all(parked)) t.match(text(reply), /^TRYAGAIN .* the command was not run/)
  t.equal(await first.send('GET', 'n'), String(SHARED_SLOTS))
  for (const replica of scene.replicas) await resumeServer(replica)
})

t.test('ack — reads committed — what may be lost is not shown', async t => {
  const { holdfast, master, replicas, connect } = await world(t, { reads: 'committed' })
  const [writer, reader] = [await connect(), await connect()]
  t.equal(await writer.send('SET', 'k', 'old'), 'OK')
  t.equal(await reader.send('GET', 'k'), 'old')
  for (const replica of replicas) await stopServer(replica)
  const set = watch(writer.send('SET', 'k', 'new'))
  await waitUntil('the master has it', async () => (await ask(master, ['GET', 'k'])) === 'new', { withinMs: 5000 })
  const get = watch(reader.send('GET', 'k'))
  await waitUntil('the replica is missed', () => holdfast.find('ack.short'), { withinMs: 5000 })
  t.equal(await (await connect()).send('PING'), 'PONG', 'what tells of no data goes at once')
  t.notOk(set.said || get.said)
  for (const replica of replicas) await resumeServer(replica)
  t.equal(await get.reply, 'new')
  t.equal(await set.reply, 'OK')
})

t.test('ack — more blocks than a link has fields for — all go — when the first are confirmed', async t => {
  const { holdfast, master, replicas, connect } = await world(t, { links: 'private' })
  const client = await connect()
  t.equal(await client.send('SET', 'n', '0'), 'OK')
  t.match(text(await client.send('SET', 'n')), /^ERR wrong number/, 'from here on each of its writes is a block')
  for (const replica of replicas) await stopServer(replica)
  // A session's own link has fields for four. What can have no marker takes the pipeline apart.
  const writes = Array.from({ length: 10 }, () => ['INCR', 'n'])
  let replies: Value[] = []
  void client.pipeline([...writes, ['MIGRATE', '127.0.0.1', '1', 'nosuch', '0', '10'], ...writes]).then(values => {
    replies = values
  })
  await waitUntil('the fields are in use', async () => (await ask(master, ['GET', 'n'])) === '4', { withinMs: 5000 })
  await waitUntil('the replica is missed', () => holdfast.find('ack.short'), { withinMs: 5000 })
  for (const replica of replicas) await resumeServer(replica)
  await waitUntil('all are answered', () => replies.length > 0, { withinMs: 20_000 })
  t.equal(replies.at(-1), 20)
})

t.test('ack — no replica within the hold time — is told truthfully, and new writes fail at once', async t => {
  const options = { 'hold-timeout': roomFor(600) }
  const { holdfast, master, replicas, connect } = await world(t, options, { expectedErrors: ['ack.tripped'] })
  const client = await connect()
  t.equal(await client.send('INCR', 'n'), 1)
  for (const replica of replicas) await stopServer(replica)
  const other = await connect()
  for (const reply of await Promise.all([client.send('INCR', 'n'), other.send('INCR', 'm')]))
    t.match(text(reply), /^UNKNOWN holdfast: the command has run on the master/)
  t.equal(holdfast.counters.trips, 1, 'the breaker opens once, however many writes it costs')
  t.match(text(await client.send('INCR', 'n')), /^TRYAGAIN .* the command was not run/)
  t.equal(await client.send('GET', 'n'), '2')
  t.equal(await ask(master, ['GET', 'n']), '2')
  t.equal(holdfast.counters.unacknowledged, 2)
  for (const replica of replicas) await resumeServer(replica)
  await waitUntil('replicas confirm again', () => holdfast.find('ack.restored'), { withinMs: 10_000 })
  t.equal(await client.send('INCR', 'n'), 3)
})

t.test('ack — an EXEC that is refused because no replica confirms — leaves no open MULTI behind', async t => {
  const options = { 'hold-timeout': roomFor(600) }
  const { holdfast, master, replicas, connect } = await world(t, options, { expectedErrors: ['ack.tripped'] })
  const [client, other, pipelining] = [await connect(), await connect(), await connect()]
  for (const one of [client, pipelining]) {
    t.equal(await one.send('MULTI'), 'OK')
    t.equal(await one.send('INCR', 'n'), 'QUEUED')
  }
  for (const replica of replicas) await stopServer(replica)
  t.match(text(await other.send('SET', 'k', 'v')), /^UNKNOWN/)
  const lost = holdfast.counters.linksLost
  t.match(text(await client.send('EXEC')), /^TRYAGAIN .* the command was not run/)
  t.equal(await client.send('PING'), 'PONG', 'what comes then is no part of it')
  const [exec, ...rest] = await pipelining.pipeline([['EXEC'], ['PING'], ['GET', 'n']])
  t.match(text(exec ?? null), /^TRYAGAIN .* the command was not run/)
  t.strictSame(rest, ['PONG', null])
  t.equal(holdfast.counters.linksLost, lost, 'a DISCARD ends it, and the links stay')
  for (const replica of replicas) await resumeServer(replica)
  await waitUntil('replicas confirm again', () => holdfast.find('ack.restored'), { withinMs: 10_000 })
  // They go on with the links that are idle now.
  for (const [i, session] of [client, other, pipelining].entries()) {
    t.equal(await session.send('MULTI'), 'OK')
    t.equal(await session.send('INCR', 'n'), 'QUEUED')
    t.strictSame(await session.send('EXEC'), [i + 1])
  }
  t.equal(await ask(master, ['GET', 'n']), '3')
})

t.test('ack — no replica within the hold time — each command of a pipeline is told what is true of it', async t => {
  const commands = [['SET', 'k', 'new'], ['GET', 'k'], ['PING'], ['SCAN', '0']]
  const notSeen = /^TRYAGAIN .* what the read has seen; nothing was changed by it \(--reads committed\)/
  for (const [reads, seen, scanned] of [
    ['plain', /^new$/, /^0,/],
    ['committed', notSeen, notSeen],
  ] as const) {
    const options = { 'hold-timeout': roomFor(600), reads }
    const { holdfast, replicas, connect } = await world(t, options, { expectedErrors: ['ack.tripped'] })
    const clients = [await connect(), await connect(), await connect()] as const
    t.equal(await clients[0].send('SET', 'k', 'old'), 'OK')
    for (const replica of replicas) await stopServer(replica)
    const [run, apart, unit] = await Promise.all([
      clients[0].pipeline(commands),
      Promise.all(commands.map(words => clients[1].send(...words))),
      clients[2].pipeline([['MULTI'], ['SET', 'm', '1'], ['GET', 'm'], ['EXEC']]),
    ])
    const hasRun = /^UNKNOWN holdfast: the command has run on the master/
    t.match(run.map(text), [hasRun, seen, /^PONG$/, scanned], reads)
    t.match(apart.map(text), [hasRun, seen, /^PONG$/, scanned], reads)
    t.match(unit.map(text), [/^OK$/, /^QUEUED$/, /^QUEUED$/, hasRun], reads)
    t.equal(holdfast.counters.unacknowledged, 3)
    for (const replica of replicas) await resumeServer(replica)
  }
})

t.test('ack — a failover is announced — and nothing is confirmed until it is over', async t => {
  const { holdfast, sentinel, master, replicas, connect, announce } = await world(t)
  const client = await connect()
  t.equal(await client.send('INCR', 'n'), 1)
  for (const replica of replicas) await stopServer(replica)
  const lost = watch(client.send('INCR', 'n'))
  await waitUntil('the master has it', async () => (await ask(master, ['GET', 'n'])) === '2', { withinMs: 5000 })
  await waitUntil('the replica is missed', () => holdfast.find('ack.short'), { withinMs: 5000 })
  await announce()
  for (const replica of replicas) await resumeServer(replica)
  const offset = async (node: Node): Promise<string> =>
    /master_repl_offset:(\d+)/.exec(String(await ask(node, ['INFO', 'replication'])))?.[1] ?? ''
  const isEqual = async (): Promise<boolean> => {
    const [one, ...others] = await Promise.all([master, ...replicas].map(offset))
    return others.every(other => other === one)
  }
  await waitUntil('the replica has all', isEqual, { withinMs: 10_000 })
  t.notOk(lost.said, 'a replica has it, and it may not be the one that is promoted')
  sentinel.flags = 'master'
  sentinel.publish('-failover-abort-no-good-slave', `master mymaster ${master.host} ${master.port}`)
  t.equal(await lost.reply, 2)
  t.equal(holdfast.counters.replayed, 0)
})

for (const reads of ['plain', 'committed'])
  t.test(`ack — the new master does not have a withheld write, reads ${reads} — it runs there, once`, async t => {
    const { sentinel, master, replicas, stream, connect, announce } = await world(t, { reads }, { replicas: 2 })
    const [client, reader] = [await connect(), await connect()]
    t.equal(await client.send('INCR', 'n'), 1)
    stream.stall('both')
    const lost = watch(client.send('INCR', 'n'))
    const transaction = Promise.all([['MULTI'], ['INCR', 'm'], ['EXEC']].map(words => client.send(...words)))
    await waitUntil('the master has it', async () => (await ask(master, ['GET', 'm'])) === '1', { withinMs: 5000 })
    const seen = watch(reader.send('GET', 'n'))
    if (reads === 'plain') t.equal(await seen.reply, '2', 'the documented anomaly')
    await announce()
    await endServer(master)
    stream.cut()
    stream.resume()
    const [next, ...others] = replicas as [Node, ...Node[]]
    t.equal(await ask(next, ['GET', 'n']), '1', 'the write is lost with the old master')
    await promote(next, others)
    sentinel.flags = 'master'
    sentinel.switchMaster({ host: next.host, port: next.port }, 2)
    t.equal(await lost.reply, 2)
    t.strictSame(await transaction, ['OK', 'QUEUED', [1]])
    t.equal(await ask(next, ['GET', 'n']), '2')
    t.equal(await ask(next, ['GET', 'm']), '1')
    if (reads === 'committed') t.match(String(await seen.reply), /^[12]$/)
  })

/** The master is lost with all that `stream` has kept from its replicas; the first of these takes its place. */
async function loseMaster({ sentinel, master, replicas, stream, announce }: World): Promise<Node> {
  await announce()
  await endServer(master)
  stream.cut()
  stream.resume()
  const [next, ...others] = replicas as [Node, ...Node[]]
  await promote(next, others)
  sentinel.flags = 'master'
  sentinel.switchMaster({ host: next.host, port: next.port }, 2)
  return next
}

t.test(
  'ack — a blocking command whose time is over in a failover — is told so at once, as it has done nothing',
  async t => {
    const { holdfast, master, connect, announce } = await world(t, { reads: 'committed' })
    const client = await connect()
    const popped = watch(client.send('BLPOP', 'q', (slowness() / 2).toFixed(2)))
    const isWaiting = async (): Promise<boolean> =>
      String(await ask(master, ['INFO', 'clients'])).includes('blocked_clients:1')
    await waitUntil('it waits at the master', isWaiting, { withinMs: 20_000 })
    await announce()
    await waitUntil('it is told', () => popped.said, { withinMs: 20_000 })
    t.equal(await popped.reply, null)
    t.notOk(
      holdfast.find(
        'hold.end',
        holdfast.log.findIndex(({ event }) => event === 'failover.announced'),
      ),
    )
  },
)

t.test('ack — a MULTI is open — what a new link is told of the session comes before it', async t => {
  const scene = await world(t, {}, { replicas: 2 })
  const client = await scene.connect()
  await client.pipeline([['WATCH', 'n'], ['UNWATCH']])
  await client.send('INCR', 'n')
  // The link that watched is there for whoever needs one, and has no name.
  await client.send('CLIENT', 'SETNAME', 'me')
  scene.stream.stall('both')
  const queued = watch(Promise.all([client.send('MULTI'), client.send('INCR', 'm')]))
  await waitUntil('it is queued, without a word of a replica', () => queued.said, { withinMs: 5000 })
  await loseMaster(scene)
  t.strictSame(await client.send('EXEC'), [1])
})

t.test('ack — a write without a reply before MULTI — a new link runs it before that', async t => {
  const scene = await world(t, {}, { replicas: 2 })
  const client = await scene.connect()
  await client.send('CLIENT', 'NO-TOUCH', 'ON')
  scene.stream.stall('both')
  client.socket.write(
    Buffer.concat(
      [
        ['CLIENT', 'REPLY', 'SKIP'],
        ['INCR', 'n'],
      ].map(encodeCommand),
    ),
  )
  const multi = client.send('MULTI')
  await waitUntil('the master has it', async () => (await ask(scene.master, ['GET', 'n'])) === '1', { withinMs: 5000 })
  const next = await loseMaster(scene)
  t.equal(await multi, 'OK')
  t.equal(await client.send('INCR', 'm'), 'QUEUED')
  t.equal(await ask(next, ['GET', 'n']), '1')
  t.strictSame(await client.send('EXEC'), [1])
  t.equal(await ask(next, ['GET', 'n']), '1')
})

t.test('ack — a write without a reply — what its session reads behind it waits for the replica, too', async t => {
  const { holdfast, master, replicas, connect } = await world(t)
  const [client, other] = [await connect(), await connect()]
  for (const replica of replicas) await stopServer(replica)
  client.socket.write(Buffer.concat([encodeCommand(['CLIENT', 'REPLY', 'SKIP']), encodeCommand(['INCR', 'n'])]))
  await waitUntil('the master has it', async () => (await ask(master, ['GET', 'n'])) === '1', { withinMs: 5000 })
  const get = watch(client.send('GET', 'n'))
  await waitUntil('the replica is missed', () => holdfast.find('ack.short'), { withinMs: 5000 })
  t.equal(await other.send('GET', 'n'), '1', 'a plain read of another session is not held back')
  t.notOk(get.said)
  for (const replica of replicas) await resumeServer(replica)
  t.equal(await get.reply, '1')
})

t.test('ack — the new master has a withheld write — its reply comes when that one’s replica has it, too', async t => {
  const { holdfast, sentinel, master, replicas, connect, announce } = await world(
    t,
    { ack: 'replicated=2' },
    { replicas: 2 },
  )
  const [one, other] = replicas as [Node, Node]
  const client = await connect()
  t.equal(await client.send('INCR', 'n'), 1)
  await stopServer(other)
  const slow = await connect()
  await slow.send('WATCH', 'nobody')
  await slow.send('MULTI')
  await slow.send('INCR', 'm')
  const all = [client.send('INCR', 'n'), client.send('GET', 'n'), client.send('RPUSH', 'l', 'x'), slow.send('EXEC')]
  const watched = all.map(watch)
  const has = async (): Promise<boolean> =>
    (await ask(one, ['LLEN', 'l'])) === 1 && (await ask(one, ['GET', 'm'])) === '1'
  await waitUntil('one replica has it', has, { withinMs: 5000 })
  await announce()
  await endServer(master)
  await promote(one, [])
  sentinel.flags = 'master'
  const from = holdfast.log.length
  sentinel.switchMaster({ host: one.host, port: one.port }, 2)
  await waitUntil('the new master is served', () => holdfast.find('hold.end', from), { withinMs: 20_000 })
  t.equal(await (await connect()).send('GET', 'n'), '2', 'it is there')
  t.notOk(watched.some(({ said }) => said))
  await resumeServer(other)
  await ask(other, ['REPLICAOF', one.host, String(one.port)])
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  await startReplica(t, one, { dir, name: 'third' })
  t.strictSame(await Promise.all(all), [2, '2', 1, [1]])
  t.equal(await ask(one, ['GET', 'n']), '2')
  t.equal(await ask(one, ['GET', 'm']), '1')
  t.equal(holdfast.counters.unknownOutcomes, 0)
})

t.test('ack — the new master has a withheld write, and no replica — it is not told as done', async t => {
  const options = { ack: 'replicated=2', 'hold-timeout': roomFor(3000) }
  const { holdfast, sentinel, master, replicas, connect, announce } = await world(t, options, {
    replicas: 2,
    expectedErrors: ['ack.tripped'],
  })
  const [one, other] = replicas as [Node, Node]
  const client = await connect()
  t.equal(await client.send('INCR', 'n'), 1)
  await stopServer(other)
  const all = [client.send('INCR', 'n'), client.send('SET', 'k', 'v')]
  await waitUntil('one replica has it', async () => (await ask(one, ['GET', 'k'])) === 'v', { withinMs: 5000 })
  await announce()
  await endServer(master)
  await promote(one, [])
  sentinel.flags = 'master'
  const from = holdfast.log.length
  sentinel.switchMaster({ host: one.host, port: one.port }, 2)
  await waitUntil('the new master is served', () => holdfast.find('hold.end', from), { withinMs: 20_000 })
  t.match((await Promise.all(all)).map(text), [/^UNKNOWN /, /^UNKNOWN /])
  t.equal(await ask(one, ['GET', 'n']), '2')
})

t.test('ack — the connection that asks is lost — the marker tells, and nothing runs twice', async t => {
  const { holdfast, master, replicas, connect } = await world(t)
  const clients = [await connect(), await connect(), await connect(), await connect()]
  const asker = async (): Promise<string | undefined> =>
    /id=(\d+) .*flags=b.*cmd=wait/.exec(String(await ask(master, ['CLIENT', 'LIST'])))?.[1]
  for (let round = 1; round <= 5; round++) {
    for (const replica of replicas) await stopServer(replica)
    const replies = clients.map((client, i) =>
      Promise.all([client.send('INCR', `n${i}`), client.send('RPUSH', `l${i}`, String(round))]),
    )
    const id = await waitUntil('it is asked', asker, { withinMs: 5000 })
    await ask(master, ['CLIENT', 'KILL', 'ID', id])
    for (const replica of replicas) await resumeServer(replica)
    for (const said of await Promise.all(replies)) t.strictSame(said, [round, round])
  }
  t.equal(holdfast.counters.unknownOutcomes, 0)
  t.ok(holdfast.counters.linksLost > 0)
})

t.test('ack — the connection that asks is lost while a replica is missed — its next one confirms nothing', async t => {
  const { holdfast, master, replicas, connect } = await world(t)
  const { counters } = holdfast
  const [first, second] = [await connect(), await connect()]
  t.equal(await first.send('INCR', 'n'), 1)
  for (const replica of replicas) await stopServer(replica)
  const writes = [watch(first.send('INCR', 'n'))]
  await waitUntil('the replica is missed', () => holdfast.find('ack.short'), { withinMs: 5000 })
  const barriers = (): number => counters.detail.linksOpened.get('barrier') ?? 0
  const before = barriers()
  await ask(master, ['CLIENT', 'KILL', 'TYPE', 'normal'])
  await waitUntil('another connection asks', () => barriers() > before, { withinMs: 10_000 })
  const short = counters.barriersShort
  writes.push(watch(second.send('INCR', 'm')))
  const isSaid = (): boolean => writes.some(({ said }) => said)
  await waitUntil('it has asked', () => isSaid() || counters.barriersShort > short, { withinMs: 10_000 })
  t.notOk(isSaid(), 'no replica has it')
  for (const replica of replicas) await resumeServer(replica)
  t.strictSame(await Promise.all(writes.map(({ reply }) => reply)), [2, 1])
})

t.test('ack — the connection that asks is lost while writes are refused — its next one confirms nothing', async t => {
  const options = { 'hold-timeout': roomFor(600) }
  const { holdfast, master, replicas, connect } = await world(t, options, { expectedErrors: ['ack.tripped'] })
  const { counters } = holdfast
  const client = await connect()
  for (const replica of replicas) await stopServer(replica)
  t.match(text(await client.send('INCR', 'n')), /^UNKNOWN/)
  const barriers = (): number => counters.detail.linksOpened.get('barrier') ?? 0
  const [before, from] = [barriers(), holdfast.log.length]
  await ask(master, ['CLIENT', 'KILL', 'TYPE', 'normal'])
  await waitUntil('another connection asks', () => barriers() > before, { withinMs: 10_000 })
  const short = counters.barriersShort
  const isRestored = (): boolean => holdfast.find('ack.restored', from) !== undefined
  await waitUntil('it has asked', () => isRestored() || counters.barriersShort > short, { withinMs: 10_000 })
  t.notOk(isRestored(), 'no replica has it')
  for (const replica of replicas) await resumeServer(replica)
  await waitUntil('replicas confirm again', isRestored, { withinMs: 10_000 })
  t.equal(await client.send('INCR', 'n'), 2)
})

t.test('ack — the memory is full and the marker evicted, or the connection new — clients can delete', async t => {
  const { holdfast, master, connect } = await world(t, { 'hold-timeout': '10s' })
  const client = await connect()
  for (const key of ['one', 'two', 'three']) t.equal(await client.send('SET', key, 'v'), 'OK')
  t.equal(await ask(master, ['SET', 'big', 'x'.repeat(5_000_000)]), 'OK')
  // Nothing but the marker may be evicted.
  await ask(master, ['CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru'])
  await ask(master, ['CONFIG', 'SET', 'maxmemory', '3mb'])
  t.match(text(await client.send('INCR', 'n')), /^OOM /)
  const markers = async (): Promise<number> => [await ask(master, ['KEYS', '__holdfast:*'])].flat().length
  await waitUntil('the marker is evicted', async () => (await markers()) === 0, { withinMs: 5000 })
  t.equal(await client.send('DEL', 'one'), 1)
  const barriers = (): number => holdfast.counters.detail.linksOpened.get('barrier') ?? 0
  const before = barriers()
  await ask(master, ['CLIENT', 'KILL', 'TYPE', 'normal'])
  t.equal(await client.send('DEL', 'two'), 1)
  t.ok(barriers() > before)
  t.equal(await client.send('DEL', 'big'), 1)
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  await waitUntil('the marker is there again', async () => (await markers()) === 1, { withinMs: 5000 })
})

t.test('ack — the server refuses a write for the whole hold time — its client is told that it was not run', async t => {
  const { master, connect } = await world(t, { 'hold-timeout': roomFor(1500) })
  const client = await connect()
  t.equal(await client.send('INCR', 'n'), 1)
  await ask(master, ['CONFIG', 'SET', 'min-replicas-to-write', '9'])
  t.match(text(await client.send('INCR', 'n')), /^TRYAGAIN .* was not run/)
  await ask(master, ['CONFIG', 'SET', 'min-replicas-to-write', '0'])
  t.equal(await client.send('INCR', 'n'), 2)
})

t.test('ack — pipelines with and without effects — keep their order', async t => {
  const { connect } = await world(t)
  const client = await connect()
  const other = await connect()
  await other.send('HELLO', '3')
  for (let round = 1; round <= 50; round++) {
    const replies = await Promise.all(
      [['INCR', 'n'], ['GET', 'n'], ['PING'], ['SELECT', '0'], ['NOSUCH'], ['INCR', 'n'], ['GET', 'n']].map(words =>
        client.send(...words),
      ),
    )
    t.strictSame(replies.map(text).slice(0, 4), [String(round * 2 - 1), String(round * 2 - 1), 'PONG', 'OK'])
    t.match(text(replies[4] ?? null), /unknown command/)
    t.strictSame(replies.slice(5).map(text), [String(round * 2), String(round * 2)])
    const subscribed = await Promise.all([other.send('INCR', 'o'), other.send('PING'), other.send('INCR', 'o')])
    t.strictSame(subscribed, [round * 2 - 1, 'PONG', round * 2])
  }
})

t.test('ack — without the right to WAIT — names it, and writes wait and then fail unrun', async t => {
  const options = { 'hold-timeout': '700ms' }
  const { holdfast, master, connect } = await world(t, options, { expectedErrors: ['ack.tripped'] })
  await ask(master, ['ACL', 'SETUSER', 'default', '-wait'])
  await ask(master, ['CLIENT', 'KILL', 'TYPE', 'normal'])
  const client = await connect()
  t.match(text(await client.send('INCR', 'n')), /^TRYAGAIN holdfast: the master could not be asked in time which/)
  t.match(holdfast.find('rights.missing'), { right: /wait/, msg: /ACL SETUSER default \+wait/ })
  t.equal(await ask(master, ['GET', 'n']), null)
  await ask(master, ['ACL', 'SETUSER', 'default', '+wait'])
})

t.test('ack — the right to WAIT is taken from one user — and another one of the clients has it', async t => {
  const { holdfast, master, connect } = await world(t)
  await ask(master, ['ACL', 'SETUSER', 'app', 'on', '>pw', '~*', '&*', '+@all'])
  const [client, app] = [await connect(), await connect()]
  t.equal(await app.send('AUTH', 'app', 'pw'), 'OK')
  t.equal(await client.send('INCR', 'n'), 1)
  await ask(master, ['ACL', 'SETUSER', 'default', '-wait']) // the connection that asks stays
  t.equal(await client.send('INCR', 'n'), 2)
  t.equal(await app.send('INCR', 'n'), 3)
  t.match(holdfast.find('rights.missing'), { user: 'default', right: /wait/ })
  await ask(master, ['ACL', 'SETUSER', 'default', '+wait'])
})

t.test('ack — nobody may ask which replicas have a write — says so, refuses the next ones, until one may', async t => {
  const options = { 'retry-policy': 'always', 'hold-timeout': '700ms' }
  const { holdfast, master, replicas, connect } = await world(t, options, { expectedErrors: ['ack.tripped'] })
  await ask(master, ['ACL', 'SETUSER', 'default', 'resetkeys', '~app:*'])
  const client = await connect()
  t.match(text(await client.send('INCR', 'app:n')), /^TRYAGAIN holdfast: the master could not be asked in time which/)
  const missing = holdfast.log.filter(({ event }) => event === 'rights.missing')
  t.ok(missing.some(({ right }) => /wait/.test(String(right))))
  t.match(holdfast.find('ack.tripped'), { replicas: 1 })
  t.match(text(await client.send('INCR', 'app:n')), /^TRYAGAIN holdfast: not enough replicas have confirmed earlier/)
  t.equal(await client.send('GET', 'app:n'), null, 'neither has run')
  await ask(master, ['ACL', 'SETUSER', 'default', 'resetkeys', '~*'])
  await waitUntil('it may be asked', () => holdfast.find('ack.restored'), { withinMs: 20_000 })
  t.equal(await client.send('INCR', 'app:n'), 1)
  t.equal(await ask(replicas[0] ?? master, ['GET', 'app:n']), '1')
})

t.test('ack — nobody may ask, and a failover is announced meanwhile — that is no lack of a master', async t => {
  const backoff = { 'retry-backoff-min': '100ms', 'retry-backoff-max': '200ms' }
  const options = { 'retry-policy': 'always', 'hold-timeout': roomFor(2000), ...backoff }
  const { holdfast, master, connect, announce } = await world(t, options, { expectedErrors: ['gate.tripped'] })
  await ask(master, ['ACL', 'SETUSER', 'default', 'resetkeys', '~app:*'])
  const client = await connect()
  const from = holdfast.log.length
  const write = client.send('INCR', 'app:n')
  const isQuestion = ({ cause }: { cause?: unknown }): boolean =>
    cause === 'the link that confirms replication was lost'
  const tries = (): number => holdfast.log.slice(from).filter(isQuestion).length
  await waitUntil('it has been tried for a while', () => tries() >= 3, { withinMs: 5000 })
  await announce()
  t.match(text(await write), /^TRYAGAIN holdfast: the master could not be asked in time which/)
  t.equal(await ask(master, ['GET', 'app:n']), null)
})

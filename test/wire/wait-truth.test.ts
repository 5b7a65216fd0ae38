// WAIT and WAITAOF say what is true of the session's own writes: also when another master has acknowledged them, and
// when the user may not do what the truth takes. Two servers, and a Sentinel of ours that says which of them is the
// master.
import t, { type Test } from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { isOlder } from '../support/needs.ts'
import { ask, RespClient, RespError, type Value } from '../support/resp-client.ts'
import { endServer, makeFolder, type Node, removeFolder, startServer } from '../support/servers.ts'
import { settings } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Redis 7.2 has WAITAOF. */
const hasAof = !isOlder('redis', 7.2)

interface Pair {
  readonly port: number
  readonly first: Node
  readonly second: Node
  /** The first is killed and the second is master. */
  readonly failOver: () => Promise<void>
}

/**
 * `first` is master and has no replica; `second` has one, so that its WAIT 1 is 1 at once. With --ack replicated a write
 * that no replica has would get no reply.
 */
async function startPair(t: Test, options: Readonly<Record<string, string>> = {}): Promise<Pair> {
  const {
    holdfast,
    node: first,
    sentinel,
  } = await startSingle(t, {
    flavour: 'redis',
    options: { ack: 'master', reads: 'plain', ...options },
  })
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const start = async (name: string, config: readonly string[]): Promise<Node> => {
    const node = await startServer({ flavour: 'redis', kind: 'data', name, dir, config: ['save ""', ...config] })
    t.teardown(() => endServer(node))
    return node
  }
  const second = await start('two', [])
  await start('three', [`replicaof ${second.host} ${second.port}`])
  const attached = async (): Promise<boolean> =>
    String(await ask(second, ['INFO', 'replication'])).includes('state=online')
  await waitUntil('the replica is attached', attached, { withinMs: 60_000 })
  return {
    port: holdfast.port,
    first,
    second,
    failOver: async () => {
      await endServer(first)
      sentinel.switchMaster({ host: second.host, port: second.port }, 2)
    },
  }
}

async function connect(t: Test, port: number): Promise<RespClient> {
  const client = await RespClient.connect(port)
  t.teardown(() => client.close())
  return client
}

const blocked = async (node: Node): Promise<boolean> =>
  String(await ask(node, ['INFO', 'clients'])).includes('blocked_clients:1')

t.test('WAIT — answers 0 — for writes that another master has acknowledged', async t => {
  const { port, first, failOver } = await startPair(t)
  const [blocks, later, reader, vouched, unheard, piped] = await Promise.all(
    Array.from({ length: 6 }, () => connect(t, port)),
  )
  if (!blocks || !later || !reader || !vouched || !unheard || !piped) throw new Error('too few')
  for (const client of [blocks, later, vouched, unheard]) t.equal(await client.send('SET', 'k', 'v'), 'OK')
  t.equal(await reader.send('GET', 'k'), 'v')
  t.equal(await later.send('WAIT', '0', '10'), 0, 'a question that vouches for nothing')
  t.equal(await unheard.send('WAIT', '1', '10'), 0, 'it was not what the client wanted')
  if (hasAof) t.strictSame(await vouched.send('WAITAOF', '0', '0', '10'), [0, 0])
  t.strictSame(await piped.pipeline([['MULTI'], ['SET', 'k', 'w'], ['EXEC']]), ['OK', 'QUEUED', ['OK']])
  const inFlight = blocks.send('WAIT', '1', '0')
  await waitUntil('it waits at the first master', () => blocked(first), { withinMs: 60_000 })
  await failOver()
  t.equal(await inFlight, 0, 'in flight')
  t.equal(await later.send('GET', 'k'), null, 'the write is gone')
  t.equal(await later.send('WAIT', '1', '1000'), 0)
  t.equal(await later.send('WAIT', '1', '1000'), 0, 'it has not written since')
  t.equal(await unheard.send('WAIT', '1', '1000'), 0)
  t.equal(await piped.send('WAIT', '1', '1000'), 0, 'a transaction')
  if (hasAof) t.strictSame(await vouched.send('WAITAOF', '0', '1', '1000'), [0, 0])
  t.ok((await vouched.send('WAITAOF', '1', '1', '1000')) instanceof RespError, "the server's own refusals are its own")
  t.ok((await later.send('WAIT', 'x', '1000')) instanceof RespError)
  // None of this concerns who has written nothing, or has been told and writes again.
  t.equal(await reader.send('WAIT', '1', '60000'), 1)
  t.equal(await (await connect(t, port)).send('WAIT', '1', '60000'), 1)
  for (const client of [later, blocks, piped, reader]) {
    t.equal(await client.send('SET', 'k', 'again'), 'OK')
    t.equal(await client.send('WAIT', '1', '60000'), 1)
  }
})

for (const policy of ['safe', 'once'] as const)
  t.test(`WAIT — is asked again — where writes are not, under ${policy}`, async t => {
    const { port, first, failOver } = await startPair(t, { 'retry-policy': policy })
    const client = await connect(t, port)
    t.equal(await client.send('SET', 'k', 'v'), 'OK')
    const inFlight = client.send('WAIT', '1', '0')
    await waitUntil('it waits at the first master', () => blocked(first), { withinMs: 60_000 })
    await failOver()
    t.equal(await inFlight, 0, 'the write is not there')
    t.equal(await client.send('SET', 'k', 'w'), 'OK')
    t.equal(await client.send('WAIT', '1', '60000'), 1)
  })

t.test('WAIT — answers the truth — of a write that was held for the new master', async t => {
  const { port, first, second, failOver } = await startPair(t)
  const client = await connect(t, port)
  t.equal(await client.send('PING'), 'PONG')
  await endServer(first)
  const held = client.send('SET', 'k', 'v')
  await failOver()
  t.equal(await held, 'OK')
  t.equal(await client.send('WAIT', '1', '60000'), 1)
  t.equal(await ask(second, ['GET', 'k']), 'v')
})

t.test('WAIT — counts on — when a link is lost and the master stays', async t => {
  const { port, first } = await startPair(t)
  const client = await connect(t, port)
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  await ask(first, ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
  t.equal(await client.send('WAIT', '1', '50'), 0, 'it has no replica')
  t.equal(await client.send('WAIT', '0', '50'), 0)
})

t.test('WAIT 0 — counts the replicas — for a session that has written nothing', async t => {
  const { port, failOver } = await startPair(t)
  const [fresh, writer] = [await connect(t, port), await connect(t, port)]
  t.equal(await fresh.send('WAIT', '0', '60000'), 0, 'the first has none')
  await failOver()
  t.equal(await writer.send('SET', 'k', 'v'), 'OK')
  const wait = (): Promise<Value> => fresh.send('WAIT', '0', '60000')
  // A link's first marker is a write of its own: the replica tells of it within a second.
  if (settings.hasMarkers) await waitUntil('it is counted', async () => (await wait()) === 1, { withinMs: 60_000 })
  t.equal(await wait(), 1)
  if (hasAof && !settings.hasMarkers) t.strictSame(await fresh.send('WAITAOF', '0', '0', '60000'), [0, 1])
})

t.test('WAIT — names the right that is missing — rather than answer for another connection', async t => {
  const { holdfast, node } = await startSingle(t, { flavour: 'redis', options: { ack: 'master', reads: 'plain' } })
  const users = [
    ['mute', 'on', '>p', '~*', 'resetchannels', '+@all'],
    ['plain', 'on', '>p', '~*', 'resetchannels', '&holdfast:wait', '-@all', '+set', '+wait', '+spublish'],
    ['barred', 'on', '>p', '~*', 'resetchannels', '+@all', '-wait'],
  ]
  for (const rules of users) t.equal(await ask(node, ['ACL', 'SETUSER', ...rules]), 'OK')
  if (hasAof) t.equal(await ask(node, ['ACL', 'SETUSER', 'plain', '+waitaof']), 'OK')
  const waitAs = async (user: string, command: readonly string[]): Promise<Value> => {
    const client = await connect(t, holdfast.port)
    t.equal(await client.send('AUTH', user, 'p'), 'OK')
    t.equal(await client.send('SET', 'k', 'v'), 'OK')
    return client.send(...command)
  }
  const textOf = (value: Value): string => (value instanceof RespError ? value.message : String(value))
  t.match(textOf(await waitAs('mute', ['WAIT', '0', '60000'])), /^NOPERM holdfast: .*\+spublish &holdfast:wait/)
  if (hasAof)
    t.match(
      textOf(await waitAs('mute', ['WAITAOF', '0', '0', '60000'])),
      /^NOPERM holdfast: .*\+spublish &holdfast:wait/,
    )
  t.equal(await waitAs('plain', ['WAIT', '1', '10']), 0)
  if (hasAof) t.strictSame(await waitAs('plain', ['WAITAOF', '0', '0', '60000']), [0, 0])
  t.match(textOf(await waitAs('barred', ['WAIT', '0', '60000'])), /^NOPERM (?!holdfast)/, "the server's own refusal")
  const told = holdfast.log.filter(line => line.event === 'rights.missing' && line.right?.includes('spublish'))
  t.equal(told.length, 1, 'once')
  t.match(told[0], { user: 'mute', right: '+spublish &holdfast:wait' })
})

t.test('WAIT — says what the server lacks — rather than answer for another connection', async t => {
  const { holdfast } = await startSingle(t, {
    flavour: 'redis',
    serverConfig: ['rename-command SPUBLISH ""'],
    options: { ack: 'master', reads: 'plain' },
  })
  const client = await connect(t, holdfast.port)
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  t.match(await client.send('WAIT', '1', '10'), { message: /^ERR holdfast: .* need SPUBLISH/ })
  if (hasAof) t.match(await client.send('WAITAOF', '0', '1', '10'), { message: /^ERR holdfast: .* need SPUBLISH/ })
  t.equal(await client.send('GET', 'k'), 'v', 'the session goes on')
})

// A server that is slow with one session's command is no dead link: that command is waited for and never sent twice,
// others go on, and what ends the wait reaches the server.
import t, { type Test } from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { RespClient, RespError } from '../support/resp-client.ts'
import { settings } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Longer than the silence after which the server is asked what it knows of the link. */
const LONG_MS = 7000

/** Committed reads wait for a barrier, which is a write: while the server takes none, all wait. */
async function scene(t: Test, given: Parameters<typeof startSingle>[1] = {}) {
  const single = await startSingle(t, { ...given, options: { reads: 'plain', ...given.options } })
  const connect = async (): Promise<RespClient> => {
    const client = await RespClient.connect(single.holdfast.port)
    t.teardown(() => client.close())
    await client.send('PING')
    return client
  }
  /** Behind Holdfast's back. */
  const direct = await RespClient.connect(single.node.port)
  t.teardown(() => direct.close())
  const links = async (): Promise<number> =>
    Number(/total_connections_received:(\d+)/.exec(String(await direct.send('INFO', 'stats')))?.[1])
  const warm = (): Promise<unknown> =>
    waitUntil('a warm link', () => single.holdfast.counters.detail.linksOpened.get('spare'), { withinMs: 5000 })
  return { ...single, connect, direct, links, warm }
}

/** Settles when the first has: how many have by then is what the test looks at. */
const isSettled = async (promise: Promise<unknown>): Promise<boolean> =>
  (await Promise.race([promise.then(() => true), new Promise(resolve => setImmediate(() => resolve(false)))])) === true

async function untilBusy(direct: RespClient): Promise<void> {
  const look = async (): Promise<boolean> => {
    const reply = await direct.send('GET', 'k')
    return reply instanceof RespError && reply.code === 'BUSY'
  }
  await waitUntil('the server is busy', look, { withinMs: 5000 })
}

/** Runs for so long, and counts that it has run. */
const counted = (ms: number): string[] => [
  'EVAL',
  `redis.call('INCR', KEYS[1]); local t = redis.call('TIME'); local till = t[1] * 1000 + t[2] / 1000 + ${ms};
   repeat t = redis.call('TIME') until t[1] * 1000 + t[2] / 1000 > till; return 'done'`,
  '1',
  'runs',
]
const endless = ['EVAL', 'while true do end', '0']

t.test('a paused write — delays no other session — and is answered once', async t => {
  const { holdfast, connect, direct, warm } = await scene(t)
  const [writer, reader, other, late] = [await connect(), await connect(), await connect(), await connect()]
  await warm()
  await direct.send('CLIENT', 'PAUSE', String(LONG_MS), 'WRITE')
  const write = writer.send('INCR', 'n')
  // Sent right behind it, so it stands in the same link.
  const first = reader.send('GET', 'k')
  const second = other.send('INCR', 'n')
  t.equal(await first, null)
  for (let i = 0; i < 100; i++) t.equal(await reader.send('GET', 'k'), null)
  t.equal(await late.send('GET', 'k'), null, 'a session that was idle')
  t.equal(holdfast.counters.linksRetired, 1)
  const writes = [write, second]
  // One more waiting write, on the fresh link. With markers a further link would wait, too: its first marker is a write.
  if (!settings.hasMarkers) {
    writes.push(late.send('INCR', 'n'))
    t.equal(await reader.send('GET', 'k'), null)
  }
  t.notOk(await isSettled(Promise.race(writes)), 'the writes are still waited for')
  const counts = writes.map((_, i) => i + 1)
  t.strictSame(await Promise.all(writes), counts, 'each ran once')
  t.equal(await direct.send('GET', 'n'), String(counts.length))
  if (!settings.hasMarkers) t.equal(holdfast.counters.linksLost, 0, 'a fresh link came up at once')
  t.equal(holdfast.counters.replayed, 0)
  t.match(holdfast.find('link.retired'), { level: 'warn', moved: 1, ...(settings.hasMarkers ? {} : { inFlight: 3 }) })
  await waitUntil(
    'the silent links are closed',
    () => holdfast.log.filter(({ event }) => event === 'link.answered').length === counts.length - 1,
    { withinMs: 5000 },
  )
})

t.test('more links than eight wait — reads wait behind the ninth — and the log says why', async t => {
  // With markers a fresh link waits by itself.
  const { holdfast, connect, direct, warm } = await scene(t, { options: { 'retry-policy': 'always', ack: 'master' } })
  const writers: RespClient[] = []
  for (let i = 0; i < 9; i++) writers.push(await connect())
  const reader = await connect()
  await warm()
  await direct.send('CLIENT', 'PAUSE', '60000', 'WRITE')
  const writes: Promise<unknown>[] = []
  for (const [i, writer] of writers.entries()) {
    writes.push(writer.send('INCR', 'n'))
    const read = reader.send('GET', 'k')
    if (i < 8) t.equal(await read, null, `beside ${i + 1} that wait`)
    else {
      await waitUntil('it is told', () => holdfast.find('link.retire_limit'), { withinMs: 10_000 })
      t.notOk(await isSettled(read))
      await direct.send('CLIENT', 'UNPAUSE')
      t.equal(await read, null)
    }
  }
  t.match(holdfast.find('link.retire_limit'), { level: 'warn', identity: 'user (no login), db 0, RESP2' })
  t.equal(holdfast.counters.linksRetired, 8)
  t.strictSame((await Promise.all(writes)).toSorted(), [1, 2, 3, 4, 5, 6, 7, 8, 9], 'each ran once')
})

t.test('a script that runs for long — runs once and answers its client — while others are told BUSY', async t => {
  const { holdfast, connect, direct } = await scene(t)
  await direct.send('CONFIG', 'SET', 'lua-time-limit', '100')
  const [caller, stranger, third] = [await connect(), await connect(), await connect()]
  const script = caller.send(...counted(LONG_MS))
  const behind = stranger.send('INCR', 'n')
  await untilBusy(direct)
  t.match(await third.send('GET', 'k'), { code: 'BUSY' }, 'as directly')
  const fresh = await RespClient.connect(holdfast.port)
  t.teardown(() => fresh.close())
  t.match(await fresh.send('GET', 'k'), { code: 'BUSY' }, 'a new client too')
  t.equal(await script, 'done')
  t.equal(await behind, 1)
  t.equal(await direct.send('GET', 'runs'), '1')
  t.equal(await direct.send('GET', 'n'), '1')
  t.equal(await third.send('GET', 'k'), null)
  t.equal(holdfast.find('link.refused'), undefined)
})

for (const [name, options, greeting] of [
  ['SCRIPT KILL', {}, []],
  ['SCRIPT KILL', {}, ['SELECT', '3']],
  ['SCRIPT KILL', {}, ['CLIENT', 'SETNAME', 'admin']],
  ['SCRIPT KILL', { options: { links: 'private' } }, []],
  ['FUNCTION KILL', {}, []],
] as const)
  t.test(`${name} — ends what others wait for — ${greeting.join(' ')} ${JSON.stringify(options)}`, async t => {
    const { holdfast, connect, direct } = await scene(t, options)
    await direct.send('CONFIG', 'SET', 'lua-time-limit', '100')
    await direct.send(
      'FUNCTION',
      'LOAD',
      "#!lua name=l\nredis.register_function('endless', function() while true do end end)",
    )
    const [caller, admin] = [await connect(), await connect()]
    if (greeting.length > 0) await admin.send(...greeting)
    const stuck = name === 'SCRIPT KILL' ? caller.send(...endless) : caller.send('FCALL', 'endless', '0')
    await untilBusy(direct)
    t.equal(await admin.send(...name.split(' ')), 'OK')
    t.match(await stuck, { message: /killed/ })
    t.equal(await admin.send('GET', 'k'), null)
    // A client that comes when the server is busy.
    const again = name === 'SCRIPT KILL' ? caller.send(...endless) : caller.send('FCALL', 'endless', '0')
    await untilBusy(direct)
    const late = await RespClient.connect(holdfast.port)
    t.teardown(() => late.close())
    t.equal(await late.send(...name.split(' ')), 'OK')
    t.match(await again, { message: /killed/ })
    t.equal(holdfast.find('link.refused'), undefined)
  })

t.test(
  'a server that stands still — answers each command once when it goes on — and is not dialled again and again',
  async t => {
    const { holdfast, node, connect, direct, links, warm } = await scene(t)
    const clients = [await connect(), await connect()]
    await warm()
    const before = await links()
    process.kill(node.pid, 'SIGSTOP')
    const stoppedAt = performance.now()
    const answers = clients.map(client => client.send('INCR', 'n'))
    await waitUntil('it has been silent for long', () => performance.now() - stoppedAt > LONG_MS, {
      withinMs: 2 * LONG_MS,
    })
    process.kill(node.pid, 'SIGCONT')
    t.strictSame((await Promise.all(answers)).toSorted(), [1, 2])
    t.equal(await direct.send('GET', 'n'), '2')
    t.ok((await links()) - before <= 12, `${(await links()) - before} connections, the probes included`)
    t.equal(holdfast.counters.replayed, 0)
  },
)

t.test('what is behind a kill in one write — runs in the session’s own database — under its own name', async t => {
  const { connect } = await scene(t)
  const client = await connect()
  await client.pipeline([
    ['SELECT', 3],
    ['CLIENT', 'SETNAME', 'me'],
    ['SET', 'k', 'v'],
  ])
  for (const rescue of [
    ['SCRIPT', 'KILL'],
    ['FUNCTION', 'KILL'],
    ['FUNCTION', 'STATS'],
    ['CLIENT', 'UNPAUSE'],
  ]) {
    const [, value, name] = await client.pipeline([rescue, ['GET', 'k'], ['CLIENT', 'GETNAME']])
    t.strictSame([value, name], ['v', 'me'], rescue.join(' '))
  }
})

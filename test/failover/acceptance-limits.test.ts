// All data nodes are gone: how long a command waits, what it is told, and that its session outlives it.

import t, { type Test } from 'tap'
import { startHoldfast } from '../support/holdfast.ts'
import { judgeOnce } from '../support/judge-bound.ts'
import { openWindow, type Window } from '../support/pace.ts'
import { RespClient, RespError, type Value } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

interface Ended {
  readonly value: Value
  readonly ms: number
  readonly pace: Window
}

async function timed(reply: Promise<Value>): Promise<Ended> {
  const readPace = openWindow()
  const from = performance.now()
  return { value: await reply, ms: performance.now() - from, pace: readPace() }
}

function hasMetBreaker({ value }: Ended): boolean {
  return value instanceof RespError && /no master for longer than the hold time/.test(value.message)
}

function wait(ms: number): Promise<true> {
  const from = performance.now()
  return waitUntil(`${ms} ms`, (): boolean => performance.now() - from >= ms, { withinMs: ms + 2000 })
}

async function inBounds(
  t: Test,
  { value, ms, pace }: Ended,
  [least, most]: readonly [number, number],
  what: string,
): Promise<void> {
  t.equal(value instanceof RespError && value.code, 'TRYAGAIN', what)
  t.ok(ms >= least, `${what}: after ${ms.toFixed(0)} ms, not before ${least}`)
  await judgeOnce(t, what, most, ms, pace)
}

/** A busy machine may take longer to start than so short a hold time. */
function served(client: RespClient): Promise<true> {
  const isServed = async (): Promise<boolean> => (await client.send('SET', 'k', 'v')) === 'OK'
  return waitUntil('the master is served', isServed, { withinMs: 20_000 })
}

async function connect(t: Test, port: number): Promise<RespClient> {
  const client = await RespClient.connect(port)
  t.teardown(() => client.close())
  return client
}

t.test('a hold — ends each command at its own time, then fails at once, then serves again', async t => {
  const set = await SentinelSet.start({ replicas: 1, failoverTimeoutMs: 5000 })
  t.teardown(() => set.stopAll())
  const common = { sentinels: set.sentinelAddresses(), expectedErrors: ['gate.tripped'] }
  // The node that comes back has no replica.
  const alone = { ack: 'master', reads: 'plain' }
  const timeout = await startHoldfast(t, { ...common, options: { ...alone, 'hold-timeout': '2000ms' } })
  const classic = await startHoldfast(t, {
    ...common,
    options: { ...alone, 'max-retries': '3', 'retry-backoff-min': '1s', 'retry-backoff-max': '1s' },
  })
  const [a, b, c, d] = await Promise.all([
    connect(t, timeout.port),
    connect(t, timeout.port),
    connect(t, timeout.port),
    connect(t, classic.port),
  ])
  for (const client of [a, b, c, d]) await served(client)
  await Promise.all(set.nodes.map(node => set.kill(node)))

  const readPace = openWindow()
  const recipe = timed(d.send('INCR', 'n'))
  const first = timed(a.send('INCR', 'n'))
  await wait(700)
  const second = timed(b.send('GET', 'k'))
  await wait(700)
  const third = timed(c.send('SET', 'k', 'w'))
  await inBounds(t, await first, [2000, 2300], 'the first command')
  await inBounds(
    t,
    await timed(a.send('GET', 'k')),
    [0, 100],
    'a new command in the same session, with the breaker open',
  )
  await inBounds(t, await timed((await connect(t, timeout.port)).send('GET', 'k')), [0, 100], 'one in a new session')
  for (const [what, ended] of [
    ['the command that came 0.7 s later', await second],
    ['the command that came 1.4 s later', await third],
  ] as const)
    if (readPace().stolenMs > 0 && hasMetBreaker(ended))
      t.pass(what, { skip: 'not judged: the machine stood still, and it came when the breaker was open' })
    else await inBounds(t, ended, [2000, 2300], what)
  await inBounds(t, await recipe, [3000, 3400], 'three retries, one second apart')
  await inBounds(t, await timed(d.send('GET', 'k')), [0, 100], 'the breaker after the retries')
  t.equal(timeout.counters.waiting, 0)

  const [old] = set.nodes
  if (!old) throw new Error('no node')
  await set.restart(old)
  for (const client of [a, d]) {
    const isBack = async (): Promise<boolean> => (await client.send('SET', 'back', '1')) === 'OK'
    await waitUntil('commands work again', isBack, { withinMs: 30_000, everyMs: 20 })
  }
  for (const client of [a, b, c, d]) {
    t.strictSame(await client.send('GET', 'back'), '1', 'the session is the same and serves')
    await client.close()
  }
  await timeout.stop()
  await classic.stop()
})

/** Two plain commands, a whole transaction, one command more: seven replies are owed. */
const pipeline = [['GET', 'k'], ['INCR', 'n'], ['MULTI'], ['SET', 'k', 'w'], ['INCR', 'n'], ['EXEC'], ['GET', 'n']]

async function countErrors(client: RespClient): Promise<number> {
  const replies = pipeline.map(() => 0)
  const sent = client.pipeline(pipeline).then(values => {
    values.forEach((value, i) => {
      replies[i] = value instanceof RespError && value.code === 'TRYAGAIN' ? 1 : 0
    })
    return true as const
  })
  await waitUntil('each command has a reply', () => sent, { withinMs: 4000 })
  return replies.reduce((a, b) => a + b, 0)
}

t.test(
  'a pipeline — has one error for each of its commands — at the end of a hold and with the breaker open',
  async t => {
    const set = await SentinelSet.start({ replicas: 0 })
    t.teardown(() => set.stopAll())
    const options = { 'hold-timeout': '1s' }
    const expectedErrors = ['gate.tripped']
    const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options, expectedErrors })
    const client = await connect(t, holdfast.port)
    await served(client)
    await Promise.all(set.nodes.map(node => set.kill(node)))
    t.equal(await countErrors(client), 7, 'when its time is up')
    t.equal(await countErrors(client), 7, 'with the breaker open')
    await client.close()
    await holdfast.stop()
  },
)

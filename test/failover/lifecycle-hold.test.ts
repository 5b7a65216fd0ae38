// SIGTERM at a bad time: during a failover, with a client that never leaves, with a command that has no answer yet,
// twice.
//
// One set for all, as its start is what takes the time. Each test has a proxy of its own and asks who the master is;
// the order is meant in one thing: the last but one kills the master, and the last one kills all that is left.
import t, { type Test } from 'tap'
import { type AsProcess, startHoldfastProcess } from '../support/holdfast.ts'
import { RespClient, RespError } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { isUnproven } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'

async function connect(t: Test, holdfast: AsProcess): Promise<RespClient> {
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  return client
}

t.test('SIGTERM', async t => {
  const set = await SentinelSet.start({ replicas: 1, failoverTimeoutMs: 5000 })
  t.teardown(() => set.stopAll())
  const start = (options: Record<string, string>, expectedExitCode = 0): Promise<AsProcess> =>
    startHoldfastProcess(t, {
      sentinels: set.sentinelAddresses(),
      options,
      expectedExitCode,
    })

  await t.test('a stop — ends an idle client in order — when the grace is over', async t => {
    const holdfast = await start({ 'shutdown-grace': '300ms' })
    const client = await connect(t, holdfast)
    t.equal(await client.send('SET', 'k', 'v'), 'OK')
    holdfast.signal('SIGTERM')
    t.equal((await client.closed).error, null, 'the connection is ended, not reset')
    t.equal(await holdfast.ended, 0)
    t.match(holdfast.find('proxy.grace_over'), { level: 'warn' })
    await holdfast.stop()
  })

  /** A stop begins while the server keeps a write waiting, until it is told CLIENT UNPAUSE. */
  const stopInFlight = async (t: Test, graceMs: number) => {
    const holdfast = await start({ 'shutdown-grace': `${graceMs}ms` })
    const client = await connect(t, holdfast)
    t.equal(await client.send('SET', 'k', 'v'), 'OK')
    const master = await set.currentMaster()
    const unpause = (): Promise<unknown> => set.command(master, 'CLIENT', 'UNPAUSE')
    t.teardown(unpause)
    await set.command(master, 'CLIENT', 'PAUSE', '60000', 'WRITE')
    const reply = client.send('INCR', 'paused')
    holdfast.signal('SIGTERM')
    return { holdfast, client, reply, unpause }
  }

  await t.test('a stop — gives a command in flight its reply — when the grace is over', async t => {
    const { holdfast, client, reply, unpause } = await stopInFlight(t, 300)
    await waitUntil('the grace is over', () => holdfast.find('proxy.grace_over'), { withinMs: 10_000, everyMs: 1 })
    await unpause()
    t.equal(await reply, 1)
    t.equal((await client.closed).error, null)
    t.equal(await holdfast.ended, 0)
    await holdfast.stop()
  })

  await t.test(
    'a stop — says of a command in flight that it may have run — when the server does not answer',
    async t => {
      const { holdfast, client, reply } = await stopInFlight(t, 100)
      const value = await reply
      t.match(value instanceof RespError && value.message, /^(TRYAGAIN|UNKNOWN) holdfast: .* may have run/)
      t.equal((await client.closed).error, null)
      t.equal(await holdfast.ended, 0)
      await holdfast.stop()
    },
  )

  await t.test(
    'a stop — does not wait for a client that is blocked or subscribed — when the grace is over',
    async t => {
      const holdfast = await start({ 'shutdown-grace': '300ms' })
      const [blocked, subscribed] = await Promise.all([connect(t, holdfast), connect(t, holdfast)])
      const popped = blocked.send('BLPOP', 'nothing', '0').catch((error: Error) => error.message)
      await subscribed.send('SUBSCRIBE', 'c')
      holdfast.signal('SIGTERM')
      t.match(await popped, /closed|lost/)
      await subscribed.closed
      t.equal(await holdfast.ended, 0)
      await holdfast.stop()
    },
  )

  await t.test('a second signal — ends it at once with exit code 1 — during the delay too', async t => {
    const holdfast = await start({ 'shutdown-delay': '10m' }, 1)
    const client = await connect(t, holdfast)
    t.equal(await client.send('SET', 'k', 'v'), 'OK')
    holdfast.signal('SIGTERM')
    await waitUntil('it is stopping', () => holdfast.find('proxy.stopping'), { withinMs: 10_000 })
    t.equal(await client.send('GET', 'k'), 'v')
    holdfast.signal('SIGTERM')
    t.equal(await holdfast.ended, 1)
    t.ok(holdfast.find('process.abort'))
    await holdfast.stop()
  })

  await t.test('a stop — keeps what is held until a master is back — within the grace', async t => {
    const holdfast = await start({ 'shutdown-grace': '60s' })
    const clients = await Promise.all([connect(t, holdfast), connect(t, holdfast)])
    for (const client of clients) t.equal(await client.send('SET', 'k', 'v'), 'OK')
    await set.kill(await set.currentMaster())
    await waitUntil('commands are held', () => holdfast.log.find(isSecondHold), { withinMs: 10_000 })
    const replies = clients.map(client => client.send('INCR', 'held'))
    holdfast.signal('SIGTERM')
    await waitUntil('no new clients', () => holdfast.find('proxy.draining'), { withinMs: 10_000 })
    t.strictSame((await Promise.all(replies)).toSorted(), [1, 2], 'the new master has run each once')
    for (const client of clients) await client.close()
    t.equal(await holdfast.ended, 0)
    await holdfast.stop()
  })

  await t.test(
    'a stop — answers what is still held with an error — when the grace is over without a master',
    async t => {
      const holdfast = await start({ 'shutdown-grace': '300ms' })
      const [client, popper, late] = await Promise.all([1, 2, 3].map(() => connect(t, holdfast)))
      if (client === undefined || popper === undefined || late === undefined) throw new Error('not three clients')
      await waitUntil('a master is served', () => holdfast.find('hold.end'), { withinMs: 30_000 })
      const popped = popper.send('BLPOP', 'jobs', '600')
      const master = await set.currentMaster()
      const isBlocked = async (): Promise<boolean> =>
        /^blocked_clients:1\r$/m.test(String(await set.command(master, 'INFO', 'clients')))
      await waitUntil('one is blocked', isBlocked, { withinMs: 10_000 })
      await Promise.all(set.nodes.map(node => set.kill(node)))
      await waitUntil('commands are held', () => holdfast.log.find(isSecondHold), { withinMs: 10_000 })
      const reply = client.send('INCR', 'held')
      const poppedLate = late.send('BLPOP', 'jobs', '600')
      holdfast.signal('SIGTERM')
      const value = await reply
      t.match(
        value instanceof RespError && value.message,
        /^TRYAGAIN holdfast: no master in time; the command was not run/,
      )
      const lost = { message: /^TRYAGAIN holdfast: no answer in time; the command may have run/ }
      if (!isUnproven(await popped)) t.match(await popped, lost, 'one that may have taken something')
      const held = { message: /^TRYAGAIN holdfast: no master in time; the command was not run/ }
      t.match(await poppedLate, held, 'one whose own time is not over')
      t.equal((await client.closed).error, null, 'and the connection is ended behind it')
      t.equal(await holdfast.ended, 0)
      await holdfast.stop()
    },
  )
})

/** The first hold is that of the start. */
function isSecondHold(line: { event?: string; cause?: string }): boolean {
  return line.event === 'hold.start' && line.cause !== 'starting'
}

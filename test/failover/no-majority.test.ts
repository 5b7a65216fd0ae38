// No majority of the Sentinels can be asked, or those that are dead make it seem so, while the master lives: one set,
// scene after scene. Clients are served, nobody is told TRYAGAIN, and /status and the log say on whose word.
import t from 'tap'
import { readStatus, scrape } from '../support/admin.ts'
import { type Holdfast, startHoldfast, startHoldfastProcess } from '../support/holdfast.ts'
import { judgeBound } from '../support/judge-bound.ts'
import { RespClient, RespError } from '../support/resp-client.ts'
import { sentinelId } from '../support/sentinel-config.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { freePort } from '../support/servers.ts'
import { isUnproven } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'

const options = { 'admin-listen': '0' }

async function isServed(holdfast: Holdfast, withinMs: number): Promise<void> {
  const client = await RespClient.connect(holdfast.port)
  let reply: unknown
  void client.send('SET', 'k', 'v').then(value => {
    reply = value
  })
  await waitUntil('a client is served', () => reply !== undefined, { withinMs })
  if (reply !== 'OK') throw new Error(`SET is answered ${String(reply)}`)
  await client.close()
}

t.test('no majority — the master lives, and is used', async t => {
  const set = await SentinelSet.start()
  t.teardown(() => set.stopAll())
  const [first, second, third] = set.sentinels
  if (!first || !second || !third) throw new Error('three Sentinels')
  const master = await set.currentMaster()

  await t.test('two of five seeds never existed and one Sentinel is down: a fresh Holdfast serves', async t => {
    await set.kill(third)
    const absent = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
    const holdfast = await startHoldfast(t, { sentinels: [...absent, ...set.sentinelAddresses()], options })
    await isServed(holdfast, 15_000)
    t.match((await readStatus(holdfast.admin)).sentinels, { known: 3, majority: 2, reachable: 2, basis: 'majority' })
    await holdfast.stop()
  })

  await t.test('two of three Sentinels are dead, the process is frozen and its links are cut: it goes on', async t => {
    const holdfast = await startHoldfastProcess(t, { sentinels: set.sentinelAddresses(), options })
    const clients = await Promise.all(Array.from({ length: 3 }, () => RespClient.connect(holdfast.port)))
    const worker = await RespClient.connect(holdfast.port)
    t.teardown(() => Promise.all([...clients, worker].map(client => client.close())))
    for (const client of clients) t.equal(await client.send('SET', 'a', '1'), 'OK')
    const popped = worker.send('BLPOP', 'jobs', '0')
    await set.kill(second)
    await waitUntil('no majority is told', async () => (await readStatus(holdfast.admin)).sentinels.trouble, {
      withinMs: 10_000,
    })
    t.equal((await scrape(holdfast.admin)).get('holdfast_without_majority'), 1)

    const asleep = await RespClient.connect(master.port)
    t.teardown(() => asleep.close())
    await judgeBound(t, 'commands pass again after it woke up', 5000, async () => {
      holdfast.signal('SIGSTOP')
      // What two seconds of a frozen process look like from outside: its links are gone, commands wait in its sockets.
      const replies = clients.map(client => client.send('INCR', 'n'))
      const frozenAt = performance.now()
      await waitUntil('it has been frozen for two seconds', () => performance.now() - frozenAt > 2_000, {
        withinMs: 10_000,
      })
      await asleep.send('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      holdfast.signal('SIGCONT')
      const wokenAt = performance.now()
      const answers = await Promise.all(replies)
      const ms = performance.now() - wokenAt
      t.notOk(answers.some(answer => answer instanceof RespError))
      return ms
    })
    await clients[0]?.send('RPUSH', 'jobs', 'one')
    const reply = await popped
    if (!isUnproven(reply)) t.strictSame(reply, ['jobs', 'one'], 'a session on a link of its own, too')
    t.match((await readStatus(holdfast.admin)).sentinels, { basis: 'last-master', reachable: 1 })
    t.match(holdfast.find('master.minority'), { level: 'warn', basis: 'last-master', remedy: /SENTINEL RESET/ })

    // One lost link, no standstill.
    await asleep.send('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    for (const client of clients) t.type(await client.send('INCR', 'n'), 'number')
    t.notOk(holdfast.find('gate.tripped'))
    await holdfast.stop()
  })

  await t.test('the master ends while no majority can be asked: held as no-majority, and told so', async t => {
    await set.restart(second)
    const sentinels = set.sentinelAddresses()
    const holdfast = await startHoldfast(t, {
      sentinels,
      options: { ...options, 'hold-timeout': '3s' },
      expectedErrors: ['gate.tripped'],
    })
    await isServed(holdfast, 15_000)
    await set.kill(second)
    await waitUntil('no majority is told', async () => (await readStatus(holdfast.admin)).sentinels.trouble, {
      withinMs: 10_000,
    })
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    t.equal(await client.send('SET', 'k', 'v'), 'OK')
    await set.kill(master)
    t.match(await client.send('SET', 'k', 'w'), { message: /^TRYAGAIN/ })
    // The first one may have begun to wait before the hold did.
    const isTripped = async (): Promise<boolean> => {
      t.match(await client.send('SET', 'k', 'w'), { message: /^TRYAGAIN/ })
      return holdfast.find('gate.tripped') !== undefined
    }
    await waitUntil('the breaker is open', isTripped, { withinMs: 20_000 })
    t.match(holdfast.find('gate.tripped'), { cause: 'no-majority' })
    t.match((await readStatus(holdfast.admin)).gate, { state: 'tripped', cause: 'no-majority' })
    t.equal((await scrape(holdfast.admin)).get('holdfast_gate_cause{cause="no-majority"}'), 1)
    await set.restart(master)
    await set.restart(second)
    await waitUntil('it is served again', async () => (await client.send('SET', 'k', 'x')) === 'OK', {
      withinMs: 60_000,
      everyMs: 100,
    })
    await holdfast.stop()
  })

  await t.test('a Sentinel was replaced four times: a fresh Holdfast is served by those that live', async t => {
    const current = await set.currentMaster()
    const epoch = await set.configEpoch(first)
    const hello = await RespClient.connect(current.port)
    t.teardown(() => hello.close())
    for (let i = 0; i < 4; i++) {
      const words = ['127.0.0.1', await freePort(), sentinelId(), 0, set.masterName, '127.0.0.1', current.port, epoch]
      await hello.send('PUBLISH', '__sentinel__:hello', words.join(','))
    }
    await set.restart(third)
    const counted = async (): Promise<boolean> => {
      const asked = [first, second, third].map(one => set.command(one, 'SENTINEL', 'MASTER', set.masterName))
      const others = (await Promise.all(asked)).map(reply =>
        Array.isArray(reply) ? Number(reply[reply.indexOf('num-other-sentinels') + 1]) : 0,
      )
      return others.filter(number => number === 6).length >= 2
    }
    await waitUntil('the survivors count the dead', counted, { withinMs: 20_000 })
    const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
    await isServed(holdfast, 15_000)
    t.match((await readStatus(holdfast.admin)).sentinels, { known: 7, reachable: 3 })
    const told = holdfast.find('master.minority')
    t.match(told, { level: 'warn', basis: 'quorum', remedy: /SENTINEL RESET/ })
    await waitUntil('the dead are counted', async () => (await readStatus(holdfast.admin)).sentinels.dead === 4, {
      withinMs: 20_000,
    })
    await holdfast.stop()
  })
})

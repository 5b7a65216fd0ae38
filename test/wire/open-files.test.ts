// A process that may open few files: who is let in can do everything, everybody else is told, and nothing that Holdfast
// needs for itself is taken.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import t from 'tap'
import { ask as askAdmin } from '../support/admin.ts'
import { startHoldfastProcess, startSingleProcess } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { slowness } from '../support/pace.ts'
import { ask, type RespClient, RespError, type Value } from '../support/resp-client.ts'
import { TlsScene } from '../support/tls-scene.ts'
import { waitUntil } from '../support/wait-until.ts'
import {
  crowd,
  isServed,
  isTurnedAway,
  LIMIT,
  metric,
  servesByTls,
  sessionsAllowed,
  stayInHandshake,
  under,
} from './few-files.ts'

const skip = without('prlimit')

t.test('more clients than files — each is served or told — and all is well when they have left', async t => {
  const options = { 'admin-listen': '127.0.0.1:0' }
  const { holdfast } = await startSingleProcess(t, { launcher: under(LIMIT), options })
  const line = holdfast.find('process.open_files_limit')
  const most = sessionsAllowed(holdfast)
  t.match(line, { level: 'warn', limit: LIMIT, maxSessions: 10_000, remedy: /ulimit -n/ })
  t.ok(most >= 16 && most < LIMIT, `${most} sessions`)
  t.equal(await metric(holdfast, 'holdfast_sessions_limit'), most)
  const guests = await crowd(t, holdfast.port, 600)
  const served = guests.filter(isServed)
  t.equal(served.length, most, 'as many are served as were announced')
  t.equal(guests.filter(isTurnedAway).length, 600 - most, 'each other one is told')
  t.equal(await metric(holdfast, 'holdfast_sessions_refused_total'), 600 - most, 'and counted')
  t.match(holdfast.find('session.refused'), { level: 'warn', limit: most, by: 'open files' })
  t.equal((await askAdmin(holdfast.admin, '/ready')).status, 200)
  await Promise.all(served.map(({ client }) => client.close()))
  const isEmpty = async (): Promise<boolean> => (await metric(holdfast, 'holdfast_sessions')) === 0
  await waitUntil('they have left', isEmpty, { withinMs: 10_000 })
  const [next] = await crowd(t, holdfast.port, 1)
  t.equal(next?.reply, 'PONG')
})

t.test(
  'clients of which a third block — each of these has a link of its own — where as many as may are connected',
  async t => {
    const { holdfast, node } = await startSingleProcess(t, { launcher: under(LIMIT) })
    const most = sessionsAllowed(holdfast)
    const guests = (await crowd(t, holdfast.port, most + 20)).filter(isServed)
    t.equal(guests.length, most)
    const blocking = guests.slice(0, Math.floor(most / 3))
    const popped = blocking.map(({ client }, i) => client.send('BLPOP', `q${i}`, '0'))
    const areBlocked = async (): Promise<boolean> =>
      String(await ask(node, ['INFO', 'clients'])).includes(`blocked_clients:${blocking.length}\r`)
    await waitUntil('all wait in the server', areBlocked, { withinMs: 10_000, everyMs: 50 })
    for (const i of blocking.keys()) await ask(node, ['RPUSH', `q${i}`, 'v'])
    t.strictSame(
      await Promise.all(popped),
      blocking.map((_, i) => [`q${i}`, 'v']),
    )
    t.equal(holdfast.find('process.open_files'), undefined, 'nobody had to wait for a file')
  },
)

t.test('as many clients as may be connected — with --links private — each has its link', async t => {
  const options = { links: 'private', 'hold-timeout': '5s' }
  const { holdfast } = await startSingleProcess(t, { launcher: under(LIMIT), options })
  const most = sessionsAllowed(holdfast)
  const guests = await crowd(t, holdfast.port, most + 20)
  t.equal(guests.filter(isTurnedAway).length, 20)
  t.equal(guests.filter(isServed).length, most)
  const served = guests.filter(isServed)
  const replies = await Promise.all(served.map(({ client }) => client.send('GET', 'k')))
  t.strictSame([...new Set(replies)], [null])
  t.equal(holdfast.find('process.open_files'), undefined, 'nobody had to wait for a file')
})

t.test('several masters — share what the process may open', async t => {
  const { sentinel } = await startSingleProcess(t)
  const holdfast = await startHoldfastProcess(t, {
    sentinels: [`${sentinel.host}:${sentinel.port}`],
    masterName: 'mymaster=127.0.0.1:0,unknown=127.0.0.1:0',
    options: { 'hold-timeout': `${Math.round(Math.max(1000, 250 * slowness()))}ms` },
    launcher: under(LIMIT),
    expectedErrors: ['gate.tripped'],
  })
  // What comes before its master is confirmed waits for the hold time at most.
  const isConfirmed = (): boolean =>
    holdfast.log.some(({ event, masterName }) => event === 'hold.end' && masterName === 'mymaster')
  await waitUntil('the known master is served', isConfirmed, { withinMs: 20_000 })
  const { masters } = holdfast.find('process.listening') as unknown as { masters: { address: string }[] }
  const [here = 0, there = 0] = masters.map(({ address }) => Number(address.split(':').at(-1)))
  const most = sessionsAllowed(holdfast)
  t.equal((await crowd(t, here, most - 4)).filter(isServed).length, most - 4)
  // No Sentinel knows the other master: whoever is let in waits there for its hold time.
  t.equal((await crowd(t, there, 6)).filter(isTurnedAway).length, 2, 'four more were let in')
})

t.test(
  'more clients than files, by TLS — each is served, told or hung up on — and counted',
  { skip: without('openssl') },
  async t => {
    const tls = await TlsScene.make(t)
    const options = { ...tls.holdfast('listen'), 'admin-listen': '127.0.0.1:0' }
    const { holdfast } = await startSingleProcess(t, { launcher: under(LIMIT), options })
    const counters = ['holdfast_sessions_refused_total']
    const { openFiles, leave } = await stayInHandshake(t, holdfast, { ports: [holdfast.port], each: 300, counters })
    t.ok(openFiles < LIMIT - 8, `${openFiles} files are open`)
    t.match(holdfast.find('session.refused'), { by: 'open files' })
    leave()
    await servesByTls(t, holdfast, tls)
  },
)

t.test(
  'no file is left for a link — its command waits, and gets an error that says why — others go on',
  { skip },
  async t => {
    const { holdfast, node } = await startSingleProcess(t, { options: { 'hold-timeout': '2s' } })
    const setLimit = (limit: number): void => {
      spawnSync('prlimit', ['--pid', String(holdfast.pid), `--nofile=${limit}:`])
    }
    const [shared, ...workers] = (await crowd(t, holdfast.port, 12)).map(({ client }) => client)
    setLimit(readdirSync(`/proc/${holdfast.pid}/fd`).length)
    const refused: Value[] = []
    const pop = (client: RespClient, i: number): Promise<Value> => client.send('BLPOP', `q${i}`, '0')
    const taken = workers.map(async (client, i) => {
      const reply = await pop(client, i)
      if (!(reply instanceof RespError)) return reply
      refused.push(reply.message)
      await raised
      return pop(client, i)
    })
    const { promise: raised, resolve: raise } = Promise.withResolvers<void>()
    const blocked = async (): Promise<number> =>
      Number(/blocked_clients:(\d+)/.exec(String(await ask(node, ['INFO', 'clients'])))?.[1])
    let worked = 0
    const isOver = async (): Promise<boolean> => {
      t.equal(await shared?.send('INCR', 'n'), ++worked)
      return refused.length > 0 && refused.length + (await blocked()) === workers.length
    }
    await waitUntil('each one is blocked or refused', isOver, { withinMs: 10_000, everyMs: 50 })
    for (const message of refused) t.match(message, /^TRYAGAIN holdfast: no file descriptor/)
    t.match(holdfast.find('process.open_files'), { level: 'warn', cause: /EMFILE/, remedy: /ulimit -n/ })
    t.notOk(
      holdfast.log.some(({ event, cause }) => event === 'hold.start' && cause !== 'stood-still'),
      'nothing was held',
    )
    setLimit(1000)
    raise()
    await waitUntil('all are blocked', async () => (await blocked()) === workers.length, { withinMs: 10_000 })
    for (const i of workers.keys()) await ask(node, ['RPUSH', `q${i}`, 'v'])
    t.strictSame(
      await Promise.all(taken),
      workers.map((_, i) => [`q${i}`, 'v']),
    )
  },
)

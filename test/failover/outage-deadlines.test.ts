// Every data node is gone for longer than the hold time: each of some hundred requests ends at its own deadline, what
// comes later fails at once, no session ends, and all are served when the old master is back.

import t, { type Test } from 'tap'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { judgeOnce } from '../support/judge-bound.ts'
import { openWindow, type Window } from '../support/pace.ts'
import { RespClient, RespError, type Value } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { settings } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'

const holdMs = 3000
/** Requests begin within this time after the servers are killed, so that none meets the open breaker. */
const staggerMs = 1800
/** Of BLPOPs that end by themselves. */
const shortMs = 1000
/** performance.now() of two places in one process, and timers that round down. */
const clockMs = 5

const tripped = 'TRYAGAIN holdfast: no master for longer than the hold time; the command was not run'
const plainTexts = [
  'TRYAGAIN holdfast: no master in time; the command was not run',
  'TRYAGAIN holdfast: no answer in time; the command may have run',
  'TRYAGAIN holdfast: no answer in time; nothing was changed',
]

interface Ended {
  readonly value: Value
  readonly ms: number
}

type Crowd = Record<'plain' | 'blocking' | 'brief' | 'queueing' | 'subscriber', RespClient[]>

const everybody = (crowd: Crowd): RespClient[] => Object.values(crowd).flat()

async function connectMany(t: Test, port: number, n: number): Promise<RespClient[]> {
  const clients = await Promise.all(Array.from({ length: n }, () => RespClient.connect(port)))
  t.teardown(async () => void (await Promise.all(clients.map(client => client.close()))))
  return clients
}

async function gather(t: Test, port: number): Promise<Crowd> {
  const crowd = {
    plain: await connectMany(t, port, 40),
    blocking: await connectMany(t, port, 20),
    brief: await connectMany(t, port, 20),
    queueing: await connectMany(t, port, 20),
    subscriber: await connectMany(t, port, 5),
  }
  for (const client of [...crowd.plain, ...crowd.blocking, ...crowd.brief]) await client.send('SET', 'before', '1')
  for (const client of crowd.queueing) await client.pipeline([['MULTI'], ['INCR', 'queued']])
  for (const client of crowd.subscriber) await client.send('SUBSCRIBE', 'news')
  return crowd
}

async function timed(reply: Promise<Value>): Promise<Ended> {
  const from = performance.now()
  return { value: await reply, ms: performance.now() - from }
}

/** Starts `work` for each at its share of the stagger; resolves when all have ended. */
function stagger(clients: readonly RespClient[], works: readonly (readonly string[])[]): Promise<Ended[]> {
  const all = clients.flatMap((client, i) =>
    works.map(async (command, j) => {
      const share = (i / clients.length + j) / works.length
      await new Promise(resolve => setTimeout(resolve, share * staggerMs))
      return timed(client.send(...command))
    }),
  )
  return Promise.all(all)
}

function textsOf(ended: readonly Ended[]): string[] {
  const texts = ended.map(({ value }) => (value instanceof RespError ? value.message : JSON.stringify(value)))
  return [...new Set(texts)].sort()
}

interface Wanted {
  readonly wantedMs: number
  readonly pace: Window
}

/** None before its time, half of them within a quarter of a second after it, all within two. */
async function onTime(t: Test, what: string, ended: readonly Ended[], { wantedMs, pace }: Wanted): Promise<void> {
  const late = ended.map(({ ms }) => ms - wantedMs).sort((a, b) => a - b)
  const at = (q: number): number => late[Math.min(late.length - 1, Math.floor(q * late.length))] ?? Number.NaN
  const shown = [0, 0.5, 0.9, 0.99, 1].map(q => at(q).toFixed(1)).join(', ')
  t.comment(`${what}: ${late.length}, ms after the deadline at 0, 50, 90, 99, 100 %: ${shown}`)
  t.ok(at(0) >= -clockMs, `${what}: none before its deadline, the first ${at(0).toFixed(1)} ms after it`)
  await judgeOnce(t, `${what}: half of them after it`, 250, at(0.5), pace)
  await judgeOnce(t, `${what}: the last after it`, 2000, at(1), pace)
}

async function playDeadlines(t: Test, crowd: Crowd): Promise<void> {
  const readPace = openWindow()
  const [plain, blocking, brief, queueing, subscriber] = await Promise.all([
    stagger(crowd.plain, [
      ['INCR', 'n'],
      ['GET', 'before'],
      ['SET', 'k', 'v'],
      ['INCR', 'n'],
      ['EXISTS', 'k'],
    ]),
    stagger(crowd.blocking, [['BLPOP', 'empty', '10']]),
    stagger(crowd.brief, [['BLPOP', 'empty', String(shortMs / 1000)]]),
    stagger(crowd.queueing, [['INCR', 'queued'], ['EXEC']]),
    stagger(crowd.subscriber, [['PING']]),
  ])
  const pace = readPace()
  // What a standstill of this machine has delayed may come when the breaker is open.
  const inTime = (ended: readonly Ended[]): readonly Ended[] =>
    pace.stolenMs > 0 ? ended.filter(one => !textsOf([one]).includes(tripped)) : ended
  await onTime(t, 'plain commands', inTime(plain), { wantedMs: holdMs, pace })
  await onTime(t, 'BLPOP with more time than the hold', inTime(blocking), { wantedMs: holdMs, pace })
  await onTime(t, 'BLPOP with less', inTime(brief), { wantedMs: shortMs, pace })
  await onTime(t, 'in an open MULTI', inTime(queueing), { wantedMs: holdMs, pace })
  await onTime(t, 'PING of subscribers', inTime(subscriber), { wantedMs: holdMs, pace })
  for (const [what, ended] of Object.entries({ plain, blocking, queueing, subscriber }))
    t.strictSame(
      textsOf(inTime(ended)).filter(text => !plainTexts.includes(text)),
      [],
      `${what}: the documented errors alone`,
    )
  t.strictSame(textsOf(inTime(brief)), ['null'], 'a BLPOP whose own time is over answers as on a server')
}

async function playBreaker(t: Test, holdfast: InProcess, crowd: Crowd): Promise<void> {
  await waitUntil('the breaker is open', () => holdfast.find('gate.tripped'), { withinMs: 5000 })
  const commands = [['GET', 'before'], ['BLPOP', 'empty', '10'], ['INCR', 'n'], ['MULTI'], ['DISCARD']]
  const ended: Ended[] = []
  const readPace = openWindow()
  for (let i = 0; i < 200; i++) {
    const client = crowd.plain[Math.floor(i / commands.length) % crowd.plain.length]
    const command = commands[i % commands.length]
    if (client && command) ended.push(await timed(client.send(...command)))
  }
  const times = ended.map(({ ms }) => ms).sort((a, b) => a - b)
  const median = times[100] ?? Number.NaN
  t.comment(`200 commands: median ${median.toFixed(2)} ms, longest ${(times.at(-1) ?? 0).toFixed(1)} ms`)
  await judgeOnce(t, 'the median of errors at once', 20, median, readPace())
  t.strictSame(textsOf(ended), ['"OK"', tripped], 'DISCARD of a MULTI that was never opened is OK')
}

async function playReturn(t: Test, set: SentinelSet, crowd: Crowd): Promise<void> {
  const [master, replica] = set.nodes
  if (!master || !replica) throw new Error('no node')
  await set.restart(master)
  if (settings.isReplicated) await set.restart(replica)
  const served = async (client: RespClient): Promise<boolean> => !((await client.send('PING')) instanceof RespError)
  const bound = { withinMs: 60_000, everyMs: 20 }
  await Promise.all(everybody(crowd).map(client => waitUntil('it is served', () => served(client), bound)))
  const isConfirmed = async (): Promise<boolean> => (await crowd.plain[0]?.send('SET', 'after', '1')) === 'OK'
  if (settings.isReplicated) await waitUntil('the replica confirms', isConfirmed, bound)
  for (const client of [...crowd.plain, ...crowd.brief]) t.equal(await client.send('SET', 'after', '1'), 'OK')
  for (const client of crowd.queueing)
    t.strictSame(await client.pipeline([['MULTI'], ['INCR', 'again'], ['EXEC']]).then(values => values.length), 3)
  t.equal(await crowd.plain[0]?.send('GET', 'again'), String(crowd.queueing.length), 'each transaction ran')
  for (const client of crowd.blocking) {
    const popped = client.send('BLPOP', 'list', '20')
    await crowd.plain[0]?.send('RPUSH', 'list', 'x')
    t.strictSame(await popped, ['list', 'x'])
  }
  const heard = async (): Promise<boolean> => {
    await crowd.plain[0]?.send('PUBLISH', 'news', 'back')
    return crowd.subscriber.every(({ pushes }) => JSON.stringify(pushes).includes('back'))
  }
  await waitUntil('every subscriber hears of it', heard, { withinMs: 20_000, everyMs: 50 })
}

t.test('an outage longer than the hold time', async t => {
  const set = await SentinelSet.start({ replicas: 1 })
  t.teardown(() => set.stopAll())
  const options = { 'hold-timeout': `${holdMs}ms` }
  const expectedErrors = ['gate.tripped', 'ack.tripped']
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options, expectedErrors })
  await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 20_000 })
  const crowd = await gather(t, holdfast.port)
  await Promise.all(set.nodes.map(node => set.kill(node)))
  await t.test('every request — ends at its own deadline — whatever waits beside it', t => playDeadlines(t, crowd))
  await t.test('a new command — fails at once — with the breaker open', t => playBreaker(t, holdfast, crowd))
  await t.test('every session — stays connected — through all of it', async t => {
    t.equal(everybody(crowd).filter(client => client.isOpen).length, everybody(crowd).length)
  })
  await t.test('every session — is served again — when the old master is back', t => playReturn(t, set, crowd))
  await Promise.all(everybody(crowd).map(client => client.close()))
  await holdfast.stop()
})

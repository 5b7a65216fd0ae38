// No replica is good, and the master is not to answer: with --replica-fallback error reads get one error, with hold they
// wait; and both read again when a replica is back.
import t from 'tap'
import { RespClient, RespError } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'
import { judge, LAG_MS, open, places, type Scene, sessionsLeave } from './scene.ts'
import { stallable } from './stream.ts'

const REFUSED = 'TRYAGAIN holdfast: no replica is good now; nothing was changed (--replica-fallback)'
/** Of the ledger's readers; a transaction that is refused ends with EXEC. */
const allowed = /^reader \d+: (TRYAGAIN holdfast: no replica is good now|EXECABORT|ERR EXEC without MULTI)/
/** So long that no read gets an error because its time is over. */
const LONG = { 'hold-timeout': '120s' }

async function areRefused({ holdfast }: Scene): Promise<void> {
  const all = async (): Promise<boolean> => (await places(holdfast)).every(({ reads }) => reads === 'refused')
  await waitUntil('all are refused', all, { withinMs: 30_000 })
}

t.test('error: all replicas are killed — reads get the error at once — and read when one is back', async t => {
  const scene = await open(t, { 'replica-fallback': 'error', ...LONG })
  const { set, ledger, replicas, holdfast } = scene
  const listener = await RespClient.connect(holdfast.replicaPort)
  const reader = await RespClient.connect(holdfast.replicaPort)
  for (const client of [listener, reader]) t.teardown(() => client.close())
  await listener.send('SUBSCRIBE', 'news')
  const reads = async (): Promise<boolean> => !((await reader.send('GET', 'ledger')) instanceof RespError)
  await waitUntil('it reads', reads, { withinMs: 30_000 })

  await Promise.all(replicas.map(node => set.kill(node)))
  await areRefused(scene)
  for (const words of [['GET', 'ledger'], ['SET', 'ledger', 'x'], ['PING'], ['MULTI'], ['GET', 'ledger']]) {
    const reply = await reader.send(...words)
    t.equal(reply instanceof RespError && reply.message, REFUSED, words.join(' '))
  }
  t.match(await reader.send('EXEC'), { message: /^EXECABORT/ }, 'as after a MULTI that was refused')
  t.match(await reader.send('GET', 'ledger'), { message: REFUSED })
  const newcomer = await RespClient.connect(holdfast.replicaPort)
  t.teardown(() => newcomer.close())
  t.match(await newcomer.send('GET', 'ledger'), { message: REFUSED }, 'one that comes now')

  await set.restart(replicas[1])
  await waitUntil('it reads again', reads, { withinMs: 30_000 })
  const before = ledger.reads.length
  await waitUntil(
    'all read again',
    () => new Set(ledger.reads.slice(before).map(({ session }) => session)).size === 8,
    {
      withinMs: 20_000,
    },
  )
  const writer = await RespClient.connect(holdfast.port)
  t.teardown(() => writer.close())
  const isHeard = async (): Promise<boolean> => {
    await writer.send('PUBLISH', 'news', 'hello')
    return listener.pushes.length > 0
  }
  await waitUntil('the one that listens listens on', isHeard, { withinMs: 20_000 })
  const line = holdfast.find('gate.tripped')
  t.match(line, { level: 'warn', msg: /^no replica is good: .*--replica-fallback error/ })
  await judge(t, scene, { allowed })
})

t.test('error: all replicas get no more of the stream — before the bound is over — reads get the error', async t => {
  const scene = await open(t, { 'replica-fallback': 'error', ...LONG }, { set: { failoverTimeoutMs: 60_000 } })
  const { set, ledger, replicas } = scene
  const link = await stallable(t, scene)
  await set.kill(replicas[1])
  await sessionsLeave(scene, replicas[1])
  link.stall('down')
  await areRefused(scene)
  link.resume()
  const before = ledger.reads.length
  await waitUntil(
    'all read again',
    () => new Set(ledger.reads.slice(before).map(({ session }) => session)).size === 8,
    {
      withinMs: 30_000,
    },
  )
  await judge(t, scene, { allowed, lagMs: LAG_MS })
})

t.test('hold: all replicas get no more of the stream — reads wait — until one does', async t => {
  const scene = await open(t, { 'replica-fallback': 'hold', ...LONG }, { set: { failoverTimeoutMs: 60_000 } })
  const { set, ledger, replicas, holdfast } = scene
  const link = await stallable(t, scene)
  await set.kill(replicas[1])
  await sessionsLeave(scene, replicas[1])
  link.stall('down')
  const areHeld = async (): Promise<boolean> => (await places(holdfast)).every(({ reads }) => reads === 'held')
  await waitUntil('all are held', areHeld, { withinMs: 30_000 })
  link.resume()
  await ledger.goOn('all read on', 30_000)
  await judge(t, scene)
})

t.test(
  'hold: no replica comes back — reads fail when the hold time is over — and the log says for want of what',
  async t => {
    const about = { set: { failoverTimeoutMs: 60_000 }, ledger: { readers: 1 } }
    // Nobody is left to confirm writes.
    const options = { 'replica-fallback': 'hold', 'hold-timeout': '1s', ack: 'master', reads: 'plain' }
    const scene = await open(t, options, { ...about, expectedErrors: ['gate.tripped'] })
    const { set, ledger, replicas, holdfast } = scene
    await waitUntil('much is read', () => ledger.reads.length > 20, { withinMs: 20_000 })
    await Promise.all(replicas.map(node => set.kill(node)))
    const line = await waitUntil('the hold time is over', () => holdfast.find('gate.tripped'), { withinMs: 30_000 })
    t.match(line, {
      level: 'error',
      group: Number,
      msg: /^the hold time is over without a good replica: .*--replica-fallback hold/,
    })
    await judge(t, scene, { allowed: /^reader 0: TRYAGAIN holdfast: no (good replica in time|replica is good now)/ })
  },
)

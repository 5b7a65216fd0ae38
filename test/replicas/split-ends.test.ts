// --read-split, and the end of a session or of Holdfast while reads wait at a replica and other commands wait behind
// them: all that was sent is answered, in its order.
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import { judgeIfCalm } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { type RespClient, RespError, type Value } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'
import { connect, open, type Scene, untilRead } from './split-scene.ts'

/** A client with two reads that wait at the frozen replica, and commands that wait behind these. */
async function waiting(t: Test, scene: Scene, behind: readonly (readonly string[])[]) {
  const { set, holdfast, master, replica } = scene
  const client = await connect(t, scene)
  await set.command(master, 'SET', 'k', 'old')
  await waitUntil('the replica has it', async () => (await set.command(replica, 'GET', 'k')) === 'old', {
    withinMs: 10_000,
  })
  await untilRead(scene, client)
  await set.stop(replica)
  const { commands } = holdfast.counters
  const submitted = (count: number): Promise<unknown> =>
    waitUntil('they are read', () => holdfast.counters.commands >= commands + count, { withinMs: 5_000 })
  const replies: Promise<Value>[] = []
  const send = async (...words: string[]): Promise<void> => {
    replies.push(client.send(...words))
    await submitted(replies.length)
  }
  await send('GET', 'k')
  await send('STRLEN', 'k')
  // Each in a read of its own: in one, all would go to the master.
  for (const words of behind) await send(...words)
  return { client, replies }
}

const said = async (replies: readonly Promise<Value>[]): Promise<unknown[]> =>
  (await Promise.all(replies)).map(reply => (reply instanceof RespError ? reply.message : reply))

const writes = [
  ['SET', 'k', 'new'],
  ['GET', 'k'],
  ['INCR', 'n'],
]
const answers = ['old', 3, 'OK', 'new', 1]

for (const sockets of ['auto', 'streams']) {
  t.test(`half-closed, --sockets ${sockets} — the replica goes on — every reply comes, and then the end`, async t => {
    const scene = await open(t, { sockets })
    const { client, replies } = await waiting(t, scene, writes)
    client.end()
    await waitUntil('the end has come', () => client.socket.writableFinished, { withinMs: 5_000 })
    await scene.set.resume(scene.replica)
    t.strictSame(await said(replies), answers)
    t.equal((await client.closed).error, null)
    await scene.holdfast.stop()
  })

  t.test(
    `half-closed, --sockets ${sockets} — the replica is killed — the master answers, and then the end`,
    async t => {
      const scene = await open(t, { sockets })
      const { client, replies } = await waiting(t, scene, writes)
      client.end()
      await scene.set.kill(scene.replica)
      t.strictSame(await said(replies), answers)
      t.equal((await client.closed).error, null)
      await scene.holdfast.stop()
    },
  )
}

t.test('half-closed with BLPOP behind them — what came before is answered — and nothing blocks', async t => {
  const scene = await open(t)
  const { client, replies } = await waiting(t, scene, writes)
  const blocked = client.send('BLPOP', 'list', '0').catch((error: Error) => error.message)
  client.end()
  await waitUntil('the end has come', () => client.socket.writableFinished, { withinMs: 5_000 })
  await scene.set.resume(scene.replica)
  t.strictSame(await said(replies), answers)
  t.equal(await blocked, 'connection closed by the peer')
  t.equal((await client.closed).error, null)
  await scene.holdfast.stop()
})

/** Until Holdfast has said so. */
async function told({ holdfast }: Scene, event: string): Promise<void> {
  await waitUntil(event, () => holdfast.find(event), { withinMs: 10_000 })
}

/** It is read from, and the reply comes. */
async function goesOn(client: RespClient): Promise<void> {
  const reply = await client.send('INCR', 'n')
  if (reply !== 2) throw new Error(`INCR: ${reply}`)
}

t.test('shutdown — within its delay — nothing is lost, and sessions go on', async t => {
  const scene = await open(t, { 'shutdown-delay': '2s' })
  const { client, replies } = await waiting(t, scene, writes)
  const stopping = scene.holdfast.stop()
  await told(scene, 'proxy.stopping')
  await scene.set.resume(scene.replica)
  t.strictSame(await said(replies), answers)
  await goesOn(client)
  await told(scene, 'proxy.draining')
  await client.close()
  await stopping
})

t.test('shutdown — within the grace period — nothing is lost, and sessions go on', async t => {
  const scene = await open(t, { 'shutdown-delay': '100ms', 'shutdown-grace': '20s' })
  const { client, replies } = await waiting(t, scene, writes)
  const stopping = scene.holdfast.stop()
  await told(scene, 'proxy.draining')
  await scene.set.resume(scene.replica)
  t.strictSame(await said(replies), answers)
  await goesOn(client)
  await client.close()
  await stopping
})

t.test('shutdown — the grace period is over — what was sent is answered, and then the end', async t => {
  const scene = await open(t, { 'shutdown-grace': '0s' })
  const { client, replies } = await waiting(t, scene, writes)
  const stopping = scene.holdfast.stop()
  await told(scene, 'proxy.grace_over')
  await scene.set.resume(scene.replica)
  t.strictSame(await said(replies), answers)
  t.equal((await client.closed).error, null)
  await stopping
})

t.test('shutdown — the replica answers no more — its reads get an error, and what waits behind them runs', async t => {
  const scene = await open(t, { 'shutdown-grace': '0s' })
  const { client, replies } = await waiting(t, scene, writes)
  // The master is slow as well: half a second is promised, and it takes a fifth.
  await scene.set.stop(scene.master)
  const readPace = openWindow()
  const stopping = scene.holdfast.stop()
  const noAnswer = 'TRYAGAIN holdfast: no answer in time; nothing was changed'
  t.strictSame(await said(replies.slice(0, 2)), [noAnswer, noAnswer])
  const until = performance.now() + 200
  await waitUntil('a fifth of a second', () => performance.now() > until, { withinMs: 5_000 })
  await scene.set.resume(scene.master)
  const behind = await said(replies.slice(2))
  const isServed = isDeepStrictEqual(behind, ['OK', 'new', 1])
  judgeIfCalm(t, `what waits behind them is answered: ${behind.join()}`, isServed, readPace())
  t.equal((await client.closed).error, null)
  await stopping
})

const notRun = 'TRYAGAIN holdfast: no master in time; the command was not run'

t.test(
  'shutdown — no node is there — each command gets an error that says whether it ran, and then the end',
  async t => {
    const options = { 'shutdown-delay': '100ms', 'shutdown-grace': '3s', 'hold-timeout': '30s' }
    const scene = await open(t, options)
    const { client, replies } = await waiting(t, scene, writes)
    await Promise.all([scene.set.kill(scene.master), scene.set.kill(scene.replica)])
    await told(scene, 'replicas.move')
    const stopping = scene.holdfast.stop()
    const unchanged = 'TRYAGAIN holdfast: no answer in time; nothing was changed'
    t.strictSame(await said(replies), [unchanged, unchanged, notRun, notRun, notRun])
    t.equal((await client.closed).error, null)
    await stopping
  },
)

t.test(
  'shutdown — the reads are answered when the grace period is over, and there is no master — all get a reply',
  async t => {
    const scene = await open(t, { 'shutdown-grace': '0s', 'hold-timeout': '30s' })
    const { client, replies } = await waiting(t, scene, writes)
    await scene.set.kill(scene.master)
    await told(scene, 'hold.start')
    const stopping = scene.holdfast.stop()
    await told(scene, 'proxy.grace_over')
    await scene.set.resume(scene.replica)
    t.strictSame(await said(replies), ['old', 3, notRun, notRun, notRun])
    t.equal((await client.closed).error, null)
    await stopping
  },
)

// A login waits until nothing of its session is owed, not even what Holdfast itself says for it; waiting costs nothing.
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import { resumeServer, stopServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const WINDOW_MS = 500

t.test('AUTH behind what Holdfast says for its session — waits in peace — while the master is silent', async t => {
  const { holdfast, node } = await startSingle(t)
  const connect = async (): Promise<RespClient> => {
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    return client
  }
  const spares = (): number => holdfast.counters.detail.linksOpened.get('spare')
  const [target, tracker] = [await connect(), await connect()]
  await target.send('CLIENT', 'SETNAME', 'target')
  const id = String(await target.send('CLIENT', 'ID'))
  await waitUntil('a warm link', () => spares() === 1, { withinMs: 5000 })
  await tracker.send('WATCH', 'k')
  await waitUntil('a warm link for the target', () => spares() === 2, { withinMs: 5000 })
  await stopServer(node)
  const { commands } = holdfast.counters
  // The target takes the warm link, which is told its name; nobody answers that.
  const tracked = tracker.send('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id)
  await waitUntil('it is sent', () => holdfast.counters.commands > commands, { withinMs: 5000 })
  const refused = target.send('AUTH', 'nobody', 'wrong')
  await pause(20)
  // Not CPU: a busy machine gives little of that to a loop that never rests.
  const rounds = (): number => performance.nodeTiming.uvMetricsInfo.loopCount
  const [before, since] = [rounds(), performance.now()]
  await pause(WINDOW_MS)
  const [gone, ms] = [rounds() - before, performance.now() - since]
  resumeServer(node)
  t.ok(gone < ms / 4, `${gone} rounds of the loop in ${ms.toFixed(0)} ms`)
  t.equal(await tracked, 'OK')
  t.match(await refused, { code: 'WRONGPASS' })
  t.equal(await target.send('CLIENT', 'GETNAME'), 'target')
})

t.test('AUTH behind a refresh of the marker — is sent when that is answered — on a link of its own', async t => {
  const { holdfast, node } = await startSingle(t, { options: { 'retry-policy': 'once', links: 'private' } })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  const catchRefresh = async (): Promise<boolean> => {
    // The next block finds its marker gone, and the next sweep prolongs the life of the new one.
    await ask(node, ['FLUSHALL'])
    t.equal(await client.send('SET', 'k', 'v'), 'OK')
    const sent = holdfast.counters.masterBytesOut
    await stopServer(node)
    const isSent = (): boolean => holdfast.counters.masterBytesOut > sent
    const caught = await waitUntil('it is sent', isSent, { withinMs: 200 }).catch(() => false)
    if (!caught) resumeServer(node)
    return caught
  }
  await waitUntil('a refresh that is not answered', catchRefresh, { withinMs: 30_000 })
  const refused = client.send('AUTH', 'nobody', 'wrong')
  await pause(20)
  resumeServer(node)
  t.match(await refused, { code: 'WRONGPASS' })
})

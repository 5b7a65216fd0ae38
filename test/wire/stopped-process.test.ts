// Holdfast is stopped for a while (SIGSTOP, a frozen machine) at a moment at which a time of its own runs out meanwhile:
// what its clients have sent, and what the master has answered, lies in its sockets when it wakes up.
import t, { type Test } from 'tap'
import { type AsProcess, startHoldfast, startHoldfastProcess, startSingleProcess } from '../support/holdfast.ts'
import { judgeIfCalm } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { RespClient, RespError, type Value } from '../support/resp-client.ts'
import { resumeServer, stopServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { command } from './bytes.ts'

async function connect(t: Test, { port }: AsProcess): Promise<RespClient> {
  const client = await RespClient.connect(port)
  t.teardown(() => client.close())
  return client
}

/** SIGSTOP for `ms`; `meanwhile` is called when nothing runs there. */
async function standStill(t: Test, holdfast: AsProcess, ms: number, meanwhile: () => void = () => {}): Promise<void> {
  // At the end of a test that fails, too: it could not be ended otherwise.
  t.teardown(() => holdfast.signal('SIGCONT'))
  holdfast.signal('SIGSTOP')
  meanwhile()
  await pass(ms)
  holdfast.signal('SIGCONT')
}

async function pass(ms: number): Promise<void> {
  const from = performance.now()
  await waitUntil(`${ms} ms`, () => performance.now() - from >= ms, { withinMs: ms + 5000 })
}

const shown = (value: Value): string => (value instanceof RespError ? value.message : String(value))

t.test('an unfinished command — is not late — when its rest comes while Holdfast is stopped', async t => {
  const { holdfast } = await startSingleProcess(t, { options: { 'frame-timeout': '2s' } })
  const client = await connect(t, holdfast)
  const bytes = command('ECHO', 'a command in two parts')
  t.equal(await client.send('PING'), 'PONG')
  client.socket.write(bytes.subarray(0, 20))
  // The clock of the command has begun: Holdfast looks five times a second.
  await pass(500)
  let reply: Promise<unknown> = Promise.resolve()
  await standStill(t, holdfast, 3000, () => {
    reply = client.sendRaw(bytes.subarray(20), 1).then(([frame]) => shown(frame?.value ?? null))
  })
  t.equal(await reply, 'a command in two parts')
  t.equal(holdfast.find('session.frame_timeout'), undefined)
})

t.test(
  'a stop — gives the reply that has come, and ends with code 0 — when Holdfast is stopped over all of it',
  async t => {
    const { holdfast, node } = await startSingleProcess(t, { options: { 'shutdown-grace': '300ms' } })
    const client = await connect(t, holdfast)
    t.equal(await client.send('SET', 'k', '1'), 'OK')
    await stopServer(node)
    t.teardown(() => resumeServer(node))
    const reply = client.send('INCR', 'k').then(shown, String)
    holdfast.signal('SIGTERM')
    await waitUntil('it drains', () => holdfast.find('proxy.draining'), { withinMs: 10_000, everyMs: 1 })
    const readPace = openWindow()
    await standStill(t, holdfast, 4000, () => resumeServer(node))
    const said = await reply
    // The Sentinels must say first that the master is one, in the half second that is left.
    judgeIfCalm(t, `the reply is ${said}`, said === '2', readPace())
    t.equal((await client.closed).error, null, 'and the connection ends in order')
    t.equal(await holdfast.ended, 0)
    t.equal(holdfast.find('process.stuck'), undefined)
  },
)

t.test('a stop — answers what is held with an error — when Holdfast is stopped over all of it', async t => {
  const options = { 'shutdown-grace': '300ms' }
  const holdfast = await startHoldfastProcess(t, {
    sentinels: ['127.0.0.1:1'],
    options,
    expectedErrors: ['gate.tripped'],
  })
  const client = await connect(t, holdfast)
  const reply = client.send('INCR', 'held').then(shown, String)
  // Its command has been read.
  const tell = await connect(t, holdfast)
  await tell.send('QUIT')
  holdfast.signal('SIGTERM')
  await waitUntil('it drains', () => holdfast.find('proxy.draining'), { withinMs: 10_000, everyMs: 1 })
  await standStill(t, holdfast, 4000)
  t.match(await reply, /^TRYAGAIN holdfast: no master in time; the command was not run/)
  t.equal((await client.closed).error, null)
  t.equal(await holdfast.ended, 0)
  t.equal(holdfast.find('process.stuck'), undefined)
})

t.test('a stop — answers each command that was read — when one waits for the error of another', async t => {
  const holdfast = await startHoldfast(t, { sentinels: ['127.0.0.1:1'], options: { 'shutdown-grace': '0s' } })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  // WATCH is looked at when SET is answered, and MULTI when WATCH is.
  const replies = client.pipeline([['SET', 'k', '1'], ['WATCH', 'k'], ['MULTI']])
  await waitUntil('they are read', () => holdfast.counters.waiting === 1, { withinMs: 10_000 })
  const stopped = holdfast.stop()
  for (const reply of await replies) t.match(shown(reply), /^TRYAGAIN holdfast: no master in time/)
  await stopped
})

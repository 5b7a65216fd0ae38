// A pause by the control socket, with a real server: what is held, what is named, and every way in which it ends.
import t, { type Test } from 'tap'
import type { ControlClient } from '../../src/control/client.ts'
import { holdPause } from '../../src/control/held-pause.ts'
import type { ControlError } from '../../src/control/protocol.ts'
import { controlProxy } from '../../src/switchover/control-proxy.ts'
import { controlPath, openControl, startProgram } from '../support/control.ts'
import { startSingle } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { slowness } from '../support/pace.ts'
import { ask, RespClient, RespError } from '../support/resp-client.ts'
import { resumeServer, stopServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { readBack, startWorkload } from '../support/workload.ts'

const skip = without('redis-server')

async function start(t: Test, options: Record<string, string> = {}) {
  const path = await controlPath(t)
  const single = await startSingle(t, { options: { 'control-socket': path, ...options } })
  const connect = async (): Promise<RespClient> => {
    const client = await RespClient.connect(single.holdfast.port)
    t.teardown(() => client.close())
    return client
  }
  return { path, ...single, connect, control: await openControl(t, path) }
}

const failure = async (work: Promise<unknown>): Promise<ControlError['failure']> => {
  const error = await work.then(
    () => undefined,
    (reason: ControlError) => reason,
  )
  if (error === undefined) throw new Error('it was done')
  return error.failure
}
const isPaused = async (control: ControlClient): Promise<boolean> => (await control.ask('status'))['pause'] !== null
const held = (holdfast: { readonly counters: { readonly waiting: number } }, requests: number) =>
  waitUntil('it is held', () => holdfast.counters.waiting === requests, { withinMs: 5000 })

/** What waits for the end of a pause is what a standstill has held, too. */
const isServing = /^(open|draining)$/

t.test('pause — holds what comes, whoever confirms the master — until resume', { skip }, async t => {
  const { control, connect, holdfast, node } = await start(t)
  const client = await connect()
  await client.send('SET', 'k', '1')
  const result = await control.ask('pause', { maxMs: 20_000, by: 'me' })
  t.match(result, { masters: [{ master: 'mymaster', requests: 0, blocked: 0, sessions: [] }], maxMs: 20_000 })
  t.match(holdfast.find('pause.start'), { by: 'me', maxMs: 20_000 })
  t.ok(holdfast.find('pause.reached'))
  const replies = ['a', 'b'].map(value => client.send('APPEND', 'k', value))
  await held(holdfast, 1)
  // A link of the node is lost: the control plane confirms the same master, and a link to it is dialled.
  const from = holdfast.log.length
  await ask(node, ['CLIENT', 'KILL', 'TYPE', 'normal'])
  await waitUntil('the master is questioned', () => holdfast.find('master.questioned', from), { withinMs: 5000 })
  await waitUntil('a link is up again', () => holdfast.counters.linksOpened > 1, { withinMs: 5000 })
  t.equal(await ask(node, ['GET', 'k']), '1', 'the pause goes on')
  t.match(await control.ask('status'), { gate: { state: isServing }, pause: { state: 'paused', by: 'me' } })
  t.match(await failure(control.ask('pause')), { code: 'paused', cause: /by me/ })
  t.match(await control.ask('resume'), { masters: [{ wasPaused: true }] })
  t.strictSame(await Promise.all(replies), [2, 3])
  t.match(holdfast.find('pause.end'), { why: 'resume', waiting: 1 })
  t.equal(await isPaused(control), false)
})

t.test('pause — of a switchover that is stopped while a command is in flight — ends at once', { skip }, async t => {
  const { control, connect, holdfast, node, path } = await start(t)
  const client = await connect()
  await client.send('SET', 'k', '1')
  await ask(node, ['CLIENT', 'PAUSE', '60000', 'WRITE'])
  const held = client.send('SET', 'k', '2')
  const hasIt = async (): Promise<boolean> => /flags=\S*b/.test(String(await ask(node, ['CLIENT', 'LIST'])))
  await waitUntil('the master has it', hasIt, { withinMs: 10_000 })
  const proxy = await controlProxy(await openControl(t, path), { masterName: 'mymaster', by: 'switchover' })
  const stop = new AbortController()
  // Longer than this test may take.
  const end = failure(proxy.pause({ maxMs: 600_000, emptyMs: 600_000, stop: stop.signal }))
  await waitUntil('it waits', () => holdfast.find('pause.start'), { withinMs: 5000 })
  stop.abort()
  t.match(await end, { cause: /the pause ended before everything was answered \(resume\)/ })
  t.match(holdfast.find('pause.end'), { why: 'resume' })
  t.equal(await isPaused(control), false)
  await ask(node, ['CLIENT', 'UNPAUSE'])
  t.equal(await held, 'OK')
})

t.test('pause — ends by itself at its longest time, and for a command that has waited long', { skip }, async t => {
  const { control, connect, holdfast } = await start(t, { 'hold-timeout': '2s' })
  const client = await connect()
  await control.ask('pause', { maxMs: 100 })
  t.equal(await client.send('PING'), 'PONG')
  t.match(holdfast.find('pause.end'), { why: 'max' })
  const from = holdfast.log.length
  await control.ask('pause', { maxMs: 600_000 })
  t.equal(await client.send('INCR', 'n'), 1, 'it does not fail although the pause is longer than the hold time')
  t.match(holdfast.find('pause.end', from), { why: 'hold-time' })
  t.equal(holdfast.counters.expired, 0)
})

t.test('pause — is not reached while a session is blocked — which is named, and may be left out', { skip }, async t => {
  const { control, connect, holdfast, node } = await start(t)
  const [blocked, other] = [await connect(), await connect()]
  await blocked.send('CLIENT', 'SETINFO', 'LIB-NAME', 'mylib')
  const popped = blocked.send('BLPOP', 'list', '0')
  await waitUntil('it is blocked', async () => String(await ask(node, ['CLIENT', 'LIST'])).includes('cmd=blpop'), {
    withinMs: 5000,
  })
  const session = { library: 'mylib', command: 'blpop', blocked: true }
  const found = await failure(control.ask('pause', { maxMs: 5000, emptyMs: 100 }))
  t.match(found, {
    code: 'in-flight',
    remedy: /--ignore-blocked/,
    masters: [{ requests: 0, blocked: 1, sessions: [session] }],
  })
  t.match(found.masters?.[0]?.sessions[0]?.address, /^127\.0\.0\.1:\d+$/)
  t.match(holdfast.find('pause.end'), { why: 'in-flight', inFlight: { requests: 0, blocked: 1 } })
  t.equal(await other.send('PING'), 'PONG', 'commands are sent again')
  t.match(await control.ask('pause', { ignoreBlocked: true }), {
    masters: [{ requests: 0, blocked: 1, sessions: [session] }],
  })
  const pushed = other.send('RPUSH', 'list', 'x')
  await held(holdfast, 1)
  await control.ask('resume')
  t.equal(await pushed, 1)
  t.strictSame(await popped, ['list', 'x'])
})

t.test('pause — subscriptions are no reason to wait, and their messages come', { skip }, async t => {
  const { control, connect, node } = await start(t)
  const subscriber = await connect()
  await subscriber.send('SUBSCRIBE', 'news')
  t.match(await control.ask('pause', { maxMs: 5000 }), { masters: [{ requests: 0, blocked: 0 }] })
  await ask(node, ['PUBLISH', 'news', 'hello'])
  await waitUntil('the message is there', () => subscriber.pushes.length > 0, { withinMs: 5000 })
  await control.ask('resume')
})

t.test(
  'pause — that a connection renews — ends with the connection, and when it is renewed no more',
  { skip },
  async t => {
    const { path, control, holdfast } = await start(t)
    // On a slow machine the one who renews comes late.
    const leaseMs = Math.round(400 * slowness())
    const terms = { master: null, by: 'test', maxMs: 60_000, emptyMs: 1000, leaseMs, ignoreBlocked: false }
    const own = await openControl(t, path)
    const pause = await holdPause(own, terms)
    const since = performance.now()
    // The machine may be faster by now than when the lease was chosen.
    const inTime = { withinMs: 4 * leaseMs + 5000 }
    await waitUntil('three leases are over', () => performance.now() - since > 3.2 * leaseMs, inTime)
    t.equal(await isPaused(control), true, 'it is renewed')
    own.close()
    t.equal(await pause.ended, 'holder-gone')
    await waitUntil('it is over', async () => !(await isPaused(control)), { withinMs: 5000 })
    t.match(holdfast.find('pause.end'), { why: 'holder-gone' })
    const from = holdfast.log.length
    await control.ask('pause', { ...terms })
    await waitUntil('nobody renews it', () => holdfast.find('pause.end', from), inTime)
    t.match(holdfast.find('pause.end', from), { why: 'lease' })
    const third = await holdPause(await openControl(t, path), terms)
    await third.resume()
    t.equal(await third.ended, 'resume')
  },
)

t.test(
  'pause — Holdfast stands still for longer than the lease — goes on, as its holder is there',
  { skip },
  async t => {
    const { path, control, holdfast } = await start(t)
    const leaseMs = 1500
    const terms = { master: null, by: 'test', maxMs: 60_000, emptyMs: 1000, leaseMs, ignoreBlocked: false }
    const pause = await holdPause(await openControl(t, path), terms)
    const until = performance.now() + leaseMs + 500
    while (performance.now() < until);
    t.equal(await isPaused(control), true)
    t.equal(holdfast.find('pause.end'), undefined)
    await pause.resume()
    t.equal(await pause.ended, 'resume')
  },
)

t.test('pause — Holdfast stands still before it is reached — reads what came meanwhile', { skip }, async t => {
  const { control, connect, holdfast, node } = await start(t)
  const client = await connect()
  await client.send('SET', 'k', 'v')
  await stopServer(node)
  t.teardown(() => resumeServer(node))
  const reply = client.send('GET', 'k')
  const isSent = (): boolean => holdfast.counters.pendingBytes > 0 && holdfast.counters.waiting === 0
  await waitUntil('it is sent', isSent, { withinMs: 5000 })
  // Half a second of a standstill counts where another one ended a moment before (standstills.ts).
  const paused = control.ask('pause', { maxMs: 60_000, emptyMs: 2000 })
  await waitUntil('it is asked for', () => holdfast.find('pause.start'), { withinMs: 5000 })
  resumeServer(node)
  const until = performance.now() + 2500
  while (performance.now() < until);
  t.match(await paused, { masters: [{ requests: 0, blocked: 0 }] })
  t.equal(await reply, 'v')
  await control.ask('resume')
})

for (const [signal, why] of [
  ['SIGKILL', 'holder-gone'],
  ['SIGSTOP', 'lease'],
] as const)
  t.test(`pause — the console gets ${signal} — commands are sent again`, { skip }, async t => {
    const { path, connect, holdfast } = await start(t)
    const client = await connect()
    const console_ = startProgram(t, ['ctl', 'pause', '--foreground', '--max', '60s', '--control-socket', path])
    await waitUntil('it is paused', () => console_.stdout().includes('paused, nothing is in flight'), {
      withinMs: 20_000,
    })
    const reply = client.send('INCR', 'n')
    await held(holdfast, 1)
    console_.child.kill(signal)
    t.equal(await reply, 1)
    t.match(holdfast.find('pause.end'), { why })
  })

t.test('pause — Ctrl-C in the foreground — ends it, and says so', { skip }, async t => {
  const { path, connect, holdfast } = await start(t)
  const client = await connect()
  const console_ = startProgram(t, ['ctl', 'pause', '--foreground', '--max', '60s', '--control-socket', path])
  await waitUntil('it is paused', () => console_.stdout().includes('paused, nothing is in flight'), {
    withinMs: 20_000,
  })
  const reply = client.send('INCR', 'n')
  await held(holdfast, 1)
  console_.child.kill('SIGINT')
  t.equal(await reply, 1)
  t.match(holdfast.find('pause.end'), { why: 'resume' })
  t.match(await console_.ended, { code: 0, stdout: /\nthe pause is over \(resume\)\n$/ })
})

t.test('pause — Ctrl-C in the foreground, before it is reached — ends it, and says so', { skip }, async t => {
  const { path, connect, holdfast } = await start(t)
  const blocked = (await connect()).send('BLPOP', 'queue', 0)
  const client = await connect()
  await waitUntil('it waits at the master', () => holdfast.counters.masterBytesOut > 0, { withinMs: 5000 })
  const words = ['--foreground', '--max', '60s', '--timeout', '20s', '--control-socket', path]
  const console_ = startProgram(t, ['ctl', 'pause', ...words])
  await waitUntil('it is asked for', () => holdfast.find('pause.start'), { withinMs: 20_000 })
  const reply = client.send('INCR', 'n')
  await held(holdfast, 1)
  console_.child.kill('SIGINT')
  t.equal(await reply, 1)
  t.match(holdfast.find('pause.end'), { why: 'resume' })
  t.match(await console_.ended, { code: 1, stderr: /the pause ended before everything was answered \(resume\)/ })
  t.equal(await client.send('RPUSH', 'queue', 'x'), 1)
  t.strictSame(await blocked, ['queue', 'x'])
})

t.test('pause — without --foreground — outlives its console', { skip }, async t => {
  const { path, control } = await start(t)
  const first = await startProgram(t, ['ctl', 'pause', '--max', '61s', '--control-socket', path]).ended
  t.match(first, { code: 0, stderr: '' })
  t.match(first.stdout, /mymaster: paused, nothing is in flight \(after \d+ ms\)\nit ends by itself after 61 s/)
  t.match(first.stdout, /it ends sooner when a command has waited for nearly 60 s \(--hold-timeout\)/)
  t.equal(await isPaused(control), true)
  const second = await startProgram(t, ['ctl', 'resume', '--control-socket', path]).ended
  t.match(second, { code: 0, stdout: 'mymaster: the pause is over\n' })
})

t.test(
  'pause — the process stops meanwhile — what is held is sent at the end of the grace period',
  { skip },
  async t => {
    const { control, connect, holdfast, node } = await start(t, { 'shutdown-grace': '300ms' })
    const client = await connect()
    await control.ask('pause', { maxMs: 60_000 })
    const reply = client.send('SET', 'last', 'words')
    await held(holdfast, 1)
    const from = holdfast.log.length
    await holdfast.stop()
    // Where the machine stands still over the end of the grace period, nobody knows who is master then.
    const isUnknown = holdfast.find('hold.start', from)?.cause === 'stood-still'
    const [answer, value] = [await reply, await ask(node, ['GET', 'last'])]
    if (isUnknown && answer instanceof RespError) t.strictSame([answer.code, value], ['TRYAGAIN', null])
    else t.strictSame([answer, value], ['OK', 'words'])
    t.match(holdfast.find('pause.end'), { why: 'stopping' })
  },
)

t.test('pause and resume — a hundred times under load — nothing lost, doubled or reordered', { skip }, async t => {
  const { control, holdfast, node } = await start(t)
  const workload = startWorkload({ port: holdfast.port, rawClients: 6, ioredisClients: 2, roundsPerSecond: 200 })
  t.teardown(() => workload.stop({ withinMs: 0 }))
  await waitUntil('the load is on', () => workload.ledger.operations.length > 100, { withinMs: 20_000 })
  // What the server has run of it: Holdfast sends a handshake on a spare link now and then.
  const ran = async (): Promise<string> =>
    String(await ask(node, ['INFO', 'commandstats']))
      .match(/cmdstat_(set|incr|echo):calls=\d+/g)
      ?.join() ?? ''
  let withWaiting = 0
  for (let round = 0; round < 100; round++) {
    await control.ask('pause', { maxMs: 30_000 })
    const before = await ran()
    await waitUntil('commands wait', () => holdfast.counters.waiting > 0, { withinMs: 5000, everyMs: 1 })
    if (holdfast.counters.waiting > 0) withWaiting++
    t.equal(await ran(), before, 'nothing is sent')
    await control.ask('resume')
  }
  await workload.stop()
  t.equal(withWaiting, 100)
  const report = workload.ledger.report(await readBack(workload.ledger, node))
  const { lostWrites, doubled, reordered, errors, connectionLost } = report
  t.strictSame(
    { lostWrites, doubled, reordered, errors, connectionLost },
    { lostWrites: [], doubled: [], reordered: [], errors: {}, connectionLost: 0 },
  )
  t.equal(holdfast.log.filter(({ event }) => event === 'pause.end').length, 100)
  t.equal(holdfast.counters.drained, holdfast.counters.held)
})

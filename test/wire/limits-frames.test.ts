// Commands that are begun and not finished: how long they may take, what they may hold, and that everybody gets on.
import t, { type Test } from 'tap'
import { startBystander } from '../support/bystander.ts'
import { type InProcess, type LogLine, startSingle } from '../support/holdfast.ts'
import { slowness } from '../support/pace.ts'
import { RespClient, RespError } from '../support/resp-client.ts'
import { resumeServer, stopServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { command } from './bytes.ts'

const mb = 1024 * 1024
const error = '-ERR holdfast: a command was begun and not finished within 300 ms (--frame-timeout)\r\n'
const short = { 'frame-timeout': '300ms' }

async function connect(t: Test, port: number): Promise<RespClient> {
  const client = await RespClient.connect(port, '127.0.0.1', { capture: true })
  t.teardown(() => client.close())
  return client
}

const shown = (value: unknown): string => (value instanceof RespError ? value.message : String(value))

const warnings = (holdfast: InProcess, event: string): LogLine[] =>
  holdfast.log.filter(line => line.event === event && line.level === 'warn')

/** Until the proxy has read all that was written: its counters move no more. */
function pause(ms: number): Promise<true> {
  const from = performance.now()
  return waitUntil(`${ms} ms`, (): boolean => performance.now() - from >= ms, { withinMs: ms + 5000 })
}

t.test('an unfinished command — ends its session with an error in its place — after the frame timeout', async t => {
  const { holdfast } = await startSingle(t, { options: short })
  const bystander = await startBystander(holdfast.port)
  const halves = ['*2\r\n$4\r\nECHO\r\n$100\r\nabc', '*3\r\n$3\r\nSET', 'PIN', '*1\r\n$', '*']
  const clients = await Promise.all(halves.map(() => connect(t, holdfast.port)))
  for (const [i, client] of clients.entries()) client.socket.write(`${command('ECHO', `first-${i}`)}${halves[i]}`)
  await Promise.all(clients.map(client => client.closed))
  for (const [i, client] of clients.entries())
    t.equal(client.rawReplies().toString(), `$7\r\nfirst-${i}\r\n${error}`, halves[i] ?? '')
  t.equal(holdfast.counters.frameTimeouts, halves.length)
  const lines = warnings(holdfast, 'session.frame_timeout').map(line => line.msg)
  t.strictSame(
    lines,
    ['the client began a command and did not finish it in time: the session ends (--frame-timeout)'],
    'one line a second',
  )
  t.match(holdfast.find('session.frame_timeout'), { peer: '127.0.0.1' }, 'who it was')
  t.equal((await bystander.stop()).wrong, 0)
  await waitUntil('no session is left', () => holdfast.counters.sessions === 0, { withinMs: 5000 })
  await holdfast.stop()
})

t.test('a session between two commands — is left alone — for as long as it likes', async t => {
  const { holdfast } = await startSingle(t, { options: short })
  const silent = await connect(t, holdfast.port)
  const idle = await connect(t, holdfast.port)
  t.equal(await idle.send('PING'), 'PONG')
  await pause(1000)
  t.equal(await idle.send('PING'), 'PONG')
  t.equal(await silent.send('PING'), 'PONG')
  t.equal(holdfast.counters.frameTimeouts, 0)
  await Promise.all([silent.close(), idle.close()])
  await holdfast.stop()
})

t.test('a command that dribbles — is not kept alive — by a byte now and then', async t => {
  const { holdfast } = await startSingle(t, { options: short })
  const clients = await Promise.all(Array.from({ length: 5 }, () => connect(t, holdfast.port)))
  const bytes = command('SET', 'k', 'v'.repeat(2000))
  let at = 0
  const timer = setInterval(() => {
    for (const client of clients) if (client.isOpen) client.socket.write(bytes.subarray(at, at + 1))
    at++
  }, 20)
  await Promise.all(clients.map(client => client.closed))
  clearInterval(timer)
  t.ok(at < 200, `ended after ${at} bytes`)
  t.strictSame(
    clients.map(client => client.rawReplies().toString()),
    clients.map(() => error),
  )
  await holdfast.stop()
})

t.test('a large command — may take longer than the frame timeout — while a megabyte comes within it', async t => {
  // A slow machine needs longer for a megabyte.
  const limitMs = Math.round(300 * slowness())
  const { holdfast } = await startSingle(t, { options: { 'frame-timeout': `${limitMs}ms` } })
  const client = await connect(t, holdfast.port)
  const bytes = command('SET', 'k', Buffer.alloc(8 * mb, 'v'))
  const from = performance.now()
  for (let at = 0; at < bytes.length; at += mb / 2) {
    client.socket.write(bytes.subarray(at, at + mb / 2))
    await pause(limitMs / 5)
  }
  await waitUntil('the reply', () => client.rawReplies().toString() === '+OK\r\n', { withinMs: 5000 })
  t.ok(performance.now() - from > 3 * limitMs, 'it took three times the limit')
  await client.close()
  await holdfast.stop()
})

t.test('a command that the proxy does not read on — is not late — while the master does not answer', async t => {
  const { holdfast, node } = await startSingle(t, { options: { ...short, 'max-session-held-bytes': '64kb' } })
  const client = await connect(t, holdfast.port)
  t.equal(await client.send('PING'), 'PONG')
  await stopServer(node)
  const sent = client.pipeline(Array.from({ length: 60 }, (_, i) => ['SET', `k${i}`, 'v'.repeat(100_001)]))
  await pause(1200)
  resumeServer(node)
  t.strictSame(await sent, new Array(60).fill('OK'))
  t.equal(holdfast.counters.frameTimeouts, 0)
  await client.close()
  await holdfast.stop()
})

/** The most that `read` has answered until `stop`. It ends with the test: a timer would keep the process. */
function watchMost(t: Test, read: () => number): { stop(): number } {
  let most = 0
  const timer = setInterval(() => {
    most = Math.max(most, read())
  }, 1)
  t.teardown(() => clearInterval(timer))
  return {
    stop: () => {
      clearInterval(timer)
      return most
    },
  }
}

t.test('many large commands at once — all get through, a few at a time — within the limit for all', async t => {
  const { holdfast } = await startSingle(t, { options: { 'max-held-bytes': '8mb', 'max-session-held-bytes': '1mb' } })
  const { counters } = holdfast
  const clients = await Promise.all(Array.from({ length: 100 }, () => connect(t, holdfast.port)))
  const most = watchMost(t, () => counters.unfinishedBytes + counters.pendingBytes)
  const value = Buffer.alloc(2 * mb, 'v')
  const bytes = command('SET', 'k', value)
  const head = 300_000
  for (const client of clients) client.socket.write(bytes.subarray(0, head))
  const bystander = await startBystander(holdfast.port)
  await waitUntil('half of the limit is taken', () => counters.unfinishedBytes >= 4 * mb, { withinMs: 10_000 })
  for (const client of clients) client.socket.write(bytes.subarray(head))
  const done = (): boolean => clients.every(client => client.rawReplies().toString() === '+OK\r\n')
  await waitUntil('all are answered', done, { withinMs: 60_000 })
  const held = most.stop()
  // The limit, one command beyond it, one read of each session.
  t.ok(held <= 8 * mb + 2 * mb + 101 * 65_536, `${(held / mb).toFixed(1)} MB were held at most`)
  t.ok(counters.pressurePauses > 0, `${counters.pressurePauses} pauses`)
  const { wrong, longestMs } = await bystander.stop()
  t.comment(`at most ${(held / mb).toFixed(1)} MB held; the bystander waited ${longestMs.toFixed(0)} ms at most`)
  t.equal(wrong, 0)
  for (const client of clients) t.ok(client.isOpen)
  await Promise.all(clients.map(client => client.close()))
  await holdfast.stop()
})

t.test('commands without a reply hold too much — each client is stopped once — and is counted once', async t => {
  const options = { 'max-held-bytes': '1mb', 'max-session-held-bytes': '200kb' }
  const { holdfast, node } = await startSingle(t, { options })
  const { counters } = holdfast
  const clients = await Promise.all(Array.from({ length: 60 }, () => connect(t, holdfast.port)))
  const before = counters.pressurePauses
  await stopServer(node)
  // Each of these is a request of its own, and a read brings several.
  const script = `return 1 --${'x'.repeat(4000)}`
  const bytes = Buffer.concat(Array.from({ length: 12 }, () => command('EVAL', script, '0')))
  for (const client of clients) client.socket.write(bytes)
  await waitUntil('clients are stopped', () => counters.pressurePauses > before, { withinMs: 10_000 })
  await pause(300)
  t.ok(counters.pressurePauses - before <= clients.length, `${counters.pressurePauses - before} pauses`)
  resumeServer(node)
  const all = ':1\r\n'.repeat(12)
  const done = (): boolean => clients.every(client => client.rawReplies().toString() === all)
  await waitUntil('all are answered', done, { withinMs: 60_000 })
})

t.test('halves that nobody finishes — do not keep others from sending — and end at the frame timeout', async t => {
  const options = { 'max-held-bytes': '8mb', 'frame-timeout': '3s' }
  const { holdfast } = await startSingle(t, { options })
  const stuck = await Promise.all(Array.from({ length: 20 }, () => connect(t, holdfast.port)))
  for (const client of stuck) client.socket.write(command('SET', 'k', Buffer.alloc(mb, 'v')).subarray(0, 400_000))
  await waitUntil('half of the limit is taken', () => holdfast.counters.unfinishedBytes >= 4 * mb, { withinMs: 10_000 })
  const honest = await connect(t, holdfast.port)
  const bytes = command('SET', 'large', Buffer.alloc(20 * mb, 'v'))
  honest.socket.write(bytes)
  await waitUntil('the honest one', () => honest.rawReplies().toString() === '+OK\r\n', { withinMs: 40_000 })
  t.equal(await honest.send('STRLEN', 'large'), 20 * mb, 'more than the limit for all, alone')
  await Promise.all(stuck.map(client => client.closed))
  t.equal(holdfast.counters.frameTimeouts, 20)
  t.ok(honest.isOpen)
  await honest.close()
  await waitUntil('nothing is held', () => holdfast.counters.unfinishedBytes === 0, { withinMs: 5000 })
  await holdfast.stop()
})

t.test('an open MULTI — is refused more commands — when open transactions hold half of the limit', async t => {
  const { holdfast } = await startSingle(t, { options: { 'max-held-bytes': '4mb' } })
  const client = await connect(t, holdfast.port)
  t.equal(await client.send('MULTI'), 'OK')
  let refused = ''
  for (let i = 0; i < 40 && refused === ''; i++) {
    const reply = shown(await client.send('SET', 'k', 'v'.repeat(100_000)))
    if (reply !== 'QUEUED') refused = reply
  }
  t.match(refused, /open transactions hold too much \(--max-held-bytes\)/)
  t.match(shown(await client.send('EXEC')), /EXECABORT/)
  t.equal(holdfast.counters.transactionsRefused, 1)
  t.match(holdfast.find('session.transaction_too_large'), { level: 'warn', limit: 2 * 1024 * 1024 })
  t.equal(holdfast.counters.transactionBytes, 0)
  t.equal(await client.send('EXISTS', 'k'), 0)
  t.equal(await client.send('MULTI'), 'OK')
  t.equal(await client.send('SET', 'k', 'v'), 'QUEUED')
  await client.close()
  await holdfast.stop()
})

t.test(
  'a million arguments — pass through where nobody looks at them — and are refused where they would be',
  async t => {
    const { holdfast } = await startSingle(t)
    const client = await connect(t, holdfast.port)
    const many = (name: string): Buffer =>
      Buffer.concat([
        Buffer.from(`*1000001\r\n$${name.length}\r\n${name}\r\n`),
        Buffer.from('$1\r\nx\r\n'.repeat(1_000_000)),
      ])
    const [del] = await client.sendRaw(many('DEL'), 1)
    t.equal(del?.value, 0)
    const [refused] = await client.sendRaw(many('SUBSCRIBE'), 1)
    t.match(shown(refused?.value), /more than 65536 arguments/)
    t.equal(holdfast.counters.argumentsRefused, 1)
    t.equal(await client.send('PING'), 'PONG')
    await client.close()
    await holdfast.stop()
  },
)

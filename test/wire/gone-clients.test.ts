// Clients that leave while a command of theirs blocks, waits for earlier ones, or is held: it takes nothing from
// anybody, and what stands behind it does not run, as on a server.
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { type InProcess, type SingleServer, startSingle } from '../support/holdfast.ts'
import { ask, RespClient, type Value } from '../support/resp-client.ts'
import { endServer, restartServer, resumeServer, stopServer } from '../support/servers.ts'
import { mayBeUnproven } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'
import { command } from './bytes.ts'

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('error', reject).once('connect', () => resolve(socket.off('error', reject).on('error', () => {})))
  })
}

const batch = (...commands: string[][]): Buffer => Buffer.concat(commands.map(args => command(...args)))

const allGone = (holdfast: InProcess, left = 0): Promise<unknown> =>
  waitUntil('their sessions are over', () => holdfast.counters.sessions === left, { withinMs: 20_000 })

/** The server has no client of theirs, so nothing can be taken any more. */
const noneBlocked = async ({ node }: Pick<SingleServer, 'node'>): Promise<void> => {
  const blocked = async (): Promise<boolean> =>
    String(await ask(node, ['INFO', 'clients'])).includes('blocked_clients:0')
  await waitUntil('nobody blocks', blocked, { withinMs: 20_000 })
}

interface Leaver {
  readonly name: string
  leave(socket: Socket, key: string): void
}

const leavers: Leaver[] = [
  {
    name: 'the end right behind BLPOP, SET and INCR',
    leave: (socket, key) => socket.end(batch(['BLPOP', key, '0'], ['SET', `${key}:set`, 'x'], ['INCR', 'ran'])),
  },
  {
    name: 'gone right behind BLPOP',
    leave: (socket, key) => void socket.write(batch(['BLPOP', key, '0']), () => socket.destroy()),
  },
  {
    name: 'reset right behind BLMOVE',
    leave: (socket, key) =>
      void socket.write(batch(['BLMOVE', key, 'to', 'LEFT', 'LEFT', '0']), () => socket.resetAndDestroy()),
  },
  {
    name: 'the end behind a GET and a BLPOP',
    leave: (socket, key) => socket.end(batch(['GET', 'k'], ['BLPOP', key, '0'], ['INCR', 'ran'])),
  },
  {
    name: 'the end behind a BLPOP with a hundred kilobytes behind it',
    leave: (socket, key) =>
      socket.end(batch(['BLPOP', key, '0'], ...Array.from({ length: 1000 }, () => ['SET', 'ran', 'x'.repeat(100)]))),
  },
  {
    name: 'a second command after the first has blocked',
    leave: (socket, key) => {
      socket.write(batch(['BLPOP', key, '0']))
      setImmediate(() => socket.end(batch(['INCR', 'ran'], ['BLPOP', key, '0'])))
    },
  },
]

async function nothingTaken(t: Test, at: SingleServer, keys: readonly string[]): Promise<void> {
  // Whose session has not begun yet is not gone.
  const haveCome = (): boolean => at.holdfast.counters.sessionsTotal >= keys.length
  await waitUntil('their sessions have begun', haveCome, { withinMs: 20_000 })
  await allGone(at.holdfast)
  await noneBlocked(at)
  for (const key of keys) await ask(at.node, ['RPUSH', key, 'job'])
  const left: Value[] = []
  for (const key of keys) left.push(await ask(at.node, ['LLEN', key]))
  t.equal(left.filter(length => length === 1).length, keys.length, 'every job is left')
  t.equal(await ask(at.node, ['EXISTS', 'ran', ...keys.map(key => `${key}:set`)]), 0, 'nothing behind it has run')
}

for (const { name, leave } of leavers) {
  t.test(`clients that leave — take no job — ${name}`, async t => {
    const at = await startSingle(t)
    const keys = Array.from({ length: 30 }, (_, i) => `jobs:${i}`)
    for (const key of keys) leave(await open(at.holdfast.port), key)
    await nothingTaken(t, at, keys)
    await at.holdfast.stop()
  })
}

t.test('a client that leaves while its command is held — takes no job — when the master serves again', async t => {
  const at = await startSingle(t, { options: { 'hold-timeout': '60s' } })
  const { holdfast, node, sentinel } = at
  const keys = Array.from({ length: 20 }, (_, i) => `jobs:${i}`)
  const before = await Promise.all(keys.map(() => open(holdfast.port)))
  for (const [i, socket] of before.entries()) if (i < 10) socket.write(command('BLPOP', keys[i] ?? '', '0'))
  const blocked = async (): Promise<boolean> =>
    String(await ask(node, ['INFO', 'clients'])).includes('blocked_clients:10')
  await waitUntil('ten block', blocked, { withinMs: 20_000 })
  const from = holdfast.log.length
  sentinel.publish('+elected-leader', `master mymaster ${node.host} ${node.port}`)
  await waitUntil('the gate is shut', () => holdfast.find('failover.announced', from), { withinMs: 20_000 })
  for (const [i, socket] of before.entries()) {
    if (i < 10) socket.end()
    else socket.end(batch(['BLPOP', keys[i] ?? '', '0'], ['INCR', 'ran']))
  }
  await nothingTaken(t, at, keys)
  t.equal(holdfast.counters.waiting, 0)
})

t.test('a client that has sent its last byte — is given what LPOP took for it — although it was held', async t => {
  const { holdfast, node, sentinel } = await startSingle(t, { options: { 'hold-timeout': '60s' } })
  await ask(node, ['RPUSH', 'jobs', 'one', 'two'])
  const socket = await open(holdfast.port)
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  const closed = new Promise(resolve => socket.once('close', resolve))
  const from = holdfast.log.length
  sentinel.publish('+elected-leader', `master mymaster ${node.host} ${node.port}`)
  await waitUntil('the gate is shut', () => holdfast.find('failover.announced', from), { withinMs: 20_000 })
  socket.end(command('LPOP', 'jobs'))
  await closed
  t.equal(text, '$3\r\none\r\n')
  t.strictSame(await ask(node, ['LRANGE', 'jobs', '0', '-1']), ['two'])
})

t.test('a client that leaves while there is no master — takes no job — although it had blocked before', async t => {
  const at = await startSingle(t)
  const sockets = await Promise.all(Array.from({ length: 20 }, () => open(at.holdfast.port)))
  for (const [i, socket] of sockets.entries()) if (i < 10) socket.write(command('BLPOP', `jobs:${i}`, '0'))
  const blocked = async (): Promise<boolean> =>
    String(await ask(at.node, ['INFO', 'clients'])).includes('blocked_clients:10')
  await waitUntil('ten block', blocked, { withinMs: 20_000 })
  await endServer(at.node)
  // `once` cannot prove a BLPOP, and `safe` proves nothing: those ten are told UNKNOWN.
  const { counters } = at.holdfast
  const isOver = (): boolean => (mayBeUnproven ? counters.unknownOutcomes : counters.waiting) === 10
  await waitUntil('they are held', isOver, { withinMs: 20_000 })
  for (const [i, socket] of sockets.entries()) {
    if (i < 10) socket.end()
    else socket.end(batch(['BLPOP', `jobs:${i}`, '0'], ['INCR', 'ran']))
  }
  await allGone(at.holdfast)
  t.equal(at.holdfast.counters.waiting, 0, 'nothing is left that could be sent')
})

t.test('clients that reset while they wait for a master — count as gone — and not as waits in vain', async t => {
  const { holdfast, node } = await startSingle(t, { options: { 'hold-timeout': '2s' } })
  const sockets = await Promise.all(Array.from({ length: 10 }, () => open(holdfast.port)))
  await endServer(node)
  for (const [i, socket] of sockets.entries()) socket.write(batch(['SET', `left:${i}`, 'x'], ['GET', 'k']))
  await waitUntil('they are held', () => holdfast.counters.waiting === 10, { withinMs: 20_000 })
  for (const socket of sockets) socket.resetAndDestroy()
  await waitUntil('nothing waits', () => holdfast.counters.waiting === 0, { withinMs: 20_000 })
  const { gone, expired, failed, pendingBytes } = holdfast.counters
  t.strictSame({ gone, expired, failed, pendingBytes }, { gone: 10, expired: 0, failed: 0, pendingBytes: 0 })
  t.equal(holdfast.find('gate.tripped'), undefined, 'nobody else is refused for it')
  const from = holdfast.log.length
  await restartServer(node)
  const line = await waitUntil('it is over', () => holdfast.find('hold.end', from), { withinMs: 60_000 })
  t.match(line, { expired: 0 })
  t.equal(await ask(node, ['EXISTS', ...sockets.map((_, i) => `left:${i}`)]), 0)
})

t.test('a client that wants no replies — is over with its last command — and nothing of it counts on', async t => {
  const { holdfast } = await startSingle(t)
  const socket = await open(holdfast.port)
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.resume()
  socket.end(batch(['CLIENT', 'NO-EVICT', 'ON'], ['CLIENT', 'REPLY', 'OFF'], ['SCAN', '0']))
  await closed
  await allGone(holdfast)
  t.equal(holdfast.counters.pendingBytes, 0)
})

t.test('what a client sent before its last byte — is answered — although the rest blocks', async t => {
  const { holdfast } = await startSingle(t)
  const socket = await open(holdfast.port)
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.end(
    batch(
      ['SET', 'k', 'v'],
      ['GET', 'k'],
      ['MULTI'],
      ['BLPOP', 'none', '0'],
      ['EXEC'],
      ['BLPOP', 'none', '0'],
      ['PING'],
    ),
  )
  await closed
  t.equal(text, '+OK\r\n$1\r\nv\r\n+OK\r\n+QUEUED\r\n*1\r\n*-1\r\n')
  await holdfast.stop()
})

t.test('the end right behind what fills a limit — all is answered — and the session is over', async t => {
  const { holdfast } = await startSingle(t)
  const sent: [string, Buffer, number][] = [
    ['a command of more than --max-session-held-bytes', batch(['SET', 'k', 'x'.repeat(1_200_000)]), 1],
    ['the window of a new session', batch(...Array.from({ length: 16 }, () => ['PING'])), 16],
    ['that window, and the next one', batch(...Array.from({ length: 48 }, () => ['PING'])), 48],
  ]
  for (const [name, bytes, replies] of sent) {
    const socket = await open(holdfast.port)
    let lines = 0
    socket.setEncoding('latin1').on('data', (text: string) => {
      lines += text.split('\n').length - 1
    })
    socket.end(bytes)
    await allGone(holdfast)
    await waitUntil(`${name}: the connection ends`, () => socket.closed, { withinMs: 20_000 })
    t.equal(lines, replies, name)
  }
})

t.test('a client that leaves while the server stands still — leaves nothing behind — in bounded time', async t => {
  const at = await startSingle(t)
  const socket = await open(at.holdfast.port)
  socket.write(command('BLPOP', 'jobs', '0'))
  const blocked = async (): Promise<boolean> =>
    String(await ask(at.node, ['INFO', 'clients'])).includes('blocked_clients:1')
  await waitUntil('it blocks', blocked, { withinMs: 20_000 })
  await stopServer(at.node)
  socket.end()
  await allGone(at.holdfast)
  resumeServer(at.node)
  await nothingTaken(t, at, ['jobs'])
})

const tcpTable = { skip: process.platform === 'linux' ? false : '/proc/net/tcp is there on Linux alone' }

t.test(
  'a client that says nothing — is asked by TCP whether it is there — after the time of the option',
  tcpTable,
  async t => {
    const { holdfast } = await startSingle(t, { options: { 'tcp-keepalive': '100s' } })
    const client = await RespClient.connect(holdfast.port)
    await client.send('PING')
    const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')
    const [from, to] = [hex(holdfast.port), hex(client.socket.localPort ?? 0)]
    // local, remote, state, queues, timer (2 is keep-alive) and the jiffies until it fires
    const line = readFileSync('/proc/net/tcp', 'latin1')
      .split('\n')
      .find(
        text =>
          text.includes(`:${from} `) && text.includes(`:${to} 01 `) && text.indexOf(from) < text.indexOf(`:${to} 01 `),
      )
    const [, timer, jiffies] = /01 \S+ (\d\d):([0-9A-F]+)/.exec(line ?? '') ?? []
    t.equal(timer, '02')
    const seconds = Number.parseInt(jiffies ?? '0', 16) / 100
    t.ok(seconds > 50 && seconds <= 101, `${seconds} s`)
    await client.close()
  },
)

// A stream tells the server's end while Holdfast does not read: with TLS there is no other way.
for (const sockets of ['auto', 'streams']) {
  const what = `a client that has sent its end (sockets ${sockets}) — gets what it popped — when the reply comes in a standstill`
  t.test(what, async t => {
    const { holdfast, node } = await startSingle(t, { options: { sockets } })
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    t.equal(await client.send('RPUSH', 'list', 'x'), 1)
    const leaver = await RespClient.connect(holdfast.port)
    t.teardown(() => leaver.close())
    // Its link is its own from here on.
    t.equal(await leaver.send('WATCH', 'k'), 'OK')
    await stopServer(node)
    t.teardown(() => resumeServer(node))
    const sent = holdfast.counters.masterBytesOut
    const reply = leaver.send('BLPOP', 'list', '0').then(String, ({ message }: Error) => message)
    // Of a client that is gone by then it would not be sent.
    await waitUntil('it is sent', () => holdfast.counters.masterBytesOut > sent, { withinMs: 10_000 })
    leaver.socket.end()
    // What the process is about, when it stands still: calling timers. The server's time has begun by then.
    await new Promise<void>(resolve => {
      setTimeout(() => {
        resumeServer(node)
        const until = performance.now() + 2000
        while (performance.now() < until);
        resolve()
      }, 300)
    })
    t.equal(await reply, 'list,x')
  })
}

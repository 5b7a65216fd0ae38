// Clients that mean harm or are broken, in numbers: the process survives, its memory stays bounded, others are served.
// The proxy is a process of its own here; each test prints what it used at most.
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { readStatus } from '../support/admin.ts'
import { startBystander } from '../support/bystander.ts'
import { type AsProcess, startSingle, startSingleProcess } from '../support/holdfast.ts'
import { container } from '../support/memory-limit.ts'
import { MB, watchResident } from '../support/resident.ts'
import { RespClient } from '../support/resp-client.ts'
import { randomFrom } from '../support/seeded-random.ts'
import { resumeServer, stopServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { command, payload, seed } from './bytes.ts'

/** A socket that keeps nothing of what it hears. */
function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

async function openMany(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const batch = Math.min(250, count - sockets.length)
    sockets.push(...(await Promise.all(Array.from({ length: batch }, () => open(port)))))
  }
  return sockets
}

const closedOf = (socket: Socket): Promise<void> =>
  new Promise(resolve => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })

/**
 * Runs `attack` beside a bystander; memory may grow by `allowance`, and a later session is served. Answers the most.
 */
async function survive(t: Test, holdfast: AsProcess, allowance: number, attack: () => Promise<void>): Promise<number> {
  const watched = watchResident(holdfast.pid)
  const before = watched.now()
  const bystander = await startBystander(holdfast.port)
  await attack()
  const { wrong, longestMs } = await bystander.stop()
  const most = watched.stop()
  const mb = (bytes: number): string => `${(bytes / MB).toFixed(0)} MB`
  t.comment(`${t.name}: RSS ${mb(before)} before, ${mb(most)} at most; bystander ${longestMs.toFixed(0)} ms at most`)
  t.equal(wrong, 0, 'the bystander is right')
  t.ok(most < before + allowance, `${mb(most - before)} more at most, ${mb(allowance)} allowed`)
  const client = await RespClient.connect(holdfast.port)
  t.equal(await client.send('PING'), 'PONG')
  await client.close()
  return most
}

t.test('ten thousand clients — come and go, come and say nothing — in bounded memory', async t => {
  const { holdfast } = await startSingleProcess(t)
  await survive(t, holdfast, 250 * MB, async () => {
    for (let i = 0; i < 20; i++) {
      const sockets = await openMany(holdfast.port, 500)
      for (const [n, socket] of sockets.entries()) {
        if (n % 2 === 0) socket.resetAndDestroy()
        else socket.destroy()
      }
      await Promise.all(sockets.map(closedOf))
    }
    const idle = await openMany(holdfast.port, 9000)
    const one = idle[0]
    if (one === undefined) throw new Error('no socket')
    const answered = new Promise(resolve => one.once('data', resolve))
    one.write(command('PING'))
    t.equal(String(await answered), '+PONG\r\n')
    for (const socket of idle) socket.destroy()
    await Promise.all(idle.map(closedOf))
  })
})

t.test(
  'a thousand clients with a large command each — are held within the limit — while the master is silent',
  async t => {
    const { holdfast, node } = await startSingleProcess(t, {
      options: { 'max-held-bytes': `${container.heldMb}mb`, 'admin-listen': '127.0.0.1:0' },
    })
    const bytes = command('SET', 'k', Buffer.alloc(MB / 2, 'v'))
    const sockets = await openMany(holdfast.port, 1000)
    // The limit, a read of each session twice (the one that was looked at and the one that waits), and what a garbage
    // collector needs to run.
    const peak = await survive(t, holdfast, container.heldMb * MB + 1000 * 2 * 65_536 + 150 * MB, async () => {
      await stopServer(node)
      const replies = sockets.map(
        socket => new Promise<string>(resolve => socket.once('data', data => resolve(String(data)))),
      )
      for (const socket of sockets) socket.write(bytes)
      // As full as it may be: the next command would not fit.
      const full = container.heldMb * MB - 2 * bytes.length
      const heldNow = async (): Promise<number> => {
        const { held } = await readStatus(holdfast.admin)
        return held.bytes + held.pendingBytes
      }
      const isFull = async (): Promise<boolean> => (await heldNow()) >= full
      await waitUntil('the limit is reached', isFull, { withinMs: 20_000, everyMs: 50 })
      resumeServer(node)
      t.strictSame(new Set(await Promise.all(replies)), new Set(['+OK\r\n']))
    })
    for (const socket of sockets) socket.destroy()
    t.ok(peak < container.limitMiB * MB, `${(peak / MB).toFixed(0)} MB fit the limit of the shipped container`)
  },
)

t.test('floods — of lines, of blanks, of tiny commands, of garbage — are taken as they come', async t => {
  const { holdfast } = await startSingleProcess(t)
  const random = randomFrom(seed + 11)
  const floods: Record<string, Buffer> = {
    'lines of 60 KB': Buffer.from(`ECHO ${'x'.repeat(60_000)}\r\n`.repeat(200)),
    'lines of many words': Buffer.from(`${'a '.repeat(30_000)}\r\n`.repeat(100)),
    'empty lines': Buffer.from('\r\n'.repeat(4_000_000)),
    'empty commands': Buffer.from('*0\r\n'.repeat(2_000_000)),
    'a million tiny commands, unread': Buffer.from('*1\r\n$4\r\nPING\r\n'.repeat(1_000_000)),
    'refused commands, unread': Buffer.from('*1\r\n$4\r\nSYNC\r\n'.repeat(300_000)),
    'NUL bytes': Buffer.concat([Buffer.from('PING'), Buffer.alloc(4_000_000)]),
    'a line without an end': Buffer.alloc(4_000_000, 'x'),
    'a million tiny arguments': Buffer.from(`*1000000\r\n$3\r\nDEL\r\n${'$1\r\nx\r\n'.repeat(999_999)}`),
    'a header of 512 MB': Buffer.from('*2\r\n$4\r\nECHO\r\n$536870912\r\n'),
    'half a command': command('SET', 'k', 'v'.repeat(100_000)).subarray(0, 50_000),
  }
  for (let i = 0; i < 20; i++) floods[`garbage ${i}`] = payload(random, 200_000)
  const peak = await survive(t, holdfast, 300 * MB, async () => {
    for (const bytes of Object.values(floods)) {
      const sockets = await openMany(holdfast.port, 3)
      for (const socket of sockets) socket.pause().write(bytes)
      await waitUntil('it is written or refused', () => sockets.every(s => s.destroyed || s.writableLength === 0), {
        withinMs: 500,
      }).catch(() => {}) // one that is not read from keeps its bytes
      for (const socket of sockets) socket.resetAndDestroy()
      await Promise.all(sockets.map(closedOf))
    }
  })
  t.ok(peak < container.limitMiB * MB, `${(peak / MB).toFixed(0)} MB fit the limit of the shipped container`)
})

t.test('a client that has sent all it will send — gets its replies — before the end', async t => {
  const { holdfast } = await startSingle(t)
  const client = await RespClient.connect(holdfast.port)
  const replies = client.pipeline(Array.from({ length: 300 }, (_, i) => ['ECHO', String(i)]))
  client.end()
  t.strictSame(
    await replies,
    Array.from({ length: 300 }, (_, i) => String(i)),
  )
  t.equal((await client.closed).error, null)
  await holdfast.stop()
})

t.test('a client too many — is told so and hung up on — although it does not hang up itself', async t => {
  const { holdfast } = await startSingle(t, { options: { 'max-sessions': '2' } })
  const sockets = await openMany(holdfast.port, 2)
  const refused = await openMany(holdfast.port, 20)
  const texts = refused.map(
    socket => new Promise<string>(resolve => socket.once('data', data => resolve(String(data)))),
  )
  t.strictSame(new Set(await Promise.all(texts)), new Set(['-ERR max number of clients reached\r\n']))
  const timer = setInterval(() => {
    for (const socket of refused) if (socket.writable) socket.write('x')
  }, 100)
  await Promise.all(refused.map(closedOf))
  clearInterval(timer)
  t.equal(holdfast.counters.sessionsRefused, 20)
  const told = holdfast.log.filter(line => line.event === 'session.refused')
  t.match(told, [{ peer: '127.0.0.1' }])
  t.equal(told.length, 1)
  for (const socket of sockets) socket.destroy()
  await holdfast.stop()
})

t.test('a client that was hung up on — cannot stay — by sending on and on', async t => {
  const { holdfast } = await startSingle(t)
  const socket = connect({ port: holdfast.port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {}).on('data', () => {})
  socket.write('*1\r\n:4\r\n')
  const timer = setInterval(() => socket.write('x'), 50)
  await waitUntil('it is gone', () => holdfast.counters.sessionsTotal === 1 && holdfast.counters.sessions === 0, {
    withinMs: 5000,
  })
  clearInterval(timer)
  t.equal(holdfast.counters.protocolErrors, 1)
  socket.destroy()
  await holdfast.stop()
})

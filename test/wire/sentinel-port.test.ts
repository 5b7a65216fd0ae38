// The Sentinel port among strangers: which address it tells to whom, random bytes in random pieces, clients that do not
// read or do not finish, and that the ports of Holdfast do not get into each other's way.
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { type InProcess, startSingle } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

async function start(t: Test, options: Record<string, string> = {}): Promise<InProcess> {
  const { holdfast } = await startSingle(t, { options: { 'sentinel-listen': '127.0.0.1:0', ...options } })
  return holdfast
}

async function client(t: Test, port: number): Promise<RespClient> {
  const made = await RespClient.connect(port)
  t.teardown(() => made.close())
  return made
}

function raw(t: Test, port: number): { socket: Socket; text: () => string; ended: () => boolean } {
  let text = ''
  let ended = false
  const socket = connect({ host: '127.0.0.1', port })
  socket
    .on('data', chunk => {
      text += chunk.toString('latin1')
    })
    .on('error', () => {})
    .on('close', () => {
      ended = true
    })
  t.teardown(() => socket.destroy())
  return { socket, text: () => text, ended: () => ended }
}

const ask = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster'] as const

t.test('the address — is where clients reach Holdfast', async t => {
  const every = await start(t, { listen: '0.0.0.0:0' })
  t.same(await (await client(t, every.sentinelPort)).send(...ask), ['127.0.0.1', String(every.port)])
  const announced = await start(t, { announce: 'holdfast.svc:7000' })
  const asker = await client(t, announced.sentinelPort)
  t.same(await asker.send(...ask), ['holdfast.svc', '7000'])
  t.match(await asker.send('INFO', 'sentinel'), /address=holdfast\.svc:7000,slaves=0,sentinels=1/)
  t.equal(await asker.send('QUIT'), 'OK')
  await asker.closed
  await waitUntil('it is counted as gone', () => announced.counters.sentinelPortSessions === 0, { withinMs: 10_000 })
  t.equal(announced.counters.sentinelPortCommands, 3)
})

t.test('random bytes — end their own connection at most — and are answered like any others before', async t => {
  const holdfast = await start(t)
  const port = holdfast.sentinelPort
  const other = await client(t, port)
  let a = 20_260_101
  const next = (n: number): number => {
    a = (a * 1_103_515_245 + 12_345) & 0x7fffffff
    return (a >>> 8) % n
  }
  const words = ['SENTINEL', 'MASTERS', 'MASTER', 'mymaster', 'HELLO', '3', '2', 'SUBSCRIBE', 'PING', 'INFO', 'CLIENT']
  for (let round = 0; round < 60; round++) {
    const { socket, text, ended } = raw(t, port)
    const frames: Buffer[] = []
    for (let i = 0; i < 12; i++) {
      const some = Array.from({ length: 1 + next(4) }, () => words[next(words.length)] ?? '')
      if (next(3) === 0) some.push(String.fromCharCode(...Array.from({ length: next(30) }, () => next(256))))
      const frame = Buffer.from(`*${some.length}\r\n${some.map(w => `$${w.length}\r\n${w}\r\n`).join('')}`, 'latin1')
      frames.push(next(4) === 0 ? Buffer.from(`${some.slice(0, 2).join(' ')}\r\n`, 'latin1') : frame)
      if (next(6) === 0) frame[next(frame.length)] = next(256)
    }
    const bytes = Buffer.concat(frames)
    for (let at = 0; at < bytes.length; ) {
      const to = at + 1 + next(40)
      socket.write(bytes.subarray(at, to))
      at = to
    }
    // Whatever it has begun: enough to finish or to be refused.
    socket.write(Buffer.alloc(20_000, '\r\n'))
    socket.end('PING\r\n')
    await waitUntil('it has ended', ended, { withinMs: 20_000 })
    if (text() === '') t.fail(`round ${round}: no answer at all`)
  }
  t.same(await other.send(...ask), ['127.0.0.1', String(holdfast.port)], 'the others are answered')
  t.equal(holdfast.counters.bugs, 0)
  await waitUntil('they are gone', () => holdfast.counters.sentinelPortSessions === 1, { withinMs: 10_000 })
})

t.test('a client that does not read its answers — is not read from — and is answered when it reads', async t => {
  const holdfast = await start(t)
  const { socket, text } = raw(t, holdfast.sentinelPort)
  socket.pause()
  const COUNT = 100_000
  socket.write('SENTINEL masters\r\n'.repeat(COUNT))
  let last = -1
  let same = 0
  await waitUntil(
    'it is not read from',
    () => {
      const { sentinelPortCommands } = holdfast.counters
      same = sentinelPortCommands === last ? same + 1 : 0
      last = sentinelPortCommands
      return last > 0 && same >= 20
    },
    { withinMs: 20_000, everyMs: 10 },
  )
  t.ok(last < COUNT / 2, `${last} of ${COUNT} answered: it is not read from`)
  socket.resume()
  await waitUntil('all are answered', () => holdfast.counters.sentinelPortCommands === COUNT, { withinMs: 60_000 })
  socket.write('PING the-end\r\n')
  await waitUntil('they arrive', () => text().endsWith('the-end\r\n'), { withinMs: 60_000 })
  t.equal(text().split('*1\r\n*40\r\n').length - 1, COUNT)
})

for (const [what, begin, more] of [
  ['a question without an end', '*2\r\n$4\r\nPING\r\n$300000\r\n', 'x'.repeat(8000)],
  ['a line without an end', 'SENTINEL ', 'y'.repeat(8000)],
] as const)
  t.test(`${what} — ends its connection`, async t => {
    const holdfast = await start(t)
    const { socket, text, ended } = raw(t, holdfast.sentinelPort)
    socket.write(begin)
    for (let i = 0; i < 4 && !ended(); i++) socket.write(more)
    await waitUntil('a question without an end is over', () => /^-ERR/.test(text()), { withinMs: 10_000 })
    await waitUntil('it has ended', ended, { withinMs: 10_000 })
  })

t.test('words of HTTP — end the connection without an answer', async t => {
  const holdfast = await start(t)
  const { socket, text, ended } = raw(t, holdfast.sentinelPort)
  socket.write('POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSENTINEL masters\r\n')
  await waitUntil('it has ended', ended, { withinMs: 10_000 })
  t.equal(text(), '')
  t.equal(holdfast.counters.sentinelPortCommands, 0)
})

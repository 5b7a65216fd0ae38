// Bytes that are no commands: the proxy answers and hangs up exactly as the server does, and nobody else notices.
// Each case is sent to a real server and to the proxy in front of it; all bytes received, and the end, must be the
// same.

import t, { type Test } from 'tap'
import { startBystander } from '../support/bystander.ts'
import { type InProcess, startSingle } from '../support/holdfast.ts'
import { judgeOnce } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { RespClient } from '../support/resp-client.ts'
import { randomFrom } from '../support/seeded-random.ts'
import type { Node } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { command, payload, seed } from './bytes.ts'

interface Seen {
  readonly bytes: string
  readonly closed: boolean
}

/** A case that leaves the connection open is followed by this, so that "open" is seen and not guessed. */
const still = command('ECHO', 'still-here')
const stillReply = '$10\r\nstill-here\r\n'

/**
 * Sends `bytes`; answers all that has come: when the peer has hung up, when a command sent behind a case that stays has
 * its reply, or when others have been answered so often that the silence of a case that hangs is an answer too.
 */
async function observe(port: number, bytes: Buffer, how: 'closes' | 'stays' | 'hangs'): Promise<Seen> {
  const client = await RespClient.connect(port, '127.0.0.1', { capture: true })
  const { socket } = client
  let closed = false
  for (const event of ['end', 'close']) {
    socket.once(event, () => {
      closed = true
    })
  }
  socket.write(how === 'stays' ? Buffer.concat([bytes, still]) : bytes)
  const text = (): string => client.rawReplies().toString('latin1')
  if (how === 'hangs') {
    // However long the good commands in front take: the silence that counts is the one behind their replies.
    const before = bytes.includes(good) ? goodReplies : ''
    await waitUntil('the commands in front are answered', () => text().startsWith(before), { withinMs: 3000 })
    await askOften(port)
  } else {
    const done = (): boolean => closed || text().endsWith(stillReply)
    await waitUntil(`port ${port} answers`, done, { withinMs: 3000 }).catch(() => {})
  }
  const seen = { bytes: text(), closed }
  await client.close()
  return seen
}

/**
 * One question after the other by another connection. Each is read in a later turn of the peer's event loop than all
 * that was written before it was asked, and is answered behind that: what has no answer by then waits for more.
 */
async function askOften(port: number): Promise<void> {
  const other = await RespClient.connect(port)
  for (let i = 0; i < 5; i++) await other.send('ECHO', String(i))
  await other.close()
}

const goodReplies = '$5\r\nfirst\r\n+PONG\r\n+PONG\r\n'
const long = (n: number, fill = 'x'): string => fill.repeat(n)
const good = '*2\r\n$4\r\nECHO\r\n$5\r\nfirst\r\nPING\r\n*1\r\n$4\r\nPING\r\n'

const closing: Record<string, string> = {
  'a count beyond 2^31': '*2147483648\r\n',
  'a count that is no number': '*abc\r\n',
  'a count with a sign': '*+1\r\n',
  'a count with a leading zero': '*01\r\n',
  'an empty count': '*\r\n',
  'a count with a space': '* 1\r\n',
  'a count of 20 digits': '*99999999999999999999\r\n',
  'a count line of 65 KB': `*${long(65 * 1024 + 20, '1')}`,
  'no $ before an argument': '*1\r\n:4\r\nPING\r\n',
  'a line end where $ should be': '*1\r\n\r\n',
  'a control byte where $ should be': '*1\r\n\x01\r\n',
  'a high byte where $ should be': '*1\r\n\xe9\r\n',
  'no $ and no line end for 65 KB': `*1\r\n:${long(65 * 1024 + 20, '1')}`,
  'a NUL in a count, and no end that counts': `*1\0\r\n$4\r\nPING\r\n${long(65 * 1024 + 20)}`,
  'an argument of 512 MB and 1 byte': '*1\r\n$536870913\r\n',
  'an argument of -1 bytes': '*1\r\n$-1\r\n',
  'an argument of -2 bytes': '*1\r\n$-2\r\n',
  'an argument of -0 bytes': '*1\r\n$-0\r\n',
  'a length that is no number': '*1\r\n$x\r\n',
  'an empty length': '*1\r\n$\r\n',
  'a length line of 65 KB': `*1\r\n$${long(65 * 1024 + 20, '1')}`,
  'a second argument that is wrong': '*2\r\n$4\r\nECHO\r\n$-5\r\n',
  'a line of 65 KB without an end': long(65 * 1024 + 10),
  'unbalanced double quotes': 'SET k "abc\r\n',
  'unbalanced single quotes': "SET k 'abc\r\n",
  'text behind a closing quote': 'SET k "abc"d\r\n',
  'POST of a browser': 'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
  'a Host: line': 'Host: 127.0.0.1\r\n',
  'POST as a frame': '*1\r\n$4\r\npost\r\n',
}

const staying: Record<string, string> = {
  'empty lines': '\r\n\n   \r\n',
  'a count of 0': '*0\r\n',
  'a count of -1': '*-1\r\n',
  'a count of -100': '*-100\r\n',
  'an inline command': 'ECHO "a \\x41\\n b" \r\n',
  'an inline command ended by LF alone': 'PING\n',
  'an empty argument': '*2\r\n$4\r\nECHO\r\n$0\r\n\r\n',
  'an empty command name': '*1\r\n$0\r\n\r\n',
  'a payload not followed by CR LF': '*1\r\n$4\r\nPINGxx',
  'a byte other than LF behind CR': '*1\rx$4\rxPING\r\n',
  'a reply instead of a command': '+OK\r\n',
  'a bulk string without a frame': '$4\r\nPING\r\n',
  'GET of a browser': 'GET / HTTP/1.1\r\n',
  'garbage with a line end': `\x16\x03\x01\x02\xfc\xff\xfe${long(40, '\x80')}\r\n`,
  'an unknown command with odd bytes': '*2\r\n$6\r\nno\r\nsu\r\n$3\r\n\x01\xff\x7f\r\n',
  'too few arguments': '*1\r\n$3\r\nGET\r\n',
  'quotes that are balanced': `ECHO 'it\\'s' \r\nECHO "" \r\n`,
}

/** The server waits for more: for an end that a NUL hides, for arguments, for a payload. */
const hanging: Record<string, string> = {
  'a count far beyond what comes': '*1048577\r\n$4\r\nECHO\r\n',
  'a NUL in an inline line': 'PI\0NG\r\n',
  'a header ended by LF alone': '*1\n$4\nPING\n',
  'a NUL in a count': '*1\0\r\n$4\r\nPING\r\n',
  'a NUL in a length': '*1\r\n$4\0\r\nPING\r\n',
  'no $ before an argument, and no line end yet': '*1\r\n:4',
  'a NUL where $ should be': '*1\r\n\0\r\n',
  'half a payload': '*2\r\n$4\r\nECHO\r\n$100\r\nabc',
}

interface World {
  readonly holdfast: InProcess
  readonly node: Node
}

async function compare(
  t: Test,
  { holdfast, node }: World,
  cases: Record<string, string>,
  how: Parameters<typeof observe>[2],
) {
  for (const [what, text] of Object.entries(cases)) {
    for (const [before, prefix] of Object.entries({ '': '', ', behind good commands': good })) {
      const bytes = Buffer.from(prefix + text, 'latin1')
      const wanted = await observe(node.port, bytes, how)
      const found = await observe(holdfast.port, bytes, how)
      t.equal(wanted.closed, how === 'closes', `${what}${before}: the server ${how}`)
      t.strictSame(found, wanted, `${what}${before}`)
    }
  }
}

t.test('bad input — is answered and hung up on as by the server — when the stream cannot go on', async t => {
  await compare(t, await startSingle(t), closing, 'closes')
})

t.test('bytes that are no commands — are counted and logged — with the address of the client', async t => {
  const { holdfast } = await startSingle(t)
  await observe(holdfast.port, Buffer.from('*1\r\n:4\r\nPING\r\n'), 'closes')
  t.equal(holdfast.counters.protocolErrors, 1)
  const error = "Protocol error: expected '$', got ':'"
  t.match(holdfast.find('session.protocol_error'), { level: 'debug', peer: '127.0.0.1', error: error.slice(16) })
  for (let i = 0; i < 20; i++)
    for (const text of ['POST / HTTP/1.1\r\nHost: x\r\n\r\n', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'])
      await observe(holdfast.port, Buffer.from(text), 'closes')
  t.equal(holdfast.counters.protocolErrors, 41)
  const lines = holdfast.log.filter(({ event }) => event === 'session.http')
  t.match(lines[0], { level: 'warn', peer: '127.0.0.1', notLogged: 0 })
  t.ok(lines.length < 10, `${lines.length} lines for 40 clients`)
})

t.test('odd input — is answered as by the server — when the stream goes on', async t => {
  await compare(t, await startSingle(t), staying, 'stays')
})

t.test('unfinished input — is waited for as by the server — and no more', async t => {
  await compare(t, await startSingle(t), hanging, 'hangs')
})

t.test('random bytes — are answered as by the server — seeded', async t => {
  const world = await startSingle(t)
  const random = randomFrom(seed + 7)
  const cases: Record<string, string> = {}
  for (let i = 0; i < 25; i++) {
    const bytes = payload(random, 1 + Math.floor(400 * random())).toString('latin1')
    // Ended by what no server can take for anything else, so that every case comes to an end.
    cases[`case ${i}`] = `${bytes}\r\n"\r\n${long(70_000)}`
  }
  for (const [what, text] of Object.entries(cases)) {
    const wanted = await observe(world.node.port, Buffer.from(text, 'latin1'), 'closes')
    const found = await observe(world.holdfast.port, Buffer.from(text, 'latin1'), 'closes')
    t.strictSame(found, wanted, what)
  }
})

t.test('half a frame — holds up no other session — for as long as it stays half', async t => {
  const { holdfast } = await startSingle(t)
  const halves = [
    '*2\r\n$4\r\nECHO\r\n$100\r\nabc',
    '*3\r\n$3\r\nSET',
    'PIN',
    '*1\r\n$',
    '*',
    '*2\r\n$4\r\nINCR\r\n$9\r\nbystan',
  ]
  const clients = await Promise.all(halves.map(() => RespClient.connect(holdfast.port)))
  t.teardown(() => Promise.all(clients.map(client => client.close())))
  clients.forEach((client, i) => void client.socket.write(halves[i] ?? ''))
  const sent = halves.join('').length
  await waitUntil('all halves are read', () => holdfast.counters.clientBytesIn === sent, { withinMs: 5000 })
  const readPace = openWindow()
  const bystander = await startBystander(holdfast.port)
  await waitUntil('a bystander is served', () => bystander.asked() >= 200, { withinMs: 10_000 })
  const { wrong, longestMs } = await bystander.stop()
  t.equal(wrong, 0)
  await judgeOnce(t, 'the longest wait of a bystander', 500, longestMs, readPace())
  await waitUntil('those with half a frame alone are there', () => holdfast.counters.sessions === halves.length, {
    withinMs: 2000,
  })
  t.ok(
    clients.every(client => client.isOpen),
    'and were not hung up on',
  )
  await Promise.all(clients.map(client => client.close()))
  await holdfast.stop()
})

t.test('a client — vanishes without a trace — in the middle of a command or a reply', async t => {
  const { holdfast, node } = await startSingle(t)
  const direct = await RespClient.connect(node.port)
  t.teardown(() => direct.close())
  await direct.send('SET', 'large', long(8 * 1024 * 1024))
  const bystander = await startBystander(holdfast.port)
  const half = command('SET', 'never', long(1_000_000)).subarray(0, 600_000)
  for (let i = 0; i < 20; i++) {
    const writer = await RespClient.connect(holdfast.port)
    await new Promise<void>(resolve => writer.socket.write(half, () => resolve()))
    const reader = await RespClient.connect(holdfast.port)
    reader.socket.write(Buffer.concat([command('GET', 'large'), command('INCR', 'gone')]))
    if (i % 2 === 0) await waitUntil('the reply has begun', () => reader.bytesIn > 0, { withinMs: 5000 })
    for (const client of [writer, reader]) {
      if (i % 4 < 2) client.reset()
      else client.socket.destroy()
    }
  }
  await waitUntil('the proxy has noticed', () => holdfast.counters.sessions === 1, { withinMs: 5000 })
  const { wrong } = await bystander.stop()
  t.equal(wrong, 0, 'the replies of those who vanished go to nobody else')
  await waitUntil('nothing is pending', () => holdfast.counters.pendingBytes === 0, { withinMs: 5000 })
  t.equal(await direct.send('EXISTS', 'never'), 0, 'half a command is no command')
  await holdfast.stop()
})

t.test('a thousand connections — leave nothing behind — opened and dropped in the middle of a frame', async t => {
  const { holdfast } = await startSingle(t)
  const bystander = await startBystander(holdfast.port)
  const frame = command('SET', 'never', long(2000))
  const random = randomFrom(seed + 8)
  for (let batch = 0; batch < 20; batch++) {
    const clients = await Promise.all(Array.from({ length: 50 }, () => RespClient.connect(holdfast.port)))
    for (const client of clients) client.socket.write(frame.subarray(0, 1 + Math.floor(random() * (frame.length - 1))))
    for (const client of clients) {
      if (random() < 0.5) client.reset()
      else client.end()
    }
    await waitUntil('they are gone', () => holdfast.counters.sessions === 1, { withinMs: 10_000 })
    for (const client of clients) client.socket.destroy()
  }
  t.equal(holdfast.counters.sessionsTotal, 1001)
  const { wrong, longestMs } = await bystander.stop()
  t.comment(`the bystander's longest wait was ${longestMs.toFixed(1)} ms`)
  t.equal(wrong, 0)
  await waitUntil('nothing is pending', () => holdfast.counters.pendingBytes === 0, { withinMs: 5000 })
  await holdfast.stop()
})

// Clients that must sign in at Holdfast (--client-password): byte for byte what a real server with the same password
// answers, and nothing of a login at Redis.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type InProcess, type SingleServer, startSingle } from '../support/holdfast.ts'
import { isOlder } from '../support/needs.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import {
  endServer,
  type Flavour,
  findServer,
  makeFolder,
  type Node,
  removeFolder,
  startServer,
} from '../support/servers.ts'
import { settings } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'
import { command } from './bytes.ts'

const flavours = (['redis', 'valkey'] as const).filter(flavour => findServer(flavour) !== undefined)
if (flavours.length < 2)
  t.pass('with both servers', { skip: 'only one of redis-server and valkey-server is installed' })

/** A real server with the password, and Holdfast with the same one before a server that has none. */
interface Pair {
  readonly real: Node
  readonly ours: InProcess
  readonly behind: Node
}

interface Given {
  readonly flavour: Flavour
  readonly realConfig: readonly string[]
  readonly options: Readonly<Record<string, string>>
}

async function startPair(t: Test, { flavour, realConfig, options }: Given): Promise<Pair> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const config = ['save ""', ...realConfig]
  const real = await startServer({ flavour, kind: 'data', name: 'real', dir, config, password: 'pw' })
  t.teardown(() => endServer(real))
  const { holdfast, node } = await startSingle(t, { flavour, options })
  return { real, ours: holdfast, behind: node }
}

async function connect(t: Test, { port }: { port: number }): Promise<RespClient> {
  const client = await RespClient.connect(port, '127.0.0.1', { capture: true })
  t.teardown(() => client.close())
  return client
}

/** Sends each text when the one before is answered, and answers all that came; the client's id is no part of it. */
async function converse(t: Test, at: { port: number }, texts: readonly (string | Buffer)[]): Promise<string> {
  const client = await connect(t, at)
  for (const text of texts) await client.sendRaw(text, 1)
  return withoutId(client)
}

/** Sends all at once, and answers all that came before the end. */
async function pour(t: Test, at: { port: number }, bytes: string | Buffer): Promise<string> {
  const client = await connect(t, at)
  await client.sendRaw(bytes)
  await waitUntil('the end', async () => (await Promise.race([client.closed, false])) || !client.isOpen, {
    withinMs: 5000,
  })
  return withoutId(client)
}

function withoutId(client: RespClient): string {
  return client
    .rawReplies()
    .toString('latin1')
    .replace(/id\r\n:\d+/g, 'id\r\n:0')
}

/** Each: commands one by one, as inline text. */
const conversations: readonly (readonly string[])[] = [
  ['GET k', 'PING', 'MULTI', 'SUBSCRIBE c', 'CLIENT REPLY OFF', 'COMMAND', 'QUIT'],
  ['AUTH', 'AUTH a b c', 'AUTH wrong', 'AUTH ""', 'AUTH "" pw', 'AUTH default wrong', 'AUTH DEFAULT pw', 'GET k'],
  ['AUTH pw', 'GET k', 'AUTH wrong', 'GET k', 'AUTH default pw', 'PING'],
  ['AUTH default pw', 'SET k v', 'GET k', 'RESET', 'GET k', 'AUTH pw', 'GET k'],
  ['HELLO 3 AUTH default', 'HELLO 3 FOO', 'HELLO 3 SETNAME', 'HELLO 4 FOO', 'HELLO 3 "F\\r\\nO"', 'HELLO 3 "F\\x00O"'],
  ['HELLO 3 AUTH default pw', 'HGETALL none', 'HELLO 2 AUTH default wrong', 'HGETALL none', 'RESET', 'HGETALL none'],
  ['HELLO 2 AUTH default pw SETNAME me', 'CLIENT GETNAME', 'HELLO 3', 'CLIENT GETNAME', 'HELLO 9 AUTH default pw'],
  ['RESET', 'RESET x', 'AUTH pw', 'SELECT 3', 'SET three 3', 'RESET', 'AUTH pw', 'GET three', 'SELECT 3', 'GET three'],
  ['MULTI', 'AUTH pw', 'EXEC', 'MULTI', 'SET m 1', 'RESET', 'EXEC', 'AUTH pw', 'EXEC', 'GET m'],
  ['AUTH pw', 'SUBSCRIBE c', 'AUTH pw', 'HELLO 3 AUTH default pw', 'PING', 'UNSUBSCRIBE c', 'AUTH pw'],
]

/**
 * Redis before 7.2 words the first NOAUTH otherwise, and a HELLO that it refuses has signed its client in with the part
 * before the error. Holdfast answers and acts as later servers do: what is refused signs nobody in.
 */
const laterConversations: readonly (readonly string[])[] = [
  ['HELLO', 'HELLO 2', 'HELLO 3', 'HELLO 4', 'HELLO -3', 'HELLO x', 'HELLO 03', 'HELLO 99999999999999999999', 'GET k'],
  ['HELLO 3 AUTH default wrong', 'HELLO 3 AUTH DEFAULT pw', 'HELLO 3 AUTH default pw AUTH default wrong', 'GET k'],
  ['HELLO 3 AUTH default pw SETNAME "a b"', 'HELLO 3 SETNAME "a b" AUTH default wrong', 'GET k'],
]

/** Each: everything in one write. A server forgets a refused login behind other replies, so none is refused here. */
const streams: readonly (string | Buffer)[] = [
  'GET k\r\nAUTH pw\r\nSET k v\r\nGET k\r\nQUIT\r\n',
  'AUTH pw\r\nMULTI\r\nSET a 1\r\nGET a\r\nEXEC\r\nRESET\r\nGET a\r\nQUIT\r\nPING\r\n',
  'HELLO 3 AUTH default pw\r\nSET k v\r\nGET k\r\nHGETALL none\r\nQUIT\r\n',
  Buffer.concat([
    command('AUTH', 'pw'),
    command('MSET', 'a', 1, 'b', 2, 'c', 3, 'd', 4, 'e', 5, 'f', 6),
    command('QUIT'),
  ]),
  Buffer.concat([command('GET', 'k'), command('AUTH', 'default', 'pw'), command('GET', 'k'), command('QUIT', 'x')]),
  Buffer.concat([command('MULTI'), command('SET', 'a', 1), command('EXEC'), command('RESET'), command('QUIT')]),
  '*11\r\n$3\r\n',
  'PING\r\n*11\r\n',
  '*2147483648\r\n',
  '*10\r\n$16385\r\n',
  '*1\r\n$536870913\r\n',
  Buffer.concat([command('ECHO', Buffer.alloc(16_384)), command('AUTH', Buffer.alloc(16_385))]),
  Buffer.concat([command('AUTH', 'pw'), command('RESET'), Buffer.from('*11\r\n')]),
]

for (const flavour of flavours) {
  t.test(`client password (${flavour}) — is asked for as the server itself does`, async t => {
    const pair = await startPair(t, { flavour, realConfig: ['requirepass pw'], options: { 'client-password': 'pw' } })
    for (const lines of [...conversations, ...(isOlder(flavour, 7.2) ? [] : laterConversations)]) {
      const inline = lines.map(text => `${text}\r\n`)
      const wanted = await converse(t, pair.real, inline)
      t.equal(await converse(t, pair.ours, inline), wanted, lines.join(', '))
    }
    for (const bytes of streams) {
      const wanted = await pour(t, pair.real, bytes)
      t.equal(await pour(t, pair.ours, bytes), wanted, JSON.stringify(String(bytes).slice(0, 60)))
    }
  })

  t.test(`client user and password (${flavour}) — are asked for as the server itself does`, async t => {
    const pair = await startPair(t, {
      flavour,
      realConfig: ['requirepass pw', 'user app on >secret ~* &* +@all'],
      options: { 'client-username': 'app', 'client-password': 'secret' },
    })
    await ask(pair.real, ['ACL', 'SETUSER', 'default', 'off'], { password: 'pw' })
    for (const lines of [
      ['AUTH secret', 'AUTH default pw', 'AUTH app pw', 'GET k', 'AUTH app secret', 'SET k v', 'GET k', 'AUTH secret'],
      ['HELLO 3 AUTH default secret', 'HELLO 3 AUTH app secret SETNAME me', 'HGETALL none', 'CLIENT GETNAME', 'QUIT'],
    ]) {
      const inline = lines.map(text => `${text}\r\n`)
      t.equal(await converse(t, pair.ours, inline), await converse(t, pair.real, inline), lines.join(', '))
    }
  })
}

async function startOurs(t: Test, options: Readonly<Record<string, string>> = {}): Promise<SingleServer> {
  return startSingle(t, { options: { 'client-password': 'pw', ...options } })
}

t.test('client password — is right at every cut of the bytes', async t => {
  const { holdfast } = await startOurs(t)
  const bytes = Buffer.concat([command('GET', 'k'), command('AUTH', 'pw'), command('ECHO', 'hi'), command('QUIT')])
  const wanted = '-NOAUTH Authentication required.\r\n+OK\r\n$2\r\nhi\r\n+OK\r\n'
  const client = await connect(t, holdfast)
  for (const byte of bytes) {
    await client.sendRaw(Buffer.from([byte]))
    await new Promise(resolve => setImmediate(resolve))
  }
  await client.closed
  t.equal(String(client.rawReplies()), wanted)
})

t.test('client password — a login refused behind other replies — is answered', async t => {
  const { holdfast } = await startOurs(t)
  const got = await pour(t, holdfast, 'AUTH pw\r\nPING\r\nAUTH wrong\r\nPING\r\nQUIT\r\n')
  t.equal(got, '+OK\r\n+PONG\r\n-WRONGPASS invalid username-password pair or user is disabled.\r\n+PONG\r\n+OK\r\n')
})

t.test('client password — tells a stranger nothing of the commands there are', async t => {
  const { holdfast } = await startOurs(t)
  const client = await connect(t, holdfast)
  for (const text of ['NOSUCH x\r\n', 'GET\r\n', 'SHUTDOWN\r\n', 'SYNC\r\n'])
    t.equal(String((await client.sendRaw(text, 1))[0]?.raw), '-NOAUTH Authentication required.\r\n', text)
})

t.test('client password — a command before it — is not run', async t => {
  const { holdfast, node } = await startOurs(t)
  const client = await connect(t, holdfast)
  const got = await client.pipeline([
    ['SET', 'k', 'v'],
    ['MULTI'],
    ['SET', 'k', 'v'],
    ['EXEC'],
    ['EVAL', 'return 1', '0'],
  ])
  t.equal(got.length, 5)
  t.equal(await ask(node, ['EXISTS', 'k']), 0)
})

t.test('client password — never reaches Redis — which sees the user of our own', async t => {
  const { holdfast, node } = await startSingle(t, {
    options: {
      'client-password': 'door-secret',
      'redis-username': 'worker',
      'redis-password': 'worker-secret',
    },
    serverConfig: ['user worker on >worker-secret ~* &* +@all'],
  })
  const monitor = await RespClient.connect(node.port, node.host, { capture: true })
  t.teardown(() => monitor.close())
  await monitor.sendRaw('MONITOR\r\n', 1)
  const client = await connect(t, holdfast)
  t.equal(await client.send('AUTH', 'door-secret'), 'OK')
  t.equal(await client.send('ACL', 'WHOAMI'), 'worker')
  await client.send('MULTI')
  t.match(
    String(await client.sendForBytes('AUTH', 'default', 'door-secret', 'x')),
    /ERR holdfast: AUTH is not supported/,
  )
  t.match(
    String(await client.sendForBytes('HELLO', '3', 'AUTH', 'default', 'door-secret', 'x')),
    /AUTH is not supported/,
  )
  t.match(String(await client.sendForBytes('EXEC')), /EXECABORT/)
  await client.send('HELLO', '3', 'AUTH', 'default', 'door-secret')
  await client.send('HELLO', '3', 'AUTH', 'default', 'door-secret', 'BOGUS')
  await client.send('AUTH', 'door-secret', 'wrong', 'three')
  t.equal(await client.send('ACL', 'WHOAMI'), 'worker')
  t.equal(await client.send('SET', 'last', 'word'), 'OK')
  await waitUntil('MONITOR has shown it all', () => monitor.rawReplies().includes('"last"'), { withinMs: 3000 })
  t.notMatch(String(monitor.rawReplies()), 'door-secret')
  t.notMatch(JSON.stringify(holdfast.log), 'door-secret')
})

t.test('client password — wrong ones — are logged once a second, with where they come from', async t => {
  const { holdfast } = await startOurs(t)
  const client = await connect(t, holdfast)
  for (let i = 0; i < 50; i++) await client.send('AUTH', 'wrong')
  const lines = holdfast.log.filter(({ event }) => event === 'session.login_refused')
  t.match(lines[0], { level: 'warn', peer: '127.0.0.1', notLogged: 0 })
  t.ok(lines.length < 5, `${lines.length} lines`)
  t.equal(holdfast.counters.loginsRefused, 50)
})

t.test('client password — a client that reads nothing — is ended before it has signed in', async t => {
  const { holdfast } = await startOurs(t)
  const client = await connect(t, holdfast)
  client.socket.pause()
  const flood = 'x\r\n'.repeat(20_000)
  const poured = (): boolean => {
    client.socket.write(flood, () => {})
    return holdfast.counters.sessions === 0
  }
  await waitUntil('it is ended', poured, { withinMs: 5000 })
  client.socket.resume()
  await client.closed
  t.ok(client.bytesIn < 4_000_000, 'the kernel’s own buffers, and little more')
  t.equal(holdfast.counters.unreadEnded, 1, 'and counted')
  const line = holdfast.find('session.unread_signed_out')
  t.match(line, { level: 'warn', peer: '127.0.0.1', limit: 17 * 1024, msg: /--client-password/ })
  const unread = Number(line?.['unreadBytes'])
  t.ok(unread > 17 * 1024 && unread < 18 * 1024, `the line has what crossed the limit, by one reply: ${unread}`)
})

t.test(
  'client password — a client that reads nothing and signs out — is ended for that, not for another limit',
  async t => {
    const { holdfast } = await startOurs(t)
    const client = await connect(t, holdfast)
    t.equal(await client.send('AUTH', 'pw'), 'OK')
    t.equal(await client.send('SET', 'large', Buffer.alloc(32 * 1024 * 1024)), 'OK')
    client.socket.pause()
    client.socket.write('GET large\r\nRESET\r\n')
    await waitUntil('it is ended', () => holdfast.counters.sessions === 0, { withinMs: 10_000 })
    t.equal(holdfast.counters.unreadEnded, 1)
    t.equal(holdfast.find('session.unread'), undefined)
    t.match(holdfast.find('session.unread_signed_out'), { limit: 17 * 1024 })
  },
)

t.test('client password — sessions with links of their own — have none before they have signed in', async t => {
  const { holdfast } = await startOurs(t, { links: 'private' })
  const clients = await Promise.all([1, 2, 3, 4, 5].map(() => connect(t, holdfast)))
  for (const client of clients) await client.send('PING')
  // With --ack one more asks whether replicas have it.
  const shared = settings.isReplicated ? 2 : 1
  t.ok(holdfast.counters.linksOpened <= shared, 'at most the one that all share')
  for (const client of clients) t.equal(await client.send('AUTH', 'pw'), 'OK')
  for (const client of clients) t.equal(await client.send('PING'), 'PONG')
  t.ok(holdfast.counters.linksOpened >= 5)
})

t.test('client password — from a file that changes — is the new one, and the one before it', async t => {
  const file = join(t.testdir({ secret: 'first' }), 'secret')
  const { holdfast } = await startSingle(t, { options: { 'client-password-file': file } })
  const stays = await connect(t, holdfast)
  t.equal(await stays.send('AUTH', 'first'), 'OK')
  const client = await connect(t, holdfast)
  for (const [text, refused] of [
    ['second', []],
    ['third', ['first']],
  ] as const) {
    writeFileSync(file, text)
    const taken = async (): Promise<boolean> => (await client.send('AUTH', text)) === 'OK'
    await waitUntil(`${text} is taken`, taken, { withinMs: 20_000, everyMs: 100 })
    for (const old of refused) t.match(String(await client.sendForBytes('AUTH', old)), /^-WRONGPASS /)
  }
  t.equal(await client.send('AUTH', 'second'), 'OK', 'the one before the last change')
  t.equal(await stays.send('PING'), 'PONG', 'who is signed in stays so')
  t.notMatch(JSON.stringify(holdfast.log), /"(?:first|second|third)"/)
})

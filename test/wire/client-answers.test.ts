// What the proxy answers itself in the place of a server, told from what a server answers: before a login, with CLIENT
// REPLY OFF, after RESET; and CLIENT TRACKING that sends its invalidations to another session.
import t from 'tap'
import type { Teardown } from '../support/fake-redis.ts'
import { type InProcess, startSingle } from '../support/holdfast.ts'
import { isOlder } from '../support/needs.ts'
import { RespClient, RespError, type Value } from '../support/resp-client.ts'
import { RespPush } from '../support/resp-decoder.ts'
import { anyFlavour } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

interface World {
  readonly holdfast: InProcess
  readonly connect: () => Promise<RespClient>
  /** To the server itself. */
  readonly direct: () => Promise<RespClient>
}

async function world(t: Teardown, password?: string): Promise<World> {
  const serverConfig = password === undefined ? [] : [`requirepass ${password}`]
  const { holdfast, node } = await startSingle(t, { serverConfig, ...(password !== undefined && { password }) })
  const open = async (port: number): Promise<RespClient> => {
    const client = await RespClient.connect(port)
    t.teardown(() => client.close())
    return client
  }
  return { holdfast, connect: () => open(holdfast.port), direct: () => open(node.port) }
}

const textOf = (reply: Value | undefined): string => (reply instanceof RespError ? reply.message : String(reply))

/** What has come unasked, as text. */
const heard = ({ pushes }: RespClient): string[] =>
  pushes.map(value => (value instanceof RespPush ? value.items : Array.isArray(value) ? value : [value]).join(' '))

t.test('before AUTH — each CLIENT command is refused as the server refuses it — and after it none', async t => {
  const { holdfast, connect } = await world(t, 'pw')
  const commands = [
    ['SETNAME', 'me'],
    ['SETINFO', 'LIB-NAME', 'lib'],
    ['GETNAME'],
    ['ID'],
    ['INFO'],
    ['LIST'],
    ['KILL', 'ID', '5'],
    ['REPLY', 'ON'],
    ['TRACKING', 'OFF'],
  ]
  const client = await connect()
  for (const args of commands) t.match(textOf(await client.send('CLIENT', ...args)), /^NOAUTH/, args.join(' '))
  await client.sendRaw('CLIENT REPLY OFF\r\n', 1)
  t.match(textOf(await client.send('PING')), /^NOAUTH/, 'replies are not off')
  const [named, auth, name] = await client.pipeline([
    ['CLIENT', 'SETNAME', 'me'],
    ['AUTH', 'pw'],
    ['CLIENT', 'GETNAME'],
  ])
  t.match(textOf(named), /^NOAUTH/)
  t.equal(auth, 'OK')
  t.equal(name, null, 'it was not named')
  t.equal(await client.send('CLIENT', 'SETNAME', 'me'), 'OK')
  t.type(await client.send('CLIENT', 'ID'), 'number')

  t.equal(await client.send('AUTH', 'pw'), 'OK', 'with a name, signing in again')
  t.equal(await client.send('CLIENT', 'GETNAME'), 'me')
  t.equal(await client.send('WATCH', 'k'), 'OK')
  t.equal(await client.send('AUTH', 'default', 'pw'), 'OK', 'and on a link of its own')
  t.equal(await client.send('CLIENT', 'GETNAME'), 'me')
  t.equal(holdfast.find('session.restore_failed'), undefined)
  t.equal(await client.send('RESET'), 'RESET')
  t.match(textOf(await client.send('CLIENT', 'ID')), /^NOAUTH/, 'signed out')
})

for (const protocol of [2, 3]) {
  t.test(
    `CLIENT REPLY OFF — RESP${protocol} — confirmations and messages come all the same, and nothing else`,
    async t => {
      const { connect } = await world(t)
      const other = await connect()
      const client = await connect()
      await client.send('HELLO', protocol)
      await client.sendRaw('CLIENT REPLY OFF\r\n')
      t.equal(await client.send('SUBSCRIBE', 'c').then(value => heardFirst(value)), 'subscribe c 1')
      await client.sendRaw('PING\r\n')
      t.equal(await other.send('PUBLISH', 'c', 'hello'), 1)
      await waitUntil('the message comes', () => heard(client).includes('message c hello'), { withinMs: 20_000 })
      t.equal(await client.send('UNSUBSCRIBE', 'c').then(value => heardFirst(value)), 'unsubscribe c 0')
      t.equal(await client.send('CLIENT', 'REPLY', 'ON'), 'OK', 'no PONG is in front of it')
      const [skipped] = await client.sendRaw('CLIENT REPLY SKIP\r\nPING\r\nECHO next\r\n', 1)
      t.equal(skipped?.value, 'next')
    },
  )
}

const heardFirst = (value: Value): string =>
  (value instanceof RespPush ? value.items : Array.isArray(value) ? value : [value]).join(' ')

t.test('CLIENT REPLY OFF — keeps back what MONITOR shows — and RESET answers and ends it', async t => {
  const { connect } = await world(t)
  const other = await connect()
  const client = await connect()
  await client.send('MONITOR')
  await other.send('GET', 'seen')
  await waitUntil('a command is seen', () => heard(client).some(line => line.includes('"seen"')), { withinMs: 20_000 })
  await client.sendRaw('CLIENT REPLY OFF\r\n')
  await client.send('UNSUBSCRIBE', 'none') // confirmed: replies are off
  await other.send('GET', 'unseen')
  const [reset] = await client.sendRaw('RESET\r\n', 1)
  t.equal(reset?.value, 'RESET')
  t.notOk(heard(client).some(line => line.includes('unseen')))
  t.notMatch(String(await other.send('CLIENT', 'LIST')), /flags=O/, 'it monitors no more')
  t.equal(await client.send('PING'), 'PONG')
})

for (const isOwn of [false, true]) {
  const title = `RESET behind CLIENT REPLY SKIP — ${isOwn ? 'a link of its own' : 'a shared link'}`
  t.test(`${title} — its reply is the one that is skipped, as at a server`, async t => {
    const { connect, direct } = await world(t)
    for (const client of [await direct(), await connect()]) {
      if (isOwn) await client.send('WATCH', 'k')
      const [next] = await client.sendRaw('CLIENT REPLY SKIP\r\nRESET\r\nECHO next\r\n', 1)
      t.equal(next?.value, 'next')
    }
  })
}

t.test('RESET — forgets the name and keeps the library, as a server does — on either kind of link', async t => {
  const { connect } = await world(t)
  // Redis 7.2 has CLIENT SETINFO. Before it a line says nothing of libraries, and the server knows no such subcommand.
  const hasLibraries = !isOlder(anyFlavour(), 7.2)
  const nameless = hasLibraries ? / name= .* lib-name=lib lib-ver=1\.2/ : / name= /
  for (const isOwn of [false, true]) {
    const client = await connect()
    for (const args of [
      ['SETNAME', 'me'],
      ['SETINFO', 'LIB-NAME', 'lib'],
      ['SETINFO', 'LIB-VER', '1.2'],
    ])
      t.equal(await client.send('CLIENT', ...args), 'OK')
    if (isOwn) await client.send('WATCH', 'k')
    t.equal(await client.send('RESET'), 'RESET')
    t.match(String(await client.send('CLIENT', 'INFO')), nameless)
    if (isOwn) await client.send('WATCH', 'k')
    t.match(String(await client.send('CLIENT', 'LIST')), nameless)
  }
  const client = await connect()
  for (const args of [['SETINFO'], ['SETINFO', 'lib-name'], ['SETINFO', 'lib-name', 'a', 'b']]) {
    const refusal = hasLibraries ? /wrong number of arguments/ : /unknown subcommand 'SETINFO'/
    t.match(textOf(await client.send('CLIENT', ...args)), refusal, args.join(' '))
  }
  for (const args of [['SETNAME'], ['REPLY']])
    t.match(textOf(await client.send('CLIENT', ...args)), /wrong number of arguments/, args.join(' '))
  t.equal(await client.send('CLIENT', 'GETNAME'), null)
  t.match(textOf(await client.send('RESET', 'x')), /wrong number of arguments/)
  t.match(textOf(await client.send('SCRIPT', 'DEBUG', 'YES')), /SCRIPT DEBUG is not supported/)
})

t.test('CLIENT CACHING YES — whose link is lost before the next command — holds for that one and no other', async t => {
  const { holdfast, connect, direct } = await world(t)
  const server = await direct()
  const client = await connect()
  const loseLink = async (): Promise<void> => {
    const before = holdfast.counters.linksLost
    await server.send('CLIENT', 'KILL', 'TYPE', 'normal')
    await waitUntil('the link is lost', () => holdfast.counters.linksLost > before, { withinMs: 20_000 })
  }
  await client.send('HELLO', 3)
  await client.send('CLIENT', 'TRACKING', 'ON', 'OPTIN')
  t.equal(await client.send('CLIENT', 'CACHING', 'YES'), 'OK')
  await loseLink()
  t.equal(await client.send('GET', 'tracked'), null)
  await loseLink()
  t.equal(await client.send('GET', 'untracked'), null)
  t.equal(await client.send('CLIENT', 'CACHING', 'YES'), 'OK')
  t.equal(await client.send('MULTI'), 'OK')
  t.equal(await client.send('GET', 'inside'), 'QUEUED')
  await loseLink()
  t.strictSame(await client.send('EXEC'), [null])
  await server.send('SET', 'untracked', '1')
  await server.send('SET', 'inside', '1')
  await waitUntil('what was read inside is tracked', () => heard(client).includes('invalidate inside'), {
    withinMs: 20_000,
  })
  t.notOk(heard(client).includes('invalidate untracked'))

  t.equal(await client.send('CLIENT', 'CACHING', 'YES'), 'OK')
  await loseLink()
  t.equal(await client.send('GET', 'tracked'), null)
  await server.send('SET', 'tracked', '1')
  await waitUntil('what was read next is tracked', () => heard(client).includes('invalidate tracked'), {
    withinMs: 20_000,
  })
})

t.test('CLIENT TRACKING REDIRECT — to a session on a shared link — works as at a server', async t => {
  const { connect } = await world(t)
  const writer = await connect()
  const target = await connect()
  const tracker = await connect()
  const id = Number(await target.send('CLIENT', 'ID'))
  await target.send('HELLO', 3)
  const replies = await tracker.pipeline([
    ['CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id)],
    ['GET', 'k'],
    ['CLIENT', 'GETREDIR'],
  ])
  t.strictSame(replies, ['OK', null, id])
  await writer.send('SET', 'k', '1')
  await waitUntil('the target hears of it', () => heard(target).includes('invalidate k'), { withinMs: 20_000 })
  t.match(String(await tracker.send('CLIENT', 'LIST')), new RegExp(`redir=${id} `))
  t.match(
    textOf(await writer.send('CLIENT', 'TRACKING', 'ON', 'REDIRECT', '4503599627370497')),
    /does not exist/,
    'of another proxy',
  )
  await tracker.send('CLIENT', 'TRACKING', 'OFF')
  t.equal(await target.send('PING'), 'PONG')
  t.match(textOf(await tracker.send('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id))), /OK/, 'again')
  await target.close()
  const isRefused = async (): Promise<boolean> =>
    textOf(await writer.send('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id))).includes('does not exist')
  await waitUntil('the target is known to be gone', isRefused, { withinMs: 20_000 })
})

t.test('CLIENT TRACKING in odd forms — with a REDIRECT — is answered as by a server', async t => {
  const { connect, direct } = await world(t)
  const forms = [
    'OFF REDIRECT $id',
    'off redirect $id BCAST',
    'OFF REDIRECT $id x',
    'OFF REDIRECT 999999999999',
    'OFF REDIRECT 0',
    'OFF REDIRECT',
    'OFF REDIRECT $id REDIRECT $id',
    'ON REDIRECT $id REDIRECT $id',
    'ON REDIRECT 999999999999 REDIRECT $id',
    'ON REDIRECT $id PREFIX a',
  ]
  const before = ['PING', 'CLIENT NO-EVICT ON', 'CLIENT TRACKING ON OPTIN', 'CLIENT TRACKING ON REDIRECT $id']
  for (const first of before) {
    for (const form of forms) {
      const answers: string[] = []
      for (const open of [direct, connect]) {
        const [other, client] = [await open(), await open()]
        const id = textOf(await other.send('CLIENT', 'ID'))
        for (const line of [first, `CLIENT TRACKING ${form}`, 'CLIENT GETREDIR'])
          answers.push(textOf(await client.send(...line.replaceAll('$id', id).split(' '))).replace(id, '$id'))
        await Promise.all([other.close(), client.close()])
      }
      const [, , , ...ours] = answers
      t.strictSame(ours, answers.slice(0, 3), `${first}, then ${form}`)
    }
  }
})

t.test('CLIENT UNBLOCK and TRACKING REDIRECT — inside MULTI — are refused where they name a session', async t => {
  const { connect } = await world(t)
  const [target, client] = [await connect(), await connect()]
  const id = String(await target.send('CLIENT', 'ID'))
  for (const line of [`UNBLOCK ${id}`, `tracking on redirect ${id}`, `TRACKING OFF REDIRECT 1 REDIRECT ${id}`]) {
    const replies = await client.pipeline([['MULTI'], ['CLIENT', ...line.split(' ')], ['SET', 'k', '1'], ['EXEC']])
    const refusal = 'ERR holdfast: CLIENT UNBLOCK and CLIENT TRACKING with REDIRECT are not supported inside MULTI'
    const aborted = 'EXECABORT Transaction discarded because of previous errors.'
    t.strictSame(replies.map(textOf), ['OK', refusal, 'QUEUED', aborted], line)
    t.equal(await client.send('GET', 'k'), null)
  }
  // The server's word of those that are nobody, and of what names none.
  const lines = [
    ['UNBLOCK', '999999'],
    ['TRACKING', 'ON', 'REDIRECT', '999999'],
    ['TRACKING', 'ON', 'OPTIN'],
    ['UNBLOCK'],
  ]
  for (const line of lines)
    t.equal(textOf((await client.pipeline([['MULTI'], ['CLIENT', ...line]]))[1]).includes('holdfast'), false)
  await client.send('DISCARD')
})

t.test('CLIENT UNBLOCK — of a subscriber on RESP2 — is refused, whoever it names', async t => {
  const { connect, direct } = await world(t)
  for (const open of [direct, connect]) {
    const [other, client] = [await open(), await open()]
    const id = String(await other.send('CLIENT', 'ID'))
    const [, unblock] = await client.pipeline([
      ['SUBSCRIBE', 'news'],
      ['CLIENT', 'UNBLOCK', id],
    ])
    t.match(textOf(unblock), /allowed in this context/)
    t.match(textOf(await client.send('CLIENT', 'UNBLOCK', id, 'ERROR')), /allowed in this context/)
  }
})

// CLIENT LIST, INFO and KILL: what they say of, and do to, the sessions of this proxy, other clients of the server, and
// the links in between.
import t from 'tap'
import type { Teardown } from '../support/fake-redis.ts'
import { type InProcess, startSingle } from '../support/holdfast.ts'
import { isOlder, without } from '../support/needs.ts'
import { RespClient, RespError, type Value } from '../support/resp-client.ts'
import { anyFlavour, type Flavour, type Node, resumeServer, stopServer } from '../support/servers.ts'
import { settings } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Of the server, where one has to confirm writes. */
const replicas = settings.isReplicated ? 1 : 0

type Field = 'id' | 'addr' | 'name' | 'db' | 'flags' | 'cmd' | 'sub' | 'resp' | 'lib-name'
type Fields = { readonly [field in Field]?: string }

function parse(reply: Value): Fields[] {
  return String(reply)
    .split('\n')
    .filter(line => line !== '')
    .map(line => Object.fromEntries(line.split(' ').map(part => part.split(/=(.*)/s).slice(0, 2))) as Fields)
}

const textOf = (reply: Value): string => (reply instanceof RespError ? reply.message : String(reply))

const idOf = async (client: RespClient): Promise<string> => String(await client.send('CLIENT', 'ID'))

function addressOf({ socket }: RespClient): string {
  return `${socket.localAddress}:${socket.localPort}`
}

interface World {
  readonly holdfast: InProcess
  readonly through: () => Promise<RespClient>
  /** To the server itself: another application. */
  readonly direct: () => Promise<RespClient>
  readonly flavour: Flavour
  readonly node: Node
}

async function world(t: Teardown, flavour: Flavour): Promise<World> {
  const { holdfast, node } = await startSingle(t, { flavour })
  const connect = async (port: number): Promise<RespClient> => {
    const client = await RespClient.connect(port)
    t.teardown(() => client.close())
    return client
  }
  return { holdfast, flavour, node, through: () => connect(holdfast.port), direct: () => connect(node.port) }
}

const ended = async (client: RespClient, what: string): Promise<void> => {
  let closed = false
  void client.closed.then(() => (closed = true))
  await waitUntil(what, () => closed, { withinMs: 20_000 })
}

t.test('CLIENT INFO and LIST — in one write with what changes the session — tell of it as it was', async t => {
  const { through, direct } = await world(t, anyFlavour())
  for (const open of [direct, through]) {
    const client = await open()
    await client.send('PING')
    const [info, , list] = await client.pipeline([
      ['CLIENT', 'INFO'],
      ['CLIENT', 'SETNAME', 'one'],
      ['CLIENT', 'LIST'],
      ['CLIENT', 'SETNAME', 'two'],
    ])
    t.match(String(info), / name= /)
    t.match(String(list), / name=one /)
    t.notMatch(String(list), / name=two /)
    await client.send('CLIENT', 'SETNAME', '')
  }
})

for (const flavour of ['redis', 'valkey'] as const) {
  const skip = without(`${flavour}-server`)
  // Redis 7.2 has CLIENT SETINFO, and 7.4 has MAXAGE.
  const hasLibraries = !isOlder(flavour, 7.2)
  const ofAnyAge = isOlder(flavour, 7.4) ? RespError : 0
  t.test(`CLIENT LIST — ${flavour} — has each session once, by its own id, address and name`, { skip }, async t => {
    const { through, direct } = await world(t, flavour)
    const stranger = await direct()
    await stranger.send('CLIENT', 'SETNAME', 'stranger')
    const shared = await through()
    await shared.send('CLIENT', 'SETNAME', 'on-the-shared-link')
    await shared.send('CLIENT', 'SETINFO', 'LIB-NAME', 'lib')
    await shared.send('SELECT', 3)
    await shared.send('GET', 'k')
    const own = await through()
    await own.send('HELLO', 3, 'SETNAME', 'on-its-own')
    await own.send('SUBSCRIBE', 'c')
    const blocked = await through()
    await blocked.send('CLIENT', 'SETNAME', 'worker')
    const popped = blocked.send('BLPOP', 'list', 0)
    const asker = await through()
    const listed = await waitUntil(
      'the worker blocks',
      async () => {
        const lines = parse(await asker.send('CLIENT', 'LIST'))
        return lines.some(line => line.name === 'worker' && line.flags === 'b') ? lines : undefined
      },
      { withinMs: 20_000 },
    )
    const line = (name: string): Fields => listed.find(one => one.name === name) ?? {}
    t.equal(listed.length, 5 + replicas, 'the stranger, four sessions and no link')
    t.equal(line('on-the-shared-link').id, await idOf(shared))
    t.equal(line('on-the-shared-link').addr, addressOf(shared))
    t.equal(line('on-the-shared-link').db, '3')
    t.equal(line('on-the-shared-link')['lib-name'], hasLibraries ? 'lib' : undefined)
    t.equal(line('on-the-shared-link').cmd, 'get')
    t.equal(line('on-the-shared-link').flags, 'N')
    t.equal(line('on-its-own').id, await idOf(own))
    t.equal(line('on-its-own').addr, addressOf(own))
    t.equal(line('on-its-own').sub, '1')
    t.equal(line('on-its-own').flags, 'P')
    t.equal(line('on-its-own').resp, '3')
    t.equal(line('worker').cmd, 'blpop')
    t.equal(line('stranger').addr, addressOf(stranger))
    const self = listed.find(one => one.id === String(listed.at(-1)?.id))
    t.equal(self?.id, await idOf(asker))
    t.equal(self?.cmd, 'client|list')
    const direct2 = parse(await stranger.send('CLIENT', 'LIST', 'ID', await idOf(stranger)))
    t.strictSame(Object.keys(self ?? {}), Object.keys(direct2[0] ?? {}), 'the server’s fields in the server’s order')

    const info = parse(await shared.send('CLIENT', 'INFO'))
    t.match(info[0], {
      id: await idOf(shared),
      addr: addressOf(shared),
      name: 'on-the-shared-link',
      cmd: 'client|info',
    })

    await stranger.send('RPUSH', 'list', 'x')
    t.strictSame(await popped, ['list', 'x'])
  })

  t.test(`CLIENT LIST — ${flavour} — has no link that ends while the server makes it`, { skip }, async t => {
    const { through, holdfast, node } = await world(t, flavour)
    const asker = await through()
    await asker.send('PING')
    const leaver = await through()
    await leaver.send('CLIENT', 'SETNAME', 'leaver')
    await leaver.send('CLIENT', 'TRACKING', 'ON') // a link with that cannot be kept
    await stopServer(node)
    const listed = asker.send('CLIENT', 'LIST')
    await waitUntil('the master has it', () => holdfast.counters.pendingBytes > 0, { withinMs: 20_000 })
    await leaver.close()
    await waitUntil('the other is gone', () => holdfast.counters.sessions === 1, { withinMs: 20_000 })
    resumeServer(node)
    const names = parse(await listed).map(line => line.name)
    t.strictSame(
      names.filter(name => name === 'leaver'),
      [],
    )
  })

  t.test(`CLIENT LIST — ${flavour} — its filters hold for sessions and for others`, { skip }, async t => {
    const { through, direct } = await world(t, flavour)
    const stranger = await direct()
    const one = await through()
    const other = await through()
    const subscriber = await through()
    await subscriber.send('SUBSCRIBE', 'c')
    const ids = async (...filter: readonly string[]): Promise<string[]> =>
      parse(await one.send('CLIENT', 'LIST', ...filter)).map(line => line.id ?? '')
    t.strictSame(await ids('ID', await idOf(other)), [await idOf(other)])
    t.strictSame(await ids('ID', '1', await idOf(other), await idOf(stranger)), [
      await idOf(stranger),
      await idOf(other),
    ])
    t.equal((await ids('TYPE', 'PubSub')).length, 1)
    t.equal((await ids('TYPE', 'replica')).length, replicas)
    const refused = await one.send('CLIENT', 'LIST', 'TYPE', 'nonsense')
    t.match(refused, RespError)
    t.match(textOf(await one.send('CLIENT', 'LIST', 'ID', 'x')), /Invalid client ID|syntax error/)
    if (flavour === 'valkey') {
      t.strictSame(await ids('ADDR', addressOf(other)), [await idOf(other)])
      t.strictSame(await ids('ADDR', addressOf(stranger)), [await idOf(stranger)])
      t.notOk((await ids('SKIPME', 'yes')).includes(await idOf(one)))
    }
  })

  t.test(`CLIENT KILL — ${flavour} — ends the session that is meant, and no other`, { skip }, async t => {
    const { holdfast, through, direct } = await world(t, flavour)
    const stranger = await direct()
    const killer = await through()
    const bystander = await through()
    const kill = (...filter: readonly string[]): Promise<Value> => killer.send('CLIENT', 'KILL', ...filter)
    const victims: readonly [string, (victim: RespClient) => Promise<Value>, Value][] = [
      ['ADDR', victim => kill('ADDR', addressOf(victim)), 1],
      ['the old form', victim => kill(addressOf(victim)), 'OK'],
      ['ID', async victim => kill('ID', await idOf(victim)), 1],
      ['ID and USER', async victim => kill('ID', await idOf(victim), 'USER', 'default', 'SKIPME', 'yes'), 1],
    ]
    for (const isOwn of [false, true]) {
      for (const [how, end, reply] of victims) {
        const victim = await through()
        if (isOwn) await victim.send('WATCH', 'k')
        t.equal(await end(victim), reply, how)
        await ended(victim, `the victim of ${how} has ended`)
      }
    }
    t.equal(holdfast.counters.killed, 8)
    t.match(holdfast.find('session.killed'), { level: 'warn', peer: '127.0.0.1' })
    t.equal(await bystander.send('PING'), 'PONG')
    t.equal(await killer.send('PING'), 'PONG')

    t.equal(await kill('ID', '4503599627370497'), 0, 'of another proxy')
    t.match(textOf(await kill('127.0.0.1:1')), /No such client/)
    t.match(await kill('ID', 'x'), RespError)
    t.match(await kill('TYPE', 'x'), RespError)
    t.match(await kill('USER', 'nobody'), RespError)
    t.match(await kill('ID', '1', 'SKIPME'), RespError)
    t.match(await stranger.send('CLIENT', 'KILL', 'MAXAGE', '100000'), ofAnyAge)

    t.equal(await kill('ID', await idOf(stranger)), 1, 'a stranger by its id')
    await ended(stranger, 'the stranger has ended')
  })

  t.test(
    `CLIENT KILL — ${flavour} — a filter that fits links ends sessions and strangers, never a link`,
    { skip },
    async t => {
      const { holdfast, through, direct } = await world(t, flavour)
      const killer = await through()
      const shared = await through()
      const own = await through()
      const subscriber = await through()
      const stranger = await direct()
      await own.send('WATCH', 'k')
      await subscriber.send('SUBSCRIBE', 'c')
      const lost = holdfast.counters.linksLost
      t.equal(await killer.send('CLIENT', 'KILL', 'TYPE', 'pubsub'), 1)
      await ended(subscriber, 'the subscriber has ended')
      t.match(await own.send('CLIENT', 'KILL', 'MAXAGE', '100000'), ofAnyAge)
      const [killed, pong] = await Promise.all([
        killer.send('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
        killer.send('PING'),
      ])
      t.equal(killed, 3, 'two sessions and the stranger')
      t.equal(pong, 'PONG', 'its link is as it was')
      for (const victim of [shared, own, stranger]) await ended(victim, 'a victim has ended')
      t.equal(holdfast.counters.linksLost, lost, 'no link was ended at the server')
    },
  )

  t.test(`CLIENT KILL — ${flavour} — of itself is answered, and nothing behind it runs`, { skip }, async t => {
    const { through } = await world(t, flavour)
    const other = await through()
    for (const form of ['id', 'user', 'old'] as const) {
      const self = await through()
      await self.send('SET', 'k', form)
      const id = await idOf(self)
      t.equal(await self.send('CLIENT', 'KILL', 'ID', id), 0, 'not itself, by default')
      const filter = {
        id: ['ID', id, 'SKIPME', 'no'],
        user: ['ADDR', addressOf(self), 'SKIPME', 'no'],
        old: [addressOf(self)],
      }
      const replies = await Promise.allSettled([
        self.send('CLIENT', 'KILL', ...filter[form]),
        self.send('SET', 'k', 'behind'),
      ])
      t.match(replies[0], { status: 'fulfilled', value: form === 'old' ? 'OK' : 1 })
      t.equal(replies[1]?.status, 'rejected')
      t.equal(await other.send('GET', 'k'), form)
    }
  })
}

t.test('CLIENT LIST and KILL — a user without the right is told so by the server, and nobody ends', async t => {
  const { through, direct } = await world(t, 'redis')
  const admin = await direct()
  await admin.send('ACL', 'SETUSER', 'small', 'on', '>pw', '~*', '+@all', '-client|kill', '-client|list')
  await admin.send('ACL', 'SETUSER', 'half', 'on', '>pw', '~*', '+@all', '-client|list')
  const small = await through()
  const half = await through()
  const victim = await through()
  await small.send('AUTH', 'small', 'pw')
  await half.send('AUTH', 'half', 'pw')
  t.match(textOf(await small.send('CLIENT', 'LIST')), /NOPERM.*client\|list/)
  t.match(textOf(await small.send('CLIENT', 'KILL', 'ID', await idOf(victim))), /NOPERM.*client\|kill/)
  t.match(textOf(await small.send('CLIENT', 'KILL', addressOf(victim))), /NOPERM.*client\|kill/)
  t.match(textOf(await half.send('CLIENT', 'KILL', 'ADDR', addressOf(victim))), /NOPERM.*client\|list/)
  t.equal(await victim.send('PING'), 'PONG')
  t.equal(await half.send('CLIENT', 'KILL', 'ID', await idOf(victim)), 1, 'an id needs no list')
  await small.send('MULTI')
  t.match(textOf(await small.send('CLIENT', 'KILL', 'TYPE', 'normal')), /inside MULTI/)
  t.match(textOf(await small.send('EXEC')), /EXECABORT/)
})

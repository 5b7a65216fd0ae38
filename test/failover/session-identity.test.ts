// What a session has told Redis about itself: user, database, protocol, names, flags. After a change of master it is as
// it was, and a user that the new master lacks costs its sessions time, if somebody makes it there.
import type { Test } from 'tap'
import { isOlder } from '../support/needs.ts'
import type { RespClient } from '../support/resp-client.ts'
import { anyFlavour } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { clientsAt, later, playScenes, type Scene, type Successor, type World } from './session-scenes.ts'

/** What the node holds in one of its databases. */
async function stored(world: World, { master }: Successor, database: number, key: string): Promise<unknown> {
  const client = await world.direct(master)
  await client.send('SELECT', database)
  return client.send('GET', key)
}

const database: Scene = {
  name: 'the database',
  before: async world => {
    const client = await world.connect()
    await client.send('SELECT', 3)
    return {
      after: async (t, now) => {
        t.equal(await client.send('SET', world.tag, 'v'), 'OK')
        t.equal(await stored(world, now, 3, world.tag), 'v')
        t.equal(await stored(world, now, 0, world.tag), null)
      },
    }
  },
}

const protocol: Scene = {
  name: 'the protocol',
  before: async world => {
    const client = await world.connect()
    const { protocol } = world
    await client.send('HELLO', protocol)
    await client.send('HSET', world.tag, 'f', 'v')
    const wanted = `${protocol === 3 ? '%1' : '*2'}\r\n$1\r\nf\r\n$1\r\nv\r\n`
    return {
      after: async t => {
        t.equal(String(await client.sendForBytes('HGETALL', world.tag)), wanted)
        await client.send('HELLO', protocol === 3 ? 2 : 3)
        t.not(String(await client.sendForBytes('HGETALL', world.tag)), wanted, 'and it can be changed')
      },
    }
  },
}

/** Redis 7.2 has CLIENT SETINFO and CLIENT NO-TOUCH. */
const isOld = isOlder(anyFlavour(), 7.2)

const labels: Scene = {
  name: 'name, library and flags of a link of its own',
  before: async world => {
    const client = await world.connect()
    const { t, tag } = world
    t.equal(await client.send('CLIENT', 'SETNAME', tag), 'OK')
    t.equal(await client.send('CLIENT', 'SETINFO', 'LIB-NAME', 'scenes'), 'OK')
    t.equal(await client.send('CLIENT', 'SETINFO', 'LIB-VER', '1.2.3'), 'OK')
    t.equal(await client.send('CLIENT', 'NO-EVICT', 'ON'), 'OK')
    if (!isOld) t.equal(await client.send('CLIENT', 'NO-TOUCH', 'ON'), 'OK')
    t.equal(await client.send('SELECT', 2), 'OK')
    return {
      after: async (t, { master }) => {
        t.equal(await client.send('CLIENT', 'GETNAME'), tag)
        const [line, ...others] = (await clientsAt(world.set, master)).filter(fields => fields.get('name') === tag)
        t.equal(others.length, 0, 'one link')
        t.equal(line?.get('lib-name'), isOld ? undefined : 'scenes')
        t.equal(line?.get('lib-ver'), isOld ? undefined : '1.2.3')
        t.match(line?.get('flags'), /e/, 'no-evict')
        if (!isOld) t.match(line?.get('flags'), /T/, 'no-touch')
        t.equal(line?.get('resp'), String(world.protocol))
        t.equal(line?.get('db'), '2')
      },
    }
  },
}

const sharedName: Scene = {
  name: 'the name of a session without a link of its own',
  before: async world => {
    const client = await world.connect()
    await client.send('CLIENT', 'SETNAME', world.tag)
    return {
      after: async t => {
        t.equal(await client.send('CLIENT', 'GETNAME'), world.tag)
      },
    }
  },
}

const silence: Scene = {
  name: 'CLIENT REPLY OFF',
  before: async world => {
    const client = await world.connect()
    await client.sendRaw('CLIENT REPLY OFF\r\n')
    await client.sendRaw(`INCR ${world.tag}\r\n`)
    const probe = await world.connect()
    await waitUntil('it ran', async () => (await probe.send('GET', world.tag)) === '1', { withinMs: 1000 })
    const { bytesIn } = client
    return {
      during: () => void client.sendRaw(`INCR ${world.tag}\r\n`),
      after: async t => {
        await client.sendRaw(`INCR ${world.tag}\r\n`)
        const ran = async (): Promise<boolean> => (await probe.send('GET', world.tag)) === '3'
        await waitUntil('all three ran, once', ran, { withinMs: 2000 })
        t.equal(client.bytesIn, bytesIn, 'not a byte')
        t.equal(await client.send('CLIENT', 'REPLY', 'ON'), 'OK')
        t.equal(await client.send('GET', world.tag), '3')
      },
    }
  },
}

async function allowEverywhere(world: World, user: string): Promise<void> {
  await world.everywhere('ACL', 'SETUSER', user, 'on', '>secret', '~*', '&*', '+@all')
}

const auth: Scene = {
  name: 'the user of AUTH',
  before: async world => {
    await allowEverywhere(world, world.tag)
    const client = await world.connect()
    world.t.equal(await client.send('AUTH', world.tag, 'secret'), 'OK')
    await client.send('SELECT', 1)
    const pending: Promise<unknown>[] = []
    return {
      during: () => void pending.push(later(client.send('ACL', 'WHOAMI'))),
      after: async (t, now) => {
        t.equal(await pending[0], world.tag)
        t.equal(await client.send('SET', world.tag, 'v'), 'OK')
        t.equal(await stored(world, now, 1, world.tag), 'v')
      },
    }
  },
}

const hello: Scene = {
  name: 'HELLO with AUTH and SETNAME',
  before: async world => {
    await allowEverywhere(world, world.tag)
    const client = await world.connect()
    await client.send('HELLO', world.protocol, 'AUTH', world.tag, 'secret', 'SETNAME', 'me')
    await client.send('CLIENT', 'NO-EVICT', 'ON')
    return {
      after: async (t, { master }) => {
        t.equal(await client.send('ACL', 'WHOAMI'), world.tag)
        t.equal(await client.send('CLIENT', 'GETNAME'), 'me')
        const lines = (await clientsAt(world.set, master)).filter(fields => fields.get('user') === world.tag)
        const named = lines.filter(fields => fields.get('name') !== '') // a spare link has no name yet
        t.strictSame(
          named.map(fields => [fields.get('name'), fields.get('resp')]),
          [['me', String(world.protocol)]],
        )
      },
    }
  },
}

/** A session that has changed everything RESET undoes. */
async function changed(world: World): Promise<RespClient> {
  await allowEverywhere(world, world.tag)
  const client = await world.connect()
  await client.send('AUTH', world.tag, 'secret')
  await client.send('SELECT', 4)
  await client.send('CLIENT', 'SETNAME', 'me')
  await client.send('CLIENT', 'NO-EVICT', 'ON')
  await client.send('WATCH', world.tag)
  await client.send('MULTI')
  await client.send('SET', world.tag, 'never')
  return client
}

async function isClean(t: Test, world: World, client: RespClient, now: Successor): Promise<void> {
  t.equal(await client.send('ACL', 'WHOAMI'), 'default')
  t.equal(await client.send('CLIENT', 'GETNAME'), null)
  t.equal(String(await client.sendForBytes('HGETALL', 'none')), '*0\r\n', 'RESP2')
  t.equal(await client.send('SET', world.tag, 'v'), 'OK')
  t.equal(await stored(world, now, 0, world.tag), 'v')
  t.equal(await stored(world, now, 4, world.tag), null)
}

const reset: Scene = {
  name: 'RESET before, during and after',
  before: async world => {
    const [first, second, third] = [await changed(world), await changed(world), await changed(world)]
    world.t.equal(await first.send('RESET'), 'RESET')
    const pending: Promise<unknown>[] = []
    return {
      during: () => void pending.push(later(second.send('RESET'))),
      after: async (t, now) => {
        t.equal(await pending[0], 'RESET')
        t.equal(await third.send('RESET'), 'RESET')
        for (const client of [first, second, third]) await isClean(t, world, client, now)
      },
    }
  },
}

const refused: Scene = {
  name: 'a user that the new master does not know',
  before: async world => {
    const { set, old, tag, holdfast } = world
    await set.command(old, 'ACL', 'SETUSER', tag, 'on', '>secret', '~*', '&*', '+@all')
    const [shared, own] = [await world.connect(), await world.connect()]
    for (const client of [shared, own]) world.t.equal(await client.send('AUTH', tag, 'secret'), 'OK')
    await own.send('CLIENT', 'NO-EVICT', 'ON')
    const from = holdfast.log.length
    const held: Promise<unknown>[] = []
    return {
      during: () => void held.push(later(shared.send('GET', tag)), later(own.send('GET', tag))),
      after: async (t, { master }) => {
        const told = (): string | undefined => {
          const lines = holdfast.log.slice(from).filter(({ event }) => event === 'link.refused')
          return lines.map(one => JSON.stringify(one)).find(text => text.includes(tag))
        }
        const line = await waitUntil('the log tells of it', told, { withinMs: 5000 })
        t.match(line, new RegExp(`${master.host}:${master.port}`), 'it names the user and the node')
        t.match(line, /commandsWaitMs/, 'and that commands wait')
        t.notMatch(line, /secret/)
        const comesLater = [shared, own].map(client => later(client.send('SET', `${tag}-later`, 'v')))

        await allowEverywhere(world, tag)
        t.strictSame(await Promise.all(held), [null, null], 'what was held')
        t.strictSame(await Promise.all(comesLater), ['OK', 'OK'], 'what came later')
        for (const client of [shared, own]) t.equal(await client.send('ACL', 'WHOAMI'), tag)
      },
    }
  },
}

playScenes([database, protocol, labels, sharedName, silence, auth, hello, reset, refused], {
  expectedErrors: ['link.refused'],
})

// CLIENT TRACKING and client ids through a change of master: caches are told to forget everything and are kept up to
// date by the new master; the id a client was told names it before and after.
import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import { type RespClient, RespError, type Value } from '../support/resp-client.ts'
import type { Node } from '../support/sentinel-set.ts'
import { mayBeUnproven } from '../support/settings.ts'
import { block, itemsOf, later, playScenes, pushed, type Scene, type World } from './session-scenes.ts'

const invalidations = (client: RespClient): Value[] => client.pushes.map(push => itemsOf(push).at(-1) ?? null)

/** Changes a key behind the proxy's back and waits until the client has heard of it. */
async function isTold(world: World, client: RespClient, node: Node, key: string): Promise<void> {
  client.pushes.length = 0
  await world.set.command(node, 'SET', key, 'changed')
  await pushed(client, ['invalidate', [key]])
}

/** Changes a key; the client must not hear of it, though it hears of what comes after. */
async function isNotTold(
  t: Test,
  world: World,
  client: RespClient,
  { node, key, marker }: { node: Node; key: string; marker: string },
): Promise<void> {
  client.pushes.length = 0
  await world.set.command(node, 'SET', key, 'changed')
  await world.set.command(node, 'SET', marker, 'changed')
  await pushed(client, ['invalidate', [marker]])
  t.strictSame(invalidations(client), [[marker]])
}

const standard: Scene = {
  name: 'tracking of what was read',
  protocols: [3],
  before: async world => {
    const { t, tag } = world
    const client = await world.connect()
    t.equal(await client.send('CLIENT', 'TRACKING', 'ON'), 'OK')
    await client.send('GET', tag)
    await isTold(world, client, world.old, tag)
    await client.send('GET', tag)
    client.pushes.length = 0
    return {
      after: async (t, { master }) => {
        await pushed(client, ['invalidate', null])
        t.strictSame(invalidations(client), [null], 'once, and nothing else')
        await client.send('GET', tag)
        await isTold(world, client, master, tag)
      },
    }
  },
}

const broadcast: Scene = {
  name: 'tracking of prefixes',
  protocols: [3],
  before: async world => {
    const { t, tag } = world
    const client = await world.connect()
    t.equal(await client.send('CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', `${tag}:a`, 'PREFIX', `${tag}:b`), 'OK')
    await isTold(world, client, world.old, `${tag}:a1`)
    client.pushes.length = 0
    return {
      after: async (t, { master }) => {
        await pushed(client, ['invalidate', null])
        await isTold(world, client, master, `${tag}:a2`)
        await isNotTold(t, world, client, { node: master, key: `${tag}:c`, marker: `${tag}:b1` })
      },
    }
  },
}

const optIn: Scene = {
  name: 'tracking of what is asked for',
  protocols: [3],
  before: async world => {
    const { t, tag } = world
    const client = await world.connect()
    t.equal(await client.send('CLIENT', 'TRACKING', 'ON', 'OPTIN'), 'OK')
    client.pushes.length = 0
    return {
      after: async (t, { master }) => {
        await pushed(client, ['invalidate', null])
        await client.send('GET', `${tag}:unasked`)
        t.equal(await client.send('CLIENT', 'CACHING', 'YES'), 'OK')
        await client.send('GET', `${tag}:asked`)
        const marker = `${tag}:asked`
        await isNotTold(t, world, client, { node: master, key: `${tag}:unasked`, marker })
      },
    }
  },
}

const busy: Scene = {
  name: 'tracking of prefixes that change while the session comes back with subscriptions and an open MULTI',
  protocols: [3],
  before: async world => {
    const { t, tag, set } = world
    const client = await world.connect()
    t.equal(await client.send('CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', tag), 'OK')
    await client.send('SUBSCRIBE', ...Array.from({ length: 10_000 }, (_, i) => `${tag}:${i}`))
    await client.send('MULTI')
    await client.send('INCR', `n-${tag}`)
    client.pushes.length = 0
    const stop = new AbortController()
    // A replica that is promoted drops its clients: connect again.
    const change = async (node: Node): Promise<void> => {
      while (!stop.signal.aborted) {
        const direct = await world.direct(node)
        while (!stop.signal.aborted && direct.isOpen) {
          await direct.send('SET', `${tag}:x`, 'v').catch(() => null)
          // Without a rest a slow machine would have no time for the Sentinels.
          await pause(1)
        }
      }
    }
    let changing: Promise<unknown> = Promise.resolve()
    return {
      during: () => {
        const others = set.living().filter(node => node.kind === 'data' && node !== world.old)
        changing = Promise.all(others.map(change))
      },
      after: async (t, { master }) => {
        t.strictSame(await client.send('EXEC'), [1])
        stop.abort()
        await changing
        const kinds = new Set(client.pushes.map(push => itemsOf(push)[0]))
        t.strictSame([...kinds], ['invalidate'], 'no confirmation reaches the client')
        await set.command(master, 'PUBLISH', `${tag}:9999`, 'm')
        await pushed(client, ['message', `${tag}:9999`, 'm'])
        t.strictSame(itemsOf(await client.send('UNSUBSCRIBE', `${tag}:0`)), ['unsubscribe', `${tag}:0`, 9999])
      },
    }
  },
}

/** `reader` tracks what it reads, and `listener` hears of changes. `forget`: what it is told. */
async function redirect(world: World) {
  const { t } = world
  const [listener, reader] = [await world.connect(), await world.connect()]
  const id = Number(await listener.send('CLIENT', 'ID'))
  await listener.send('SUBSCRIBE', '__redis__:invalidate')
  t.equal(await reader.send('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id), 'OK')
  const forget = (what: Value): Value[] =>
    world.protocol === 3 ? ['invalidate', what] : ['message', '__redis__:invalidate', what]
  return { listener, reader, id, forget }
}

const redirected: Scene = {
  name: 'tracking with REDIRECT to a session that subscribes',
  before: async world => {
    const { tag } = world
    const { listener, reader, id, forget } = await redirect(world)
    const isHeard = async (node: Node): Promise<void> => {
      await reader.send('GET', tag)
      listener.pushes.length = 0
      await world.set.command(node, 'SET', tag, 'changed')
      await pushed(listener, forget([tag]))
    }
    await isHeard(world.old)
    listener.pushes.length = 0
    return {
      after: async (t, { master }) => {
        await pushed(listener, forget(null))
        t.equal(await reader.send('CLIENT', 'GETREDIR'), id)
        await isHeard(master)
      },
    }
  },
}

const redirectedInMulti: Scene = {
  name: 'tracking with REDIRECT and an open MULTI',
  before: async world => {
    const { t, tag } = world
    const { listener, reader, forget } = await redirect(world)
    await reader.send('MULTI')
    t.equal(await reader.send('INCR', tag), 'QUEUED')
    return {
      after: async (t, { master }) => {
        t.strictSame(await reader.send('EXEC'), [1], 'nothing of the proxy is queued in it')
        t.equal(await reader.send('GET', tag), '1')
        listener.pushes.length = 0
        await world.set.command(master, 'SET', tag, 'changed')
        await pushed(listener, forget([tag]))
      },
    }
  },
}

async function idOf(client: RespClient): Promise<string> {
  return String(await client.send('CLIENT', 'ID'))
}

const ids: Scene = {
  name: 'CLIENT ID — is the same number before and after',
  before: async world => {
    const [shared, own] = [await world.connect(), await world.connect()]
    const before = [await idOf(shared), await idOf(own)]
    await own.send('CLIENT', 'NO-EVICT', 'ON')
    world.t.equal(await idOf(own), before[1], 'also on a link of its own')
    return {
      after: async t => {
        t.strictSame([await idOf(shared), await idOf(own)], before)
        t.match(String(await own.sendForBytes('CLIENT', 'INFO')), new RegExp(`id=${before[1]} `))
        const fields = await shared.send('HELLO', world.protocol)
        const at = Array.isArray(fields) ? fields[fields.indexOf('id') + 1] : fields instanceof Map && fields.get('id')
        t.equal(String(at), before[0], 'HELLO says it too')
      },
    }
  },
}

const unblock: Scene = {
  name: 'CLIENT UNBLOCK — reaches a blocked session',
  before: async world => {
    const { t, tag } = world
    const [blocked, other] = [await world.connect(), await world.connect()]
    const id = await idOf(blocked)
    let reply: Promise<Value> = Promise.resolve(null)
    const send = (): void => {
      reply = later(blocked.send('BLPOP', tag, 0))
    }
    await block(world, send)
    t.equal(await other.send('CLIENT', 'UNBLOCK', id, 'TIMEOUT'), 1, 'before')
    t.equal(await reply, null)
    t.equal(await other.send('CLIENT', 'UNBLOCK', id), 0, 'one that is not blocked')
    await block(world, send)
    return {
      after: async t => {
        // Under `once` and `safe` the death of the master ends what blocks: nobody can tell whether it took something.
        const isHeld = !mayBeUnproven || world.fault === 'planned'
        t.equal(await other.send('CLIENT', 'UNBLOCK', id, 'ERROR'), isHeld ? 1 : 0, 'after')
        const error = await reply
        t.equal(error instanceof RespError && error.code, isHeld ? 'UNBLOCKED' : 'UNKNOWN')
        t.equal(await blocked.send('SET', tag, 'v'), 'OK')
      },
    }
  },
}

const kill: Scene = {
  name: 'CLIENT KILL ID — ends the session it names and no other',
  before: async world => {
    const { t, tag } = world
    const other = await world.connect()
    const make = async (): Promise<{ shared: RespClient; own: RespClient; blocked: RespClient }> => {
      const [shared, own, blocked] = [await world.connect(), await world.connect(), await world.connect()]
      await own.send('CLIENT', 'NO-EVICT', 'ON')
      await block(world, () => void later(blocked.send('BLPOP', tag, 0)))
      return { shared, own, blocked }
    }
    const ends = async (t: Test, client: RespClient, id: string, what: string): Promise<void> => {
      t.equal(await other.send('CLIENT', 'KILL', 'ID', id), 1, what)
      await client.closed
      t.notOk(client.isOpen, `${what}: its socket is closed`)
      t.equal(await other.send('CLIENT', 'KILL', 'ID', id), 0, `${what}: it is gone`)
    }
    const [first, second] = [await make(), await make()]
    const idsOf = async ({ shared, own, blocked }: typeof first): Promise<string[]> => {
      // A blocked session cannot be asked: ids are given in order.
      t.type(blocked, 'object')
      return [await idOf(shared), await idOf(own)]
    }
    const [firstIds, secondIds] = [await idsOf(first), await idsOf(second)]
    const next = (id: string | undefined): string => String(Number(id) + 1)
    await ends(t, first.shared, firstIds[0] ?? '', 'shared, before')
    await ends(t, first.own, firstIds[1] ?? '', 'own link, before')
    await ends(t, first.blocked, next(firstIds[1]), 'blocked, before')
    return {
      after: async t => {
        await ends(t, second.shared, secondIds[0] ?? '', 'shared, after')
        await ends(t, second.own, secondIds[1] ?? '', 'own link, after')
        await ends(t, second.blocked, next(secondIds[1]), 'blocked, after')
        t.equal(await other.send('PING'), 'PONG', 'others go on')
        await world.set.command(await world.set.currentMaster(), 'RPUSH', tag, 'v')
        t.equal(await other.send('LLEN', tag), 1, 'nobody waits in its name')
      },
    }
  },
}

playScenes([standard, broadcast, optIn, busy, redirected, redirectedInMulti, ids, unblock, kill])

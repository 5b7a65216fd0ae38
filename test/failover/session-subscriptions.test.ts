// Subscriptions and MONITOR through a change of master: made again without the client's seeing it, with counts that are
// right afterwards; and a message published meanwhile is never delivered by the node that is no longer the master.

import type { Test } from 'tap'
import { judgeUnlessStill } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { type RespClient, RespError, type Value } from '../support/resp-client.ts'
import type { Node } from '../support/sentinel-set.ts'
import { saysReplyLost } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'
import { itemsOf, later, playScenes, pushed, type Scene, type World } from './session-scenes.ts'

/** Publishes at the node itself until somebody hears it. */
async function publish(world: World, node: Node, command: 'PUBLISH' | 'SPUBLISH', channel: string): Promise<void> {
  const heard = async (): Promise<boolean> => Number(await world.set.command(node, command, channel, 'm')) > 0
  await waitUntil(`somebody listens to ${channel}`, heard, { withinMs: 5000 })
}

async function leaves(t: Test, client: RespClient, command: string[], left: number): Promise<void> {
  t.equal(itemsOf(await client.send(...command))[2], left, `${command[0]} counts down to ${left}`)
}

const kinds: Scene = {
  name: 'channels, patterns, shard channels',
  before: async world => {
    const { t, tag } = world
    const client = await world.connect()
    t.strictSame(itemsOf(await client.send('SUBSCRIBE', `${tag}:a`, `${tag}:b`)), ['subscribe', `${tag}:a`, 1])
    t.strictSame(itemsOf(await client.send('PSUBSCRIBE', `${tag}:p*`)), ['psubscribe', `${tag}:p*`, 3])
    t.strictSame(itemsOf(await client.send('SSUBSCRIBE', `${tag}:s`)), ['ssubscribe', `${tag}:s`, 1])
    await client.send('PING')
    const { bytesIn } = client
    return {
      after: async (t, { master }) => {
        t.equal(client.bytesIn, bytesIn, 'no confirmation reaches the client')
        await publish(world, master, 'PUBLISH', `${tag}:a`)
        await publish(world, master, 'PUBLISH', `${tag}:b`)
        await publish(world, master, 'PUBLISH', `${tag}:pattern`)
        await publish(world, master, 'SPUBLISH', `${tag}:s`)
        await pushed(client, ['message', `${tag}:a`, 'm'])
        await pushed(client, ['message', `${tag}:b`, 'm'])
        await pushed(client, ['pmessage', `${tag}:p*`, `${tag}:pattern`, 'm'])
        await pushed(client, ['smessage', `${tag}:s`, 'm'])
        t.equal(client.pushes.length, 4, 'and nothing else')
        await leaves(t, client, ['UNSUBSCRIBE', `${tag}:a`], 2)
        await leaves(t, client, ['UNSUBSCRIBE'], 1)
        await leaves(t, client, ['PUNSUBSCRIBE', `${tag}:p*`], 0)
        await leaves(t, client, ['SUNSUBSCRIBE'], 0)
        t.equal(await client.send('SET', tag, 'v'), 'OK', 'ordinary commands again')
        t.equal(await world.set.command(master, 'PUBLISH', `${tag}:a`, 'm'), 0, 'nobody listens')
      },
    }
  },
}

const names = (tag: string, from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${tag}:${from + i}`)

const many: Scene = {
  name: '10,000 channels, and as many more while commands are held',
  before: async world => {
    const { tag } = world
    const client = await world.connect()
    await client.send('SUBSCRIBE', ...names(tag, 0, 10_000))
    await client.send('PING')
    const held: Promise<Value>[] = []
    return {
      during: () => {
        held.push(later(client.send('SUBSCRIBE', ...names(tag, 10_000, 20_000))), later(client.send('PING')))
      },
      after: async (t, { master }) => {
        t.strictSame(itemsOf((await held[0]) ?? null), ['subscribe', `${tag}:10000`, 10_001])
        await held[1]
        for (const n of [0, 4_999, 9_999, 10_000, 19_999]) {
          await publish(world, master, 'PUBLISH', `${tag}:${n}`)
          await pushed(client, ['message', `${tag}:${n}`, 'm'])
        }
        await leaves(t, client, ['UNSUBSCRIBE', `${tag}:77`], 19_999)
        await leaves(t, client, ['UNSUBSCRIBE', ...names(tag, 0, 10_000)], 19_998)
        await client.send('PING')
        await leaves(t, client, ['UNSUBSCRIBE', `${tag}:10000`], 9_999)
      },
    }
  },
}

const restricted: Scene = {
  name: 'a RESP2 subscriber may still do nothing else',
  protocols: [2],
  before: async world => {
    const client = await world.connect()
    await client.send('SUBSCRIBE', world.tag)
    return {
      after: async t => {
        const reply = await client.send('GET', world.tag)
        t.match(reply instanceof RespError && reply.message, /^ERR Can't execute 'get'/)
        t.strictSame(await client.send('PING', 'hi'), ['pong', 'hi'])
      },
    }
  },
}

const mixed: Scene = {
  name: 'subscriptions with ordinary commands in between',
  protocols: [3],
  before: async world => {
    const { tag, t } = world
    const client = await world.connect()
    await client.send('SUBSCRIBE', `${tag}:a`)
    t.equal(await client.send('INCR', tag), 1)
    const held: Promise<Value>[] = []
    return {
      during: () => {
        held.push(later(client.send('INCR', tag)), later(client.send('SUBSCRIBE', `${tag}:b`)))
        held.push(later(client.send('INCR', tag)))
      },
      after: async (t, { master }) => {
        t.equal(await held[0], 2)
        t.strictSame(itemsOf((await held[1]) ?? null), ['subscribe', `${tag}:b`, 2])
        t.equal(await held[2], 3)
        for (const channel of [`${tag}:a`, `${tag}:b`]) {
          await publish(world, master, 'PUBLISH', channel)
          await pushed(client, ['message', channel, 'm'])
        }
        t.equal(await client.send('INCR', tag), 4)
        await client.send('MULTI')
        t.equal(await client.send('INCR', tag), 'QUEUED')
        t.strictSame(await client.send('EXEC'), [5])
        await leaves(t, client, ['UNSUBSCRIBE', `${tag}:a`], 1)
      },
    }
  },
}

const meanwhile: Scene = {
  name: 'SUBSCRIBE and UNSUBSCRIBE sent while commands are held',
  before: async world => {
    const { tag } = world
    const [fresh, leaving] = [await world.connect(), await world.connect()]
    await leaving.send('SUBSCRIBE', `${tag}:x`)
    const held: Promise<Value>[] = []
    return {
      during: () => void held.push(later(fresh.send('SUBSCRIBE', `${tag}:y`)), later(leaving.send('UNSUBSCRIBE'))),
      after: async (t, { master }) => {
        t.strictSame(itemsOf((await held[0]) ?? null), ['subscribe', `${tag}:y`, 1])
        t.strictSame(itemsOf((await held[1]) ?? null), ['unsubscribe', `${tag}:x`, 0])
        await publish(world, master, 'PUBLISH', `${tag}:y`)
        await pushed(fresh, ['message', `${tag}:y`, 'm'])
        t.equal(await world.set.command(master, 'PUBLISH', `${tag}:x`, 'm'), 0)
      },
    }
  },
}

const monitor: Scene = {
  name: 'MONITOR goes on',
  before: async world => {
    const { t, tag } = world
    const client = await world.connect()
    t.equal(await client.send('MONITOR'), 'OK')
    const sees = async (node: Node, key: string): Promise<void> => {
      const seen = async (): Promise<boolean> => {
        await world.set.command(node, 'SET', key, 'v')
        return client.pushes.some(line => String(line).includes(`"${key}"`))
      }
      await waitUntil(`MONITOR shows ${key}`, seen, { withinMs: 3000 })
    }
    await sees(world.old, `${tag}:before`)
    return {
      after: async (t, { master }) => {
        await sees(master, `${tag}:after`)
        t.notOk(client.pushes.includes('OK'), 'its OK is not repeated')
        // Commands of others may be shown before the reply, so it is looked for among them.
        await client.sendRaw('RESET\r\n')
        await waitUntil('RESET ends it', () => client.pushes.includes('RESET'), { withinMs: 3000 })
        t.equal(await client.send('SET', tag, 'v'), 'OK')
      },
    }
  },
}

const published: Scene = {
  name: 'PUBLISH — is not delivered by the old master — once commands are held',
  protocols: [2],
  faults: ['planned'],
  before: async world => {
    const { t, tag, holdfast, old } = world
    const from = holdfast.log.length
    const readPace = openWindow()
    const listener = await world.direct(old)
    await listener.send('SUBSCRIBE', tag)
    const client = await world.connect()
    const replies: Promise<Value>[] = []
    const held = new Set<string>()
    const timer = setInterval(() => {
      const n = String(replies.length)
      const ended = holdfast.find('hold.drain', from) !== undefined
      if (ended || holdfast.find('hold.start', from) !== undefined) held.add(n)
      replies.push(later(client.send('PUBLISH', tag, n)))
    }, 2)
    t.teardown(() => clearInterval(timer))
    await pushed(listener, ['message', tag, '5'])
    return {
      after: async t => {
        const already = replies.length
        await waitUntil('it goes on', () => replies.length >= already + 100, { withinMs: 5000 })
        clearInterval(timer)
        const counts = await Promise.all(replies)
        // A reply that comes after a standstill is not believed: the old master may have sent it when it was none any more.
        const isReply = (reply: Value): boolean =>
          typeof reply === 'number' || (reply instanceof RespError && saysReplyLost(reply.message))
        t.strictSame(
          counts.filter(reply => !isReply(reply)),
          [],
          'each has its reply',
        )
        const heard = listener.pushes.map(push => String(itemsOf(push)[2]))
        t.ok(held.size > 100, `${held.size} messages were sent while held or later`)
        // On a machine that stood still the old master may be demoted by now, and Sentinel has ended its clients.
        judgeUnlessStill(t, 'the listener is still there', listener.isOpen, readPace())
        t.strictSame(
          heard.filter(n => held.has(n)),
          [],
        )
        t.strictSame(
          heard,
          heard.map((_, i) => String(i)),
          'all before were delivered, in order',
        )
      },
    }
  },
}

playScenes([kinds, many, restricted, mixed, meanwhile, monitor, published])

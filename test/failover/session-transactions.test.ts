// MULTI and WATCH through a change of master: an open transaction runs once and whole on the new master, a watched key
// is a lost race, and what comes after is as on a new connection.
import { type RespClient, RespError, type Value } from '../support/resp-client.ts'
import { later, playScenes, type Scene, type World } from './session-scenes.ts'

const nil = (world: World): string => (world.protocol === 3 ? '_\r\n' : '*-1\r\n')

async function open(world: World): Promise<RespClient> {
  const client = await world.connect()
  const { t, tag } = world
  t.equal(await client.send('MULTI'), 'OK')
  t.equal(await client.send('RPUSH', tag, 'a'), 'QUEUED')
  t.equal(await client.send('INCR', `${tag}:n`), 'QUEUED')
  return client
}

const openTransaction: Scene = {
  name: 'an open MULTI',
  before: async world => {
    const [first, second] = [await open(world), await open(world)]
    const { tag } = world
    const held: Promise<Value>[] = []
    return {
      during: () => void held.push(later(first.send('RPUSH', tag, 'b')), later(first.send('EXEC'))),
      after: async (t, { master }) => {
        t.equal(await held[0], 'QUEUED')
        t.strictSame(await held[1], [1, 1, 2], 'EXEC that was held')
        t.equal(await second.send('RPUSH', tag, 'c'), 'QUEUED')
        t.strictSame(await second.send('EXEC'), [3, 2, 4], 'EXEC that came later')
        const direct = await world.direct(master)
        t.strictSame(await direct.send('LRANGE', tag, 0, -1), ['a', 'b', 'a', 'c'], 'each ran once')
        t.equal(await direct.send('GET', `${tag}:n`), '2')
      },
    }
  },
}

const oneWrite: Scene = {
  name: 'MULTI to EXEC in one write',
  before: async world => {
    const client = await world.connect()
    const { tag } = world
    const held: Promise<Value[]>[] = []
    const all = [['MULTI'], ['INCR', tag], ['RPUSH', `${tag}:l`, 'x'], ['EXEC'], ['GET', tag]]
    return {
      during: () => void held.push(later(client.pipeline(all))),
      after: async (t, { master }) => {
        t.strictSame(await held[0], ['OK', 'QUEUED', 'QUEUED', [1, 1], '1'])
        const direct = await world.direct(master)
        t.equal(await direct.send('GET', tag), '1')
        t.equal(await direct.send('LLEN', `${tag}:l`), 1)
      },
    }
  },
}

const size = 10_000

const large: Scene = {
  name: 'a MULTI of 10,000 commands',
  before: async world => {
    const { t, tag } = world
    const [early, late] = [await world.connect(), await world.connect()]
    const pushes = (key: string, from: number, to: number): string[][] =>
      Array.from({ length: to - from }, (_, i) => ['RPUSH', key, String(from + i)])
    const queued = await early.pipeline([['MULTI'], ...pushes(tag, 0, size / 2)])
    t.equal(queued.filter(reply => reply === 'QUEUED').length, size / 2)
    const held: Promise<Value[]>[] = []
    return {
      during: () => {
        held.push(later(early.pipeline(pushes(tag, size / 2, size))))
        held.push(later(late.pipeline([['MULTI'], ...pushes(`${tag}:late`, 0, size), ['EXEC']])))
      },
      after: async (t, { master }) => {
        t.equal((await held[0])?.filter(reply => reply === 'QUEUED').length, size / 2)
        const lengths = Array.from({ length: size }, (_, i) => i + 1)
        t.strictSame(await early.send('EXEC'), lengths)
        t.strictSame((await held[1])?.at(-1), lengths)
        const direct = await world.direct(master)
        const values = lengths.map(length => String(length - 1))
        t.strictSame(await direct.send('LRANGE', tag, 0, -1), values, 'in order')
        t.strictSame(await direct.send('LRANGE', `${tag}:late`, 0, -1), values, 'in order')
      },
    }
  },
}

const ended: Scene = {
  name: 'DISCARD, and EXEC after a refused command',
  before: async world => {
    const [first, second] = [await open(world), await open(world)]
    world.t.ok((await second.send('SET', 'too-few')) instanceof RespError, 'refused when queued')
    return {
      after: async (t, { master }) => {
        t.equal(await first.send('DISCARD'), 'OK')
        const reply = await second.send('EXEC')
        t.equal(reply instanceof RespError && reply.code, 'EXECABORT')
        const direct = await world.direct(master)
        t.equal(await direct.send('EXISTS', world.tag, `${world.tag}:n`), 0, 'nothing ran')
        for (const client of [first, second]) {
          t.equal(await client.send('SET', world.tag, 'v'), 'OK', 'the transaction is over')
        }
      },
    }
  },
}

const inside: Scene = {
  name: 'SELECT and CLIENT SETNAME inside MULTI',
  before: async world => {
    const client = await world.connect()
    const { t, tag } = world
    await client.send('MULTI')
    t.equal(await client.send('SELECT', 6), 'QUEUED')
    t.equal(await client.send('CLIENT', 'SETNAME', tag), 'QUEUED')
    return {
      after: async (t, { master }) => {
        t.equal(await client.send('SET', tag, 'v'), 'QUEUED')
        t.strictSame(await client.send('EXEC'), ['OK', 'OK', 'OK'])
        t.equal(await client.send('SET', `${tag}:later`, 'v'), 'OK')
        t.equal(await client.send('CLIENT', 'GETNAME'), tag)
        const direct = await world.direct(master)
        t.equal(await direct.send('EXISTS', tag, `${tag}:later`), 0)
        await direct.send('SELECT', 6)
        t.equal(await direct.send('EXISTS', tag, `${tag}:later`), 2)
      },
    }
  },
}

const watched: Scene = {
  name: 'WATCH, then EXEC',
  before: async world => {
    const { tag } = world
    const [bare, begun, racing] = [await world.connect(), await world.connect(), await world.connect()]
    for (const client of [bare, begun, racing]) await client.send('WATCH', tag)
    await begun.send('MULTI')
    await begun.send('SET', tag, 'never')
    const held: Promise<unknown>[] = []
    return {
      during: () => {
        for (const args of [['MULTI'], ['SET', tag, 'never']]) held.push(later(racing.send(...args)))
        held.push(later(racing.sendForBytes('EXEC')))
      },
      after: async (t, { master }) => {
        t.equal(await bare.send('MULTI'), 'OK')
        t.equal(await bare.send('SET', tag, 'never'), 'QUEUED')
        t.equal(String(await bare.sendForBytes('EXEC')), nil(world), 'MULTI came later')
        t.equal(String(await begun.sendForBytes('EXEC')), nil(world), 'MULTI came before')
        t.equal(String(await held[2]), nil(world), 'EXEC was held')
        const direct = await world.direct(master)
        t.equal(await direct.send('EXISTS', tag), 0, 'nothing ran')
        for (const client of [bare, begun, racing]) {
          await client.send('WATCH', tag)
          const replies = await client.pipeline([['MULTI'], ['SET', tag, 'v'], ['EXEC']])
          t.strictSame(replies, ['OK', 'QUEUED', ['OK']], 'a new WATCH that nobody disturbs')
          await client.send('WATCH', tag)
          await direct.send('SET', tag, 'w')
          t.equal(
            (await client.pipeline([['MULTI'], ['SET', tag, 'v'], ['EXEC']]))[2],
            null,
            'and one that is disturbed',
          )
        }
      },
    }
  },
}

const cleared: Scene = {
  name: 'WATCH, then UNWATCH or DISCARD',
  before: async world => {
    const { tag } = world
    const [first, second, third] = [await world.connect(), await world.connect(), await world.connect()]
    for (const client of [first, second, third]) await client.send('WATCH', tag)
    const held: Promise<unknown>[] = []
    return {
      during: () => void held.push(later(third.send('UNWATCH'))),
      after: async t => {
        t.equal(await first.send('UNWATCH'), 'OK')
        t.equal(await second.send('MULTI'), 'OK')
        t.equal(await second.send('DISCARD'), 'OK')
        t.equal(await held[0], 'OK')
        for (const client of [first, second, third]) {
          const replies = await client.pipeline([['MULTI'], ['INCR', tag], ['EXEC']])
          t.strictSame(replies.slice(0, 2), ['OK', 'QUEUED'])
          t.ok(Array.isArray(replies[2]), 'EXEC runs')
        }
        t.equal(await first.send('GET', tag), '3')
      },
    }
  },
}

const watchedMeanwhile: Scene = {
  name: 'WATCH to EXEC sent while commands are held',
  before: async world => {
    const client = await world.connect()
    const { tag } = world
    const held: Promise<Value[]>[] = []
    return {
      during: () => {
        held.push(later(client.pipeline([['WATCH', tag], ['GET', tag], ['MULTI'], ['INCR', tag], ['EXEC']])))
      },
      after: async t => {
        t.strictSame(await held[0], ['OK', null, 'OK', 'QUEUED', [1]])
      },
    }
  },
}

playScenes([openTransaction, oneWrite, large, ended, inside, watched, cleared, watchedMeanwhile])

// Size: twelve hundred sessions, five hundred of them blocked, one value of 64 MB, and a pipeline that is written whole
// before it is read, through a change of master.

import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { PipelineResult } from '../support/blocking-client.ts'
import { judgeOnce } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { valueAt } from '../support/pipeline-child.ts'
import { processEnded, reapProcess } from '../support/reaper.ts'
import type { RespClient, Value } from '../support/resp-client.ts'
import { isUnproven, settings } from '../support/settings.ts'
import { block, clientsAt, later, playScenes, type Scene, type World } from './session-scenes.ts'

const blocked = 500
const working = 700

async function connectAll(world: World, count: number): Promise<RespClient[]> {
  const clients: RespClient[] = []
  for (let i = 0; i < count; i += 50) {
    clients.push(...(await Promise.all(Array.from({ length: 50 }, () => world.connect()))))
  }
  return clients
}

/**
 * Connections to the node that are the proxy's for its clients: not ours, not of replicas, Sentinels or the control
 * plane.
 */
async function linksAt(world: World): Promise<number> {
  const lines = await clientsAt(world.set, world.old)
  const apart = (name: string): boolean => name.startsWith('sentinel-') || name.includes('holdfast')
  // Sessions of the other protocol have a shared link of their own.
  const ours = lines.filter(line => line.get('resp') === String(world.protocol) && !line.get('flags')?.includes('S'))
  return ours.filter(line => !apart(line.get('name') ?? '')).length
}

const crowd: Scene = {
  name: 'twelve hundred sessions, five hundred of them blocked',
  protocols: [2],
  before: async world => {
    const { t, tag } = world
    const waiting = await connectAll(world, blocked)
    const workers = await connectAll(world, working)
    const counts = await Promise.all(workers.map(client => client.send('INCR', tag)))
    t.strictSame(new Set(counts).size, working)
    const served: Promise<number>[] = []
    const time = (reply: Promise<Value>, wanted: (value: Value) => boolean): void => {
      const at = reply.then(value => {
        if (!wanted(value)) throw new Error(`it was answered ${JSON.stringify(value)}`)
        return Date.now()
      })
      served.push(later(at))
    }
    const isOwn = (i: number) => (value: Value) =>
      isUnproven(value) || (Array.isArray(value) && value[0] === `${tag}:${i}`)
    const send = (): void => {
      for (const [i, client] of waiting.entries()) time(client.send('BLPOP', `${tag}:${i}`, 0), isOwn(i))
    }
    await block(world, send, blocked)
    const links = await linksAt(world)
    let readPace = openWindow()
    // The one that all share, a warm one for the next that blocks, and one for each that does.
    t.ok(links <= 2 + blocked + (settings.isReplicated ? 1 : 0), `${links} connections to the master`)
    return {
      during: async () => {
        readPace = openWindow()
        for (const client of workers) time(client.send('INCR', tag), value => typeof value === 'number')
        const { node } = await world.set.waitForNewMaster(world.old, { withinMs: 30_000 })
        const direct = await world.direct(node)
        await direct.pipeline(waiting.map((_, i) => ['RPUSH', `${tag}:${i}`, 'v']))
      },
      after: async (t, { majorityAt }) => {
        const times = (await Promise.all(served)).map(at => at - majorityAt)
        t.equal(times.length, blocked + working)
        const [fastest, slowest] = [Math.min(...times), Math.max(...times)]
        t.comment(`served ${fastest} to ${slowest} ms after the majority`)
        await judgeOnce(t, 'the last is served after the majority', 1000, slowest, readPace())
        t.equal(await workers[0]?.send('GET', tag), String(2 * working), 'each INCR ran once')
      },
    }
  },
}

const size = 64 * 1024 * 1024

const huge: Scene = {
  name: 'a SET of 64 MB',
  before: async world => {
    const { tag } = world
    const client = await world.connect({ buffers: true })
    const value = Buffer.alloc(size, createHash('sha512').update(tag).digest())
    const held: Promise<Value>[] = []
    return {
      during: () => void held.push(later(client.send('SET', tag, value)), later(client.send('STRLEN', tag))),
      after: async (t, { master }) => {
        t.equal(String(await held[0]), 'OK')
        t.equal(await held[1], size)
        t.equal(await world.set.command(master, 'STRLEN', tag), size)
        const back = await client.send('GET', tag)
        t.ok(Buffer.isBuffer(back) && back.equals(value), 'it is the same')
        await client.send('DEL', tag)
      },
    }
  },
}

const keys = 100
const timesEach = 1000

/** A process of its own, as most such clients are: nothing else may read its socket while it writes. */
function startWriter(world: World): ChildProcess {
  const entry = fileURLToPath(new URL('../support/pipeline-child.ts', import.meta.url))
  const child = fork(entry, [world.holdfast.port, world.tag, keys, timesEach].map(String), { execArgv: [] })
  const pid = child.pid ?? 0
  reapProcess(pid)
  world.t.teardown(async () => {
    if (child.exitCode === null) {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    processEnded(pid)
  })
  return child
}

const pipeline: Scene = {
  name: 'a hundred thousand GETs, written before one reply is read',
  protocols: [2],
  before: async world => {
    const client = await world.connect()
    for (let i = 0; i < keys; i++) await client.send('SET', `${world.tag}:${i}`, valueAt(i))
    const writer = startWriter(world)
    const [half] = await once(writer, 'message')
    world.t.equal(half, 'half', 'half of them are written')
    const read = new Promise<PipelineResult>(resolve => writer.once('message', resolve))
    return {
      during: () => void writer.send('go on'),
      after: async t => {
        const { right, bytes } = await read
        t.ok(right, `every reply came, in its order (${bytes} bytes)`)
        t.equal(world.holdfast.find('session.unanswered'), undefined)
        t.equal(world.holdfast.find('session.unread'), undefined)
      },
    }
  },
}

playScenes([huge, crowd, pipeline])

// A write to a server that was killed fails, and what the server has said before lies in the socket, unread: it is read
// first, and what the failed write carried was never sent.
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import t from 'tap'
import { createLog } from '../../src/ops/log.ts'
import { type Dial, dialPlain } from '../../src/upstream/dial.ts'
import { slowness } from '../support/pace.ts'
import { ask } from '../support/resp-client.ts'
import { anyFlavour, endServer, makeFolder, type Node, removeFolder, startServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { LaneWorld, masterAt } from './lane-world.ts'

const soon = { withinMs: 20_000, everyMs: 5 }

/**
 * The kernel's row of the connection between these ports: its state, and the bytes that nobody has read. One port may be
 * that of several connections.
 */
function rowOf({ from, to }: Ports): { readonly state: string; readonly unread: number } | null {
  const [near, far] = [from, to].map(port => `:${port.toString(16).toUpperCase().padStart(4, '0')}`) as [string, string]
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const [, local = '', remote = '', state = '', queues = ''] = line.trim().split(/\s+/)
    if (local.endsWith(near) && remote.endsWith(far))
      return { state, unread: Number.parseInt(queues.split(':')[1] ?? '0', 16) }
  }
  return null
}

interface Ports {
  readonly from: number
  readonly to: number
}

const cell = new Int32Array(new SharedArrayBuffer(4))

/** Looks again and again while nothing else runs in this process: no socket is read. */
function standUntil(what: string, isSo: () => boolean): void {
  const until = performance.now() + soon.withinMs * slowness()
  while (!isSo()) {
    if (performance.now() > until) throw new Error(`${what}: not in time`)
    Atomics.wait(cell, 0, 0, 1)
  }
}

async function startPair(t: { teardown(end: () => unknown): void }): Promise<[Node, Node]> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const start = async (name: string): Promise<Node> => {
    const node = await startServer({ flavour: anyFlavour(), kind: 'data', name, dir, config: ['save ""'] })
    t.teardown(() => endServer(node))
    return node
  }
  return [await start('first'), await start('second')]
}

const skip = process.platform === 'linux' ? false : 'needs /proc to see what lies unread in a socket'

/** A world at `first`, its socket written below its stream. */
async function stage(t: ConstructorParameters<typeof LaneWorld>[0], first: Node) {
  const sockets: Socket[] = []
  const dial: Dial = (master, reading) => {
    const dialled = dialPlain(master, reading)
    sockets.push(dialled.socket)
    return dialled
  }
  const world = new LaneWorld(t, first, { dial, policy: 'safe', standsStill: true })
  await world.lanes.sockets.goBelow(createLog('silent'))
  // The link from before is of another epoch.
  world.master = masterAt(first, 2)
  world.lanes.serve(world.master)
  world.send(['SET', 'k', '1'])
  await world.replies(1)
  world.master = null
  return { world, ports: { from: sockets.at(-1)?.localPort ?? 0, to: first.port } }
}

/** One command is answered, one unread by the server when it is killed, and one is written behind that, in one turn. */
function killUnderWay({ world, ports }: { world: LaneWorld; ports: Ports }, { pid }: Node): void {
  world.send(['INCR', 'k'])
  world.lane.writeNow()
  standUntil('it has answered', () => (rowOf(ports)?.unread ?? 0) > 0)
  process.kill(pid, 'SIGSTOP')
  standUntil('it is stopped', () => / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
  world.send(['INCR', 'unread by the server'])
  world.lane.writeNow()
  process.kill(pid, 'SIGKILL')
  // It had not read everything, so the kernel resets the connection: the next write fails.
  standUntil('the connection is reset', () => (rowOf(ports)?.state ?? '07') === '07')
  world.send(['INCR', 'never sent'])
  world.lane.writeNow()
}

for (const [when, lateMs] of [
  ['and was never sent', 0],
  ['also where the loop comes round late', 300],
] as const)
  t.test(`a write that fails — ends nothing before what came is read — ${when}`, { skip }, async t => {
    const [first, second] = await startPair(t)
    const { world, ports } = await stage(t, first)
    killUnderWay({ world, ports }, first)
    // Timers run before sockets are read.
    Atomics.wait(cell, 0, 0, lateMs)
    t.strictSame(world.session.replies, ['OK'], 'nothing was read so far')
    await waitUntil('the loss is told', () => world.observed.includes('link reset'), soon)
    await waitUntil('the link is gone', () => world.lane.link === null, soon)
    world.master = masterAt(second, 3, 'other')
    world.lanes.serve(world.master)
    const [, answered, unread, unsent] = await world.replies(4)
    t.equal(answered, '2', 'what the server has said')
    t.match(unread, /^-UNKNOWN/, 'what it may have run')
    t.equal(unsent, '1', 'what has not reached it')
    t.equal(await ask(second, ['GET', 'never sent']), '1')
  })

t.test('a write that fails — delivers nothing — when another master is served meanwhile', { skip }, async t => {
  const [first, second] = await startPair(t)
  const { world, ports } = await stage(t, first)
  killUnderWay({ world, ports }, first)
  world.master = masterAt(second, 3, 'other')
  world.lanes.serve(world.master)
  const [, answered] = await world.replies(4)
  t.match(answered, /^-UNKNOWN/)
})

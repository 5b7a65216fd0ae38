// --read-split while replicas and masters fail: delays alone. No error, no reply out of its place, and every session reads
// what it wrote.
import t, { type Test } from 'tap'
import { ask } from '../support/admin.ts'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { type Node, SentinelSet, type SentinelSetOptions } from '../support/sentinel-set.ts'
import { saysReplyLost } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'
import { type SplitLoad, startSplitLoad } from './split-load.ts'

interface Scene {
  readonly set: SentinelSet
  readonly holdfast: InProcess
  readonly load: SplitLoad
  readonly master: Node
  readonly replicas: readonly [Node, Node]
}

interface Split {
  readonly groups: readonly { readonly reads: string; readonly sessions: number }[]
  readonly reads: { readonly replica: number; readonly master: Readonly<Record<string, number>> }
}

/** Few writes, so that most sessions may read at a replica at any time. */
const LOAD = { sessions: 10, writeShare: 0.03, depth: 3, everyMs: 4, inPieces: true }

async function open(t: Test, options: Record<string, string> = {}, about: SentinelSetOptions = {}): Promise<Scene> {
  const set = await SentinelSet.start({ replicas: 2, ...about })
  t.teardown(() => set.stopAll())
  const [master, first, second] = set.nodes
  if (master === undefined || first === undefined || second === undefined) throw new Error('not three nodes')
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    // --read-split goes with plain reads alone.
    options: { 'admin-listen': '127.0.0.1:0', 'read-split': 'on', reads: 'plain', ...options },
  })
  const load = await startSplitLoad(holdfast.port, LOAD)
  t.teardown(() => load.stop())
  const scene = { set, holdfast, load, master, replicas: [first, second] } as const
  await untilRead(scene, 'replicas answer')
  return scene
}

async function splitOf({ holdfast }: Pick<Scene, 'holdfast'>): Promise<Split> {
  return JSON.parse((await ask(holdfast.admin, '/status')).body).replicas.split
}

/** Until replicas have answered a hundred reads more. */
async function untilRead(scene: Pick<Scene, 'holdfast'>, what: string): Promise<void> {
  const { reads } = await splitOf(scene)
  const isOn = async (): Promise<boolean> => (await splitOf(scene)).reads.replica > reads.replica + 100
  await waitUntil(what, isOn, { withinMs: 40_000 })
}

/** Until no session reads from these any more. */
async function sessionsLeave(scene: Scene, ...nodes: readonly Node[]): Promise<void> {
  const from = nodes.map(({ port }) => `127.0.0.1:${port}`)
  const haveLeft = async (): Promise<boolean> =>
    (await splitOf(scene)).groups.every(({ reads }) => !from.includes(reads))
  await waitUntil(`sessions leave ${from.join(', ')}`, haveLeft, { withinMs: 30_000 })
}

/** `isKilled`: the master was, and under `once` clients are told of replies that were lost with it. */
async function judge(t: Test, { load, holdfast }: Scene, { isKilled = false } = {}): Promise<void> {
  const split = await splitOf({ holdfast })
  const verdict = await load.stop()
  t.comment(
    JSON.stringify({ ...verdict, wrong: verdict.wrong.length, errors: verdict.errors.length, reads: split.reads }),
  )
  const errors = isKilled ? verdict.errors.filter(error => !saysReplyLost(error)) : verdict.errors
  t.strictSame(errors, [], 'no error')
  t.strictSame(verdict.wrong, [], 'each session reads what it wrote')
  await holdfast.stop()
}

t.test('a replica is killed and comes back — reads go elsewhere meanwhile — and return', async t => {
  const scene = await open(t)
  const { set, load, replicas } = scene
  await set.kill(replicas[0])
  await sessionsLeave(scene, replicas[0])
  await load.goOn('all go on')
  await set.restart(replicas[0])
  await set.settle()
  await untilRead(scene, 'replicas answer again')
  await judge(t, scene)
})

t.test('a replica is frozen — reads go elsewhere — and return', async t => {
  const scene = await open(t)
  const { set, load, replicas } = scene
  await set.stop(replicas[0])
  await sessionsLeave(scene, replicas[0])
  await load.goOn('all go on')
  await set.resume(replicas[0])
  await untilRead(scene, 'replicas answer again')
  await judge(t, scene)
})

t.test('all replicas are killed — the master answers — until they are back', async t => {
  const scene = await open(t, { ack: 'master' }) // nobody is left to confirm writes
  const { set, load, replicas } = scene
  await Promise.all(replicas.map(node => set.kill(node)))
  await load.goOn('all go on')
  const { reads } = await splitOf(scene)
  await load.goOn('all go on')
  t.equal((await splitOf(scene)).reads.replica, reads.replica, 'no replica answers')
  await Promise.all(replicas.map(node => set.restart(node)))
  await set.settle()
  await untilRead(scene, 'replicas answer again')
  await judge(t, scene)
})

t.test('the master is killed — a replica is promoted — and nothing that was confirmed is missed', async t => {
  const scene = await open(t, { ack: 'replicated=1' })
  const { set, load, master } = scene
  await set.kill(master)
  const { node } = await set.waitForNewMaster(master, { withinMs: 20_000 })
  await sessionsLeave(scene, node)
  await load.goOn('all go on')
  await set.restart(master)
  await set.settle()
  await untilRead(scene, 'replicas answer again')
  await judge(t, scene, { isKilled: true })
})

t.test('a planned failover — under load — and the old master is read from', async t => {
  const scene = await open(t)
  const { set, load, master } = scene
  await set.failover()
  await set.waitForNewMaster(master, { withinMs: 20_000 })
  await load.goOn('all go on')
  await set.settle()
  await untilRead(scene, 'replicas answer again')
  await judge(t, scene)
})

t.test('links to replicas are killed again and again — under load', async t => {
  const scene = await open(t)
  const { set, load, replicas } = scene
  for (let i = 0; i < 6; i++) {
    await set.command(replicas[i % 2 === 0 ? 0 : 1], 'CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await load.goOn('all go on')
  }
  await untilRead(scene, 'replicas answer again')
  await judge(t, scene)
})

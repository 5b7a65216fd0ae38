// What happens to replicas and masters, and what readers notice: delays alone. No error, nothing older than the bound,
// nothing that goes back within a session.
import t, { type Test } from 'tap'
import { ask } from '../support/admin.ts'
import { FaultyLink } from '../support/faulty-link.ts'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { type Node, SentinelSet, type SentinelSetOptions } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { type Ledger, startLedger } from './ledger.ts'

const LAG_MS = 2_000
/** Longer than a failover takes: sessions stay where they are until a replica is promoted. */
const LONG_LAG = { 'replica-max-lag': '20s' }

interface Scene {
  readonly set: SentinelSet
  readonly holdfast: InProcess
  readonly ledger: Ledger
  readonly master: Node
  readonly replicas: readonly [Node, Node]
}

async function open(t: Test, options: Record<string, string> = {}, about: SentinelSetOptions = {}): Promise<Scene> {
  const set = await SentinelSet.start({ replicas: 2, ...about })
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    options: {
      'admin-listen': '127.0.0.1:0',
      'replica-listen': '127.0.0.1:0',
      'replica-max-lag': `${LAG_MS}ms`,
      ...options,
    },
  })
  const [master, first, second] = set.nodes
  if (master === undefined || first === undefined || second === undefined) throw new Error('not three nodes')
  const ledger = await startLedger({ master: holdfast.port, replicas: holdfast.replicaPort })
  t.teardown(() => ledger.stop())
  return { set, holdfast, ledger, master, replicas: [first, second] }
}

async function judge(t: Test, { ledger, holdfast }: Scene, lagMs = LAG_MS): Promise<void> {
  const verdict = await ledger.stop()
  t.comment(JSON.stringify({ ...verdict, errors: verdict.errors.length, backwards: verdict.backwards.length }))
  t.strictSame(verdict.errors, [], 'no error')
  t.strictSame(verdict.backwards, [], 'nothing goes back in time')
  t.ok(verdict.oldestMs <= lagMs, `nothing is older than the bound: ${Math.round(verdict.oldestMs)} ms`)
  t.ok(verdict.reads > 20)
  await holdfast.stop()
}

const moves = ({ holdfast }: Scene, cause: string): number =>
  holdfast.log.filter(line => line.event === 'replicas.move' && line.cause === cause).length

/** For whatever cause: on a slow machine the bound may be over before a silence is noticed. */
const left = ({ holdfast }: Scene): number => holdfast.log.filter(line => line.event === 'replicas.move').length

/** Until no session reads from these any more. */
async function sessionsLeave({ holdfast }: Scene, ...nodes: readonly Node[]): Promise<void> {
  const from = nodes.map(({ port }) => `127.0.0.1:${port}`)
  const haveLeft = async (): Promise<boolean> => {
    const { replicas } = JSON.parse((await ask(holdfast.admin, '/status')).body)
    return replicas.groups.every(({ reads }: { reads: string }) => !from.includes(reads))
  }
  await waitUntil(`sessions leave ${from.join(', ')}`, haveLeft, { withinMs: 30_000 })
}

t.test('a replica is killed and comes back — its sessions read elsewhere meanwhile — and go home', async t => {
  const scene = await open(t)
  const { set, ledger, replicas } = scene
  await set.kill(replicas[0])
  await ledger.goOn('all read on')
  t.ok(left(scene) >= 1, 'a group has moved')
  await set.restart(replicas[0])
  await waitUntil('its sessions are back', () => moves(scene, 'replica-back') >= 1, { withinMs: 30_000 })
  await ledger.goOn('all read on')
  await judge(t, scene)
})

t.test('a replica is frozen — its sessions move — long before the bound is over', async t => {
  const scene = await open(t)
  const { set, ledger, replicas } = scene
  await set.stop(replicas[0])
  await ledger.goOn('all read on')
  await set.resume(replicas[0])
  await ledger.goOn('all read on')
  t.ok(left(scene) >= 1)
  await judge(t, scene)
})

t.test('all replicas are killed — the master answers — until they are back', async t => {
  const scene = await open(t)
  const { set, ledger, replicas, holdfast } = scene
  await Promise.all(replicas.map(node => set.kill(node)))
  await ledger.goOn('all read on')
  const served = holdfast.log.findLast(line => line.event === 'hold.drain' && line['group'] !== undefined)
  t.match(served, { master: `127.0.0.1:${scene.master.port}` })
  await Promise.all(replicas.map(node => set.restart(node)))
  await waitUntil('replicas serve again', () => moves(scene, 'replica-back') >= 2, { withinMs: 30_000 })
  await ledger.goOn('all read on')
  await judge(t, scene)
})

t.test('all replicas are killed — with --replica-fallback hold — reads wait until one is back', async t => {
  const scene = await open(t, { 'replica-fallback': 'hold' })
  const { set, ledger, replicas } = scene
  await Promise.all(replicas.map(node => set.kill(node)))
  await sessionsLeave(scene, ...replicas)
  await set.restart(replicas[1])
  await ledger.goOn('all read on')
  await judge(t, scene)
})

t.test('the master is killed — a replica is promoted — and its sessions leave it', async t => {
  const scene = await open(t, LONG_LAG)
  const { set, ledger, master } = scene
  await set.kill(master)
  const { node } = await set.waitForNewMaster(master, { withinMs: 20_000 })
  await sessionsLeave(scene, node)
  await ledger.goOn('all read on')
  await set.restart(master)
  await set.settle()
  await ledger.goOn('all read on')
  await judge(t, scene, 20_000)
})

t.test('a planned failover — promotes a replica — and the old master becomes one', async t => {
  const scene = await open(t)
  const { set, ledger, master } = scene
  await set.failover()
  await set.waitForNewMaster(master, { withinMs: 20_000 })
  await set.settle()
  await ledger.goOn('all read on')
  await judge(t, scene)
})

t.test('the master is killed — with a bound that is shorter than the failover — reads wait in time', async t => {
  const scene = await open(t, {}, { downAfterMs: 4_000 })
  const { set, ledger, master, replicas } = scene
  await set.kill(master)
  await sessionsLeave(scene, ...replicas)
  await set.waitForNewMaster(master, { withinMs: 20_000 })
  await ledger.goOn('all read on')
  await judge(t, scene)
})

t.test('a replica loads all its data anew — with MASTERDOWN meanwhile — its sessions move', async t => {
  const scene = await open(t, {}, { dataConfig: ['replica-serve-stale-data no'] })
  const { set, ledger, master, replicas } = scene
  await set.command(replicas[0], 'REPLICAOF', 'NO', 'ONE')
  await set.command(replicas[0], 'REPLICAOF', '127.0.0.1', String(master.port))
  await ledger.goOn('all read on')
  await set.settle()
  await ledger.goOn('all read on')
  await judge(t, scene)
})

/** The first replica gets its stream through a link that the test can stall. */
async function slow(t: Test, { set, replicas, master }: Scene): Promise<FaultyLink> {
  const link = await FaultyLink.start(t, { host: '127.0.0.1', port: master.port })
  await set.command(replicas[0], 'REPLICAOF', '127.0.0.1', String(link.port))
  const isUp = async (): Promise<boolean> =>
    /master_link_status:up/.test(String(await set.command(replicas[0], 'INFO', 'replication')))
  await waitUntil('it follows through the link', isUp, { withinMs: 10_000 })
  await waitUntil('it is good', () => atHome(set, replicas[0]), { withinMs: 10_000 })
  return link
}

/** It answers commands of clients. */
async function atHome(set: SentinelSet, node: Node): Promise<boolean> {
  const stats = String(await set.command(node, 'INFO', 'commandstats'))
  await set.command(node, 'CONFIG', 'RESETSTAT')
  return Number(/cmdstat_get:calls=(\d+)/.exec(stats)?.[1] ?? 0) > 10
}

t.test('a replica gets no more of the stream — its sessions leave — before the bound is over', async t => {
  const scene = await open(t, {}, { failoverTimeoutMs: 60_000 })
  const link = await slow(t, scene)
  link.stall('down')
  await sessionsLeave(scene, scene.replicas[0])
  await scene.ledger.goOn('all read on')
  await judge(t, scene)
})

t.test('all replicas get no more of the stream — the master answers — before the bound is over', async t => {
  const scene = await open(t, {}, { failoverTimeoutMs: 60_000 })
  const link = await slow(t, scene)
  await scene.set.kill(scene.replicas[1])
  await scene.ledger.goOn('all read on')
  link.stall('down')
  await sessionsLeave(scene, ...scene.replicas)
  await scene.ledger.goOn('all read on')
  await judge(t, scene)
})

t.test('a replica is killed while the other is behind — what its sessions saw — is not taken back', async t => {
  const scene = await open(t, { 'replica-max-lag': '10s' }, { failoverTimeoutMs: 60_000 })
  const { set, ledger, replicas } = scene
  const link = await slow(t, scene)
  link.stall('down')
  const { version = 0 } = ledger.reads.at(-1) ?? {}
  await waitUntil('the other one is ahead', () => ledger.reads.some(read => read.version > version + 20), {
    withinMs: 5_000,
  })
  await set.kill(replicas[1])
  await sessionsLeave(scene, replicas[1])
  await ledger.goOn('all read on')
  link.resume()
  await ledger.goOn('all read on')
  await judge(t, scene, 10_000)
})

// What happens to replicas and masters, and what readers notice: delays alone. No error, nothing older than the bound,
// nothing that goes back within a session.
import t from 'tap'
import { FaultyLink } from '../support/faulty-link.ts'
import { waitUntil } from '../support/wait-until.ts'
import { judge, left, moves, open, sessionsLeave } from './scene.ts'
import { stallable } from './stream.ts'

/** Longer than a failover takes: sessions stay where they are until a replica is promoted. */
const LONG_LAG = { 'replica-max-lag': '20s' }

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
  await judge(t, scene, { lagMs: 20_000 })
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
  const scene = await open(t, {}, { set: { downAfterMs: 4_000 } })
  const { set, ledger, master, replicas } = scene
  await set.kill(master)
  await sessionsLeave(scene, ...replicas)
  await set.waitForNewMaster(master, { withinMs: 20_000 })
  await ledger.goOn('all read on')
  await judge(t, scene)
})

t.test('a replica loads all its data anew — with MASTERDOWN meanwhile — its sessions move', async t => {
  const about = { dataConfig: ['replica-serve-stale-data no'], failoverTimeoutMs: 60_000 }
  const scene = await open(t, {}, { set: about })
  const { set, ledger, master, replicas } = scene
  const link = await FaultyLink.start(t, { host: '127.0.0.1', port: master.port })
  link.stall('down')
  await set.command(replicas[0], 'REPLICAOF', 'NO', 'ONE')
  await set.command(replicas[0], 'REPLICAOF', '127.0.0.1', String(link.port))
  t.match(await set.command(replicas[0], 'GET', 'ledger'), { message: /^MASTERDOWN/ })
  await sessionsLeave(scene, replicas[0])
  await ledger.goOn('all read on')
  link.resume()
  await waitUntil('its sessions are back', () => moves(scene, 'replica-back') >= 1, { withinMs: 30_000 })
  await ledger.goOn('all read on')
  await judge(t, scene)
})

t.test('a replica gets no more of the stream — its sessions leave — before the bound is over', async t => {
  const scene = await open(t, {}, { set: { failoverTimeoutMs: 60_000 } })
  const link = await stallable(t, scene)
  link.stall('down')
  await sessionsLeave(scene, scene.replicas[0])
  await scene.ledger.goOn('all read on')
  await judge(t, scene)
})

t.test('all replicas get no more of the stream — the master answers — before the bound is over', async t => {
  const scene = await open(t, {}, { set: { failoverTimeoutMs: 60_000 } })
  const link = await stallable(t, scene)
  await scene.set.kill(scene.replicas[1])
  await scene.ledger.goOn('all read on')
  link.stall('down')
  await sessionsLeave(scene, ...scene.replicas)
  await scene.ledger.goOn('all read on')
  await judge(t, scene)
})

t.test('a replica is killed while the other is behind — what its sessions saw — is not taken back', async t => {
  const scene = await open(t, { 'replica-max-lag': '10s' }, { set: { failoverTimeoutMs: 60_000 } })
  const { set, ledger, replicas } = scene
  const link = await stallable(t, scene)
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
  await judge(t, scene, { lagMs: 10_000 })
})

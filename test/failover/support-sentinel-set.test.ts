// The set itself, with real servers: what other failover tests rely on it to do. One set per flavour goes through all.
import { existsSync } from 'node:fs'
import t, { type Test } from 'tap'
import { judgeOnce } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { RespClient, RespError } from '../support/resp-client.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { type Flavour, findServer, isAlive } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

// Two failovers and two demotions of an old master, each of which Sentinel takes some 10 to 18 s for.
t.jobs = 2

for (const flavour of ['redis', 'valkey'] satisfies Flavour[]) {
  const options = findServer(flavour) ? {} : { skip: `${flavour}-server is not installed` }
  t.test(`set — lives through kill, restart, planned failover, stop and resume — with ${flavour}`, options, async t => {
    const readPace = openWindow()
    const set = await SentinelSet.start({ flavour })
    t.teardown(() => set.stopAll())
    await judgeOnce(t, 'starts in a few seconds', 10_000, readPace().elapsedMs, readPace())
    t.strictSame([set.nodes.length, set.sentinels.length], [3, 3])
    t.ok([...set.nodes, ...set.sentinels].every(({ port }) => port < 32_768))
    const info = await set.command(set.nodes[0] as Node, 'INFO', 'server')
    t.equal(String(info).includes('valkey_version'), flavour === 'valkey')
    const first = await set.currentMaster()
    t.equal(first, set.nodes[0])
    t.equal(await written(first, 'k', 'v', 2), 2, 'a write is on both replicas as soon as the set has started')

    const second = await afterKill(t, set, first)
    await set.restart(first)
    await set.settle()
    t.equal(await written(second, 'k2', 'v', 2), 2, 'and as soon as it has settled')
    t.match(await set.command(first, 'ROLE'), ['slave', '127.0.0.1', second.port])
    t.equal(await set.command(first, 'GET', 'k'), 'v')

    await set.failover()
    const third = await set.waitForNewMaster(second, { withinMs: 20_000 })
    t.match(await set.command(third.node, 'ROLE'), ['master'])
    await set.settle()
    t.match(await set.command(second, 'ROLE'), ['slave', '127.0.0.1', third.node.port])

    await stoppedAndResumed(t, set, third.node)
    await endOfAll(t, set)
  })
}

/**
 * How many replicas have a new write half a second later. WAIT counts for the connection that wrote, so one does both.
 */
async function written(master: Node, key: string, value: string, replicas: number): Promise<unknown> {
  const client = await RespClient.connect(master.port)
  const [, count] = await client.pipeline([
    ['SET', key, value],
    ['WAIT', replicas, 500],
  ])
  await client.close()
  return count
}

async function afterKill(t: Test, set: SentinelSet, first: Node): Promise<Node> {
  const watch = set.watchMajority()
  await waitUntil('the watch knows the master', () => watch.current() === `127.0.0.1:${first.port}`, { withinMs: 2000 })
  const epoch = await set.configEpoch(set.sentinels[0] as Node)
  const killedAt = Date.now()
  const readPace = openWindow()
  await set.kill(first)
  t.equal(isAlive(first.pid), false, 'the process is gone when kill answers')
  const { node, majorityAt } = await set.waitForNewMaster(first, { withinMs: 20_000 })
  t.not(node, first)
  const took = majorityAt - killedAt
  t.ok(took >= 1500, `a majority after ${took} ms`)
  t.equal(await set.currentMaster(), node)
  await waitUntil('the watch sees it too', () => watch.current() === `127.0.0.1:${node.port}`, { withinMs: 2000 })
  watch.stop()
  const seen = watch.history.map(({ address }) => address).filter(address => address !== '')
  t.strictSame([seen[0], seen.at(-1)], [`127.0.0.1:${first.port}`, `127.0.0.1:${node.port}`])
  const apart = Math.abs((watch.history.at(-1)?.at ?? 0) - majorityAt)
  await judgeOnce(t, 'two watches date it alike', 100, apart, readPace())
  await set.settle()
  t.ok((await set.configEpoch(set.sentinels[0] as Node)) > epoch)
  return node
}

async function stoppedAndResumed(t: Test, set: SentinelSet, master: Node): Promise<void> {
  await set.stop(master)
  await t.rejects(set.command(master, 'PING'), /no answer in \d+ ms/)
  t.equal(set.living().length, 5)
  await set.resume(master)
  await waitUntil('it answers again', async () => (await set.command(master, 'PING')) === 'PONG', { withinMs: 5000 })
  t.equal(set.living().length, 6)
}

async function endOfAll(t: Test, set: SentinelSet): Promise<void> {
  // One is stopped and one is gone already: neither may keep the rest.
  await set.stop(set.nodes[1] as Node)
  await set.kill(set.sentinels[2] as Node)
  const pids = [...set.nodes, ...set.sentinels].map(({ pid }) => pid)
  await set.stopAll()
  t.strictSame(pids.filter(isAlive), [], 'no process is left')
  t.equal(existsSync(set.dir), false, 'no folder is left')
  await set.stopAll()
}

t.test('set — takes its size, name, passwords and extra config — from the options', async t => {
  const set = await SentinelSet.start({
    replicas: 1,
    isExact: true,
    sentinels: 1,
    masterName: 'cache-1',
    requirePass: 'data-pw',
    sentinelPass: 'sentinel-pw',
    dataConfig: ['databases 3'],
  })
  t.teardown(() => set.stopAll())
  const master = await set.currentMaster()
  t.strictSame([set.nodes.length, set.sentinelAddresses()], [2, [`127.0.0.1:${set.sentinels[0]?.port}`]])
  t.strictSame(await set.command(master, 'CONFIG', 'GET', 'databases'), ['databases', '3'])
  const open = { ...master, password: undefined }
  t.match(await set.command(open, 'PING'), new RespError('NOAUTH Authentication required.'))
  const sentinel = { ...(set.sentinels[0] as Node), password: undefined }
  t.match(await set.command(sentinel, 'SENTINEL', 'MYID'), { message: /^NOAUTH/ })
  await set.failover()
  t.equal((await set.waitForNewMaster(master, { withinMs: 20_000 })).node, set.nodes[1])
  await set.term(set.nodes[1] as Node)
  t.equal(isAlive(set.nodes[1]?.pid ?? 0), false)
})

t.test('set — starts many at once on different ports — in one process', async t => {
  const sets = await Promise.all([1, 2, 3].map(() => SentinelSet.start({ replicas: 1, isExact: true, sentinels: 1 })))
  t.teardown(() => Promise.all(sets.map(set => set.stopAll())))
  const ports = sets.flatMap(set => [...set.nodes, ...set.sentinels].map(({ port }) => port))
  t.equal(new Set(ports).size, 9)
})

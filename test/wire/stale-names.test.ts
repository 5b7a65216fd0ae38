// A name server that is behind, for Holdfast alone: connections by the name of the new master lead to the old master, which
// still says that it is one.
import t, { type Test } from 'tap'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { FaultyLink } from '../support/faulty-link.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { NameServer } from '../support/name-server.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import { anyFlavour, endServer, makeFolder, removeFolder, startServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const STALE = '127.0.0.1'
const TRUE = '127.0.0.2'
const NAME = 'next.test'
const bound = { withinMs: 20_000 }

async function startTwo(t: Test) {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const start = async (name: string) => {
    const node = await startServer({ flavour: anyFlavour(), kind: 'data', name, dir, config: ['save ""'] })
    t.teardown(() => endServer(node))
    return node
  }
  const [old, next] = [await start('old'), await start('next')]
  return { old, next }
}

/** Two masters, the first of which is served. The other has the same port at an address of its own, and a name. */
async function stage(t: Test) {
  const names = new NameServer(t)
  names.records.set(NAME, STALE)
  const { old, next } = await startTwo(t)
  await FaultyLink.start(t, next, { host: TRUE, port: old.port })
  const sentinel = await FakeSentinel.start(t, { master: { host: old.host, port: old.port } })
  const holdfast = await startHoldfast(t, {
    sentinels: [`${sentinel.host}:${sentinel.port}`],
    options: {
      'nat-map': `${next.host}:${next.port}=${NAME}:${old.port}`,
      'hold-timeout': '60s',
      ...{ 'retry-policy': 'always', ack: 'master', reads: 'plain' },
    },
  })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  /** Watches a key, so it has a link of its own. */
  const watcher = await RespClient.connect(holdfast.port)
  t.teardown(() => watcher.close())
  await Promise.all([client.send('SET', 'before', '1'), watcher.send('WATCH', 'k')])
  const moveTo = (epoch: number) => sentinel.switchMaster({ host: next.host, port: next.port }, epoch)
  const isServed = (epoch: number): boolean =>
    holdfast.log.some(line => line.event === 'master.confirmed' && line['epoch'] === epoch)
  const misled = () => holdfast.log.filter(({ detail }) => /server that was the master before/.test(String(detail)))
  return { names, old, next, sentinel, client, watcher, moveTo, isServed, misled }
}

t.test('link by the name of the new master — that leads to the old one — is not used', async t => {
  const { names, old, next, client, watcher, moveTo, isServed, misled } = await stage(t)
  // The node is asked before a link to it is dialled.
  names.records.set(NAME, () => (names.asked.get(NAME) === 1 ? TRUE : STALE))
  moveTo(2)
  await waitUntil('the new master is served', () => isServed(2), bound)
  const replies = [client.send('SET', 'shared', '1'), watcher.send('SET', 'own', '1')]
  await waitUntil('links have been refused', () => misled().length >= 4, bound)
  names.records.set(NAME, TRUE)
  t.strictSame(await Promise.all(replies), ['OK', 'OK'])
  t.strictSame(await ask(next, ['EXISTS', 'shared', 'own']), 2)
  t.strictSame(await ask(old, ['EXISTS', 'shared', 'own']), 0)
})

t.test('links ahead of a failover — that stand at the old master — are not used', async t => {
  const { names, old, next, sentinel, client, watcher, moveTo } = await stage(t)
  const master = `mymaster ${old.host} ${old.port}`
  sentinel.flags = 'master,failover_in_progress'
  sentinel.publish('+try-failover', `master ${master}`)
  sentinel.publish('+selected-slave', `slave ${next.host}:${next.port} ${next.host} ${next.port} @ ${master}`)
  const replies = [client.send('SET', 'shared', '1'), watcher.send('SET', 'own', '1')]
  await waitUntil('the node is asked, and two links are dialled', () => (names.asked.get(NAME) ?? 0) >= 3, bound)
  names.records.set(NAME, TRUE)
  sentinel.flags = 'master'
  moveTo(2)
  t.strictSame(await Promise.all(replies), ['OK', 'OK'])
  t.strictSame(await ask(next, ['EXISTS', 'shared', 'own']), 2)
  t.strictSame(await ask(old, ['EXISTS', 'shared', 'own']), 0)
})

t.test('master that came back — by a second failover — is used by its own name', async t => {
  const { names, old, next, sentinel, client, moveTo, isServed, misled } = await stage(t)
  names.records.set(NAME, TRUE)
  for (const epoch of [2, 4]) {
    moveTo(epoch)
    await waitUntil('the other is served', () => isServed(epoch), bound)
    await client.send('SET', 'k', `${epoch}`)
    t.equal(await ask(next, ['GET', 'k']), `${epoch}`)
    sentinel.switchMaster({ host: old.host, port: old.port }, epoch + 1)
    await waitUntil('the first is served again', () => isServed(epoch + 1), bound)
    await client.send('SET', 'k', `${epoch + 1}`)
    t.equal(await ask(old, ['GET', 'k']), `${epoch + 1}`)
  }
  t.strictSame(misled(), [])
})

t.test('links ahead of a failover — through a balancer that moves late — are not used', async t => {
  const { old, next } = await startTwo(t)
  const balancer = await FaultyLink.start(t, old)
  const sentinel = await FakeSentinel.start(t, { master: { host: old.host, port: old.port } })
  const at = `${balancer.host}:${balancer.port}`
  const holdfast = await startHoldfast(t, {
    sentinels: [`${sentinel.host}:${sentinel.port}`],
    options: {
      'nat-map': `${old.host}:${old.port}=${at},${next.host}:${next.port}=${at}`,
      'hold-timeout': '60s',
      ...{ 'retry-policy': 'always', ack: 'master', reads: 'plain' },
    },
  })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  await client.send('SET', 'before', '1')
  const greetings = async (): Promise<number> =>
    Number(/cmdstat_hello:calls=(\d+)/.exec(String(await ask(old, ['INFO', 'commandstats'])))?.[1] ?? 0)
  const [greeted, accepted] = [await greetings(), balancer.accepted]
  const master = `mymaster ${old.host} ${old.port}`
  sentinel.flags = 'master,failover_in_progress'
  sentinel.publish('+try-failover', `master ${master}`)
  sentinel.publish('+selected-slave', `slave ${next.host}:${next.port} ${next.host} ${next.port} @ ${master}`)
  const reply = client.send('SET', 'after', '1')
  await waitUntil('the node is asked', () => holdfast.find('master.probe_refused'), bound)
  const isDialled = async (): Promise<boolean> => (await greetings()) > greeted || balancer.accepted > accepted + 6
  await waitUntil('a link is made ahead, or will not be', isDialled, bound)
  const before = balancer.accepted
  await waitUntil('the node is asked again', () => balancer.accepted > before + 1, bound)
  // What stands through it goes on standing at the old master.
  balancer.target = { host: next.host, port: next.port }
  sentinel.flags = 'master'
  sentinel.switchMaster({ host: next.host, port: next.port }, 2)
  t.equal(await reply, 'OK')
  t.equal(await ask(next, ['GET', 'after']), '1')
  t.equal(await ask(old, ['GET', 'after']), null)
})

// The old master is slow across a promotion: what it says once a replica may be promoted reaches no client, unless it
// stays the master. Two real servers, and a Sentinel that says what a real one says in a failover, when the test wants
// it.
import { setImmediate as nextTurn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type SingleServer, startSingle } from '../support/holdfast.ts'
import { ask, RespClient, RespError, type Value } from '../support/resp-client.ts'
import {
  endServer,
  makeFolder,
  type Node,
  removeFolder,
  resumeServer,
  startServer,
  stopServer,
} from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const COUNT = 7
type Policy = 'always' | 'safe' | 'once'

interface Scene extends SingleServer {
  readonly replica: Node
  readonly client: RespClient
}

async function start(t: Test, policy: Policy): Promise<Scene> {
  const single = await startSingle(t, {
    // The new master has no replica that could confirm a write.
    options: { 'retry-policy': policy, ack: 'master', reads: 'plain' },
  })
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const { node } = single
  const config = ['save ""', `replicaof ${node.host} ${node.port}`]
  const replica = await startServer({
    flavour: node.flavour,
    kind: 'data',
    name: 'two',
    dir,
    config,
  })
  t.teardown(() => endServer(replica))
  const synced = async (): Promise<boolean> =>
    /master_link_status:up/.test(String(await ask(replica, ['INFO', 'replication'])))
  await waitUntil('the replica has the data', synced, { withinMs: 20_000 })
  const client = await RespClient.connect(single.holdfast.port)
  t.teardown(() => client.close())
  await client.send('SET', 'before', '1')
  return { ...single, replica, client }
}

/** What a leader publishes up to the choice of the replica; its next step promotes it. */
async function chooseReplica({ sentinel, holdfast, node, replica }: Scene): Promise<void> {
  const master = `mymaster ${node.host} ${node.port}`
  sentinel.flags = 'master,failover_in_progress'
  sentinel.publish('+try-failover', `master ${master}`)
  sentinel.publish('+elected-leader', `master ${master}`)
  const chosen = `slave ${replica.host}:${replica.port} ${replica.host} ${replica.port} @ ${master}`
  sentinel.publish('+selected-slave', chosen)
  await waitUntil('the choice is heard', () => holdfast.find('failover.replica'), { withinMs: 10_000 })
}

/** The master has run all that was in its socket, and its replies are where Holdfast could read them. */
async function hasRun({ node }: Scene, key: string): Promise<void> {
  const ran = async (): Promise<boolean> => Number(await ask(node, ['GET', key])) === COUNT
  await waitUntil('the old master has run everything', ran, { withinMs: 20_000 })
  for (let i = 0; i < 20; i++) {
    await ask(node, ['PING'])
    await nextTurn()
  }
}

const shown = (value: Value): Value => (value instanceof RespError ? value.code : value)

/** Commands that the stopped master has in its socket when a replica is chosen; answers their replies as they come. */
async function inFlight(scene: Scene): Promise<Value[]> {
  const { node, client, holdfast } = scene
  await stopServer(node)
  const got: Value[] = []
  const { masterBytesOut } = holdfast.counters
  for (let i = 0; i < COUNT; i++)
    client.send('INCR', 'n').then(
      reply => void got.push(shown(reply)),
      () => {},
    )
  await waitUntil('they are sent', () => holdfast.counters.masterBytesOut >= masterBytesOut + COUNT * 20, {
    withinMs: 5000,
  })
  return got
}

for (const policy of ['always', 'safe'] as const) {
  t.test(`promotion — makes void what the old master says afterwards — ${policy}`, async t => {
    const scene = await start(t, policy)
    const { sentinel, node, replica, holdfast } = scene
    const got = await inFlight(scene)
    await chooseReplica(scene)
    await ask(replica, ['REPLICAOF', 'NO', 'ONE'])
    resumeServer(node)
    await hasRun(scene, 'n')
    t.strictSame(got, [], 'nobody is told what the new master does not have')
    sentinel.flags = 'master'
    sentinel.switchMaster({ host: replica.host, port: replica.port }, 2)
    await waitUntil('all replies', () => got.length === COUNT, { withinMs: 20_000 })
    const counter = Number(await ask(replica, ['GET', 'n']))
    if (policy === 'always') t.strictSame(got, [1, 2, 3, 4, 5, 6, 7], 'they run on the new master')
    else t.strictSame(got, Array(COUNT).fill('UNKNOWN'))
    t.equal(counter, policy === 'always' ? COUNT : 0, 'acknowledged is there')
    t.equal(holdfast.counters.unknownOutcomes, policy === 'always' ? 0 : COUNT)
  })

  t.test(`promotion — that does not come about delivers what the master has said — ${policy}`, async t => {
    const scene = await start(t, policy)
    const { sentinel, node, holdfast } = scene
    const got = await inFlight(scene)
    await chooseReplica(scene)
    resumeServer(node)
    await hasRun(scene, 'n')
    t.strictSame(got, [], 'not before the failover is over')
    const { linksLost } = holdfast.counters
    sentinel.flags = 'master'
    sentinel.publish('-failover-abort-slave-timeout', `master mymaster ${node.host} ${node.port}`)
    await waitUntil('all replies', () => got.length === COUNT, { withinMs: 20_000 })
    t.strictSame(got, [1, 2, 3, 4, 5, 6, 7])
    t.equal(Number(await ask(node, ['GET', 'n'])), COUNT, 'once')
    t.equal(holdfast.counters.linksLost, linksLost)
    t.equal(holdfast.counters.unknownOutcomes, 0)
  })
}

t.test(
  'promotion — makes void what the old master says afterwards — on links of sessions of their own, and of transactions',
  async t => {
    const scene = await start(t, 'always')
    const { sentinel, node, replica, client } = scene
    await client.send('SUBSCRIBE', 'c')
    const other = await RespClient.connect(scene.holdfast.port)
    t.teardown(() => other.close())
    await other.pipeline([
      ['WATCH', 'w'],
      ['GET', 'w'],
    ])
    await stopServer(node)
    let exec: Value | undefined
    let taken: Value | undefined
    other.pipeline([['MULTI'], ['INCR', 'x'], ['EXEC']]).then(
      replies => {
        exec = replies[2]
      },
      () => {},
    )
    const third = await RespClient.connect(scene.holdfast.port)
    t.teardown(() => third.close())
    third.pipeline([['MULTI'], ['INCRBY', 'n', String(COUNT)], ['EXEC']]).then(
      replies => {
        taken = replies[2]
      },
      () => {},
    )
    await waitUntil('they are sent', () => scene.holdfast.counters.commands >= 9, { withinMs: 5000 })
    for (let i = 0; i < 20; i++) await nextTurn()
    await chooseReplica(scene)
    await ask(replica, ['REPLICAOF', 'NO', 'ONE'])
    resumeServer(node)
    await hasRun(scene, 'n')
    t.equal(exec, undefined)
    t.equal(taken, undefined)
    sentinel.flags = 'master'
    sentinel.switchMaster({ host: replica.host, port: replica.port }, 2)
    await waitUntil('both are answered', () => exec !== undefined && taken !== undefined, { withinMs: 20_000 })
    t.equal(exec, null, 'the watched key may have changed')
    t.strictSame(taken, [COUNT])
    t.equal(Number(await ask(replica, ['GET', 'n'])), COUNT)
  },
)

for (const policy of ['always', 'safe', 'once'] as const)
  t.test(`promotion — an EXEC that waits for it — has lost what its link watched — ${policy}`, async t => {
    const scene = await start(t, policy)
    const { sentinel, replica, client, holdfast } = scene
    await client.send('WATCH', 'w')
    await client.send('MULTI')
    await client.send('INCR', 'x')
    await chooseReplica(scene)
    const exec = client.send('EXEC')
    await waitUntil('it waits', () => holdfast.counters.waiting === 1, { withinMs: 5000 })
    await ask(replica, ['REPLICAOF', 'NO', 'ONE'])
    await ask(replica, ['SET', 'w', 'of somebody else'])
    sentinel.flags = 'master'
    sentinel.switchMaster({ host: replica.host, port: replica.port }, 2)
    t.equal(await exec, null, 'nobody watched the key meanwhile')
    t.equal(await ask(replica, ['GET', 'x']), null)
    t.equal(await client.send('GET', 'x'), null, 'the session goes on')
  })

// The address of a replica that leads to another process than the Sentinels mean: a name that has moved, a load balancer.
import t, { type Test } from 'tap'
import { readStatus } from '../support/admin.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { FaultyLink } from '../support/faulty-link.ts'
import { type InProcess, startHoldfast, startReplica } from '../support/holdfast.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import {
  anyFlavour,
  endServer,
  makeFolder,
  type Node,
  removeFolder,
  restartServer,
  startServer,
} from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { replicasAreGood } from './scene.ts'

interface Deployment {
  readonly master: Node
  readonly replica: Node
}

/** A master with a replica; both say in the key `whose` which deployment they are of. */
async function startDeployment(t: Test, name: string): Promise<Deployment> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const master = await startServer({ flavour: anyFlavour(), kind: 'data', name, dir, config: ['save ""'] })
  t.teardown(() => endServer(master))
  const replica = await startReplica(t, master, { dir })
  await ask(master, ['SET', 'whose', name])
  await waitUntil('the replica has it', async () => (await ask(replica, ['GET', 'whose'])) === name, {
    withinMs: 10_000,
  })
  return { master, replica }
}

interface Deployments {
  readonly ours: Deployment
  readonly theirs: Deployment
}

interface Scene extends Deployments {
  readonly holdfast: InProcess
  readonly wire: FaultyLink
}

const right = ({ ours }: Deployments): Node => ours.replica

/** The Sentinel's address of the replica is that of a wire, which leads where a test wants it to. */
async function open(t: Test, first: (of: Deployments) => Node, options: Record<string, string> = {}): Promise<Scene> {
  const [ours, theirs] = await Promise.all([startDeployment(t, 'ours'), startDeployment(t, 'theirs')])
  const wire = await FaultyLink.start(t, first({ ours, theirs }))
  const { host, port } = ours.master
  const sentinel = await FakeSentinel.start(t, { master: { host, port } })
  sentinel.replicas = [{ host: wire.host, port: wire.port }]
  const holdfast = await startHoldfast(t, {
    sentinels: [`${sentinel.host}:${sentinel.port}`],
    options: {
      'admin-listen': '127.0.0.1:0',
      'replica-listen': '127.0.0.1:0',
      'replica-fallback': 'hold',
      'hold-timeout': '30s',
      ...options,
    },
  })
  return { holdfast, wire, ours, theirs }
}

const wrongPlaces = [
  ['to another deployment', ({ theirs }: Deployments) => theirs.replica],
  ['to the master itself', ({ ours }: Deployments) => ours.master],
] as const
for (const [where, wrong] of wrongPlaces) {
  t.test(`the address of a replica — that led ${where} at first — is read from when it is right`, async t => {
    const { holdfast, wire, ours } = await open(t, wrong)
    const isJudged = async () => (await conditions(holdfast)).some(one => one !== 'unknown')
    await waitUntil('the wrong one has been asked', isJudged, { withinMs: 10_000 })
    wire.target = { host: ours.replica.host, port: ours.replica.port }
    await replicasAreGood(holdfast, 1)
    const reader = await RespClient.connect(holdfast.replicaPort)
    t.teardown(() => reader.close())
    t.equal(await reader.send('GET', 'whose'), 'ours')
  })
}

t.test('the address of a replica — that leads to another deployment by now — is not read from', async t => {
  const { holdfast, wire, theirs } = await open(t, right, { 'replica-fallback': 'master' })
  await replicasAreGood(holdfast, 1)
  const reader = await RespClient.connect(holdfast.replicaPort)
  t.teardown(() => reader.close())
  t.equal(await reader.send('GET', 'whose'), 'ours')
  // The connection over which the replica is asked stays. Who needs a link of its own dials, once the spare one is taken.
  wire.target = { host: theirs.replica.host, port: theirs.replica.port }
  const others = [1, 2, 3].map(() => RespClient.connect(holdfast.replicaPort))
  for (const other of await Promise.all(others)) {
    t.teardown(() => other.close())
    await other.send('MULTI')
    await other.send('GET', 'whose')
    t.strictSame(await other.send('EXEC'), ['ours'])
    await other.send('WATCH', 'whose')
  }
})

t.test('the master — restarts at its address while nobody writes — its replica is read from', async t => {
  const { holdfast, ours } = await open(t, right)
  await replicasAreGood(holdfast, 1)
  await endServer(ours.master)
  await restartServer(ours.master)
  const isSeen = async () => (await conditions(holdfast)).every(one => one !== 'good')
  await waitUntil('the replica follows another history', isSeen, { withinMs: 20_000 })
  await replicasAreGood(holdfast, 1)
})

async function conditions({ admin }: InProcess): Promise<readonly string[]> {
  return ((await readStatus(admin)).replicas?.nodes ?? []).map(({ condition }) => condition)
}

// Holdfast is stopped (SIGSTOP, a frozen machine) for longer than a command may wait: what the master has answered, and
// what the Sentinels would say, is there when it wakes up. No hold time runs out over it.
import t, { type Test } from 'tap'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { type AsProcess, startHoldfastProcess, startReplica } from '../support/holdfast.ts'
import { ask, RespClient, RespError, type Value } from '../support/resp-client.ts'
import {
  anyFlavour,
  endServer,
  makeFolder,
  type Node,
  removeFolder,
  resumeServer,
  startServer,
  stopServer,
} from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const HOLD_MS = 2000

interface Scene {
  readonly holdfast: AsProcess
  readonly sentinel: FakeSentinel
  readonly master: Node
  readonly replica: Node
  readonly client: RespClient
}

async function scene(t: Test, options: Record<string, string> = {}): Promise<Scene> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const master = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'master', dir, config: ['save ""'] })
  t.teardown(() => endServer(master))
  const replica = await startReplica(t, master, { dir })
  const sentinel = await FakeSentinel.start(t, { master: { host: master.host, port: master.port } })
  const holdfast = await startHoldfastProcess(t, {
    sentinels: [`${sentinel.host}:${sentinel.port}`],
    options: { 'hold-timeout': `${HOLD_MS}ms`, ...options },
  })
  await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 20_000 })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  t.equal(await client.send('INCR', 'n'), 1)
  return { holdfast, sentinel, master, replica, client }
}

/** Longer than any command may wait; `meanwhile` is called when nothing runs there. */
async function standStill(t: Test, holdfast: AsProcess, meanwhile: () => void = () => {}): Promise<void> {
  t.teardown(() => holdfast.signal('SIGCONT'))
  holdfast.signal('SIGSTOP')
  meanwhile()
  const from = performance.now()
  await waitUntil('it stands still', () => performance.now() - from >= 2 * HOLD_MS, { withinMs: 30_000 })
  holdfast.signal('SIGCONT')
}

const shown = (value: Value): string => (value instanceof RespError ? value.message : String(value))

t.test('a withheld write — is confirmed — when the replica has it by the end of a standstill', async t => {
  const { holdfast, master, replica, client } = await scene(t, { 'retry-policy': 'once', ack: 'replicated' })
  await stopServer(replica)
  t.teardown(() => resumeServer(replica))
  const reply = client.send('INCR', 'n').then(shown)
  await waitUntil('the master has it', async () => (await ask(master, ['GET', 'n'])) === '2', { withinMs: 5000 })
  await standStill(t, holdfast, () => resumeServer(replica))
  t.equal(await reply, '2')
})

async function announce({ holdfast, sentinel, master }: Scene): Promise<void> {
  const from = holdfast.log.length
  sentinel.flags = 'master,failover_in_progress'
  sentinel.publish('+elected-leader', `master mymaster ${master.host} ${master.port}`)
  await waitUntil('the gate is shut', () => holdfast.find('failover.announced', from), { withinMs: 20_000 })
}

function abort({ sentinel, master }: Scene): void {
  sentinel.flags = 'master'
  sentinel.publish('-failover-abort-no-good-slave', `master mymaster ${master.host} ${master.port}`)
}

/** What was sent before on other connections has been read. */
async function isRead(t: Test, holdfast: AsProcess): Promise<void> {
  const other = await RespClient.connect(holdfast.port)
  t.teardown(() => other.close())
  await other.send('QUIT')
}

t.test('a held command — is sent — when the failover is over by the end of a standstill', async t => {
  const world = await scene(t)
  await announce(world)
  const reply = world.client.send('INCR', 'n').then(shown)
  await isRead(t, world.holdfast)
  await standStill(t, world.holdfast, () => abort(world))
  t.equal(await reply, '2')
})

t.test('a reply that came in a standstill — is given — where a hold lasted before it', async t => {
  const world = await scene(t)
  const { holdfast, master, client } = world
  await stopServer(master)
  t.teardown(() => resumeServer(master))
  const reply = client.send('INCR', 'n').then(shown)
  await isRead(t, holdfast)
  await announce(world)
  await standStill(t, holdfast, () => {
    resumeServer(master)
    abort(world)
  })
  t.equal(await reply, '2')
  t.equal(await ask(master, ['GET', 'n']), '2')
})

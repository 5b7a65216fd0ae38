// Which link gives a new master the scripts, when the first one that tries goes away, may not, or is not there: the
// others wait for it, but never for one that will not come back.
import t, { type Test } from 'tap'
import { type Answer, FakeRedis, type Handler } from '../support/fake-redis.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { failure, simple } from '../support/resp-encoder.ts'
import { waitUntil } from '../support/wait-until.ts'

interface World {
  readonly holdfast: InProcess
  readonly old: FakeRedis
  readonly next: FakeRedis
  connect(): Promise<RespClient>
  /** The Sentinel names `next`. */
  move(): void
}

/** Two nodes that run any script; `onScript` answers SCRIPT LOAD on the second. */
async function makeWorld(t: Test, options: Record<string, string>, onScript: Handler = () => ok): Promise<World> {
  const run = (onScript: Handler): Handler => {
    return (argv, context): Answer | Promise<Answer> => {
      if (argv[0] === 'SCRIPT') return onScript(argv, context)
      return argv[0]?.startsWith('EVAL') || argv[0] === 'GET' ? ok : undefined
    }
  }
  const old = await FakeRedis.start(
    t,
    run(() => ok),
    { password: 'secret' },
  )
  const next = await FakeRedis.start(t, run(onScript), { password: 'secret' })
  const sentinel = await FakeSentinel.start(t, { master: old })
  const holdfast = await startHoldfast(t, {
    sentinels: [`${sentinel.host}:${sentinel.port}`],
    // A node that is played knows no WAIT.
    options: { 'redis-password': 'secret', ack: 'master', reads: 'plain', ...options },
  })
  await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 5000 })
  const connect = async (): Promise<RespClient> => {
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    return client
  }
  return { holdfast, old, next, connect, move: () => sentinel.switchMaster(next, 2) }
}

const ok = simple('OK')

/** Connections of the node that were given a script, in order. */
const loaders = ({ received }: FakeRedis): number[] =>
  received.filter(({ argv }) => argv[0] === 'SCRIPT').map(({ connection }) => connection)

async function bounded<T>(what: string, promise: Promise<T>): Promise<T> {
  const settled: { value: T }[] = []
  promise.then(value => settled.push({ value })).catch(() => {})
  return (await waitUntil(what, () => settled[0], { withinMs: 800 })).value
}

t.test('scripts — are loaded by another session — when the first one ends while it loads', async t => {
  let hung = 0
  const world = await makeWorld(t, { links: 'private' }, () => (hung++ === 0 ? 'hang' : ok))
  const [first, second] = [await world.connect(), await world.connect()]
  t.equal(await first.send('EVAL', 'return 1', 0), 'OK')
  t.equal(await second.send('GET', 'k'), 'OK')
  world.move()
  await waitUntil('the first loads', () => hung === 1, { withinMs: 3000, everyMs: 1 })
  await first.close()
  t.equal(await bounded('the second is served', second.send('EVALSHA', 'sha', 0)), 'OK')
  t.equal(new Set(loaders(world.next)).size, 2, 'by a link of its own')
  await world.holdfast.stop()
})

t.test('scripts — are loaded by another user — when the first one may not', async t => {
  const refusal = failure("NOPERM User weak has no permissions to run the 'script|load' command")
  const world = await makeWorld(t, { links: 'private' }, (_argv, { state }) => (state.user === 'weak' ? refusal : ok))
  const [weak, strong] = [await world.connect(), await world.connect()]
  t.equal(await weak.send('AUTH', 'weak', 'secret'), 'OK')
  t.equal(await strong.send('EVAL', 'return 1', 0), 'OK')
  world.move()
  await waitUntil('both have tried', () => loaders(world.next).length === 2, { withinMs: 3000, everyMs: 1 })
  t.equal(await bounded('the strong one is served', strong.send('EVALSHA', 'sha', 0)), 'OK')
  t.equal(await bounded('the weak one is served', weak.send('GET', 'k')), 'OK')
  const script = world.next.received.findLast(({ argv }) => argv[0] === 'SCRIPT')
  const call = world.next.received.find(({ argv }) => argv[0] === 'EVALSHA')
  t.equal(script?.connection, call?.connection, 'the second load came on the link that may')
  await world.holdfast.stop()
})

t.test('scripts — are loaded by the first session that comes — when none was there at the change', async t => {
  const world = await makeWorld(t, {})
  const early = await world.connect()
  t.equal(await early.send('EVAL', 'return 1', 0), 'OK')
  await early.close()
  await waitUntil('it is gone', () => world.holdfast.counters.sessions === 0, { withinMs: 1000 })
  const from = world.holdfast.log.length
  world.move()
  await waitUntil('the new master is served', () => world.holdfast.find('hold.end', from), { withinMs: 5000 })
  const late = await world.connect()
  t.equal(await bounded('it is served', late.send('EVALSHA', 'sha', 0)), 'OK')
  t.equal(loaders(world.next).length, 1)
  await world.holdfast.stop()
})

import t from 'tap'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { failure } from '../support/resp-encoder.ts'
import { anyFlavour, endServer, makeFolder, removeFolder, startServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { aboutMaster, intercept, makeWorld, Observed, place } from './watcher-world.ts'

t.test('node that asks for a password we do not have — is served by the majority — with one warning', async t => {
  const { a, seeds } = await makeWorld(t, 'secret')
  const seen = new Observed(t, { sentinels: seeds })
  await seen.until(`serve ${a.port}@1`)
  seen.watcher.confirm('again')
  await waitUntil('it is confirmed', () => seen.decisions.length === 2, { withinMs: 1_000 })
  t.match(seen.logged('master.probe_refused'), [{ level: 'warn', cause: /NOAUTH/, msg: /set --redis-password/ }])
  t.equal(seen.logged('master.probe_refused').length, 1)
})

t.test('node that accepts our password — tells its run id — as any other', async t => {
  const { a, seeds } = await makeWorld(t, 'secret')
  const seen = new Observed(t, { sentinels: seeds, redisPassword: 'secret' })
  t.match(await seen.until(`serve ${a.port}@1`), { master: { runId: a.runId } })
  t.strictSame(seen.logged('master.probe_refused'), [])
})

t.test(
  'node that refuses our password — is served by the majority — with an error that names user and node',
  async t => {
    const { a, seeds } = await makeWorld(t, 'secret')
    const seen = new Observed(t, { sentinels: seeds, redisUsername: 'watch', redisPassword: 'wrong' })
    await seen.until(`serve ${a.port}@1`)
    const [line] = seen.logged('master.probe_refused')
    t.match(line, { level: 'error', cause: /WRONGPASS/, msg: new RegExp(`127.0.0.1:${a.port} refuses .* user watch`) })
    t.notMatch(JSON.stringify(seen.lines), /wrong|"secret"/)
  },
)

t.test('password for a node without one — does no harm — and is not complained about', async t => {
  const { a, seeds } = await makeWorld(t)
  const refusal = failure('ERR AUTH <password> called without any password configured for the default user.')
  intercept(a, argv => (argv[0] === 'AUTH' ? refusal : undefined))
  const seen = new Observed(t, { sentinels: seeds, redisPassword: 'unneeded' })
  await seen.until(`serve ${a.port}@1`)
  t.strictSame(seen.logged('master.probe_refused'), [])
})

for (const [given, words] of [
  ['wrong', /refuses the password of the default user/],
  [null, /asks for a password/],
] as const) {
  t.test(`Sentinels with a password — are named with the remedy — when ours is ${given ?? 'missing'}`, async t => {
    const { a } = await makeWorld(t)
    const sentinel = await FakeSentinel.start(t, { master: place(a), password: 'right' })
    const seen = new Observed(t, { sentinels: [place(sentinel)], sentinelPassword: given })
    const line = await seen.untilLogged('sentinel.trouble')
    t.match(line, { level: 'error', sentinel: `127.0.0.1:${sentinel.port}`, remedy: words })
    await waitUntil('it has tried again', () => sentinel.server.accepted >= 3, { withinMs: 3_000 })
    t.equal(seen.logged('sentinel.trouble').length, 1, 'once, not once per try')
    t.notMatch(JSON.stringify(seen.lines), /"wrong"|"right"/)
  })
}

t.test('Sentinels with a password — serve — when ours is right', async t => {
  const { a } = await makeWorld(t)
  const sentinel = await FakeSentinel.start(t, { master: place(a), password: 'right' })
  const seen = new Observed(t, { sentinels: [place(sentinel)], sentinelPassword: 'right' })
  await seen.until(`serve ${a.port}@1`)
})

t.test('a data node in the place of a Sentinel — is told as what it is — and --master is not blamed', async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const node = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'one', dir, config: ['save ""'] })
  t.teardown(() => endServer(node))
  const sentinels = [`${node.host}:${node.port}`]
  const holdfast = await startHoldfast(t, { sentinels, expectedErrors: ['sentinel.trouble'] })
  const line = await waitUntil('the trouble', () => holdfast.find('sentinels.trouble'), { withinMs: 20_000 })
  t.match(line, { cause: 'no-sentinel' })
  t.match(holdfast.find('sentinel.trouble'), { level: 'error', remedy: /not that of a data node/ })
  t.equal(holdfast.find('commands.missing'), undefined)
})

t.test('Sentinels that do not know the name — are said to, once — and served when they learn it', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  for (const one of sentinels) one.master = null
  const seen = new Observed(t, { sentinels: seeds })
  const line = await seen.untilLogged('sentinels.trouble')
  t.match(line, { cause: 'name-unknown', masterName: 'mymaster', sentinels: [/does not know the master name/] })
  t.equal(seen.logged('sentinels.trouble').length, 1)
  for (const one of sentinels) one.master = place(a)
  await seen.until(`serve ${a.port}@1`)
})

t.test('Sentinel without RESP3 — is polled — and named as too old', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  for (const { server } of sentinels) {
    intercept(server, argv => (argv[0]?.toUpperCase() === 'HELLO' ? failure("ERR unknown command 'HELLO'") : undefined))
  }
  const seen = new Observed(t, { sentinels: seeds })
  await seen.until(`serve ${a.port}@1`)
  t.match(seen.logged('sentinel.too_old')[0], { level: 'error' })
})

t.test('Sentinel without RESP3 that does not allow PSUBSCRIBE * — is polled', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  for (const { server } of sentinels) {
    intercept(server, argv => {
      if (argv[0]?.toUpperCase() === 'HELLO') return failure("ERR unknown command 'HELLO'")
      return argv[0]?.toUpperCase() === 'PSUBSCRIBE' ? failure('NOPERM No permissions') : undefined
    })
  }
  const seen = new Observed(t, { sentinels: seeds })
  await seen.until(`serve ${a.port}@1`)
  t.match(seen.logged('sentinel.too_old')[0], { level: 'error' })
})

t.test('Sentinel that does not allow PSUBSCRIBE * — is heard — channel by channel', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  const refusal = failure('NOPERM No permissions to access a channel')
  for (const { server } of sentinels) {
    intercept(server, argv => (argv[0]?.toUpperCase() === 'PSUBSCRIBE' || argv[1] === '+tilt' ? refusal : undefined))
  }
  const seen = new Observed(t, { sentinels: seeds })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  t.match(seen.logged('sentinel.deaf')[0], { level: 'error', refused: ['+tilt'] })
  sentinels[0].publish('+try-failover', aboutMaster(sentinels[0]))
  await waitUntil('the gate was closed', () => seen.story().includes('hold failover-announced'), { withinMs: 1_000 })
})

t.test('Sentinel that does not allow SENTINEL MASTER — has no vote — and is named with the remedy', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  intercept(sentinels[0].server, argv =>
    argv[1]?.toUpperCase() === 'MASTER'
      ? failure("NOPERM User default has no permissions to run 'sentinel|master'")
      : undefined,
  )
  const seen = new Observed(t, { sentinels: seeds })
  await seen.until(`serve ${a.port}@1`)
  t.match(await seen.untilLogged('sentinel.trouble'), { level: 'error', remedy: /\+sentinel\|master/ })
})

t.test('Sentinels that do not tell their identity — count by address — and once', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  for (const { server } of sentinels) {
    intercept(server, argv => (argv[1]?.toUpperCase() === 'MYID' ? failure('NOPERM no') : undefined))
  }
  const seen = new Observed(t, { sentinels: seeds })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  t.match(seen.watcher.status(), { knownSentinels: 3, reachableSentinels: 3, sentinels: { length: 3 } })
})

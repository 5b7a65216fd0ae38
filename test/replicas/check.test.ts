// `holdfast check` of a port for replicas, with replicas that are well, behind, cut off, frozen, and that may not be asked.
import t from 'tap'
import { runCheck } from '../support/check.ts'
import { FaultyLink } from '../support/faulty-link.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('check — says of each replica whether the port for replicas can use it', async t => {
  // So long that nothing is promoted, and no replica is given back the master that it was taken from.
  const set = await SentinelSet.start({ downAfterMs: 120_000, failoverTimeoutMs: 120_000 })
  t.teardown(() => set.stopAll())
  const [master, first, second] = set.nodes
  if (master === undefined || first === undefined || second === undefined) throw new Error('not three nodes')
  const options = {
    sentinels: set.sentinelAddresses().join(','),
    'replica-listen': '127.0.0.1:0',
    'hold-timeout': '300s',
  }
  const infoOf = async (node: Node, what: RegExp): Promise<boolean> =>
    what.test(String(await set.command(node, 'INFO', 'replication')))
  const isAttached = (node: Node) =>
    waitUntil(`${node.name} is attached`, () => infoOf(node, /master_link_status:up/), { withinMs: 20_000 })

  await t.test('all are well', async t => {
    const { output, problems } = await runCheck(options)
    t.match(output, / ok +--replica-listen +2 replicas are good now/)
    t.strictSame(problems, [])
  })

  await t.test('one is behind', async t => {
    const link = await FaultyLink.start(t, { host: '127.0.0.1', port: master.port })
    await set.command(first, 'REPLICAOF', '127.0.0.1', String(link.port))
    await isAttached(first)
    link.stall('down')
    await set.command(master, 'SET', 'k', 'v')
    const behind = await runCheck({ ...options, 'replica-max-lag': '2s' })
    const wanted = new RegExp(
      `^node 127.0.0.1:${first.port}: is more than [\\d.]+ s behind the master; --replica-max-lag is 2 s` +
        '.*\\[remedy: look at its load, its network',
    )
    t.ok(
      behind.warnings.some(line => wanted.test(line)),
      behind.output,
    )
    t.ok(behind.warnings.some(line => /^--replica-listen: one replica is good now: .*the master answers/.test(line)))

    await set.stop(second)
    const none = await runCheck({ ...options, 'replica-max-lag': '2s', 'replica-fallback': 'error' })
    await set.resume(second)
    t.equal(none.code, 1)
    const noneIsGood = /^--replica-listen: no replica is good now \(2 are listed\): reads get errors then \[remedy/
    t.ok(
      none.problems.some(line => noneIsGood.test(line)),
      none.output,
    )

    link.resume()
    const caughtUp = async (): Promise<boolean> => /2 replicas are good now/.test((await runCheck(options)).output)
    await waitUntil('it has caught up', caughtUp, { withinMs: 30_000 })
    await set.command(first, 'REPLICAOF', '127.0.0.1', String(master.port))
    await isAttached(first)
  })

  await t.test('one is cut off', async t => {
    await set.command(first, 'REPLICAOF', 'NO', 'ONE')
    await set.command(first, 'REPLICAOF', '127.0.0.1', '1')
    const { warnings, output } = await runCheck(options)
    const wanted = `node 127.0.0.1:${first.port}: is not connected to the master, or follows another history`
    t.ok(
      warnings.some(line => line.startsWith(wanted)),
      output,
    )
    await set.command(first, 'REPLICAOF', '127.0.0.1', String(master.port))
    await isAttached(first)
  })

  await t.test('our user may not ask', async t => {
    const nodes = [master, first, second]
    await Promise.all(
      nodes.map(node => set.command(node, 'ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', '-info')),
    )
    const { problems, warnings, output } = await runCheck({
      ...options,
      'redis-username': 'app',
      'redis-password': 'secret',
    })
    t.ok(
      warnings.some(line => /does not tell our user how far it is .*\[remedy: ACL SETUSER app \+info/.test(line)),
      output,
    )
    t.ok(
      problems.some(line =>
        /^--replica-listen: no replica is good now.*first mend what is said of the nodes/.test(line),
      ),
      output,
    )
  })
})

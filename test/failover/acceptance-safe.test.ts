// Under --retry-policy safe no command takes effect twice: what was sent and not answered ends in an error that says so.
// Twenty plain clients through a kill, a planned failover and a freeze; only that one error may be seen.
import t from 'tap'
import { startHoldfast } from '../support/holdfast.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { describeReport, describeRound, endOfTrial, type Fault, runRound, startClients } from './acceptance-trial.ts'

t.test('twenty clients — see no increment twice — under safe, whatever happens to the master', async t => {
  const set = await SentinelSet.start({ failoverTimeoutMs: 5000 })
  t.teardown(() => set.stopAll())
  const options = { 'retry-policy': 'safe' }
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
  const workload = startClients(holdfast.port, 50)
  t.teardown(() => workload.stop({ withinMs: 0 }))
  for (const fault of ['kill', 'freeze', 'planned'] satisfies Fault[]) {
    const round = await runRound(set, workload, fault)
    t.comment(describeRound(round))
    t.equal(round.writesToTheOld, 0, 'nothing is written to the old master')
  }
  const report = await endOfTrial(set, workload)
  t.comment(describeReport(report, holdfast))
  t.strictSame(report.doubled, [], 'increments applied twice')
  t.strictSame(report.connectionErrors, [], 'connection errors')
  t.strictSame(report.reordered, [], 'replies out of order')
  const codes = new Set(Object.keys(report.errors).map(message => message.split(' ', 1)[0]))
  // A frozen master leaves each client's INCR without an answer: the policy has been asked, not spared.
  t.strictSame([...codes], ['UNKNOWN'], 'error replies')
  t.equal(
    holdfast.counters.unknownOutcomes,
    Object.values(report.errors).reduce((a, b) => a + b, 0),
  )
  await holdfast.stop()
})

t.test(
  'increments in flight — end as unknown, none is sent again — under safe, when the master dies with them',
  async t => {
    const set = await SentinelSet.start({ failoverTimeoutMs: 5000, replicas: 1 })
    t.teardown(() => set.stopAll())
    const options = { 'retry-policy': 'safe' }
    const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
    const workload = startClients(holdfast.port)
    t.teardown(() => workload.stop({ withinMs: 0 }))
    const { ledger } = workload
    const ok = (): number => ledger.operations.filter(({ outcome }) => outcome.kind === 'ok').length
    await waitUntil('the load runs', () => ok() > 600, { withinMs: 20_000 })
    const old = await set.currentMaster()
    await set.stop(old)
    const open = () => new Set(ledger.operations.filter(one => one.outcome.kind === 'pending').map(one => one.client))
    await waitUntil('every client waits', () => open().size === 20, { withinMs: 1500 })
    await set.kill(old)
    await set.waitForNewMaster(old, { withinMs: 20_000 })
    const before = ok()
    await waitUntil('the load goes on', () => ok() > before + 600, { withinMs: 20_000 })
    const report = await endOfTrial(set, workload)
    t.comment(describeReport(report, holdfast))
    t.equal(
      Object.values(report.errors).reduce((a, b) => a + b, 0),
      20,
      'the INCR of each client, its SET and ECHO not',
    )
    t.strictSame([report.doubled, report.connectionErrors, report.reordered], [[], [], []])
    await holdfast.stop()
  },
)

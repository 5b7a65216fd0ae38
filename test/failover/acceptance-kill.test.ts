// The master is killed with SIGKILL, comes back as a writable master, and is demoted by the Sentinels some ten seconds later.
// Twenty plain clients must see a pause and nothing else. HOLDFAST_ROUNDS says how many rounds there are.
import t from 'tap'
import { startHoldfast } from '../support/holdfast.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import {
  describeReport,
  describeRound,
  endOfTrial,
  median,
  rounds,
  runRound,
  startClients,
} from './acceptance-trial.ts'

t.test('twenty clients — see a pause and nothing else — through kill -9 of the master', async t => {
  const set = await SentinelSet.start({ failoverTimeoutMs: 5000 })
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses() })
  const workload = startClients(holdfast.port)
  t.teardown(() => workload.stop({ withinMs: 0 }))
  for (let n = 1; n <= rounds; n++) {
    const round = await runRound(set, workload, 'kill')
    t.comment(`round ${n}: ${describeRound(round)}`)
    t.equal(round.resumedAfterMs.length, 20, 'every client is served again')
    t.ok(median(round.resumedAfterMs) <= 150, 'the median client is served within 150 ms of the majority')
    t.ok((round.resumedAfterMs.at(-1) ?? Number.NaN) <= 150, 'the last client is served within 150 ms of the majority')
    t.ok(round.oldWasMasterMs > 3000, 'the old master was there to be written to')
    t.equal(round.writesToTheOld, 0, 'and was not')
  }
  const report = await endOfTrial(set, workload)
  t.comment(describeReport(report, holdfast))
  t.strictSame(report.connectionErrors, [], 'connection errors')
  t.strictSame(report.errors, {}, 'error replies')
  t.equal(report.ok, report.operations, 'every command has its reply')
  t.strictSame(report.reordered, [], 'replies out of order')
  await holdfast.stop()
})

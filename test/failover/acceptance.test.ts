// The promise of the first page: twenty plain clients see a pause and nothing else when the master is killed, replaced
// by SENTINEL FAILOVER or stopped. The old master comes back writable each time, and nothing may be written to it.
// HOLDFAST_ROUNDS says how many rounds of each there are.
import t from 'tap'
import { startHoldfast, startHoldfastProcess } from '../support/holdfast.ts'
import { judgeOnce } from '../support/judge-bound.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { besidesReplyLost } from '../support/settings.ts'
import {
  describeReport,
  describeRound,
  endOfTrial,
  type Fault,
  median,
  rounds,
  runRound,
  startClients,
} from './acceptance-trial.ts'

interface Row {
  readonly fault: Fault
  readonly title: string
  /** As a process of its own, or inside this one, where its counters are checked as well. */
  readonly start: typeof startHoldfast | typeof startHoldfastProcess
  /** In a planned failover nothing is lost, and nothing in flight is left without an answer. */
  readonly losesNothing: boolean
}

const table: readonly Row[] = [
  { fault: 'kill', title: 'kill -9 of the master', start: startHoldfast, losesNothing: false },
  { fault: 'freeze', title: 'SIGSTOP of the master', start: startHoldfastProcess, losesNothing: false },
  { fault: 'planned', title: 'SENTINEL FAILOVER', start: startHoldfast, losesNothing: true },
]

/** From the majority's first answer to a client's first reply. */
const resumeWithinMs = 150

t.test('twenty clients — see a pause and nothing else — whatever happens to the master', async t => {
  const set = await SentinelSet.start({ failoverTimeoutMs: 5000 })
  t.teardown(() => set.stopAll())
  for (const { fault, title, start, losesNothing } of table) {
    await t.test(title, async t => {
      await set.settle()
      const holdfast = await start(t, { sentinels: set.sentinelAddresses() })
      const workload = startClients(holdfast.port, 25, fault)
      t.teardown(() => workload.stop({ withinMs: 0 }))
      for (let n = 1; n <= rounds; n++) {
        const round = await runRound(set, workload, fault, { isLast: n === rounds })
        t.comment(`round ${n}: ${describeRound(round)}`)
        const { resumedAfterMs, pace } = round
        t.equal(resumedAfterMs.length, 20, 'every client is served again')
        await judgeOnce(
          t,
          'the median client is served after the majority',
          resumeWithinMs,
          median(resumedAfterMs),
          pace,
        )
        const last = resumedAfterMs.at(-1) ?? Number.POSITIVE_INFINITY
        await judgeOnce(t, 'the last client is served after the majority', resumeWithinMs, last, pace)
        t.ok(round.oldWasMasterMs > 3000, 'the old master was there to be written to')
        t.equal(round.writesToTheOld, 0, 'and was not')
      }
      const report = await endOfTrial(set, workload)
      t.comment(describeReport(report, holdfast))
      t.strictSame(report.connectionErrors, [], 'connection errors')
      const { others, told } = losesNothing ? { others: report.errors, told: 0 } : besidesReplyLost(report.errors)
      t.strictSame(others, {}, 'error replies')
      t.equal(report.ok + told, report.operations, 'every command has its reply')
      t.strictSame(report.reordered, [], 'replies out of order')
      if (losesNothing) {
        t.strictSame(report.lostWrites, [], 'acknowledged writes lost')
        t.strictSame(report.doubled, [], 'increments applied twice')
      }
      await holdfast.stop()
    })
  }
})

// A Sentinel has chosen another node than the drill expected: whoever reads why must not change what is right.
import t from 'tap'
import { chosenInstead } from '../../../src/drill/chosen-instead.ts'
import { type Candidate, whyUnfit } from '../../../src/switchover/candidate.ts'

function candidate(port: number, priority: number, more: Partial<Candidate> = {}): Candidate {
  const address = { host: '10.0.0.1', port }
  const fresh = { infoAgeMs: 500, linkDownMs: 0, lastPingMs: 100, isTakenForMaster: false }
  return { address, runId: `run${port}`, flags: ['slave'], priority, offset: 1, ...fresh, ...more }
}

t.test('chosen instead — with a higher priority — the first one was not fit, and its priority is right', async t => {
  const { why, remedy } = chosenInstead('10.0.0.1:1', '10.0.0.1:2', [candidate(1, 10), candidate(2, 100)])
  t.match(why, /chose 10\.0\.0\.1:2 with the replica-priority 100, and passed over 10\.0\.0\.1:1 with 10/)
  t.notMatch(remedy, /CONFIG SET/)
})

t.test('chosen instead — with the same priority, or one that is not known — priorities decide it', async t => {
  for (const candidates of [[candidate(1, 100), candidate(2, 100)], [candidate(1, 10)]])
    t.match(chosenInstead('10.0.0.1:1', '10.0.0.1:2', candidates).remedy, /CONFIG SET replica-priority/)
})

t.test('unfit — is told of the replica that is meant — or that it is not listed', async t => {
  const listed = [candidate(1, 10, { lastPingMs: 7_000 }), candidate(2, 100)]
  t.match(whyUnfit({ host: '10.0.0.1', port: 1 }, listed, 5_000), /has not answered the Sentinel for 7.0 s/)
  t.equal(whyUnfit({ host: '10.0.0.1', port: 2 }, listed, 5_000), null)
  t.match(whyUnfit({ host: '10.0.0.1', port: 3 }, listed, 5_000), /does not list it/)
})

// Whom a Sentinel promotes, by the rule of sentinel.c, and when the failover is best asked for.
import t from 'tap'
import { type Candidate, ranked, unfitness } from '../../../src/switchover/candidate.ts'
import { bestAge, momentOf } from '../../../src/switchover/moment.ts'

function candidate(port: number, more: Partial<Candidate> = {}): Candidate {
  return {
    address: { host: '10.0.0.1', port },
    runId: String(port),
    flags: ['slave'],
    priority: 100,
    offset: 1000,
    infoAgeMs: 600,
    linkDownMs: 0,
    lastPingMs: 200,
    isTakenForMaster: false,
    ...more,
  }
}

const portsOf = (all: readonly Candidate[]): number[] => all.map(({ address }) => address.port)

t.test('candidate — is ranked — by priority, then offset, then run id', async t => {
  const all = [
    candidate(1, { priority: 200, offset: 9000 }),
    candidate(2, { offset: 1000, runId: 'b' }),
    candidate(3, { offset: 2000, runId: 'z' }),
    candidate(4, { offset: 1000, runId: 'A' }),
    candidate(5, { offset: 1000, runId: '' }),
  ]
  t.strictSame(portsOf(ranked(all, 1000)), [3, 4, 2, 5, 1])
})

t.test('candidate — is not chosen — for what the Sentinel holds against it', async t => {
  const unfit: readonly [Partial<Candidate>, RegExp][] = [
    [{ flags: ['slave', 's_down'] }, /sees it down/],
    [{ flags: ['slave', 'disconnected'] }, /no connection/],
    [{ lastPingMs: 5001 }, /has not answered the Sentinel for 5\.0 s/],
    [{ priority: 0 }, /replica-priority is 0/],
    [{ infoAgeMs: 30_001 }, /INFO of it is 30\.0 s old/],
    [{ linkDownMs: 10_001 }, /link to the master has been down for 10\.0 s/],
  ]
  for (const [more, why] of unfit) {
    t.match(unfitness(candidate(1, more), 1000), why)
    t.strictSame(ranked([candidate(1, more)], 1000), [])
  }
  const fit = { lastPingMs: 5000, infoAgeMs: 30_000, linkDownMs: 10_000, priority: 1 }
  t.equal(unfitness(candidate(1, fit), 1000), null)
})

t.test('moment — is now — when the INFO of all that are preferred is old enough and not too old', async t => {
  const at = (...ages: number[]): 'ready' | number =>
    momentOf(ages.map((infoAgeMs, i) => candidate(i + 1, { infoAgeMs })))
  t.equal(at(bestAge.from), 'ready')
  t.equal(at(bestAge.from, bestAge.to), 'ready')
  t.type(at(bestAge.from, bestAge.to + 1), 'number', 'the Sentinel would refresh the second, and may prefer it')
  t.type(at(bestAge.from - 1, bestAge.to), 'number')
  t.equal(at(bestAge.from - 40), 40, 'it comes in 40 ms')
  const worse = candidate(2, { infoAgeMs: 9000, priority: 200 })
  t.equal(momentOf([candidate(1), worse]), 'ready', 'one of a worse priority is not preferred')
})

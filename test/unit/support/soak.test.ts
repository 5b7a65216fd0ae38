// The judges of a soak, which nobody looks at while it passes: the slope, the schedule, the losses.
import t from 'tap'
import { abortedElections } from '../../soak/elections.ts'
import { judgeLosses } from '../../soak/losses.ts'
import { residentOf } from '../../soak/mappings.ts'
import { faultKinds, type PlannedFault, policyOf, schedule } from '../../soak/schedule.ts'
import { slopeOf } from '../../soak/slope.ts'
import { Ledger } from '../../support/ledger.ts'

function firstOf(seed: number, count: number): PlannedFault[] {
  const found: PlannedFault[] = []
  for (const fault of schedule(seed)) {
    if (found.length === count) break
    found.push(fault)
  }
  return found
}

const noise = (i: number): number => ((i * 7919) % 13) - 6

t.test('slope — is found with its interval — in a series that grows', async t => {
  const samples = Array.from({ length: 320 }, (_, i) => ({ at: i * 1000, value: 1000 + i * 2 + noise(i) }))
  const { perMinute, low, high } = slopeOf(samples)
  t.ok(low <= 120 && high >= 120, `${low} to ${high}`)
  t.ok(Math.abs(perMinute - 120) < 2)
  t.ok(low > 100)
})

t.test('slope — has zero in its interval — in a series that does not grow', async t => {
  const { low, high } = slopeOf(Array.from({ length: 320 }, (_, i) => ({ at: i * 1000, value: 1000 + noise(i) })))
  t.ok(low < 0 && high > 0, `${low} to ${high}`)
})

t.test('schedule — is the same for the same seed — and has each kind once per round', async t => {
  const first = (seed: number): unknown[] => firstOf(seed, 2 * faultKinds.length)
  t.strictSame(first(7), first(7))
  t.notSame(first(7), first(8))
  const round = firstOf(7, faultKinds.length)
  t.strictSame(round.map(({ kind }) => kind).sort(), [...faultKinds].sort())
  t.strictSame([policyOf(1), policyOf(2)], ['always', 'safe'])
})

t.test('losses — are explained by a crash just after — and by nothing else', async t => {
  const ledger = new Ledger()
  const set = ledger.begin('c', 'set', 'k', 'v')
  ledger.ok(set, 'OK')
  const incr = ledger.begin('c', 'incr', 'n')
  ledger.ok(incr, 5)
  const actual = new Map([['n', '4']])
  t.equal(judgeLosses(ledger, actual, []).unexplained.length, 2)
  t.equal(judgeLosses(ledger, actual, [set.endedAt + 500]).explained, 2)
  t.equal(judgeLosses(ledger, actual, [set.endedAt + 60_000]).unexplained.length, 2)
  t.equal(
    judgeLosses(ledger, actual, [set.endedAt - 5_000]).unexplained.length,
    2,
    'written to a node that was none any more',
  )
  t.equal(
    judgeLosses(
      ledger,
      new Map([
        ['k', 'v'],
        ['n', '5'],
      ]),
      [],
    ).unexplained.length,
    0,
  )
})

const smaps = (start: string, rights: string, name: string, kb: number): string =>
  `${start}-ffffffffffff ${rights} 00000000 00:00 0 ${name}\nSize: ${2 * kb} kB\nRss:               ${kb} kB\nPss: 1 kB\n`

t.test('resident memory — is told apart by what it is for — in what the kernel says of a process', async t => {
  const text = [
    smaps('00400000', 'r-xp', '                          /usr/bin/node', 400),
    smaps('1c000000', 'rw-p', '                          [heap]', 30),
    smaps('7f1234000000', 'rw-p', '', 10),
    smaps('7f1234100000', 'rw-p', '', 7),
    smaps('7ffc00000000', 'rw-p', '                          [stack]', 1),
  ].join('')
  t.strictSame(residentOf(text), { files: 400 * 1024, malloc: 40 * 1024, rest: 8 * 1024 })
})

t.test('elections — that led to no new master are counted once — in the lines of the Sentinels', async t => {
  const aborted = 'sentinel-1: 7:X 1 Jan 2026 00:00:00.000 # -failover-abort-not-elected master mymaster 127.0.0.1 7000'
  const elected = 'sentinel-1: 7:X 1 Jan 2026 00:00:21.000 # +elected-leader master mymaster 127.0.0.1 7000'
  t.equal(abortedElections([aborted, elected]), 1)
  t.equal(
    abortedElections([aborted, aborted.replace('sentinel-1', 'sentinel-2'), elected]),
    1,
    'both candidates say it',
  )
  t.equal(abortedElections([aborted, aborted, elected]), 2)
  t.equal(abortedElections([elected]), 0)
  t.equal(abortedElections([aborted.replace('not-elected', 'no-good-slave')]), 1)
})

// figures.test.ts: the parts of the benchmark that decide what its figures mean: statistics, order, selection, reading.

import t from 'tap'
import { caseGroups, casesOfSet, selectCases } from '../../../bench/cases.ts'
import { readReport } from '../../../bench/load/redis-benchmark.ts'
import { summarize } from '../../../bench/load/sample.ts'
import { readOptions } from '../../../bench/options.ts'
import { alignTable, caseTable } from '../../../bench/report.ts'
import { type CaseResult, orderOfRound, type Sample } from '../../../bench/rounds.ts'
import { median, percentile, ratiosByRound, spread } from '../../../bench/statistics.ts'
import { summarizeCase } from '../../../bench/summary.ts'

t.test('median — takes the middle, or the mean of the middle two', async t => {
  t.equal(median([5, 1, 3]), 3)
  t.equal(median([4, 1, 3, 2]), 2.5)
  t.equal(median([7]), 7)
  t.ok(Number.isNaN(median([])), 'nothing has no median')
})

t.test('median — leaves the list as it was', async t => {
  const values = [3, 1, 2]
  median(values)
  t.strictSame(values, [3, 1, 2])
})

t.test('percentile — gives a value that occurred, by nearest rank', async t => {
  const hundred = Array.from({ length: 100 }, (_, n) => n + 1)
  t.equal(percentile(hundred, 0.5), 50)
  t.equal(percentile(hundred, 0.99), 99)
  t.equal(percentile(hundred, 0.999), 100)
  t.equal(percentile([8], 0.01), 8)
})

t.test('spread — has none for no values', async t => {
  t.equal(spread([]), undefined)
  t.strictSame(spread([2, 9, 4]), { median: 4, min: 2, max: 9 })
})

t.test('ratiosByRound — compares within a round only', async t => {
  const subject = new Map([
    [0, 10],
    [1, 30],
    [3, 50],
  ])
  const base = new Map([
    [0, 20],
    [1, 10],
    [2, 99],
  ])
  t.strictSame(ratiosByRound(subject, base), [0.5, 3])
})

t.test('orderOfRound — lets every target take every place', async t => {
  const names = ['a', 'b', 'c', 'd']
  const rounds = Array.from({ length: 8 }, (_, round) => orderOfRound(names, round))
  for (const [place] of names.entries()) {
    t.strictSame([...new Set(rounds.map(order => order[place]))].sort(), names, `place ${place}`)
  }
  for (const order of rounds) t.strictSame([...order].sort(), names)
})

t.test('summarize — gives percentiles of unsorted latencies', async t => {
  const values = Float64Array.from({ length: 1_000 }, (_, n) => 1_000 - n)
  t.strictSame(summarize(values), { avg: 500.5, p50: 500, p99: 990, p999: 999, max: 1_000 })
})

const benchmarkText = `
====== SET key:__rand_int__ ======
  20000 requests completed in 0.18 seconds
Latency by percentile distribution:
0.000% <= 0.055 milliseconds (cumulative count 1)
50.000% <= 0.223 milliseconds (cumulative count 10106)
99.805% <= 0.767 milliseconds (cumulative count 19961)
99.902% <= 4.295 milliseconds (cumulative count 19984)
100.000% <= 4.327 milliseconds (cumulative count 20000)

Cumulative distribution of latencies:
99.950% <= 0.903 milliseconds (cumulative count 19970)

Summary:
  throughput summary: 100000.00 requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
        0.239     0.048     0.223     0.319     0.575     4.327
`

t.test('readReport — reads throughput and latencies from the report of redis-benchmark', async t => {
  t.strictSame(readReport(benchmarkText, 20_000), {
    commands: 20_000,
    seconds: 0.2,
    opsPerSecond: 100_000,
    latencyMs: { avg: 0.239, p50: 0.223, p99: 0.575, p999: 4.295, max: 4.327 },
    extra: null,
  })
})

t.test('readReport — refuses a text without the figures', async t => {
  t.throws(() => readReport('Error from server: ERR unknown command', 1), /could not be read/)
  t.throws(() => readReport(benchmarkText.replace('0.575', ''), 1), /could not be read/)
})

t.test('cases — have names of their own, and no group is empty', async t => {
  const names = casesOfSet('full').map(one => one.name)
  t.equal(new Set(names).size, names.length)
  for (const group of caseGroups()) t.ok(selectCases([group]).length > 0, group)
})

t.test('cases — are selected by group and by name', async t => {
  t.strictSame(
    selectCases(['c1p1.get', 'c50p16']).map(one => one.name),
    ['c1p1.get', 'c50p16.set', 'c50p16.get'],
  )
  t.throws(() => selectCases(['c7p7']), /no case c7p7/)
})

t.test('cases — need a server — unless an echo can answer them', async t => {
  for (const one of casesOfSet('full')) t.equal(one.needs.includes('server'), !/^c\d+p/.test(one.name), one.name)
})

t.test('options — say which one is wrong', async t => {
  t.throws(() => readOptions(['--rounds', 'many']), /--rounds: a number from 1 to 1000, not many/)
  t.throws(() => readOptions(['--targets', 'direct,nothing']), /--targets: no nothing/)
  t.throws(() => readOptions(['--targets', 'base']), /needs --base/)
  t.throws(() => readOptions(['--targets', 'predixy']), /needs --predixy PROGRAM/)
  t.throws(() => readOptions(['--targets', 'holdfast-with']), /needs --with/)
  t.throws(() => readOptions(['--tail', '--generator', 'perl']), /--generator: c or node/)
  t.throws(() => readOptions(['--set', 'half']), /--set: quick or full/)
  t.throws(() => readOptions(['--what']), /--what/)
  t.throws(() => readOptions(['get1m']), /get1m: only --tail takes words/)
  t.throws(() => readOptions(['--tail', 'nothing']), /no row nothing/)
})

t.test('options — measure holdfast with further options too — when they are given', async t => {
  const options = readOptions(['--targets', 'direct', '--with=--sockets streams'])
  t.strictSame(options.targets, ['direct', 'holdfast-with'])
  t.strictSame(options.further, ['--sockets', 'streams'])
})

t.test('options — choose one thing to measure', async t => {
  const modes = { '--idle': 'rest', '--syscalls': 'syscalls', '--tail': 'tail', '--failover': 'failover' }
  for (const [word, mode] of Object.entries(modes)) t.equal(readOptions([word]).mode, mode)
  t.equal(readOptions([]).mode, 'compare')
  t.equal(readOptions(['--idle-sessions', '5']).mode, 'idle')
})

t.test('options — measure another checkout too — when one is given', async t => {
  const options = readOptions(['--base', '/somewhere', '--targets', 'direct,holdfast'])
  t.strictSame(options.targets, ['direct', 'holdfast', 'base'])
  t.equal(options.rounds, 7)
})

function sample(target: string, round: number, opsPerSecond: number, proxySeconds: number | null): Sample {
  // The ticks say a third and two thirds, whatever the scheduler's sum is.
  const proxyParts = proxySeconds === null ? null : { user: 1, system: 2 }
  const latencyMs = { avg: 1, p50: 1, p99: opsPerSecond / 10, p999: 3, max: 4 }
  return {
    target,
    round,
    load: { commands: 500_000, seconds: 1, opsPerSecond, latencyMs, extra: null },
    cpu: { proxySeconds, proxyParts, serverSeconds: 2, loadSeconds: 1, elsewhereShare: 0.3, stolenShare: 0 },
    peakBytes: proxySeconds === null ? null : 50e6 + round,
  }
}

function resultOf(name: string): CaseResult {
  const [one] = selectCases([name])
  if (one === undefined) throw new Error(`no case ${name}`)
  const samples = [
    sample('direct', 0, 100, null),
    sample('direct', 1, 10, null),
    sample('direct', 2, 100, null),
    sample('haproxy', 0, 50, 4),
    sample('haproxy', 1, 20, 4),
    sample('haproxy', 2, 50, 1),
  ]
  return { case: one, samples, leftOut: new Map([['twemproxy', 'nutcracker is not installed']]) }
}

t.test('summary — takes ratios within rounds, not of medians', async t => {
  const haproxy = summarizeCase(resultOf('c50p1.set')).targets.find(one => one.target === 'haproxy')
  t.strictSame(haproxy?.ratio.direct, { median: 0.5, min: 0.5, max: 2 })
  t.equal(haproxy?.opsPerSecond, 50)
})

t.test('summary — counts CPU for a million commands, and none where there is no proxy', async t => {
  const [direct, haproxy] = summarizeCase(resultOf('c50p1.set')).targets
  t.equal(haproxy?.proxyCpuPerMillion, 8)
  t.match(haproxy?.proxyPartsPerMillion, { user: 8 / 3, system: 16 / 3 })
  t.equal(haproxy?.serverCpuPerMillion, 4)
  t.equal(haproxy?.peakBytes, 50e6 + 2)
  t.equal(direct?.proxyCpuPerMillion, null)
})

t.test('summary — compares CPU with the echo within rounds, and with none where no echo ran', async t => {
  const result = resultOf('c50p1.set')
  t.equal(summarizeCase(result).targets[1]?.ofEcho, undefined)
  result.samples.push(sample('echo-node', 0, 60, 2), sample('echo-node', 1, 60, 1), sample('echo-node', 2, 60, 1))
  const [direct, haproxy, echo] = summarizeCase(result).targets
  t.equal(direct?.ofEcho, undefined)
  t.strictSame(haproxy?.ofEcho, { median: 2, min: 1, max: 4 })
  t.strictSame(echo?.ofEcho, { median: 1, min: 1, max: 1 })
})

t.test('summary — compares p99 — when the rate is given', async t => {
  const summary = summarizeCase(resultOf('open2k.get'))
  t.equal(summary.ratioOf, 'p99')
  t.strictSame(summary.targets[1]?.ratio.direct, { median: 0.5, min: 0.5, max: 2 })
})

t.test('report — names who was left out and that the machine was busy', async t => {
  const text = caseTable(summarizeCase(resultOf('c50p1.set')), ['haproxy', 'direct'])
  t.match(text, /twemproxy left out: nutcracker is not installed/)
  t.match(text, /disturbed: 30 % of the machine/)
  t.match(text, /haproxy[\s\S]*direct/)
  t.match(text, /0\.50 \[0\.50\.\.2\.00\]/)
})

t.test('report — aligns figures to the right', async t => {
  t.strictSame(
    alignTable([
      ['a', 'ops'],
      ['long', '7'],
    ]),
    ['  a     ops', '  long    7'],
  )
})

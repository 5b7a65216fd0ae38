// pages.test.ts: the tables that README.md and docs/performance.md get from a run, and where they are put.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { selectCases } from '../../../bench/cases.ts'
import { readOptions } from '../../../bench/options.ts'
import { blockNames, fillBlocks } from '../../../bench/pages/blocks.ts'
import { table } from '../../../bench/pages/markdown.ts'
import { textsOf } from '../../../bench/pages/run.ts'
import { type CompareFile, type Runs, words } from '../../../bench/pages/runs.ts'
import { behindList, cpuTable, longTable, shortTable } from '../../../bench/pages/speed.ts'
import { callsTable, factsLine, restTable, tailTable } from '../../../bench/pages/tail-and-rest.ts'
import type { CaseSummary, Ratios, TargetSummary } from '../../../bench/summary.ts'

const facts = {
  ...{ startedAt: '2026-11-26T03:04:05.678Z', commit: 'abc1234', dirty: false, rounds: 7, seconds: 1 },
  ...{
    node: 'v24.21.0',
    redis: 'Redis server v=8.0.2 sha=0',
    haproxy: 'HAProxy version 3.0.11-1',
    machine: '2 x EPYC',
  },
}
const exactly = (value: number) => ({ median: value, min: value - 0.1, max: value + 0.1 })

function target(name: string, ratio: Ratios, echo: number | undefined): TargetSummary {
  return {
    ...{ target: name, rounds: 7, opsPerSecond: 50_000, latencyMs: { p50: 1, p99: 2, p999: 3, max: 4 }, extra: null },
    ...{ ratio, ofEcho: echo === undefined ? undefined : exactly(echo), serverCpuPerMillion: 2.04 },
    ...{ proxyCpuPerMillion: 12, proxyPartsPerMillion: { user: 3.5, system: 8.5 }, loadCpuPerMillion: 9, peakBytes: 1 },
  }
}

function compare(targets: readonly TargetSummary[]): CompareFile {
  const cases: CaseSummary[] = selectCases(['c50p1', 'c50p16', 'c1p1.get']).map(one => ({
    ...{ name: one.name, title: one.title, ratioOf: 'ops/s' as const, leftOut: {}, elsewhereShare: 0, stolenShare: 0 },
    targets: [...targets],
  }))
  return { ...facts, cases }
}

const holdfast = target('holdfast', { direct: exactly(0.9), haproxy: exactly(1.5), twemproxy: exactly(0.95) }, 1.08)
const run = compare([
  target('direct', {}, undefined),
  target('haproxy', {}, 1.3),
  target('twemproxy', {}, 0.9),
  holdfast,
])

const calls = { reads: 1.03, writes: 1.02, waits: 0.15, others: 0.04 }
const latency = { p50: 100, p99: 1_200, max: 5_000, lateP99: 50 }
const large = { largePerSecond: 700, megabytesPerSecond: 734, proxyCore: 0.5, peakBytes: 1, collections: null }
const commandCost = { cpuSeconds: 0.084, ms: 145 }
const atRest = { residentBytes: 70.4e6, anonymousBytes: 1, core: 0.0016, wakeUpsPerSecond: 12.4 }
const runs: Runs = {
  compare: run,
  full: run,
  tail: {
    ...{ ...facts, generators: 'c' },
    rows: ['get1m-50', 'get1m-always'].map(name => ({
      ...{ name, title: name, leftOut: {}, elsewhereShare: 0, stolenShare: 0 },
      targets: [
        { target: 'haproxy', ...latency, ...large, ratio: {} },
        { target: 'holdfast', ...latency, ...large, ratio: { haproxy: exactly(1.25) } },
      ],
    })),
  },
  calls: {
    ...{ ...facts, counter: 'perf' },
    cases: [{ name: 'c50p1.get', samples: [{ target: 'holdfast', round: 0, calls, opsPerSecond: 1 }] }],
  },
  rest: {
    ...{ ...facts, nodeAlone: { ...atRest, residentBytes: 44e6 } },
    figures: [
      {
        ...{ name: 'holdfast', rest: atRest, start: { servesAfterMs: 250.4, cpuSeconds: 0.21 } },
        ...{ version: commandCost, health: commandCost },
      },
    ],
  },
}

t.test('pages — every block of both has its figures, and every figure its block', async t => {
  const names = ['README.md', 'docs/performance.md'].flatMap(page => {
    const text = readFileSync(join(import.meta.dirname, '../../..', page), 'utf8')
    t.doesNotThrow(() => fillBlocks(text, textsOf(runs)), page)
    return blockNames(text)
  })
  t.strictSame(names.sort(), [...textsOf(runs).keys()].sort())
})

t.test('pages — the words of each run are options of the benchmark', async t => {
  const modes = Object.entries(words).map(([name, args]) => [name, readOptions(args).mode])
  t.strictSame(Object.fromEntries(modes), {
    compare: 'compare',
    full: 'compare',
    tail: 'tail',
    calls: 'syscalls',
    rest: 'rest',
  })
})

t.test('fillBlocks — replaces what is between the marks and nothing else', async t => {
  const page = 'a\n<!-- figures:x:start -->\nold\n<!-- figures:x:end -->\nb\n'
  const filled = fillBlocks(page, new Map([['x', 'new']]))
  t.equal(filled, page.replace('old', 'new'))
  t.equal(fillBlocks(filled, new Map([['x', 'new']])), filled, 'again')
  t.throws(() => fillBlocks(page, new Map()), /no figures for the block x/)
  t.throws(() => fillBlocks('<!-- figures:x:start -->', new Map([['x', '']])), /x has no end/)
})

t.test('shortTable — has a column for each peer that was measured, and a dash for what was not', async t => {
  const lines = shortTable(run).split('\n')
  t.equal(lines[0], "| | of a direct connection | of HAProxy | of twemproxy | CPU, of an echo's |")
  t.equal(lines[2], '| 50 clients, one at a time, SET / GET | 0.90 / 0.90 | 1.50 / 1.50 | 0.95 / 0.95 | 1.08 / 1.08 |')
  t.match(lines.at(-1), /^\| 1 client, SET \/ GET \| – \/ 0\.90 /)
  t.match(shortTable(compare([target('predixy', {}, 1), holdfast])), /of predixy/)
})

t.test('longTable — gives each case its range', async t => {
  t.match(longTable(run), /\| 50 clients, one at a time, GET \| 0\.90 \[0\.80\.\.1\.00\] \| 1\.50 \[1\.40\.\.1\.60\] /)
})

t.test('cpuTable — has the parts and the ratio, and redis-server alone without a proxy', async t => {
  t.match(cpuTable(run), /\| Holdfast \| 3\.50 \+ 8\.50 \(1\.08\) \|.* 2\.0 \|/)
  t.match(cpuTable(run), /\| no proxy \| – .* 2\.0 \|$/)
})

t.test('behindList — names the peers that were faster, and says so where none was', async t => {
  const text = behindList(run)
  t.match(text, /\| 50 clients, one at a time, SET \| twemproxy \| 0\.95 \[0\.85\.\.1\.05\] \|/)
  t.notMatch(text, /HAProxy|direct/)
  const ahead = target('holdfast', { haproxy: exactly(0.99) }, 1)
  t.match(behindList(compare([target('haproxy', {}, 1), ahead])), /none of these cases/)
})

t.test('tailTable — gives p99 and its ratio, and MB/s where that is what gives way', async t => {
  const [head, , first, always] = tailTable(runs.tail).split('\n')
  t.equal(head, '| beside | HAProxy | Holdfast |')
  t.equal(first, '| get1m-50 | 1,200 | 1,200 (1.25) |')
  t.equal(always, '| get1m-always | 1,200 (734 MB/s) | 1,200 (1.25, 734 MB/s) |')
})

t.test('the other tables — have their figures', async t => {
  t.match(callsTable(runs.calls), /\| 50 clients, GET \| 1\.03 \+ 1\.02 \+ 0\.15 \+ 0\.04 \|/)
  t.match(restTable(runs.rest), /\| Holdfast \| 70 MB \| 0\.16 % \| 12 \| 250 ms, 0\.21 s \| 0\.08 s \| 0\.08 s \|/)
  t.equal(
    factsLine(run),
    'Measured on 2026-11-26 at commit abc1234 in 7 rounds on 2 x EPYC; Node 24.21, redis-server 8.0, HAProxy 3.0.',
  )
  const cases = run.cases.map(one => ({ ...one, elsewhereShare: 0.4 }))
  t.match(factsLine({ ...run, cases }), /HAProxy 3\.0\. The run was disturbed: 40 % of the machine did other work/)
  t.equal(table(['', 'a'], [['b', 'c']]), '| | a |\n|---|---|\n| b | c |')
})

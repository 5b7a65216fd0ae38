// What is counted and how it is described: buckets, labels that do not grow, a reference that is current.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { metricsReference } from '../../../scripts/metrics-reference.ts'
import { callsByClass, commandSpecs } from '../../../src/command/catalog.ts'
import type { ReplayClass } from '../../../src/command/command-spec.ts'
import { counterRows } from '../../../src/ops/counter-metrics.ts'
import { createCounters } from '../../../src/ops/counters.ts'
import { Histogram } from '../../../src/ops/histogram.ts'
import {
  type absorbedCodes,
  type commandClasses,
  createDetail,
  type handshakeFailures,
  type lostReasons,
  Tally,
} from '../../../src/ops/labelled-counters.ts'
import { metricsTable } from '../../../src/ops/metrics.ts'
import { ProcessStats } from '../../../src/ops/process-stats.ts'
import type { HandshakeFailure } from '../../../src/upstream/handshake.ts'
import type { CloseReason } from '../../../src/upstream/link-end.ts'

/** Compiles only when both are the same union. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never
const labelsAreComplete: readonly true[] = [
  true satisfies Same<(typeof lostReasons)[number], CloseReason>,
  true satisfies Same<(typeof commandClasses)[number], ReplayClass>,
  true satisfies Same<(typeof handshakeFailures)[number], HandshakeFailure['kind']>,
]

t.test('labels — are those of the code that counts — by their types', async t => {
  t.equal(labelsAreComplete.length, 3)
  const code: (typeof absorbedCodes)[number] = 'READONLY'
  t.equal(createDetail().absorbed.get(code), 0)
})

t.test('Histogram — counts a value in each bucket from its own on — and sums', async t => {
  const histogram = new Histogram([1, 2, 5])
  for (const value of [0.5, 1, 1.5, 5, 6]) histogram.observe(value)
  t.strictSame(histogram.cumulative(), [2, 3, 4, 5])
  t.strictSame([histogram.sum, histogram.count, histogram.max], [14, 5, 6])
})

t.test('Tally — counts a label it was not told of as other — so that no text adds a series', async t => {
  const tally = new Tally(['a', 'b'])
  for (const label of ['a', 'x', 'y', 'a']) tally.add(label)
  t.strictSame(tally.entries(), [
    ['a', 2],
    ['b', 0],
    ['other', 2],
  ])
  t.equal(tally.total, 4)
})

t.test('calls — are added up by class — the unknown command among them', async t => {
  const { calls } = createDetail()
  const get = commandSpecs.find(spec => spec.name === 'get')
  const incr = commandSpecs.find(spec => spec.name === 'incr')
  calls[get?.index ?? -1] = 3
  calls[incr?.index ?? -1] = 2
  calls[0] = 1
  const byClass = callsByClass(calls)
  t.equal(byClass.get('read'), 3)
  t.equal(byClass.get('non-idempotent'), 3)
  t.ok(commandSpecs.length <= calls.length, 'every command has a slot')
})

t.test('counters — have a row each — and no name is used with two meanings', async t => {
  const fields = Object.keys(createCounters()).filter(field => field !== 'detail')
  t.strictSame(Object.keys(counterRows).sort(), fields.sort())
  const table = metricsTable(new ProcessStats(), { viewers: 0, refused: 0, dropped: 0 })
  const names = table.map(({ name }) => name)
  t.strictSame(names.length, new Set(names).size)
  for (const { name, type } of table) {
    t.match(name, /^(holdfast|process|nodejs)_[a-z_]+$/)
    t.equal(name.endsWith('_total'), type === 'counter', `${name}: _total is for counters alone`)
  }
})

t.test('docs/metrics.md — is what the table gives — npm run metrics writes it', async t => {
  t.equal(readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8'), metricsReference())
})

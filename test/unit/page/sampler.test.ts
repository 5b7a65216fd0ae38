// What a second was, from counters that only grow: rates, quantiles, the longest delay.
import t from 'tap'
import { createCounters } from '../../../src/ops/counters.ts'
import type { MasterGauges } from '../../../src/ops/snapshot.ts'
import { quantile } from '../../../src/page/quantile.ts'
import { masterColumns, Sampler } from '../../../src/page/sampler.ts'

function world() {
  const counters = createCounters()
  const state: { -readonly [K in keyof MasterGauges]: MasterGauges[K] } = {
    counters,
    inFlight: 0,
    gate: 'open',
    stories: 0,
  }
  const sampler = new Sampler([() => state], 0)
  const row = () => Object.fromEntries(masterColumns.map((name, i) => [name, sampler.last?.masters[0]?.[i]]))
  return { counters, state, sampler, row }
}

t.test('sampler — takes one sample a second — however often it may look', async t => {
  const { sampler } = world()
  const taken: number[] = []
  for (let now = 25; now <= 5000; now += 25) if (sampler.onLook(0, now)) taken.push(now)
  t.equal(taken.length, 5)
  t.equal(sampler.history().times.length <= 5, true)
})

t.test('sampler — divides by the time that has passed — also where that was longer', async t => {
  const { counters, sampler, row } = world()
  counters.commands += 1000
  sampler.onLook(0, 1000)
  t.equal(row()['commands'], 1000)
  counters.commands += 1000
  sampler.onLook(0, 5000)
  t.equal(row()['commands'], 250)
})

t.test('sampler — tells what is held and in flight, how long held requests waited, and the gate', async t => {
  const { counters, state, sampler, row } = world()
  Object.assign(counters, { waiting: 7 })
  Object.assign(state, { inFlight: 3, gate: 'holding' })
  for (let i = 0; i < 99; i++) counters.detail.waits.observe(0.2)
  counters.detail.waits.observe(4)
  sampler.onLook(0, 1000)
  t.match(row(), { held: 7, inFlight: 3, gate: 1 })
  t.ok(Number(row()['waitP50']) >= 100 && Number(row()['waitP50']) <= 250, 'in the bucket of 0.2 s')
  t.ok(Number(row()['waitP99']) <= 250, '99 of 100')
  sampler.onLook(0, 2000)
  t.match(row(), { waitP50: null, waitP99: null }, 'nothing waited in this second')
})

t.test('sampler — keeps the longest delay of each second — and forgets it with the sample', async t => {
  const { sampler } = world()
  sampler.onLook(3, 400)
  sampler.onLook(80, 500)
  sampler.onLook(1, 1000)
  t.equal(sampler.last?.delayMs, 80)
  sampler.onLook(2, 2000)
  t.equal(sampler.last?.delayMs, 2)
})

t.test('quantile — is that of what was counted in between — by hand', async t => {
  const bounds = [1, 2, 4]
  t.ok(Number.isNaN(quantile(bounds, [5, 5, 5, 5], [5, 5, 5, 5], 0.5)), 'nothing was counted')
  t.equal(quantile(bounds, [0, 0, 0, 0], [0, 10, 10, 10], 0.5), 1.5, 'in the middle of the bucket')
  t.equal(quantile(bounds, [100, 100, 100, 100], [100, 110, 110, 110], 0.5), 1.5, 'what was before does not count')
  t.equal(quantile(bounds, [0, 0, 0, 0], [10, 10, 10, 10], 1), 1)
  t.equal(quantile(bounds, [0, 0, 0, 0], [0, 0, 0, 10], 0.99), 4, 'beyond the last bound it is that one')
})

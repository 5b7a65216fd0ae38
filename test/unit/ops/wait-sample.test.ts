// The waits of one pause: which belong to it, and what is said of them.
import t from 'tap'
import { WaitSample } from '../../../src/ops/wait-sample.ts'

t.test('wait sample — says the half, the 99 of 100 and the longest — of all that waited', async t => {
  const sample = new WaitSample()
  t.strictSame(sample.summary(), { commands: 0, p50: 0, p99: 0, max: 0 })
  for (let ms = 1; ms <= 200; ms++) sample.add(ms / 1000)
  t.strictSame(sample.summary(), { commands: 200, p50: 100, p99: 198, max: 200 })
})

t.test('wait sample — leaves out — what began to wait after the pause', async t => {
  const sample = new WaitSample()
  sample.end(performance.now() - 1000)
  sample.add(0.5)
  t.equal(sample.summary().commands, 0)
  sample.add(5)
  t.equal(sample.summary().commands, 1, 'this one waited already')
})

t.test('wait sample — stays small — and counts all', async t => {
  const sample = new WaitSample()
  for (let i = 0; i < 50_000; i++) sample.add(i / 50_000)
  const { commands, p50, max } = sample.summary()
  t.equal(commands, 50_000)
  t.equal(max, 1000)
  t.ok(p50 > 400 && p50 < 600, `${p50} ms`)
})

// The waits of one pause: which belong to it, and what is said of them.
import t from 'tap'
import { WaitSample } from '../../../src/ops/wait-sample.ts'

const nobody = {}

t.test('wait sample — says the half, the 99 of 100 and the longest — of all that waited', async t => {
  const sample = new WaitSample()
  t.strictSame(sample.summary(), { commands: 0, p50: 0, p99: 0, max: 0 })
  for (let ms = 1; ms <= 200; ms++) sample.add(ms / 1000, nobody)
  t.strictSame(sample.summary(), { commands: 200, p50: 100, p99: 198, max: 200 })
})

t.test('wait sample — leaves out — what began to wait after the pause', async t => {
  const sample = new WaitSample()
  sample.end(performance.now() - 1000)
  sample.add(0.5, nobody)
  t.equal(sample.summary().commands, 0)
  sample.add(5, nobody)
  t.equal(sample.summary().commands, 1, 'this one waited already')
})

t.test('wait sample — stays small — and counts all', async t => {
  const sample = new WaitSample()
  for (let i = 0; i < 50_000; i++) sample.add(i / 50_000, nobody)
  const { commands, p50, max } = sample.summary()
  t.equal(commands, 50_000)
  t.equal(max, 1000)
  t.ok(p50 > 400 && p50 < 600, `${p50} ms`)
})

t.test('wait sample — tells of each session — its longest wait, and what failed', async t => {
  const sample = new WaitSample()
  const [one, other, third] = [{}, {}, {}]
  for (const seconds of [0.1, 0.3, 0.2]) sample.add(seconds, one)
  sample.note(one, 'failed')
  sample.note(other, 'unknown')
  t.strictSame(sample.of(one), { waitedMs: 300, failed: 1, unknown: 0 })
  t.strictSame(sample.of(other), { waitedMs: 0, failed: 0, unknown: 1 })
  t.equal(sample.of(third), null)
})

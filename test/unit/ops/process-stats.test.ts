// What is said of a late event loop: the worse of two windows, so that every scraper sees it once and nobody for ever.
import t from 'tap'
import { ProcessStats } from '../../../src/ops/process-stats.ts'

const WINDOW_MS = 15_000

/** In milliseconds, without the digits that the histogram drops. */
const delays = (stats: ProcessStats): Record<string, number> =>
  Object.fromEntries(stats.eventLoopDelay().map(([name, seconds]) => [name, Math.round(seconds * 1000)]))

t.test('event loop delay — is 0 — before anything was said', async t => {
  t.strictSame(delays(new ProcessStats()), { p50: 0, p99: 0, max: 0 })
})

t.test('event loop delay — has the median, the worst of a hundred and the worst of all', async t => {
  const stats = new ProcessStats()
  for (let i = 0; i < 197; i++) stats.noteDelay(1)
  for (const ms of [80, 80, 400]) stats.noteDelay(ms)
  const { p50, p99, max } = delays(stats)
  t.equal(p50, 1)
  t.ok(p99 !== undefined && p99 >= 79 && p99 <= 81, `${p99}`)
  t.ok(max !== undefined && max >= 396 && max <= 404, `${max}`)
})

t.test('event loop delay — is known for a window after the one it was in — and not longer', async t => {
  const stats = new ProcessStats()
  const start = performance.now()
  stats.noteDelay(400, start)
  stats.noteDelay(0, start + WINDOW_MS + 1)
  t.ok((delays(stats)['max'] ?? 0) >= 396, 'in the window after it')
  stats.noteDelay(0, start + 2 * WINDOW_MS + 2)
  t.equal(delays(stats)['max'], 0)
})

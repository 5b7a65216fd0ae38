import t from 'tap'
import { fuzzScanners } from './scanners.ts'

t.test(
  'scanners — find the same frames however a mutated stream is cut — for five seconds of guided fuzzing',
  async t => {
    const result = await fuzzScanners(5, 1, 1000)
    t.comment(JSON.stringify(result))
    t.equal(result.finding, null)
    t.ok(result.runs >= 1000, `${result.runs} inputs`)
  },
)

// Longer sequences of events on a shared lane, against the invariants of lane-model.ts: from states that take a few
// steps to reach, with a limit on retries, and at random.
import t from 'tap'
import { walkLength } from '../../support/event-walk.ts'
import { serverEvents, walk, walkAtRandom } from './lane-walk.ts'

const length = walkLength({ usual: 3, most: 4 })
/** `npm run walks` plays five times as many. */
const seeds = length === 4 ? 10_000 : 2000
const starts = [
  ['run', 'incr', 'get'],
  ['multi', 'incr', 'run'],
  ['scoped', 'multi', 'get'],
  ['congest', 'incr', 'run'],
]

for (const policy of ['always', 'safe'] as const) {
  for (const start of starts) {
    t.test(`lane — keeps every invariant — in ${length} events after ${start.join(', ')}, ${policy}`, async t => {
      const events = [...serverEvents, 'hold', 'same', 'new', 'tick', 'expire', 'local', 'incr', 'drain']
      const { sequences, broken } = walk(start, length, events, { policy, maxRetries: 0 })
      t.strictSame(broken, [])
      t.comment(`${sequences} sequences`)
    })
  }

  t.test(`lane — keeps every invariant — with a limit of two retries, ${policy}`, async t => {
    const events = ['cut', 'lost', 'same', 'new', 'tick', 'answer', 'get']
    t.strictSame(walk(['run', 'incr'], 4, events, { policy, maxRetries: 2 }).broken, [])
  })

  t.test(`lane — keeps every invariant — in ${seeds} random sequences of forty events, ${policy}`, async t => {
    t.strictSame(walkAtRandom(seeds, 40, { policy, maxRetries: 0 }), [])
  })
}

// Every sequence of events on a shared lane, over the events that matter together: losses, refusals, holds. They are
// one event longer than those over all events (lane-walk-*.test.ts).
import t from 'tap'
import { walkLength } from '../../support/event-walk.ts'
import { walk } from './lane-walk.ts'

const length = walkLength({ usual: 5, most: 6 })
const themes: readonly (readonly [name: string, events: readonly string[]])[] = [
  ['losses', ['incr', 'run', 'multi', 'answer', 'cut', 'lost', 'same', 'new']],
  ['refusals', ['incr', 'run', 'answer', 'multi', 'local', 'readonly', 'noreplicas', 'same', 'tick']],
  ['pauses', ['incr', 'run', 'answer', 'pause', 'resume', 'hold', 'cut', 'new']],
  ['holds', ['incr', 'run', 'answer', 'hold', 'expire', 'silent', 'same', 'new']],
]

for (const policy of ['always', 'safe'] as const)
  for (const [name, events] of themes)
    t.test(`lane — keeps every invariant — in all sequences of ${length} events, ${name}, ${policy}`, async t => {
      const { sequences, broken } = walk([], length, events, { policy, maxRetries: 0 })
      t.strictSame(broken, [])
      t.comment(`${sequences} sequences`)
    })

// Every sequence of six events on a shared lane, over the events that matter together: losses, refusals, holds. The walks
// over all seventeen events (lane-walk-*.test.ts) go to five.
import t from 'tap'
import { walk, walkLength } from './lane-walk.ts'

// About a minute of CPU time; a busy machine takes a multiple of it.

const themes: readonly (readonly [name: string, events: readonly string[]])[] = [
  ['losses', ['incr', 'run', 'multi', 'answer', 'cut', 'lost', 'same', 'new']],
  ['refusals', ['incr', 'run', 'answer', 'multi', 'local', 'readonly', 'noreplicas', 'same', 'tick']],
  ['holds', ['incr', 'run', 'answer', 'hold', 'expire', 'silent', 'same', 'new']],
]

for (const policy of ['always', 'safe'] as const)
  for (const [name, events] of themes)
    t.test(`lane — keeps every invariant — in all sequences of six events, ${name}, ${policy}`, async t => {
      const { sequences, broken } = walk([], walkLength, events, { policy, maxRetries: 0 })
      t.strictSame(broken, [])
      t.comment(`${sequences} sequences`)
    })

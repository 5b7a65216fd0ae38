// Longer sequences of events on a shared lane, against the invariants of lane-model.ts: from states that take a few steps
// to reach, with a limit on retries, and at random.
import t from 'tap'
import { playRandom, serverEvents, walk } from './lane-walk.ts'

// Under half a minute of CPU time; a busy machine takes a multiple of it.

const starts = [
  ['run', 'incr', 'get'],
  ['multi', 'incr', 'run'],
  ['visit', 'multi', 'get'],
  ['congest', 'incr', 'run'],
]

for (const policy of ['always', 'safe'] as const) {
  for (const start of starts) {
    t.test(`lane — keeps every invariant — in four events after ${start.join(', ')}, ${policy}`, async t => {
      const events = [...serverEvents, 'hold', 'same', 'new', 'tick', 'expire', 'local', 'incr', 'drain']
      const { sequences, broken } = walk(start, 4, events, { policy, maxRetries: 0 })
      t.strictSame(broken, [])
      t.comment(`${sequences} sequences`)
    })
  }

  t.test(`lane — keeps every invariant — with a limit of two retries, ${policy}`, async t => {
    const events = ['cut', 'lost', 'same', 'new', 'tick', 'answer', 'get']
    t.strictSame(walk(['run', 'incr'], 4, events, { policy, maxRetries: 2 }).broken, [])
  })

  t.test(`lane — keeps every invariant — in ten thousand random sequences of forty events, ${policy}`, async t => {
    t.strictSame(playRandom(10_000, 40, { policy, maxRetries: 0 }), [])
  })
}

// Blocks of writes against the invariants of proof-model.ts: all short sequences of events, and longer ones over the
// events that matter together.
import t from 'tap'
import { walkLength } from '../../support/event-walk.ts'
import { control, serverEvents, submits, walk, wipes } from './proof-walk.ts'

const all = [...submits, ...serverEvents, ...wipes, ...control]
const short = walkLength({ usual: 3, most: 4 })
const long = walkLength({ usual: 4, most: 6 })

const themes: readonly (readonly [name: string, events: readonly string[]])[] = [
  ['losses', ['incr', 'run', 'lost', 'torn1', 'torn2', 'torn3', 'new', 'lag']],
  ['steps', ['incr', 'multi', 'step', 'cut', 'same', 'new']],
  ['zombies', ['incr', 'set', 'work', 'silent', 'same', 'step']],
  ['aborts', ['bad', 'incr', 'run', 'step', 'work', 'torn2', 'same', 'lag']],
  ['refusals', ['incr', 'run', 'multi', 'local', 'demote', 'noreplicas', 'same', 'tick']],
  ['holds', ['incr', 'run', 'get', 'work', 'hold', 'expire', 'silent', 'new']],
  ['wipes', ['incr', 'multi', 'wipe', 'oom', 'work', 'lost', 'empty', 'same']],
]

t.test(`blocks — keep every invariant — in all sequences of ${short} events`, async t => {
  const { sequences, broken } = walk([], short, all)
  t.strictSame(broken, [])
  t.comment(`${sequences} sequences`)
})

for (const [name, events] of themes)
  t.test(`blocks — keep every invariant — in all sequences of ${long} events, ${name}`, async t => {
    const { sequences, broken } = walk([], long, events)
    t.strictSame(broken, [])
    t.comment(`${sequences} sequences`)
  })

// Sequences of events that once broke an invariant of proof-model.ts, each by its name.
import t from 'tap'
import { playToEnd } from '../../support/event-walk.ts'
import { withModel } from './proof-model.ts'

const scenes: readonly (readonly [name: string, events: readonly string[]])[] = [
  ['a block is aborted, a later one runs, and both replies are lost', ['bad', 'set', 'lost']],
  ['the new master may be replaced before it has decided', ['incr', 'lost', 'new', 'hold', 'noreplicas', 'lag']],
  ['a reply of Holdfast stands between two writes of one turn', ['hold', 'incr', 'local', 'incr']],
  ['a reply of Holdfast waits behind a block that is set aside', ['same', 'set', 'hold', 'local', 'set', 'noreplicas']],
  ['the client of a block in doubt has left', ['bad', 'cut', 'gone', 'expire', 'lag', 'set']],
  ['a block is refused for a moment', ['run', 'noreplicas']],
  ['all that is behind a refused block is taken back unwritten', ['multi', 'standstill']],
  ['a stalled server runs what was sent before', ['incr', 'set', 'silent', 'step', 'same', 'step']],
  ['the first block of a link is lost with its marker', ['incr', 'lost', 'empty']],
]

for (const [name, events] of scenes)
  t.test(`blocks — keep every invariant — when ${name}`, async t => {
    t.equal(
      playToEnd(use => withModel(undefined, use), events),
      '',
    )
  })

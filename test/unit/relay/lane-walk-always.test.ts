// Every short sequence of events on a shared lane under `always`, against the invariants of lane-model.ts.
import t from 'tap'
import type { ReplayPolicy } from '../../../src/relay/replay.ts'
import { allEvents, walk, walkLength } from './lane-walk.ts'

// Under half a minute of CPU time; a busy machine takes a multiple of it.

const policy: ReplayPolicy = { policy: 'always', maxRetries: 0 }

t.test('lane — keeps every invariant — in all sequences of five events, always', async t => {
  const { sequences, broken } = walk([], Math.min(5, walkLength), allEvents, policy)
  t.strictSame(broken, [])
  t.comment(`${sequences} sequences`)
})

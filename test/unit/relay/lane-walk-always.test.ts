// Every short sequence of events on a shared lane under `always`, against the invariants of lane-model.ts.
import t from 'tap'
import type { ReplayPolicy } from '../../../src/relay/replay-rule.ts'
import { walkLength } from '../../support/event-walk.ts'
import { allEvents, walk } from './lane-walk.ts'

const length = walkLength({ usual: 4, most: 5 })
const policy: ReplayPolicy = { policy: 'always', maxRetries: 0 }

t.test(`lane — keeps every invariant — in all sequences of ${length} events, always`, async t => {
  const { sequences, broken } = walk([], length, allEvents, policy)
  t.strictSame(broken, [])
  t.comment(`${sequences} sequences`)
})

// Blocks of writes against the invariants of proof-model.ts: long random sequences, and users who lack a right.
import t from 'tap'
import { walkLength } from '../../support/event-walk.ts'
import { control, serverEvents, submits, walk, walkAtRandom, wipes } from './proof-walk.ts'

const all = [...submits, ...serverEvents, ...wipes, ...control]
const seeds = walkLength({ usual: 4, most: 6 }) === 6 ? 10_000 : 1500

t.test(`blocks — keep every invariant — in ${seeds} random sequences of forty events`, async t => {
  t.strictSame(walkAtRandom(seeds, 40), [])
})

// Without proof nothing may be repeated that is not harmless; the model lets UNKNOWN pass, and nothing else.
for (const forbidden of [['HSET'], ['MULTI'], ['EXEC'], ['HMGET'], ['CLIENT KILL'], ['HSET', 'HMGET']])
  t.test(`blocks — never run twice — when the user may not ${forbidden.join(' and ')}`, async t => {
    // A transaction of such a user is refused by the server itself.
    const events = all.filter(event => event !== 'multi')
    const { broken } = walk(['incr', 'run'], 2, events, { forbidden })
    t.strictSame(broken, [])
    t.strictSame(walkAtRandom(150, 40, { forbidden, events }), [])
  })

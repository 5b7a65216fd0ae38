// What all clients together leave unread: who reads costs the others none of the time that is given to all.
import t from 'tap'
import { UnreadRelief } from '../../../../src/client/accept/unread-relief.ts'
import { Bugs } from '../../../../src/ops/bugs.ts'
import { createCounters } from '../../../../src/ops/counters.ts'
import { createLog } from '../../../../src/ops/log.ts'
import { waitUntil } from '../../../support/wait-until.ts'

t.test('clients that read in time — are waited for the next time, too — however often it is', async t => {
  const counters = createCounters()
  let checks = 0
  let reliefs = 0
  let ended = 0
  const relief = new UnreadRelief({
    counters,
    limit: 1000,
    links: { pauseLarge: () => checks++, resumeLarge: () => reliefs++ },
    isSending: () => true,
    endMost: () => {
      ended++
      counters.unreadBytes = 750
    },
    bugs: new Bugs(createLog('silent'), counters),
  })
  // Each takes less than the three seconds, and all of them more.
  for (let times = 1; times <= 3; times++) {
    checks = 0
    counters.unreadBytes = 1001
    relief.begin()
    await waitUntil('it has waited', () => checks > 120 || ended > 0, { withinMs: 30_000 })
    counters.unreadBytes = 700
    await waitUntil('it is over', () => reliefs === times, { withinMs: 30_000 })
  }
  t.equal(ended, 0)
  counters.unreadBytes = 1001
  relief.begin()
  await waitUntil('clients that do not read are ended', () => ended === 1, { withinMs: 60_000 })
})

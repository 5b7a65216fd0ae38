// What all clients together leave unread: who reads costs the others none of the time that is given to all.
import t from 'tap'
import { UnreadRelief } from '../../../../src/client/accept/unread-relief.ts'
import { Bugs } from '../../../../src/ops/bugs.ts'
import { createCounters } from '../../../../src/ops/counters.ts'
import { createLog } from '../../../../src/ops/log.ts'
import { waitUntil } from '../../../support/wait-until.ts'

/** Bytes unread are what a test says, in a limit of 1000. */
function stage() {
  const counters = createCounters()
  const scene = { counters, checks: 0, reliefs: 0, ended: 0 }
  const relief = new UnreadRelief({
    counters,
    limit: 1000,
    links: { pauseLarge: () => scene.checks++, resumeLarge: () => scene.reliefs++ },
    isSending: () => true,
    endMost: () => {
      scene.ended++
      counters.unreadBytes = 750
    },
    bugs: new Bugs(createLog('silent'), counters),
  })
  return Object.assign(scene, { relief })
}

t.test('clients that read in time — are waited for the next time, too — however often it is', async t => {
  const scene = stage()
  const { counters, relief } = scene
  // Each takes less than the three seconds, and all of them more.
  for (let times = 1; times <= 3; times++) {
    scene.checks = 0
    counters.unreadBytes = 1001
    relief.begin()
    await waitUntil('it has waited', () => scene.checks > 120 || scene.ended > 0, { withinMs: 30_000 })
    counters.unreadBytes = 700
    await waitUntil('it is over', () => scene.reliefs === times, { withinMs: 30_000 })
  }
  t.equal(scene.ended, 0)
  counters.unreadBytes = 1001
  relief.begin()
  await waitUntil('clients that do not read are ended', () => scene.ended === 1, { withinMs: 60_000 })
})

t.test('clients that read slowly — have three seconds for each quarter of the limit — and are not ended', async t => {
  const scene = stage()
  const { counters, relief } = scene
  counters.unreadBytes = 1740
  relief.begin()
  for (const left of [1490, 1240, 990, 700]) {
    scene.checks = 0
    await waitUntil('it has waited', () => scene.checks > 120 || scene.ended > 0, { withinMs: 30_000 })
    counters.unreadBytes = left
  }
  await waitUntil('it is over', () => scene.reliefs === 1, { withinMs: 30_000 })
  t.equal(scene.ended, 0)
})

// What all clients together leave unread: who reads costs the others none of the time that is given to all.
import t from 'tap'
import { UnreadRelief } from '../../../../src/client/accept/unread-relief.ts'
import { Bugs } from '../../../../src/ops/bugs.ts'
import { createCounters } from '../../../../src/ops/counters.ts'
import { createLog } from '../../../../src/ops/log.ts'
import { VirtualLoop } from '../../relay/virtual-loop.ts'

/** Bytes unread are what a test says, in a limit of 1000. */
function stage() {
  const counters = createCounters()
  const scene = { counters, checks: 0, reliefs: 0, ended: 0, isSending: true }
  const relief = new UnreadRelief({
    counters,
    limit: 1000,
    links: { pauseLarge: () => scene.checks++, resumeLarge: () => scene.reliefs++ },
    isSending: () => scene.isSending,
    endMost: () => {
      scene.ended++
      counters.unreadBytes = 750
    },
    bugs: new Bugs(createLog('silent'), counters),
  })
  return Object.assign(scene, { relief })
}

/** So many looks, one each 10 ms. */
function look(loop: VirtualLoop, times: number): void {
  for (let time = 0; time < times; time++) loop.pass(10)
}

t.test('clients that read in time — are waited for the next time, too — however often it is', async t => {
  const loop = new VirtualLoop()
  loop.play(() => {
    const scene = stage()
    const { counters, relief } = scene
    // Each takes less than the three seconds, and all of them more.
    for (let times = 1; times <= 3; times++) {
      counters.unreadBytes = 1001
      relief.begin()
      look(loop, 120)
      counters.unreadBytes = 700
      look(loop, 1)
      t.equal(scene.reliefs, times, 'it is over')
    }
    t.equal(scene.ended, 0)
    counters.unreadBytes = 1001
    relief.begin()
    look(loop, 300)
    t.equal(scene.ended, 1, 'clients that do not read are ended')
  })
})

t.test('clients that read slowly — have three seconds for each quarter of the limit — and are not ended', async t => {
  const loop = new VirtualLoop()
  loop.play(() => {
    const scene = stage()
    const { counters, relief } = scene
    counters.unreadBytes = 1740
    relief.begin()
    for (const left of [1490, 1240, 990, 700]) {
      look(loop, 299)
      counters.unreadBytes = left
    }
    look(loop, 1)
    t.equal(scene.reliefs, 1, 'it is over')
    t.equal(scene.ended, 0)
  })
})

t.test('patience — comes back at a tenth of the pace of the clock — after all of it was spent', async t => {
  const loop = new VirtualLoop()
  loop.play(() => {
    const scene = stage()
    const { counters, relief } = scene
    const isPatientFor = (looks: number): void => {
      const before = scene.ended
      counters.unreadBytes = 1001
      relief.begin()
      look(loop, looks - 1)
      t.equal(scene.ended, before, `nobody is ended within ${looks - 1} looks`)
      look(loop, 1)
      t.equal(scene.ended, before + 1, `those who leave most are ended after ${looks}`)
    }
    isPatientFor(300)
    isPatientFor(1)
    loop.now += 10_000
    isPatientFor(100)
    loop.now += 60_000
    isPatientFor(300)
  })
})

t.test('links — are read on — while commands are held', async t => {
  const loop = new VirtualLoop()
  loop.play(() => {
    const scene = stage()
    const { counters, relief } = scene
    const during = (looks: number): { paused: number; readOn: number } => {
      const { checks, reliefs } = scene
      look(loop, looks)
      return { paused: scene.checks - checks, readOn: scene.reliefs - reliefs }
    }
    scene.isSending = false
    counters.unreadBytes = 1001
    relief.begin()
    t.equal(scene.checks, 0, 'a relief that begins in a hold pauses nothing')
    t.strictSame(during(10), { paused: 0, readOn: 10 })
    scene.isSending = true
    t.strictSame(during(10), { paused: 10, readOn: 0 }, 'the hold is over')
    scene.isSending = false
    t.strictSame(during(1), { paused: 0, readOn: 1 }, 'the next hold ends the pause')
    t.equal(scene.ended, 0)
  })
})

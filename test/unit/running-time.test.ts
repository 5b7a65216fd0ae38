// A timer for running time: on virtual time, whose timers are run when the test says so.
import t from 'tap'
import { afterRunning } from '../../src/running-time.ts'
import { VirtualLoop } from './relay/virtual-loop.ts'

/** Runs the steps of a timer of `ms`, each this much later than the one before; answers how many there were. */
function stepsOf(ms: number, laterMs: readonly number[]): number {
  const loop = new VirtualLoop()
  return loop.play(() => {
    let steps = 0
    let isOver = false
    afterRunning(ms, () => {
      isOver = true
    })
    while (!isOver && steps < 1000) {
      loop.now += laterMs[steps++ % laterMs.length] ?? 0
      loop.runTimers()
    }
    return steps
  })
}

t.test('running time — is the time of the clock — while the process runs', async t => {
  t.equal(stepsOf(500, [250]), 2)
  t.equal(stepsOf(600, [251]), 3)
  t.equal(stepsOf(0, [0]), 1)
})

t.test('running time — goes on after it, for a step at least — where the process stands still', async t => {
  t.equal(stepsOf(500, [250, 60_000, 250]), 3, 'in the last step')
  t.equal(stepsOf(500, [60_000, 250, 250]), 3, 'in the first')
})

t.test(
  'running time — waits for a whole step — where the process stands still in a last step that is short',
  async t => {
    const loop = new VirtualLoop()
    const delays: unknown[] = []
    loop.play(() => {
      const { setTimeout: keep } = globalThis
      globalThis.setTimeout = ((task: () => void, ms: number) => {
        delays.push(ms)
        return keep(task, ms)
      }) as typeof setTimeout
      afterRunning(300, () => delays.push('over'))
      for (const ms of [250, 60_000, 250]) {
        loop.now += ms
        loop.runTimers()
      }
    })
    t.strictSame(delays, [250, 50, 250, 'over'])
  },
)

t.test('running time — ends all the same — in a process that is late in every step', async t => {
  t.equal(stepsOf(500, [700]), 4)
})

t.test('running time — is over without a call — when it is ended', async t => {
  const loop = new VirtualLoop()
  loop.play(() => {
    const end = afterRunning(500, () => t.fail('called'))
    loop.now += 250
    loop.runTimers()
    end()
    t.equal(loop.timers, 0)
  })
})

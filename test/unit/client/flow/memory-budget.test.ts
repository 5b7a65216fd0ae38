// Who has the turn while partial commands fill their half of the limit: on virtual time, one look each 10 ms.
import t from 'tap'
import { MemoryBudget, type Waiter } from '../../../../src/client/flow/memory-budget.ts'
import { Bugs } from '../../../../src/ops/bugs.ts'
import { createCounters } from '../../../../src/ops/counters.ts'
import { createLog } from '../../../../src/ops/log.ts'
import { VirtualLoop } from '../../relay/virtual-loop.ts'

const MB = 1024 * 1024

class Upload implements Waiter {
  gone = false
  hasMore = true
  unfinishedBytes = 0
  hasTurn = false
  turnsLost = 0
  readonly #stage: Stage

  constructor(stage: Stage) {
    this.#stage = stage
  }

  bring(bytes: number): void {
    this.unfinishedBytes += bytes
    this.#stage.counters.unfinishedBytes += bytes
  }

  finish(): void {
    this.#stage.counters.unfinishedBytes -= this.unfinishedBytes
    this.unfinishedBytes = 0
    this.hasTurn = false
    this.#stage.budget.release(this)
  }

  goOn(): void {
    this.hasTurn = true
  }

  holdBack(): void {
    this.hasTurn = false
    this.turnsLost++
    this.#stage.budget.wait(this)
  }
}

/** So many uploads of half a megabyte each wait, in a limit of 8 MB. */
class Stage {
  readonly counters = createCounters()
  readonly budget = new MemoryBudget(this.counters, 8 * MB, new Bugs(createLog('silent'), this.counters))
  readonly uploads: readonly Upload[]

  constructor(count: number) {
    this.uploads = Array.from({ length: count }, () => new Upload(this))
    for (const upload of this.uploads) {
      upload.bring(MB / 2)
      this.budget.wait(upload)
    }
  }

  favourite(): Upload {
    const all = this.uploads.filter(({ hasTurn }) => hasTurn)
    if (all.length !== 1 || all[0] === undefined) throw new Error(`${all.length} uploads have the turn`)
    return all[0]
  }
}

t.test('the turn — is kept — where Holdfast itself stood still', async t => {
  const loop = new VirtualLoop()
  loop.play(() => {
    const stage = new Stage(20)
    loop.pass(10)
    for (const standsMs of [100, 500, 2000, 60_000]) {
      const now = stage.favourite()
      now.bring(MB)
      loop.pass(10)
      // The timers of a loop that goes on come before its reads.
      loop.pass(standsMs)
      t.equal(now.turnsLost, 0, `for ${standsMs} ms`)
      now.bring(MB / 2)
      now.finish()
    }
    t.ok(stage.favourite(), 'and the next one has it then')
  })
})

t.test('the turn — is lost — by a client that is silent for a tenth of a second', async t => {
  const loop = new VirtualLoop()
  loop.play(() => {
    const stage = new Stage(10)
    loop.pass(10)
    const first = stage.favourite()
    for (let look = 1; look < 10; look++) loop.pass(10)
    t.equal(stage.favourite(), first)
    loop.pass(10)
    t.equal(first.turnsLost, 1)
    t.not(stage.favourite(), first)
  })
})

t.test('the turn — is lost — by a client that brings less than a megabyte a second', async t => {
  const loop = new VirtualLoop()
  loop.play(() => {
    const stage = new Stage(10)
    loop.pass(10)
    const first = stage.favourite()
    const bring = (looks: number): void => {
      for (let look = 0; look < looks; look++) {
        first.bring(1000)
        loop.pass(10)
      }
    }
    bring(99)
    t.equal(stage.favourite(), first)
    bring(1)
    t.equal(first.turnsLost, 1)
  })
})

t.test(
  'the turn — goes to nobody while slow uploads hold a quarter — and to the next one when they are gone',
  async t => {
    const loop = new VirtualLoop()
    loop.play(() => {
      const stage = new Stage(20)
      const slow: Upload[] = []
      const silence = (): void => {
        for (let look = 0; look < 10; look++) loop.pass(10)
      }
      loop.pass(10)
      for (let left = 4; left > 0; left--) {
        const now = stage.favourite()
        now.bring(0.6 * MB)
        loop.pass(10)
        silence()
        slow.push(now)
      }
      t.equal(new Set(slow).size, 4)
      silence()
      t.equal(stage.uploads.filter(({ hasTurn }) => hasTurn).length, 0, 'they hold 2.4 MB of 8 MB')
      for (const upload of slow) {
        upload.gone = true
        upload.finish()
      }
      loop.pass(10)
      t.notOk(slow.includes(stage.favourite()))
    })
  },
)

t.test('nobody waits any more — and nothing looks for those who do', async t => {
  const loop = new VirtualLoop()
  loop.play(() => {
    const stage = new Stage(3)
    t.strictSame(loop.periods, [10])
    loop.pass(10)
    t.ok(
      stage.uploads.every(({ hasTurn }) => hasTurn),
      'there is room for all',
    )
    t.strictSame(loop.periods, [])
  })
})

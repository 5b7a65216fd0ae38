// The watchdog rests while nothing is owed or waits, and nothing that it promises is less true then: standstills, late
// replies, deadlines.
import t from 'tap'
import { RespError } from '../../support/resp-decoder.ts'
import { LaneModel } from './lane-model.ts'
import { VirtualLoop } from './virtual-loop.ts'

const SWEEP_MS = 25
const REST_MS = 200
const HELD_MS = 100
/** As lane-model.ts has it. */
const HOLD_MS = 10_000

function play(script: (model: LaneModel) => void): void {
  const loop = new VirtualLoop()
  loop.play(() => {
    const model = new LaneModel(loop, { policy: 'always', maxRetries: 0 })
    try {
      script(model)
    } finally {
      model.finish()
    }
    t.equal(model.wrong, '')
  })
}
const events = (model: LaneModel, ...names: string[]): void => {
  for (const name of names) t.equal(model.play(name), true, name)
}
const pass = (model: LaneModel, ms: number): void => {
  model.loop.pass(ms)
  model.settle()
}
const quietFor = (model: LaneModel, sweeps: number): void => {
  for (let i = 0; i < sweeps; i++) pass(model, SWEEP_MS)
}
const rests = (model: LaneModel): boolean => !model.loop.periods.includes(SWEEP_MS)
/** Its link is up, and it has been quiet for so long that it rests. */
function rest(model: LaneModel): void {
  events(model, 'get', 'answer')
  quietFor(model, 10)
  t.equal(rests(model), true)
}
const codes = (replies: readonly unknown[]): unknown[] =>
  replies.map(reply => (reply instanceof RespError ? reply.code : reply))

t.test('watchdog — rests when nothing was written for a while — and looks often from the next command on', async t => {
  play(model => {
    t.equal(rests(model), false)
    events(model, 'get', 'answer')
    quietFor(model, 7)
    t.equal(rests(model), false, 'not at once')
    quietFor(model, 3)
    t.equal(rests(model), true)
    pass(model, REST_MS)
    t.equal(rests(model), true)
    events(model, 'incr')
    t.equal(rests(model), false)
    quietFor(model, 30)
    t.equal(rests(model), false, 'its reply is owed')
    events(model, 'answer')
    quietFor(model, 10)
    t.equal(rests(model), true)
  })
})

t.test('watchdog — looks more seldom while no client is connected — and still sees a standstill', async t => {
  play(model => {
    rest(model)
    t.strictSame(model.loop.periods, [REST_MS])
    model.counters.sessions = 0
    pass(model, REST_MS)
    const [unusedMs = 0] = model.loop.periods
    t.ok(unusedMs > REST_MS && unusedMs <= 400, `${unusedMs} ms: a tenth of a second before it is a standstill`)
    for (let i = 0; i < 10; i++) pass(model, unusedMs)
    model.counters.sessions = 1
    model.loop.now += unusedMs - 1
    events(model, 'incr')
    t.equal(model.lanes.gate.state.kind, 'open', 'an ordinary rest is none')
    events(model, 'answer')
    model.counters.sessions = 0
    quietFor(model, 10)
    model.counters.sessions = 1
    pass(model, unusedMs)
    t.strictSame(model.loop.periods, [REST_MS], 'a client has come')
    model.loop.now += 500
    events(model, 'incr')
    t.equal(model.lanes.gate.state.kind, 'holding')
    events(model, 'same', 'answer')
  })
})

t.test(
  'watchdog — a standstill without a client — is remembered until there is one, or something is written',
  async t => {
    const stand = (model: LaneModel): void => {
      rest(model)
      model.counters.sessions = 0
      pass(model, REST_MS)
      // Looked at by the sweep, and once more before the control plane decides.
      pass(model, 700)
      model.loop.now += 600
      model.lanes.beforeDecision()
      pass(model, 350)
      t.equal(model.lanes.gate.state.kind, 'open')
      t.equal(model.stoodStill, 0, 'nobody is asked')
      t.equal(model.counters.detail.holds.get('stood-still'), 0, 'and nothing is logged')
    }
    play(model => {
      stand(model)
      model.counters.sessions = 1
      events(model, 'incr')
      t.equal(model.lanes.gate.state.kind, 'holding', 'the first command waits, long after the standstill')
      t.equal(model.stoodStill, 1)
      events(model, 'same', 'answer')
      t.equal(model.a.replies.length, 2)
      pass(model, REST_MS)
      t.equal(model.stoodStill, 1, 'once')
    })
    play(model => {
      stand(model)
      model.counters.sessions = 1
      pass(model, 350)
      t.equal(model.lanes.gate.state.kind, 'holding', 'a client has come, and has sent nothing yet')
      t.equal(model.stoodStill, 1)
      events(model, 'same')
    })
    play(model => {
      rest(model)
      events(model, 'hold')
      model.counters.sessions = 0
      pass(model, 700)
      t.equal(model.stoodStill, 1, 'with the gate shut the control plane must know it at once')
      events(model, 'same')
    })
  },
)

t.test('watchdog — rests while blocking commands alone are unanswered — they have no deadline', async t => {
  play(model => {
    events(model, 'get', 'answer', 'block')
    quietFor(model, 10)
    t.equal(rests(model), true)
    t.equal(model.a.replies.length, 1)
  })
})

t.test('watchdog — does not rest while a command waits at an open gate — its deadline runs', async t => {
  play(model => {
    rest(model)
    events(model, 'cut')
    t.equal(rests(model), false, 'a lost link wakes it')
    quietFor(model, 10)
    t.equal(rests(model), true)
    events(model, 'incr')
    t.equal(rests(model), false, 'a command that has no link wakes it')
    quietFor(model, 10)
    t.equal(rests(model), false, 'it waits')
    for (let ms = 0; ms < HOLD_MS; ms += SWEEP_MS) pass(model, SWEEP_MS)
    t.strictSame(codes(model.a.replies).slice(1), ['TRYAGAIN'])
  })
})

t.test(
  'watchdog — looks more seldom while the gate is shut — and often before a command has waited too long',
  async t => {
    play(model => {
      rest(model)
      events(model, 'hold')
      t.equal(rests(model), false, 'the gate wakes it')
      quietFor(model, 10)
      t.strictSame(model.loop.periods, [HELD_MS])
      events(model, 'incr')
      t.equal(rests(model), false, 'a command that has to wait wakes it')
      const heldAt = model.loop.now
      quietFor(model, 10)
      t.strictSame(model.loop.periods, [HELD_MS], 'its deadline is far away')
      while (model.loop.now - heldAt < HOLD_MS - 2 * HELD_MS) pass(model, HELD_MS)
      t.equal(rests(model), false, 'its deadline is near')
      while (model.a.replies.length < 2 && model.loop.now - heldAt < HOLD_MS + SWEEP_MS) pass(model, SWEEP_MS)
      t.strictSame(codes(model.a.replies).slice(1), ['TRYAGAIN'], 'at most a sweep late')
      model.loop.now += 500
      model.lanes.beforeDecision()
      t.equal(model.stoodStill, 1, 'a standstill is seen')
      events(model, 'same')
      quietFor(model, 10)
      t.strictSame(model.loop.periods, [REST_MS])
    })
  },
)

t.test('watchdog — the end of a hold — sets no timer, and the next sweep sets the pace', async t => {
  play(model => {
    rest(model)
    events(model, 'hold', 'incr')
    quietFor(model, 10)
    t.strictSame(model.loop.periods, [HELD_MS])
    events(model, 'same')
    t.strictSame(model.loop.periods, [HELD_MS], 'what was held is being sent')
    pass(model, HELD_MS)
    t.strictSame(model.loop.periods, [SWEEP_MS], 'a reply is owed')
    t.equal(model.lateMs, 0, 'no sweep was behind its time')
    events(model, 'answer')
    t.equal(model.a.replies.length, 2)
  })
})

t.test('watchdog — a standstill while it rests — is seen before the next command is written', async t => {
  for (const lookedMs of [0, REST_MS - 1])
    play(model => {
      rest(model)
      model.loop.now += lookedMs + 500
      events(model, 'incr')
      t.equal(model.lanes.gate.state.kind, 'holding', `${lookedMs} ms after a look`)
      events(model, 'same', 'answer')
      t.equal(model.a.replies.length, 2)
    })
})

t.test('watchdog — a standstill — is told before the control plane decides, and leaves it at rest else', async t => {
  play(model => {
    rest(model)
    model.loop.now += REST_MS
    model.lanes.beforeDecision()
    t.equal(model.stoodStill, 0)
    t.equal(rests(model), true, 'a Sentinel that answers wakes nothing')
    model.loop.now += 500 - REST_MS
    model.lanes.beforeDecision()
    t.equal(model.stoodStill, 1)
    t.equal(model.lanes.gate.state.kind, 'holding')
    events(model, 'same')
  })
})

t.test('watchdog — an ordinary rest — is no standstill', async t => {
  play(model => {
    rest(model)
    const [restMs = 0] = model.loop.periods
    for (let i = 0; i < 10; i++) pass(model, restMs)
    model.loop.now += restMs - 1
    events(model, 'incr')
    t.equal(model.lanes.gate.state.kind, 'open')
    events(model, 'answer')
    t.equal(model.a.replies.length, 2)
  })
})

t.test(
  'watchdog — the first reply after a rest — waits for what the Sentinels said before it, if it is late',
  async t => {
    play(model => {
      rest(model)
      model.loop.now += REST_MS - 1
      events(model, 'incr', 'late')
      t.strictSame(model.a.replies.length, 1, 'it was read after a promotion, and before word of that')
      events(model, 'new', 'answer')
      t.equal(model.a.replies.length, 2)
    })
  },
)

t.test('watchdog — what comes unasked while it rests — waits for what the Sentinels said before it', async t => {
  play(model => {
    events(model, 'block')
    quietFor(model, 10)
    t.equal(rests(model), true)
    events(model, 'late')
    t.strictSame(model.a.replies, [], 'the reply of a blocking command')
    events(model, 'new', 'answer')
    t.equal(model.a.replies.length, 1)
  })
})

t.test('watchdog — that has stopped — is not woken', async t => {
  play(model => {
    rest(model)
    model.lanes.stop()
    model.lanes.hold('failover-announced', 'a test')
    t.strictSame(model.loop.periods, [])
  })
})

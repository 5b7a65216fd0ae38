// Single scenes of a pause and of --dry-run on a shared lane, played on virtual time.
import t from 'tap'
import { RespError } from '../../support/resp-decoder.ts'
import { LaneModel } from './lane-model.ts'
import { VirtualLoop } from './virtual-loop.ts'

/** As lane-model.ts has it. */
const HOLD_MS = 10_000

function play(script: (model: LaneModel) => void, options: { dryRun?: boolean } = {}): void {
  const loop = new VirtualLoop()
  const wrong = loop.play(() => {
    const model = new LaneModel(loop, { policy: 'always', maxRetries: 0 }, options)
    script(model)
    return model.finish()
  })
  t.equal(wrong, '')
}
const events = (model: LaneModel, ...names: string[]): void => {
  for (const name of names) t.equal(model.play(name), true, name)
}
const pass = (model: LaneModel, ms: number): void => model.loop.run(ms, () => model.settle())
const codes = (replies: readonly unknown[]): unknown[] =>
  replies.map(reply => (reply instanceof RespError ? reply.code : 'ok'))

t.test('pause — a failover beneath it — sends to the new master, and not before the resume', async t => {
  play(model => {
    events(model, 'pause', 'incr', 'hold', 'new')
    t.equal(model.lanes.gate.state.kind, 'draining')
    t.equal(model.play('answer'), false, 'nothing is sent')
    events(model, 'resume', 'answer')
    t.strictSame(codes(model.a.replies), ['ok'])
    t.equal(model.lanes.gate.state.kind, 'open')
  })
})

t.test('pause — its end in a hold — opens no gate', async t => {
  play(model => {
    events(model, 'pause', 'incr', 'hold', 'resume')
    t.equal(model.lanes.sendable, false)
    t.equal(model.play('answer'), false)
    events(model, 'same', 'answer')
    t.strictSame(codes(model.a.replies), ['ok'])
  })
})

t.test('pause — the process stood still meanwhile — after it the gate waits for the Sentinels', async t => {
  play(model => {
    events(model, 'pause', 'incr')
    model.loop.pass(700)
    model.settle()
    t.match(model.lanes.gate.state, { kind: 'holding', cause: 'stood-still' })
    events(model, 'resume')
    t.equal(model.play('answer'), false, 'nothing is sent to a node that was the master before')
    events(model, 'same', 'answer')
    t.strictSame(codes(model.a.replies), ['ok'])
  })
})

t.test('pause — the process stood still for longer than the hold time — no command fails', async t => {
  play(model => {
    events(model, 'pause', 'incr')
    model.loop.pass(HOLD_MS * 2)
    model.settle()
    t.equal(model.lanes.pause.isOn, true, 'nor is it the last moment for one')
    events(model, 'resume', 'same', 'answer')
    t.strictSame(codes(model.a.replies), ['ok'])
  })
})

t.test('pause — longer than the hold time — ends before a command fails', async t => {
  play(model => {
    events(model, 'pause', 'incr')
    pass(model, HOLD_MS - 1400)
    t.equal(model.lanes.pause.isOn, true)
    pass(model, 600)
    t.equal(model.lanes.pause.isOn, false)
    events(model, 'answer')
    t.strictSame(codes(model.a.replies), ['ok'])
    t.equal(model.counters.expired, 0)
  })
})

t.test('pause — begun while commands wait for a master — ends in time for those, too', async t => {
  play(model => {
    events(model, 'hold', 'incr')
    pass(model, HOLD_MS - 2000)
    events(model, 'pause', 'same')
    pass(model, 1400)
    t.equal(model.lanes.pause.isOn, false)
    events(model, 'answer')
    t.strictSame(codes(model.a.replies), ['ok'])
  })
})

t.test('pause — what is in flight — is not given up, however long the gate was open', async t => {
  play(model => {
    pass(model, HOLD_MS * 2)
    events(model, 'block', 'pause')
    pass(model, 2000)
    events(model, 'answer')
    t.strictSame(codes(model.a.replies), ['ok'])
    t.equal(model.counters.linksLost, 0)
  })
})

t.test('pause — tells of a hold once at its begin and once when nothing waits any more', async t => {
  play(model => {
    t.equal(model.lanes.heldSince, null)
    events(model, 'pause')
    t.equal(model.lanes.heldSince, model.loop.now)
    events(model, 'incr', 'resume')
    t.equal(model.lanes.heldSince, null)
    events(model, 'answer')
  })
})

t.test('pause — what failed before it — is no cost of it, and what fails from then on is', async t => {
  play(model => {
    events(model, 'hold', 'incr')
    pass(model, HOLD_MS + 1000)
    t.equal(model.counters.expired, 1)
    events(model, 'same', 'pause')
    t.match(model.lanes.pause.lastSnapshot(), { failed: 0, unknown: 0 })
    events(model, 'hold', 'incr')
    pass(model, HOLD_MS + 1000)
    t.match(model.lanes.pause.lastSnapshot(), { failed: 1, unknown: 0 })
  })
})

t.test('dry run — the gate is shut — commands go on to the last master', async t => {
  play(
    model => {
      events(model, 'hold', 'incr', 'answer')
      t.strictSame(codes(model.a.replies), ['ok'])
      t.equal(model.lanes.gate.state.kind, 'holding')
      t.equal(model.lanes.heldSince, null)
      events(model, 'same')
      t.equal(model.counters.wouldHold, 0, 'the model counts no commands')
    },
    { dryRun: true },
  )
})

t.test('dry run — the link is lost and there is no master — commands fail at the next look', async t => {
  play(
    model => {
      events(model, 'cut', 'hold', 'incr')
      t.strictSame(codes(model.a.replies), [])
      model.loop.pass(25)
      model.settle()
      t.strictSame(codes(model.a.replies), ['TRYAGAIN'])
      t.equal(model.lanes.gate.state.kind, 'holding', 'the breaker is no matter: nothing is held')
      events(model, 'new', 'incr', 'answer')
      t.strictSame(codes(model.a.replies), ['TRYAGAIN', 'ok'])
    },
    { dryRun: true },
  )
})

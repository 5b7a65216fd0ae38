// What a refusal by a master that cannot serve just now (NOREPLICAS, LOADING) does to what its link still owes, played
// on a whole lane: one shared link, session a and session b, the server answering one command at a time.
import t from 'tap'
import { LaneModel } from './lane-model.ts'
import { VirtualLoop } from './virtual-loop.ts'

const policy = { policy: 'always', maxRetries: 0 } as const

/** Plays `script` on a fresh lane, then lets everything end. */
function play(script: (model: LaneModel) => void): LaneModel {
  const loop = new VirtualLoop()
  return loop.play(() => {
    const model = new LaneModel(loop, policy)
    script(model)
    model.finish()
    return model
  })
}
const events = (model: LaneModel, ...names: string[]): void => {
  for (const name of names) model.play(name)
}

t.test('not ready — sends a refused command again, after a pause — and the client sees its reply alone', async t => {
  const model = play(model => {
    events(model, 'incr', 'noreplicas')
    t.strictSame(model.a.replies, [], 'nothing yet')
    t.equal(model.counters.waiting, 1)
    t.equal(model.loop.timers, 1, 'a pause')
    events(model, 'tick', 'answer')
    t.strictSame(model.a.replies, ['a1=1'])
  })
  t.equal(model.wrong, '')
  t.equal(model.counters.absorbed, 1)
  t.equal(model.counters.linksLost, 0, 'the link stays')
})

t.test('not ready — sends refused commands again — in their order', async t => {
  const order: string[] = []
  const model = play(model => {
    events(model, 'incr', 'incr', 'incr', 'noreplicas', 'noreplicas', 'noreplicas', 'tick')
    for (let i = 0; i < 3; i++) {
      model.play('answer')
      order.push(String(model.a.replies.at(-1)))
    }
  })
  t.equal(model.wrong, '')
  t.strictSame(order, ['a1=1', 'a2=1', 'a3=1'])
})

t.test('not ready — runs a read again — behind a refused write of the same session', async t => {
  const model = play(model => {
    events(model, 'incr', 'get', 'noreplicas')
    events(model, 'answer')
    t.strictSame(model.a.replies, [], 'the read would not have seen the write')
  })
  t.strictSame(model.a.replies, ['a1=1', 'a2=2'], 'the read has run twice')
  t.equal(model.wrong, '')
})

t.test('not ready — keeps the reply of a write that ran — behind a refused one of the same session', async t => {
  const model = play(model => {
    events(model, 'incr', 'incr', 'noreplicas', 'answer')
    t.strictSame(model.a.replies, [])
  })
  t.strictSame(model.a.replies, ['a1=1', 'a2=1'], 'the second has not run twice')
  t.equal(model.wrong, '')
})

t.test('not ready — leaves other sessions alone — whatever it does to one', async t => {
  const model = play(model => {
    events(model, 'incr', 'run', 'noreplicas', 'answer', 'answer')
    t.strictSame(model.b.replies, ['b1=1', 'b2=1'], 'answered at once')
    t.strictSame(model.a.replies, [])
  })
  t.strictSame(model.a.replies, ['a1=1'])
  t.equal(model.wrong, '')
})

t.test('not ready — sends nothing new — until what is in flight has ended', async t => {
  const model = play(model => {
    events(model, 'incr', 'run', 'noreplicas', 'get')
    t.equal(model.counters.waiting, 1, 'the new one waits')
    events(model, 'answer', 'answer')
    t.equal(model.counters.waiting, 2, 'and the refused one goes before it')
  })
  t.strictSame(model.a.replies, ['a1=1', 'a2=1'])
  t.equal(model.wrong, '')
})

t.test('not ready — keeps a reply of our own — behind a refused command of its session', async t => {
  const model = play(model => {
    events(model, 'incr', 'local', 'run', 'noreplicas')
    t.strictSame(model.a.replies, [])
    events(model, 'local')
    t.strictSame(model.a.replies, [])
  })
  t.strictSame(model.a.replies, ['a1=1', 'LOCAL', 'LOCAL'])
  t.equal(model.wrong, '')
})

t.test('not ready — sends a transaction again as a whole — and the client is told +OK once', async t => {
  for (const others of [[], ['incr'], ['incr', 'get', 'local']]) {
    const model = play(model => events(model, 'multi', ...others, 'answer', 'noreplicas', 'answer', 'tick'))
    t.strictSame(model.b.replies, ['OK', 'QUEUED', ['b1=1']])
    t.equal(model.a.replies.length, others.length, 'those behind it get their own replies')
    t.equal(model.wrong, '')
  }
})

t.test('not ready — survives the loss of its link — with nothing answered twice or never', async t => {
  for (const end of ['cut', 'lost', 'silent', 'readonly', 'new']) {
    for (const start of [
      ['incr', 'multi', 'get', 'noreplicas'],
      ['run', 'multi', 'incr', 'noreplicas', 'answer', 'answer'],
      ['multi', 'incr', 'answer', 'noreplicas'],
    ]) {
      const model = play(model => events(model, ...start, end))
      t.equal(model.wrong, '', [...start, end].join(', '))
    }
  }
})

t.test('not ready — leaves no bytes counted — when the lane is closed in the middle', async t => {
  const loop = new VirtualLoop()
  loop.play(() => {
    const model = new LaneModel(loop, policy)
    events(model, 'incr', 'run', 'multi', 'noreplicas', 'answer')
    model.lanes.stop()
    t.equal(model.counters.pendingBytes, 0)
    t.equal(model.counters.waiting, 0)
  })
})

t.test('model — notices a reply that is missing or wrong — so that it can fail at all', async t => {
  const loop = new VirtualLoop()
  loop.play(() => {
    const missing = new LaneModel(loop, policy)
    missing.a.expect('value', 'GET')
    t.match(missing.finish(), /EveryRequestEnds/)
    const swapped = new LaneModel(loop, policy)
    swapped.a.expect('value', 'GET')
    swapped.a.deliver(Buffer.from('$4\r\na2=1\r\n'))
    t.match(swapped.finish(), /OrderKept/)
    const lied = new LaneModel(loop, policy)
    lied.play('incr')
    lied.play('answer')
    lied.a.expect('value', 'INCR', 'a1')
    lied.a.deliver(Buffer.from('-TRYAGAIN the command was not run\r\n'))
    t.match(lied.finish(), /ErrorsTellTheTruth/)
  })
})

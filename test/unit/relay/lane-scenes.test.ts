// Single scenes on a shared lane, played on virtual time, where the exhaustive walks say nothing: exact times, what the
// breaker does to others, what is remembered between masters, what had not left yet when its link was lost.
import t from 'tap'
import { RespError } from '../../support/resp-decoder.ts'
import { LaneModel } from './lane-model.ts'
import { VirtualLoop } from './virtual-loop.ts'

/** As lane-model.ts has it. */
const HOLD_MS = 10_000

function play(policy: 'always' | 'safe', script: (model: LaneModel) => void): LaneModel {
  const loop = new VirtualLoop()
  return loop.play(() => {
    const model = new LaneModel(loop, { policy, maxRetries: 0 })
    script(model)
    model.finish()
    return model
  })
}
const events = (model: LaneModel, ...names: string[]): void => {
  for (const name of names) model.play(name)
}
const pass = (model: LaneModel, ms: number): void => model.loop.run(ms, () => model.settle())
const codes = (replies: readonly unknown[]): unknown[] =>
  replies.map(reply => (reply instanceof RespError ? reply.code : reply))

t.test('deadline — is each command’s own — however long others have waited', async t => {
  play('always', model => {
    events(model, 'hold', 'incr')
    pass(model, 4000)
    events(model, 'run')
    pass(model, HOLD_MS - 4001)
    t.strictSame(codes(model.a.replies), [], 'not before its time')
    pass(model, 2)
    t.strictSame(codes(model.a.replies), ['TRYAGAIN'], 'at its time')
    t.strictSame(codes(model.b.replies), [], 'the other has time left')
    t.equal(model.lanes.gate.state.kind, 'tripped')
    pass(model, 3998)
    t.strictSame(codes(model.b.replies), [], 'not before its time, with the breaker open')
    pass(model, 2)
    t.strictSame(codes(model.b.replies), ['TRYAGAIN', 'TRYAGAIN'], 'an error for each command of a run')
  })
})

t.test('deadline — also ends what is in flight — when its link is silent for a whole hold', async t => {
  play('always', model => {
    events(model, 'incr', 'hold')
    pass(model, HOLD_MS - 1)
    t.strictSame(codes(model.a.replies), [])
    pass(model, 2)
    t.strictSame(codes(model.a.replies), ['TRYAGAIN'])
  })
})

t.test('deadline — is not put off by what comes back in front of it — when a link is lost late in a hold', async t => {
  play('always', model => {
    events(model, 'incr', 'hold', 'run')
    pass(model, 4000)
    events(model, 'silent')
    pass(model, HOLD_MS - 4001)
    t.strictSame(codes([...model.a.replies, ...model.b.replies]), [], 'not before its time')
    pass(model, 2)
    t.strictSame(codes(model.b.replies), ['TRYAGAIN', 'TRYAGAIN'], 'at its time')
    t.strictSame(codes(model.a.replies), ['TRYAGAIN'], 'what was sent before it has waited for longer')
  })
})

t.test('deadline — is not that of a client that has left — whose command leaves the hold as its own', async t => {
  const model = play('always', model => {
    events(model, 'hold', 'run', 'gone')
    pass(model, HOLD_MS + 1)
    const { expired, gone, waiting, pendingBytes } = model.counters
    t.strictSame({ expired, gone, waiting, pendingBytes }, { expired: 0, gone: 1, waiting: 0, pendingBytes: 0 })
    t.equal(model.lanes.gate.state.kind, 'holding', 'nobody has waited in vain')
    events(model, 'incr')
    t.strictSame(codes(model.a.replies), [], 'and a new command may wait')
    events(model, 'same', 'answer')
    t.strictSame(codes(model.a.replies), ['a1=1'])
  })
  t.equal(model.wrong, '')
})

t.test('drained — is what a hold is — once all who still waited have left', async t => {
  play('always', model => {
    events(model, 'congest', 'incr', 'hold', 'run', 'same')
    t.equal(model.lanes.gate.state.kind, 'draining')
    events(model, 'gone')
    pass(model, 25)
    t.equal(model.lanes.gate.state.kind, 'open')
  })
})

t.test('breaker — answers a new command at once — although commands of others still wait', async t => {
  play('always', model => {
    events(model, 'hold', 'incr')
    pass(model, 6000)
    events(model, 'run')
    pass(model, HOLD_MS - 5999)
    t.equal(model.a.replies.length, 1)
    events(model, 'get')
    t.strictSame(codes(model.a.replies), ['TRYAGAIN', 'TRYAGAIN'])
    t.equal(model.b.replies.length, 0)
    t.equal(model.counters.refusedByBreaker, 1)
  })
})

t.test('breaker — stays closed — where a command has waited for something else', async t => {
  play('always', model => {
    // Sent again, it keeps its first deadline, and is over it when the second link is lost.
    events(model, 'incr', 'silent', 'same')
    pass(model, HOLD_MS * 2)
    t.strictSame(codes(model.a.replies), [], 'the master takes its time')
    events(model, 'hold', 'silent', 'run')
    pass(model, 100)
    t.strictSame(codes(model.a.replies), ['TRYAGAIN'], 'its own time is over')
    t.equal(model.lanes.gate.state.kind, 'holding', 'nobody has waited for this master for that long')
    events(model, 'incr')
    t.strictSame(codes(model.a.replies), ['TRYAGAIN'], 'and a new command may wait')
    pass(model, HOLD_MS)
    t.equal(model.lanes.gate.state.kind, 'tripped', 'until one has')
  })
})

t.test('breaker — stays closed — where the process ends, and what is in flight gets an error', async t => {
  play('always', model => {
    events(model, 'incr', 'hold')
    model.lanes.giveUp()
    model.lanes.failAll()
    model.settle()
    t.strictSame(codes(model.a.replies), ['TRYAGAIN'])
    t.equal(model.lanes.gate.state.kind, 'holding', 'no time is over')
  })
})

t.test('deadline — of a command that was sent — is counted as an unknown outcome', async t => {
  const model = play('always', model => {
    events(model, 'incr', 'hold', 'silent', 'run', 'expire')
    t.match(model.a.replies, [{ message: /may have run$/ }])
    t.match(model.b.replies, [{ message: /was not run$/ }, { message: /was not run$/ }])
  })
  t.equal(model.counters.unknownOutcomes, 1, 'as its client is told')
})

t.test('deadline — of a read that was sent — says that nothing was changed, and nothing is unknown', async t => {
  const model = play('always', model => {
    events(model, 'get', 'hold', 'silent', 'run', 'expire')
    t.match(model.a.replies, [{ message: /no answer in time; nothing was changed$/ }])
  })
  t.equal(model.counters.unknownOutcomes, 0)
})

t.test('breaker — closes — with the first master that is served', async t => {
  const model = play('always', model => {
    events(model, 'hold', 'incr', 'expire')
    t.equal(model.lanes.gate.state.kind, 'tripped')
    events(model, 'new', 'incr', 'answer')
    t.strictSame(codes(model.a.replies), ['TRYAGAIN', 'a2=1'])
  })
  t.equal(model.wrong, '')
})

t.test('READONLY — is never told a client — however many nodes refuse its command, and how often', async t => {
  const model = play('always', model => {
    events(model, 'incr', 'readonly', 'new', 'readonly', 'same', 'readonly')
    // From the second link in a row on, a pause comes before the next dial.
    for (let i = 0; i < 3; i++) events(model, 'same', 'tick', 'readonly')
    t.strictSame(codes(model.a.replies), [])
    events(model, 'same', 'tick', 'answer')
    t.strictSame(codes(model.a.replies), ['a1=1'])
  })
  t.equal(model.wrong, '')
})

for (const policy of ['always', 'safe'] as const) {
  t.test(`READONLY — said by a script — is its reply, and costs nobody a thing, ${policy}`, async t => {
    const model = play(policy, model => {
      events(model, 'incr', 'script', 'run', 'incr', 'answer', 'answer', 'answer', 'answer', 'answer')
      t.strictSame(codes(model.a.replies), ['a1=1', 'READONLY', 'a3=1'])
      t.strictSame(model.b.replies, ['b1=1', 'b2=1'])
      t.equal(model.counters.linksLost, 0)
      t.equal(model.counters.absorbed, 0)
    })
    t.equal(model.wrong, '')
  })

  t.test(`READONLY — of a script on a node that is no master — is refused, ${policy}`, async t => {
    const model = play(policy, model => {
      events(model, 'script', 'incr', 'run', 'readonly')
      t.strictSame(codes([...model.a.replies, ...model.b.replies]), [], 'nothing of that node counts')
      events(model, 'same', 'answer', 'answer', 'answer', 'answer')
      t.strictSame(codes(model.a.replies), ['READONLY', 'a2=1'])
      t.strictSame(model.b.replies, ['b1=1', 'b2=2'], 'what it has read there is read again')
      t.equal(model.counters.unknownOutcomes, 0)
    })
    t.equal(model.wrong, '')
  })
}

t.test('new master — is dialled at once — although the last one had earned a pause', async t => {
  play('always', model => {
    events(model, 'incr', 'noreplicas')
    t.equal(model.loop.timers, 1, 'a pause')
    events(model, 'new', 'answer')
    t.strictSame(codes(model.a.replies), ['a1=1'], 'without waiting for it')
  })
})

t.test('a refusal — is over once the link owes nothing — also where the rest was never written', async t => {
  const model = play('always', model => {
    events(model, 'incr', 'standstill')
    t.strictSame(
      [model.counters.waiting, model.a.replies.length],
      [2, 0],
      'what was refused and what was taken back wait',
    )
    events(model, 'same', 'tick', 'answer', 'answer', 'answer')
    t.strictSame(codes(model.a.replies), ['a1=1'])
    t.strictSame(model.b.replies, ['b1=1', 'b2=1'])
  })
  t.equal(model.wrong, '')
})

t.test('unsent — is sent again under safe — because it cannot have run', async t => {
  const model = play('safe', model => {
    // Within one turn: what the lane has taken has not left the process yet when its link ends.
    const { incr, silent } = model.events
    incr?.()
    silent?.()
    model.settle()
    events(model, 'same', 'answer')
    t.strictSame(codes(model.a.replies), ['a1=1'])
  })
  t.equal(model.counters.unknownOutcomes, 0)
})

t.test('lost link — is not dialled again — before a master has been confirmed since', async t => {
  play('always', model => {
    events(model, 'incr', 'answer', 'cut', 'get')
    t.equal(model.counters.linksOpened, 1)
    t.equal(model.counters.waiting, 1)
    events(model, 'same', 'answer')
    t.equal(model.counters.linksOpened, 2)
    t.equal(model.a.replies.length, 2)
  })
})

t.test('a reply — is not delivered once a replica may be promoted — but when the master stays the master', async t => {
  const model = play('always', model => {
    events(model, 'incr', 'run', 'answer', 'signal', 'answer', 'answer')
    t.strictSame(model.a.replies, ['a1=1'], 'what came before is true')
    t.strictSame(model.b.replies, [])
    events(model, 'same')
    t.strictSame(model.b.replies, ['b1=1', 'b2=1'])
    t.equal(model.counters.linksLost, 0)
  })
  t.equal(model.wrong, '')
})

for (const policy of ['always', 'safe'] as const) {
  t.test(`a reply — is unknown once a replica was promoted — ${policy}`, async t => {
    const model = play(policy, model => {
      events(model, 'incr', 'get', 'signal', 'answer', 'answer', 'new', 'answer', 'answer')
      t.strictSame(codes(model.a.replies), policy === 'safe' ? ['UNKNOWN', 'a2=1'] : ['a1=1', 'a2=1'])
    })
    t.equal(model.wrong, '')
  })
}

t.test('a reply — that was read late waits for what was said before it — a promotion, or nothing', async t => {
  const model = play('always', model => {
    events(model, 'incr', 'incr', 'late')
    t.strictSame(codes(model.a.replies), [])
    events(model, 'new', 'answer', 'answer')
    t.strictSame(codes(model.a.replies), ['a1=1', 'a2=1'])
  })
  t.equal(model.wrong, '')
  play('always', model => {
    events(model, 'incr')
    pass(model, 25)
    model.loop.now += 100
    events(model, 'answer')
    t.strictSame(codes(model.a.replies), ['a1=1'])
  })
})

t.test('what is in flight when the process gives up — has its reply — while nobody knows who is master', async t => {
  const model = play('safe', model => {
    events(model, 'incr', 'signal', 'answer')
    model.lanes.giveUp()
    events(model, 'get')
    pass(model, 400)
    t.strictSame(codes(model.a.replies), [], 'it is withheld, and what waits has its place behind it')
    events(model, 'same')
    t.strictSame(codes(model.a.replies).slice(0, 1), ['a1=1'])
  })
  t.equal(model.wrong, '')
})

import t from 'tap'
import { at, Play } from './steps.ts'

const announcing = [
  '+try-failover',
  '+elected-leader',
  '+failover-state-select-slave',
  '+selected-slave',
  '+failover-state-send-slaveof-noone',
  '+promoted-slave',
]
for (const channel of announcing) {
  t.test(`gate — closes in the same step — at ${channel} of any Sentinel`, async t => {
    for (const key of ['s1', 's2', 's3']) {
      const play = Play.serving().publish(key, channel, 'A')
      t.strictSame(play.take(), ['hold failover-announced'])
    }
  })

  t.test(`gate — stays open — at ${channel} of another master than ours`, async t => {
    t.strictSame(Play.serving().publish('s1', channel, 'B').take(), [])
  })
}

t.test('gate — closes in the same step — at the failover of our master under another name', async t => {
  for (const channel of announcing) {
    const play = Play.serving().answer('s1', 'X', { runId: 'r' }).publish('s1', channel, 'X')
    t.strictSame(play.take(), ['hold failover-announced'], channel)
    play.later(50).answer('s2', 'A').answer('s3', 'A').later(50).all('A')
    t.match(play.cause(), 'failover-announced', 'the others know of nothing')
  }
  const shown = Play.serving().answer('s1', 'X', { runId: 'r', failover: 'elected' })
  t.strictSame(shown.take(), ['hold failover-announced'], 'an answer shows it')
  const renamed = Play.serving().answer('s1', 'A', { runId: 'r' }).publish('s1', '+try-failover', 'X')
  t.strictSame(renamed.take(), ['hold failover-announced'], 'by a name that it has just begun to use')
  const withheld = Play.serving().answer('s1', 'X', { runId: 'r' })
  withheld.event('s1', { kind: 'failover-elected', master: at('X'), replica: at('B') })
  t.ok(
    withheld.effects.some(effect => effect.kind === 'withhold'),
    'the choice of a replica withholds, too',
  )
})

t.test('gate — stays open — at the failover of another process, or of one that is not known', async t => {
  const other = Play.serving().answer('s1', 'X', { runId: 'another' })
  t.strictSame(other.publish('s1', '+try-failover', 'X').take(), [])
  const unknown = Play.serving().answer('s1', 'X')
  t.strictSame(unknown.publish('s1', '+try-failover', 'X').take(), [])
})

t.test('failover under another name — is over — when it is given up', async t => {
  const play = Play.serving().answer('s1', 'X', { runId: 'r' }).publish('s1', '+try-failover', 'X')
  play.later(10).publish('s1', '-failover-abort-not-elected', 'X').later(10).answer('s1', 'X', { runId: 'r' })
  play.answer('s2', 'A').answer('s3', 'A').probed('A')
  t.strictSame(play.take(), ['hold failover-announced', 'probe A', 'serve A@1'])
})

t.test('planned failover — holds once, then serves the new master — as the Sentinels follow one by one', async t => {
  const play = Play.serving()
  play.publish('s1', '+try-failover', 'A').later(40).answer('s1', 'A', { failover: 'try' }).answer('s2', 'A')
  play.publish('s1', '+elected-leader', 'A')
  play.event('s1', { kind: 'failover-elected', master: at('A'), replica: at('B') })
  t.ok(play.effects.some(effect => effect.kind === 'warm' && effect.address.port === at('B').port))
  for (let i = 0; i < 20; i++) {
    play.later(30).answer('s1', 'A', { failover: 'elected' }).answer('s2', 'A').answer('s3', 'A')
  }
  t.strictSame(play.take(), ['hold failover-announced'])
  play.publish('s1', '+promoted-slave', 'A')
  play.answer('s1', 'B', { epoch: 2, failover: 'promoted', listed: 'A' })
  t.strictSame(play.take(), ['probe B'], 'the leader alone is not enough, but the node can be asked meanwhile')
  play.later(1).probed('B')
  t.strictSame(play.take(), [], 'nor are the leader and the node')
  play.later(70).answer('s2', 'B', { epoch: 2 })
  t.strictSame(play.take(), ['serve B@2'])
  for (let i = 0; i < 40; i++) {
    play.later(30).answer('s1', 'B', { epoch: 2, failover: 'promoted', listed: 'A' })
    play.answer('s2', 'B', { epoch: 2 }).answer('s3', 'B', { epoch: 2 })
  }
  play.event('s1', { kind: 'switched', from: at('A'), to: at('B') }).all('B', { epoch: 2 })
  t.strictSame(play.take(), [], 'the leader finishes: nothing happens')
})

t.test(
  'failover — withholds what the old master says — from the choice of the replica on, and of no other master',
  async t => {
    const withheld = (play: Play): boolean => {
      const found = play.effects.some(({ kind }) => kind === 'withhold')
      play.take()
      return found
    }
    const play = Play.serving()
    for (const channel of ['+try-failover', '+elected-leader', '+failover-state-select-slave'])
      t.notOk(withheld(play.publish('s1', channel, 'A')), `${channel}: what is in flight may finish`)
    t.notOk(
      withheld(play.event('s2', { kind: 'failover-elected', master: at('B'), replica: at('C') })),
      'another master',
    )
    t.ok(withheld(play.event('s1', { kind: 'failover-elected', master: at('A'), replica: at('B') })))
    play.publish('s1', '-failover-abort-slave-timeout', 'A').all('A').probed('A')
    t.ok(play.effects.some(({ kind }) => kind === 'serve'))
    t.notOk(withheld(play), 'nothing is left of it')
    t.notOk(withheld(play.publish('s1', '+try-failover', 'A')), 'nor in the next failover')
    t.ok(withheld(play.publish('s3', '+promoted-slave', 'A')), 'the choice was not heard')
    t.ok(withheld(Play.serving().answer('s1', 'A', { failover: 'elected' })), 'heard by asking')
    t.ok(
      withheld(Play.serving().event('s1', { kind: 'failover-elected', master: at('A'), replica: at('B') })),
      'at once',
    )
  },
)

/** Of A, led by s1 at epoch `epoch`: B is promoted and has said that it is master, and only s1 names it. */
function promotedByLeader(epoch = 2): Play {
  const play = Play.serving().publish('s1', '+selected-slave', 'A').later(900)
  play.event('s1', { kind: 'failover-promoted', master: at('A'), replica: at('B') })
  play.later(1).answer('s1', 'B', { epoch, failover: 'promoted', listed: 'A' }).later(1).probed('B')
  play.take()
  return play
}
const moved = { kind: 'switched', from: at('A'), to: at('B') } as const
const asks = (play: Play): string[] =>
  play.effects.flatMap(effect => (effect.kind === 'ask' || effect.kind === 'ask-soon' ? [effect.kind] : []))

/** Of A, led by s1, and heard by its events alone: B is chosen and will be promoted under epoch 2. */
function chosenByLeader(): Play {
  const play = Play.serving().event('s1', { kind: 'epoch', epoch: 2 }).publish('s1', '+try-failover', 'A')
  play.event('s1', { kind: 'failover-elected', master: at('A'), replica: at('B') }).later(300)
  play.take()
  return play
}
const promoted = { kind: 'failover-promoted', master: at('A'), replica: at('B') } as const

t.test('failover — needs no question to a Sentinel — when its events are heard', async t => {
  const play = chosenByLeader().input({ kind: 'warm', address: at('B') })
  t.strictSame(play.take(), ['probe B'], 'as soon as there is a connection')
  play.later(1).probed('B').later(600).event('s1', promoted)
  t.strictSame(asks(play), ['ask-soon'])
  t.strictSame(play.take(), [])
  play.later(70).event('s2', moved)
  t.strictSame(asks(play), ['ask-soon'])
  t.strictSame(play.take(), ['serve B@2'])
})

t.test('answer to a question from before — takes nothing back — of what its Sentinel has published since', async t => {
  const play = chosenByLeader()
    .input({ kind: 'warm', address: at('B') })
    .probed('B')
  const before = play.now
  play.later(600).event('s1', promoted).answer('s1', 'A', { askedAt: before, failover: 'elected' })
  play.event('s2', moved).answer('s2', 'A', { askedAt: before })
  t.strictSame(play.take(), ['probe B', 'serve B@2'])
  play.answer('s3', 'A', { askedAt: before })
  t.notOk(play.notes().includes('master.rival'))
})

t.test('confirm — is answered by a hold, and asks nobody — while a failover is announced', async t => {
  const play = chosenByLeader()
    .input({ kind: 'warm', address: at('B') })
    .probed('B')
  play.take()
  play.confirm()
  t.strictSame(asks(play), [])
  t.strictSame(play.take(), ['hold failover-announced'])
  play.later(600).event('s1', promoted).event('s2', moved)
  t.strictSame(play.take(), ['serve B@2'], 'what was known before counts')
})

t.test('failover — asks the leader — when the epoch that it made was not heard', async t => {
  const play = Play.serving().publish('s1', '+try-failover', 'A').later(900).event('s1', promoted)
  t.strictSame(asks(play), ['ask'])
})

t.test('node under promotion — is not asked — before a connection to it is open', async t => {
  t.strictSame(chosenByLeader().later(300).take(), [])
  t.strictSame(
    chosenByLeader()
      .input({ kind: 'warm', address: at('C') })
      .take(),
    [],
    'nor is another one',
  )
})

t.test('word of a node under promotion — counts no longer than its connection — or two seconds', async t => {
  const play = chosenByLeader()
    .input({ kind: 'warm', address: at('B') })
    .probed('B')
    .later(100)
  play
    .input({ kind: 'cold', address: at('B') })
    .event('s1', promoted)
    .event('s2', moved)
  t.strictSame(play.take(), ['probe B', 'probe B'], 'the promotion came later than the answer')
  play.probed('B')
  t.strictSame(play.take(), ['serve B@2'])
  const old = chosenByLeader()
    .input({ kind: 'warm', address: at('B') })
    .probed('B')
    .later(2_100)
  old.event('s1', promoted).event('s2', moved)
  t.strictSame(old.take(), ['probe B', 'probe B'])
})

t.test('node under promotion — is asked again — while it says that it is a replica', async t => {
  const play = chosenByLeader()
    .input({ kind: 'warm', address: at('B') })
    .probed('B', { kind: 'replica' })
  t.strictSame(play.take(), ['probe B'])
  t.strictSame(play.later(50).take(), ['probe B'])
  play.probed('B').event('s1', promoted).event('s2', moved)
  t.strictSame(play.take(), ['serve B@2'])
})

t.test(
  '+switch-master of a second Sentinel — is its vote — where the leader gives the epoch that must follow',
  async t => {
    const play = promotedByLeader().later(70).event('s2', moved)
    t.strictSame(asks(play), ['ask-soon'], 'nobody waits for what it answers')
    t.strictSame(play.take(), ['serve B@2'])
    play.event('s3', moved)
    t.strictSame(asks(play), ['ask-soon'])
    for (const key of ['s2', 's3']) play.answer(key, 'B', { epoch: 2 })
    t.strictSame(play.take(), [], 'their answers confirm it')
  },
)

t.test('+switch-master of a second Sentinel — is only a reason to ask it — where the epoch is another', async t => {
  const play = promotedByLeader(9).later(70).event('s2', moved)
  t.strictSame(asks(play), ['ask'])
  t.strictSame(play.take(), [], 'epoch 9 is the word of the leader alone, epoch 2 that of nobody')
  play.later(1).answer('s2', 'B', { epoch: 9 })
  t.strictSame(play.take(), ['serve B@9'])
})

t.test('+switch-master of two Sentinels — is not enough — while none has given its epoch', async t => {
  const play = Play.serving().publish('s1', '+selected-slave', 'A').later(900).event('s2', moved).event('s3', moved)
  t.strictSame(play.take(), ['hold failover-announced'])
  play.later(1).answer('s2', 'B', { epoch: 2 })
  t.strictSame(play.take(), ['probe B'])
})

t.test('+switch-master of one Sentinel — moves nothing — alone, or beside one that names another', async t => {
  const play = Play.serving().event('s2', moved).answer('s3', 'C', { epoch: 2 })
  t.strictSame(play.take(), [])
  t.equal(play.master(), 'A@1')
})

t.test('node that the leader promoted — is asked again — when its word is old before the others follow', async t => {
  const play = promotedByLeader().later(2_100)
  t.strictSame(play.take(), ['probe B'])
  play.event('s2', moved)
  t.strictSame(play.take(), [])
  play.probed('B')
  t.strictSame(play.take(), ['serve B@2'])
})

t.test('late announcement — closes nothing — when its failover is over', async t => {
  const play = Play.serving().publish('s1', '+try-failover', 'A').later(10).all('B', { epoch: 2 }).probed('B')
  play.take()
  for (const channel of announcing) play.publish('s2', channel, 'A')
  t.strictSame(play.later(10).take(), [])
  t.equal(play.cause(), 'open')
})

t.test('aborted failover — serves the old master again — by fresh answers', async t => {
  const play = Play.serving().publish('s1', '+selected-slave', 'A').later(500)
  play.answer('s1', 'A', { failover: 'elected' }).publish('s1', '-failover-abort-slave-timeout', 'A')
  t.strictSame(play.take(), ['hold failover-announced'])
  t.equal(play.cause(), 'unconfirmed')
  play.later(1).all('A').probed('A')
  t.strictSame(play.take(), ['probe A', 'serve A@1'])
})

t.test('abort by another Sentinel — ends nothing — while the announcing one goes on', async t => {
  const play = Play.serving().publish('s1', '+selected-slave', 'A').publish('s2', '-failover-abort-not-elected', 'A')
  t.strictSame(play.later(10).answer('s2', 'A').answer('s3', 'A').take(), ['hold failover-announced'])
  t.equal(play.cause(), 'failover-announced')
})

t.test('answer without the flag — ends the hold — when it was asked for after the announcement', async t => {
  const play = Play.serving()
  const before = play.now - 1
  play.publish('s1', '+selected-slave', 'A').answer('s1', 'A', { askedAt: before })
  t.equal(play.cause(), 'failover-announced', 'an older answer proves nothing')
  play.later(1).answer('s1', 'A')
  t.equal(play.cause(), 'unconfirmed')
})

t.test('answer with the flag — holds nothing — when it was asked for before the abort was heard', async t => {
  const play = Play.serving().publish('s1', '+selected-slave', 'A').later(10)
  const before = play.now
  play.later(5).publish('s1', '-failover-abort-slave-timeout', 'A')
  play.later(1).answer('s1', 'A', { failover: 'elected', askedAt: before })
  t.equal(play.cause(), 'unconfirmed')
})

t.test('+try-failover alone — holds for two seconds at most — even while the election goes on', async t => {
  const play = Play.serving().publish('s1', '+try-failover', 'A')
  for (let i = 0; i < 19; i++) {
    play.later(100).answer('s1', 'A', { failover: 'try' }).answer('s2', 'A').answer('s3', 'A')
  }
  t.strictSame(play.take(), ['hold failover-announced'])
  play.later(100).answer('s2', 'A').answer('s1', 'A', { failover: 'try' })
  t.strictSame(play.take(), ['probe A'])
  play.probed('A').later(100).answer('s1', 'A', { failover: 'try' })
  t.strictSame(play.take(), ['serve A@1'], 'and does not close it again')
  play.publish('s1', '+elected-leader', 'A')
  t.strictSame(play.take(), ['hold failover-announced'], 'but the election does')
})

t.test('elected leader — holds as long as it shows the failover — past its own failover-timeout', async t => {
  const play = Play.serving().publish('s1', '+selected-slave', 'A')
  for (let i = 0; i < 15; i++) play.later(1_000).answer('s2', 'A').answer('s1', 'A', { failover: 'elected' })
  t.equal(play.cause(), 'failover-announced')
  play.down('s1').later(3_600).answer('s2', 'A').answer('s3', 'A')
  t.equal(play.cause(), 'unconfirmed')
})

t.test('elected leader that vanished — holds for ten seconds at most — with a failover-timeout of minutes', async t => {
  const play = Play.serving()
  play.answer('s1', 'A', { failoverTimeoutMs: 180_000 }).publish('s1', '+selected-slave', 'A').down('s1')
  play.later(9_900).answer('s2', 'A').answer('s3', 'A')
  t.equal(play.cause(), 'failover-announced')
  play.later(200).answer('s2', 'A').answer('s3', 'A').probed('A')
  t.equal(play.cause(), 'open')
})

t.test(
  'elected leader whose process has ended — holds for one second — and again when it is back and announces',
  async t => {
    const play = Play.serving().answer('s1', 'A', { failoverTimeoutMs: 180_000 })
    play.publish('s1', '+selected-slave', 'A').down('s1').later(100).refused('s1').later(300).refused('s1')
    play.later(600).answer('s2', 'A').answer('s3', 'A')
    t.equal(play.cause(), 'failover-announced', 'what it has sent may be on its way')
    play.later(101).answer('s2', 'A').answer('s3', 'A').probed('A')
    t.equal(play.cause(), 'open')
    play.up('s1').publish('s1', '+selected-slave', 'A').later(1_500)
    t.equal(play.cause(), 'failover-announced', 'what was of its last process counts no more')
  },
)

t.test('elected leader whose process has ended — and whose promotion a majority has heard of — is obeyed', async t => {
  const play = Play.serving().publish('s1', '+selected-slave', 'A').down('s1').refused('s1').later(900)
  play.answer('s2', 'B', { epoch: 2 }).answer('s3', 'B', { epoch: 2 }).probed('B')
  t.equal(play.master(), 'B@2')
})

for (const failover of ['try', 'elected'] as const) {
  t.test(`gate — closes — when only an answer shows a failover at stage ${failover}`, async t => {
    const play = Play.serving().answer('s2', 'A', { failover })
    t.strictSame(play.take(), ['hold failover-announced'])
  })
}

t.test('start in the middle of a failover — serves nobody — before it is over', async t => {
  const play = Play.with('s1', 's2', 's3')
    .answer('s1', 'A', { failover: 'elected' })
    .answer('s2', 'A')
    .answer('s3', 'A')
  t.strictSame(play.take(), [])
  play.later(500).answer('s1', 'B', { epoch: 2, failover: 'promoted', listed: 'A' }).later(50)
  play.answer('s3', 'B', { epoch: 2 }).probed('B')
  t.strictSame(play.take(), ['probe B', 'serve B@2'])
})

t.test(
  'failover of the new master while the first is held — serves only the last — when both come in a row',
  async t => {
    const play = Play.serving().publish('s1', '+selected-slave', 'A').later(900)
    play.publish('s2', '+try-failover', 'B').publish('s2', '+selected-slave', 'B')
    play
      .answer('s2', 'B', { epoch: 2, failover: 'elected' })
      .answer('s1', 'B', { epoch: 2 })
      .answer('s3', 'B', { epoch: 2 })
    t.strictSame(play.take(), ['hold failover-announced'], 'B is about to be replaced')
    play.later(900).answer('s2', 'C', { epoch: 3, failover: 'promoted', listed: 'B' }).answer('s1', 'C', { epoch: 3 })
    play.probed('C')
    t.strictSame(play.take(), ['probe C', 'serve C@3'])
  },
)

t.test(
  'failover of the node that is being confirmed — keeps it from being served — when it is announced by a laggard',
  async t => {
    const play = Play.serving()
    for (let i = 0; i < 2; i++) play.later(1).answer('s1', 'B', { epoch: 2 }).answer('s2', 'B', { epoch: 2 })
    t.strictSame(play.take(), ['hold master-moved', 'probe B'])
    play.publish('s3', '+selected-slave', 'B').probed('B')
    t.strictSame(play.take(), [])
  },
)

t.test('failover back to a former master — is served — although it was announced away before', async t => {
  const play = Play.serving().publish('s1', '+selected-slave', 'A').later(10).all('B', { epoch: 2 }).probed('B')
  play.later(1_000).publish('s2', '+selected-slave', 'B').later(10).all('A', { epoch: 3 }).probed('A')
  t.strictSame(play.take().at(-1), 'serve A@3')
})

t.test(
  'failover back to a former master — is served — although the leader that announced it away has vanished',
  async t => {
    const play = Play.serving().publish('s1', '+selected-slave', 'A').down('s1').later(10)
    play.all('B', { epoch: 2 }).probed('B').later(1_000).publish('s2', '+selected-slave', 'B')
    play.later(10).all('A', { epoch: 3 }).probed('A')
    t.strictSame(play.take().at(-1), 'serve A@3')
  },
)

t.test('new master that is not ready — keeps the gate shut — until it says it is master', async t => {
  const play = Play.serving().publish('s1', '+selected-slave', 'A').later(10).all('B', { epoch: 2 })
  play.probed('B', { kind: 'replica' }).later(60).all('B', { epoch: 2 })
  t.strictSame(play.take(), ['hold failover-announced', 'probe B', 'probe B'])
  play.probed('B')
  t.strictSame(play.take(), ['serve B@2'])
})

t.test('leader that promoted but could not tell the others — holds — until it is gone for ten seconds', async t => {
  const play = Play.serving().publish('s1', '+selected-slave', 'A').publish('s1', '+promoted-slave', 'A')
  play.answer('s1', 'B', { epoch: 2, failover: 'promoted', listed: 'A' }).down('s1')
  play.later(9_000).answer('s2', 'A').answer('s3', 'A')
  t.equal(play.cause(), 'failover-announced')
  play.later(1_001).answer('s2', 'A').answer('s3', 'A').probed('A')
  t.equal(play.master(), 'A@1')
  t.equal(play.cause(), 'open')
})

t.test('new master that cannot be had — becomes the cause — a second after a majority names it', async t => {
  const play = Play.serving().publish('s1', '+selected-slave', 'A').later(500)
  /** The leader announces its failover until the other replicas follow. */
  const goOn = (): Play => {
    play.later(100).answer('s1', 'B', { epoch: 2, listed: 'A', failover: 'promoted' }).answer('s2', 'B', { epoch: 2 })
    if (play.topology.probe?.result) return play
    return play.probed('B', { kind: 'unreachable', why: 'getaddrinfo ENOTFOUND b' })
  }
  for (let i = 0; i < 9; i++) goOn()
  t.equal(play.cause(), 'failover-announced', 'a name or a port may take a moment')
  t.strictSame([...new Set(play.take())], ['hold failover-announced', 'probe B'])
  for (let i = 0; i < 9; i++) goOn()
  t.equal(play.cause(), 'master-unreachable')
  const held = play.notes().filter(event => event === 'master.held' || event === 'failover.announced')
  t.strictSame(held, ['master.held'], 'and the causes take no turns')
  t.strictSame([...new Set(play.take())], ['probe B', 'hold master-unreachable'])
  play.later(100).probed('B')
  t.strictSame(play.take(), ['probe B', 'serve B@2'])
})

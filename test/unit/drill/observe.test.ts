import t from 'tap'
import { accountsOf, type Look } from '../../../src/drill/observe.ts'
import { remedies, rowsOf, verdict } from '../../../src/drill/print.ts'
import type { SessionSnapshot } from '../../../src/ops/snapshot.ts'

const session = (id: number, more: Partial<SessionSnapshot> = {}): SessionSnapshot => ({
  id,
  address: `10.0.0.1:${id}`,
  library: '',
  version: '',
  name: '',
  state: 'idle',
  command: 'get',
  submitted: 10,
  pending: 0,
  isLeaving: false,
  isBlocked: false,
  isTracking: false,
  lastPause: null,
  ...more,
})
const hold = (atMs: number, ...sessions: SessionSnapshot[]): Look => ({ atMs, inHold: true, sessions })
const after = (atMs: number, ...sessions: SessionSnapshot[]): Look => ({ atMs, inHold: false, sessions })
const waiting = { pending: 1, submitted: 11 }

t.test('drill — who closed, sent on, waited or asked for nothing — is told apart', async t => {
  const jedis = { library: 'jedis', version: '5.0.0' }
  const before = [session(1), session(2, jedis), session(3), session(4), session(5, jedis)]
  const found = accountsOf(before, [
    hold(
      250,
      session(1),
      session(2, { ...jedis, ...waiting }),
      session(3, waiting),
      session(4, waiting),
      session(5, jedis),
    ),
    hold(
      500,
      session(1),
      session(2, { ...jedis, ...waiting, isLeaving: true }),
      session(3, { pending: 3, submitted: 13 }),
      session(4, waiting),
      session(5, jedis),
    ),
    after(700, session(1), session(3), session(4), session(9, { ...jedis, address: '10.0.0.1:99' })),
  ])
  t.match(found, [
    { address: '10.0.0.1:2', library: 'jedis', did: 'closed', afterMs: 500, cameBack: true },
    { address: '10.0.0.1:3', did: 'sent-on', sentOn: 2, afterMs: 500, cameBack: false },
    { address: '10.0.0.1:4', did: 'waited', afterMs: null },
    { address: '10.0.0.1:1', did: 'quiet' },
    { address: '10.0.0.1:5', did: 'quiet', afterMs: null },
  ])
  const report = { master: 'm', heldMs: 5000, ended: 'resume', accounts: found }
  t.equal(
    verdict(report),
    'm: commands were held for 5.0 s; 1 sessions waited and kept their connection, 1 closed it, of which 1 came back, ' +
      '1 sent more while one was unanswered (it has given up, or does not wait), 2 asked for nothing',
  )
  t.strictSame(
    rowsOf(report).map(row => row.slice(-2)),
    [
      ['what it did', 'when'],
      ['closed its connection and came back', 'after 0.5 s'],
      ['sent 2 more commands', 'after 0.5 s'],
    ],
  )
  t.match(remedies([report]), [/set .* of Jedis above --hold-timeout/, /clients that name no library/])
})

t.test('drill — a connection that comes back — counts once, and for its own host and library alone', async t => {
  const before = [session(1), session(2), session(3, { library: 'x' })]
  const found = accountsOf(before, [
    hold(250),
    after(500, session(8), session(9, { address: '10.0.0.2:9', library: 'x' })),
  ])
  t.strictSame(
    found.map(({ cameBack }) => cameBack),
    [true, false, false],
  )
})

t.test('drill — nobody gave up — no rows and no remedies', async t => {
  const report = {
    master: 'm',
    heldMs: 1000,
    ended: 'resume',
    accounts: accountsOf([session(1)], [hold(9, session(1))]),
  }
  t.strictSame([rowsOf(report), remedies([report])], [[], []])
})

// What each class of sessions saw: by library, version and kind, of one leg and of both.
import t from 'tap'
import { classesOf, classHead, classLine } from '../../../src/drill/classes.ts'
import { type Account, kindOf } from '../../../src/drill/observe.ts'
import type { SessionSnapshot } from '../../../src/ops/snapshot.ts'

const account = (id: number, more: Partial<Account> = {}): Account => ({
  id,
  address: `10.0.0.1:${id}`,
  library: 'ioredis',
  version: '5.4.1',
  name: '',
  state: 'idle',
  kind: 'plain',
  command: 'get',
  did: 'waited',
  afterMs: null,
  cameBack: false,
  sentOn: 0,
  waitedMs: 100,
  failed: 0,
  unknown: 0,
  ...more,
})

t.test('classes — of two legs — know each session once and each wait', async t => {
  const there = [
    account(1),
    account(2, { waitedMs: 300, did: 'closed', cameBack: true, failed: 1 }),
    account(3, { kind: 'blocked', waitedMs: null }),
  ]
  const back = [account(1, { waitedMs: 500, did: 'sent-on', unknown: 2 }), account(4, { library: '', version: '' })]
  const [plain, ...others] = classesOf([there, back])
  t.strictSame(plain, {
    library: 'ioredis',
    version: '5.4.1',
    kind: 'plain',
    sessions: 2,
    waited: 3,
    medianMs: 300,
    longestMs: 500,
    closed: 1,
    cameBack: 1,
    sentOn: 1,
    failed: 1,
    unknown: 2,
  })
  t.strictSame(
    others.map(({ library, kind, sessions, waited }) => [library, kind, sessions, waited]),
    [
      ['ioredis', 'blocked', 1, 0],
      ['', 'plain', 1, 1],
    ],
  )
  t.strictSame(classesOf([]), [])
})

t.test('classes — as lines — have a cell below each head', async t => {
  const [row] = classesOf([[account(3, { library: '', version: '', waitedMs: null })]])
  const line = row === undefined ? [] : classLine('there', row)
  t.equal(line.length, classHead.length)
  t.strictSame(line.slice(0, 7), ['there', '-', 'plain', '1', '0', '-', '-'])
})

t.test('kind of a session — is the first that is true of it', async t => {
  const session = (more: Partial<SessionSnapshot>): SessionSnapshot =>
    ({ state: 'idle', isBlocked: false, isTracking: false, ...more }) as SessionSnapshot
  t.equal(kindOf(session({})), 'plain')
  t.equal(kindOf(session({ state: 'awaitingReplies' })), 'plain')
  t.equal(kindOf(session({ state: 'monitoring', isTracking: true })), 'subscriber')
  t.equal(kindOf(session({ state: 'subscribed' })), 'subscriber')
  t.equal(kindOf(session({ state: 'inTransaction', isTracking: true })), 'transaction')
  t.equal(kindOf(session({ state: 'awaitingReplies', isBlocked: true, isTracking: true })), 'blocked')
  t.equal(kindOf(session({ isTracking: true })), 'tracking')
})

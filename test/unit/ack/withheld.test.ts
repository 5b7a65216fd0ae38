// The line of withheld replies by itself: what is released by which confirmation, in which order, and what ends otherwise.
import t from 'tap'
import { AckUsers } from '../../../src/ack/ack-users.ts'
import { Needs } from '../../../src/ack/needs.ts'
import { type Confirmer, Withheld } from '../../../src/ack/withheld.ts'
import { Marking } from '../../../src/command/marking.ts'
import { errors } from '../../../src/errors.ts'
import { type Counters, createCounters } from '../../../src/ops/counters.ts'
import type { AckedLane } from '../../../src/relay/acknowledger.ts'
import { createLocal, createRun, makeLocal, type Request, type RequestOwner } from '../../../src/relay/request.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { createIdentity } from '../../../src/upstream/identity.ts'

interface World {
  readonly withheld: Withheld
  readonly counters: Counters
  readonly told: string[]
  readonly owner: (name: string) => RequestOwner
  readonly run: (owner: RequestOwner, words: readonly string[], marking: number) => Request
  /** The reply comes as the link brings it. */
  readonly reply: (request: Request, reply: string) => void
  readonly arrived: () => number
  readonly trips: () => number
  /** Each time that nothing was withheld any more: whether a reply of the server's was among what ended. */
  readonly allTold: boolean[]
}

function world(reads: 'plain' | 'committed' = 'plain'): World {
  const counters = createCounters()
  const told: string[] = []
  const allTold: boolean[] = []
  let arrived = 0
  let trips = 0
  const confirmer: Confirmer = {
    counters,
    isReady: true,
    isTripped: false,
    arrive: () => ++arrived,
    trip: () => void trips++,
    ran: (since, now) => now - since,
    leave() {},
  }
  const lane: AckedLane = {
    identity: createIdentity(null, null, 0, 2),
    link: null,
    replies: {
      reply() {},
      finish: request => {
        if (request.local !== null) request.owner.deliver(request.local)
        counters.pendingBytes -= request.weight
      },
      push: frame => void told.push(`push ${frame}`),
    },
    onAllTold: isAnswer => void allTold.push(isAnswer),
    pump() {},
    onStepBug: error => {
      throw error
    },
  }
  const withheld = new Withheld(lane, confirmer, new Needs(reads, () => null))
  const owner = (name: string): RequestOwner => ({
    gone: false,
    pending: 0,
    block: null,
    deliver: bytes => void told.push(`${name} ${bytes.toString().trim()}`),
    onAnswered() {},
    onBug() {},
  })
  const run: World['run'] = (of, words, marking) => {
    const request = createRun(of, encodeCommand(words), 1, marking)
    request.sends = 1
    counters.pendingBytes += request.weight
    return request
  }
  const reply = (request: Request, text: string): void => {
    request.expect = 0
    const bytes = Buffer.from(`${text}\r\n`)
    if (!withheld.keepsReplies(request, bytes, true)) request.owner.deliver(bytes)
    if (!withheld.keepsEnd(request)) lane.replies.finish(request)
  }
  return { withheld, counters, told, owner, run, reply, arrived: () => arrived, trips: () => trips, allTold }
}

const set = ['SET', 'k', 'v']
const get = ['GET', 'k']

t.test(
  'withheld — a confirmation releases what came before its question — and nothing that came behind it',
  async t => {
    const { withheld, counters, told, owner, run, reply, arrived } = world()
    const [a, b] = [owner('a'), owner('b')]
    reply(run(a, set, Marking.writes), '+1')
    const asked = arrived()
    reply(run(b, set, Marking.writes), '+2')
    reply(run(a, get, Marking.none), '+3')
    reply(run(owner('c'), get, Marking.none), '+4')
    t.strictSame(told.splice(0), ['c +4'], 'a read of a session that has nothing withheld')
    withheld.release(asked)
    t.strictSame(told.splice(0), ['a +1'])
    withheld.release(arrived())
    t.strictSame(told, ['b +2', 'a +3'])
    t.ok(withheld.idle)
    t.strictSame([counters.pendingBytes, counters.withheldBytes, counters.withheldReplies], [0, 0, 0])
  },
)

t.test('withheld — a reply of a lost link that no replica confirms — is not told', async t => {
  const { withheld, counters, told, owner, run, trips } = world()
  const a = owner('a')
  const pipeline = run(a, set, Marking.writes)
  makeLocal(pipeline, Buffer.from('+OK\r\n*2\r\n:1\r\n:2\r\n'))
  t.ok(withheld.keepsEnd(pipeline))
  const own = createLocal(a, Buffer.from('+own\r\n'))
  counters.pendingBytes += own.weight
  t.ok(withheld.keepsEnd(own))
  withheld.expire(performance.now() + 2, 1)
  const { reply } = errors.unacknowledged
  t.strictSame(told, [`a ${reply}${reply}`.trim(), 'a +own'])
  t.equal(counters.unacknowledged, 2)
  t.ok(trips() > 0)
  t.ok(withheld.idle)
  t.equal(counters.pendingBytes, 0)
})

t.test('withheld — reads committed — wait, and what shows no data does not', async t => {
  const { withheld, told, owner, run, reply, arrived } = world('committed')
  reply(run(owner('a'), get, Marking.none), '+1')
  reply(run(owner('b'), ['PING'], Marking.none), '+PONG')
  t.strictSame(told.splice(0), ['b +PONG'])
  withheld.release(arrived())
  t.strictSame(told, ['a +1'])
})

t.test('withheld — replies of Holdfast’s own and pushes — keep their place', async t => {
  const { withheld, told, owner, run, reply, arrived } = world()
  const a = owner('a')
  t.notOk(withheld.keepsPush(Buffer.from('early')), 'nothing is withheld yet')
  reply(run(a, set, Marking.writes), '+1')
  t.ok(withheld.keepsEnd(createLocal(a, Buffer.from('+own'))))
  t.notOk(withheld.keepsEnd(createLocal(owner('b'), Buffer.from('+own'))))
  t.ok(withheld.keepsPush(Buffer.from('late')))
  const order: string[] = []
  withheld.afterAck(() => order.push('behind all'))
  t.strictSame([told, order], [[], []])
  withheld.release(arrived())
  t.strictSame(told, ['a +1', 'a +own', 'push late'])
  t.strictSame(order, ['behind all'])
})

t.test('withheld — the hold time is over — a write is unknown, a read may be repeated', async t => {
  const { withheld, counters, told, owner, run, reply, trips } = world('committed')
  reply(run(owner('a'), set, Marking.writes), '+1')
  reply(run(owner('b'), get, Marking.none), '+2')
  withheld.expire(performance.now(), 60_000)
  t.strictSame(told, [])
  withheld.expire(performance.now() + 60_001, 60_000)
  t.match(told, [/^a -UNKNOWN .* has run on the master/, /^b -TRYAGAIN .* nothing was changed/])
  t.equal(trips(), 2)
  t.strictSame([counters.unacknowledged, counters.withheldBytes, counters.pendingBytes], [1, 0, 0])
})

t.test(
  'withheld — the link is lost — requests go back with their replies, but not the one that has only a part',
  async t => {
    const { withheld, told, owner, run, reply } = world()
    const [a, b] = [owner('a'), owner('b')]
    const whole = run(a, set, Marking.writes)
    reply(whole, '+1')
    const part = run(b, ['EVAL', 'x', '0'], Marking.writes)
    t.ok(withheld.keepsReplies(part, Buffer.from('$5\r\nab'), false))
    t.strictSame(withheld.takeBack(), [whole])
    t.equal(whole.kept?.bytes().toString(), '+1\r\n')
    t.equal(part.kept?.bytes().toString(), '', 'half a reply is none')
    t.ok(withheld.idle)
    t.strictSame(told, [])
  },
)

t.test('withheld — nothing is left of it — its lane hears whether a reply of the server was among it', async t => {
  const { withheld, owner, run, reply, arrived, allTold } = world()
  const [a, b] = [owner('a'), owner('b')]
  reply(run(a, set, Marking.writes), '+1')
  t.ok(withheld.keepsEnd(createLocal(a, Buffer.from('+own'))))
  withheld.release(arrived() - 1)
  t.strictSame(allTold.splice(0), [], 'something is left')
  withheld.release(arrived())
  t.strictSame(allTold.splice(0), [false], 'what was known already says nothing of the link')
  reply(run(a, set, Marking.writes), '+2')
  reply(run(b, set, Marking.writes), '+3')
  withheld.release(arrived())
  t.strictSame(allTold.splice(0), [true])
  reply(run(a, set, Marking.writes), '+4')
  withheld.expire(Number.POSITIVE_INFINITY, 60_000)
  t.strictSame(allTold, [true], 'the hold time is over')
})

t.test('users — one after the other is tried — and who may is asked first', async t => {
  const users = new AckUsers()
  t.equal(users.current, null)
  users.add(createIdentity('one', 'p', 3, 3))
  users.add(createIdentity('one', 'p', 0, 2))
  users.add(createIdentity('two', 'p', 0, 2))
  t.equal(users.current?.username, 'one')
  t.strictSame([users.current?.database, users.current?.protocol], [0, 2])
  users.next()
  t.equal(users.current?.username, 'two')
  const two = users.current
  if (two !== null) users.serves(two)
  t.equal(users.current?.username, 'two')
  users.next()
  t.equal(users.current?.username, 'one', 'the same user in another database is the same user')
  for (let i = 0; i < 100; i++) users.add(createIdentity(`stranger${i}`, 'p', 0, 2))
  t.equal(users.current?.username, 'one')
})

// scenes-transaction.ts: MULTI in all its shapes, in one write and over many, with WATCH, errors and scripts; and
// blocking commands that another session releases.
import { fill, fillBlocking, spoil, type Words } from './arguments.ts'
import { exactCommand, many, type Plot } from './choice.ts'
import type { Random } from './random.ts'
import { awaitReplies, reopen, type Scene, type Step, send } from './step.ts'

const odd: readonly Words[] = [
  ['multi'],
  ['watch', 's:1'],
  ['unwatch'],
  ['nosuchcommand', 'a'],
  ['get'],
  ['exec', 'extra'],
  ['discard', 'extra'],
  ['select', '1'],
  ['select', '0'],
  ['select', '99'],
  ['client', 'setname', 'inside'],
  ['client', 'getname'],
  ['client', 'no-evict', 'on'],
  ['hello', '3'],
  ['hello', '2'],
  ['hello', '9'],
  ['auth', 'a', 'b', 'c'],
  ['blpop', 'bl:none', '0.01'],
  ['eval', "return redis.call('incr', 'multi:n')", '0'],
  ['evalsha', 'ffffffffffffffffffffffffffffffffffffffff', '0'],
  ['script', 'load', 'return 1'],
  ['save', 'extra'],
]

function inside(random: Random): Words {
  return random.chance(0.12) ? random.pick(odd) : exactCommand(random)
}

function body(random: Random): Words[] {
  return [['multi'], ...many(random.int(0, 6), () => inside(random)), random.chance(0.85) ? ['exec'] : ['discard']]
}

function* whole(random: Random, [session = 0]: readonly number[]): Scene {
  if (random.chance(0.5)) yield send(session, [['reset']])
  for (let i = random.int(1, 4); i > 0; i--) {
    const commands = many(random.int(0, 2), () => exactCommand(random))
    if (random.chance(0.2)) commands.push(['watch', 's:1', 'l:1'])
    commands.push(...body(random), ...many(random.int(0, 2), () => exactCommand(random)))
    if (random.chance(0.2)) commands.push(...body(random))
    yield send(session, commands, random.chance(0.25) ? { cut: random } : {})
  }
}

/** Over several writes, others doing theirs in between; sometimes one of them touches what is watched. */
function* split(random: Random, [session = 0, other = 1]: readonly number[]): Scene {
  yield send(session, [['reset']])
  yield send(other, [['reset']])
  if (random.chance(0.3)) yield send(session, [['hello', '3']])
  for (let i = random.int(1, 3); i > 0; i--) {
    const watched = random.pick(['s:1', 's:2', 'l:1'])
    if (random.chance(0.5))
      yield send(session, [
        ['watch', watched],
        ['type', watched],
      ])
    if (random.chance(0.1)) yield send(session, [['unwatch']])
    if (random.chance(0.4))
      yield send(other, [
        random.pick<Words>([
          ['del', watched],
          ['append', 's:1', 'x'],
          ['get', watched],
        ]),
      ])
    const commands = body(random)
    while (commands.length > 0) {
      yield send(session, commands.splice(0, random.int(1, 3)), random.chance(0.1) ? { cut: random } : {})
      if (random.chance(0.2)) yield send(other, [exactCommand(random), ['set', watched, 'theirs']])
    }
  }
}

/** EXEC and DISCARD without MULTI, WATCH left open, RESET and QUIT in the middle. */
function* careless(random: Random, [session = 0]: readonly number[]): Scene {
  const kinds: readonly Words[] = [['multi'], ['exec'], ['discard'], ['watch', 's:1'], ['unwatch'], ['reset'], ['ping']]
  const commands = many(random.int(2, 10), () => (random.chance(0.4) ? inside(random) : random.pick(kinds)))
  if (random.chance(0.5)) yield send(session, commands)
  else for (const command of commands) yield send(session, [command])
  yield random.chance(0.2) ? send(session, [['quit'], ['ping']], { atLeast: 1 }) : send(session, [['reset'], ['ping']])
}

/** Ended by its time alone. */
const briefSeconds = 0.04
/** Not over before another session ends the wait: for ever, and for longer than any run takes. */
const longWaits = [0, 0, 600]

/** On keys of its own; `slot` tells them apart. */
function* setUpBlocking(random: Random, slot: number, [session = 0, other = 1]: readonly number[]): Scene {
  const database = random.pick(['0', '0', '3'])
  const setUp: Words[] = [['reset'], ['select', database], ['del', `bl:${slot}`, `bz:${slot}`, `bx:${slot}`]]
  setUp.push(['xgroup', 'create', `bx:${slot}`, 'bg', '$', 'MKSTREAM'])
  yield send(other, setUp)
  yield send(session, [['reset'], ['hello', random.pick(['2', '3'])], ['select', database]])
}

/** Of the sessions that play at the same time no two have the same. */
function slotOf(random: Random, session: number): number {
  return 8 * random.int(0, 5) + session
}

function around(random: Random, block: Words): { before: Words[]; all: Words[] } {
  const before = many(random.pick([0, 0, 2]), () => exactCommand(random))
  const behind = many(random.pick([0, 0, 1, 3]), () =>
    fill(random, random.pick(['ping', 'get', 'incr', 'select', 'echo'])),
  )
  return { before, all: [...before, block, ...behind] }
}

/** Blocks until another session pushes, or the client goes away. */
function* blocking(random: Random, sessions: readonly number[]): Scene {
  const [session = 0, other = 1] = sessions
  const slot = slotOf(random, session)
  yield* setUpBlocking(random, slot, sessions)
  const { before, all } = around(random, fillBlocking(random, slot, random.pick(longWaits)))
  const { blocked } = yield send(session, all, { atLeast: before.length, mayBlock: true })
  if (!blocked) return
  if (random.chance(0.08)) {
    yield reopen(session)
    yield send(other, [
      ['rpush', `bl:${slot}`, 'kept'],
      ['lrange', `bl:${slot}`, '0', '-1'],
    ])
    return
  }
  const release: Words[] = [
    ['rpush', `bl:${slot}`, 'v1', 'v2'],
    ['zadd', `bz:${slot}`, '1', 'a', '2', 'b'],
    ['xadd', `bx:${slot}`, '7-1', 'f', 'v'],
  ]
  if (random.chance(0.3)) yield send(other, [['multi'], ...release, ['exec']])
  else yield send(other, release)
  yield awaitReplies(session, all.length)
  yield look(session, slot)
}

/**
 * Blocks until its time is up. All in one step: what runs behind the wait runs at a moment that each server chooses, and
 * nobody else may do anything meanwhile.
 */
function* timedOut(random: Random, sessions: readonly number[]): Scene {
  const [session = 0] = sessions
  const slot = slotOf(random, session)
  yield* setUpBlocking(random, slot, sessions)
  const block = fillBlocking(random, slot, briefSeconds)
  yield send(session, around(random, random.chance(0.2) ? spoil(random, block) : block).all)
  yield look(session, slot)
}

function look(session: number, slot: number): Step {
  return send(session, [['ping'], ['lrange', `bl:${slot}`, '0', '-1'], ['zrange', `bz:${slot}`, '0', '-1']])
}

export const transactionScenes: readonly Plot[] = [
  { weight: 14, sessions: 1, play: whole },
  { weight: 8, sessions: 2, play: split },
  { weight: 5, sessions: 1, play: careless },
  { weight: 4, sessions: 2, play: blocking },
  { weight: 1, sessions: 2, play: timedOut },
]

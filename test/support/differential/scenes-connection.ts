// scenes-connection.ts: what a session tells Redis about itself: protocol, user, database, name, flags, silence.
import { fill, type Words } from './arguments.ts'
import { exactCommand, many, type Plot } from './choice.ts'
import { compareOf, failsLogin } from './exceptions.ts'
import type { Random } from './random.ts'
import { reopen, type Scene, send } from './step.ts'

const about = ['hello', 'auth', 'select', 'client', 'reset', 'readonly', 'readwrite', 'asking']

function aboutItself(random: Random): Words {
  for (;;) {
    const command = fill(random, random.pick([...about, 'hello', 'select', 'client', 'client', 'client']))
    if (compareOf(command) === 'exact' && !failsLogin(command)) return command
  }
}

function* oneByOne(random: Random, [session = 0]: readonly number[]): Scene {
  for (let i = random.int(4, 14); i > 0; i--)
    yield send(session, [random.chance(0.6) ? fill(random, random.pick(about)) : exactCommand(random)])
  yield send(session, [['client', 'getname'], ['acl', 'whoami'], ['reset']])
}

function* pipelined(random: Random, [session = 0]: readonly number[]): Scene {
  for (let i = random.int(1, 3); i > 0; i--) {
    const commands = many(random.int(2, 12), () => (random.chance(0.5) ? aboutItself(random) : exactCommand(random)))
    yield send(session, commands, random.chance(0.3) ? { cut: random } : {})
  }
  yield send(session, [
    ['client', 'getname'],
    ['acl', 'whoami'],
    ['set', 'where', 'here'],
  ])
  yield send(session, random.chance(0.5) ? [['reset'], ['get', 'where']] : [['quit']])
}

/** As client libraries begin. */
function* greeting(random: Random, [session = 0]: readonly number[]): Scene {
  yield reopen(session)
  const commands: Words[] = [
    ['hello', random.pick(['2', '3']), ...random.pick([[], ['SETNAME', 'app'], ['AUTH', 'app', 'appsecret']])],
    ['client', 'setinfo', 'LIB-NAME', 'lib'],
    ['client', 'setinfo', 'LIB-VER', '1.2.3'],
    ['client', 'setname', 'me'],
    ['select', random.pick(['0', '1', '5'])],
    ['client', 'getname'],
  ]
  if (random.chance(0.5)) yield send(session, commands)
  else for (const command of commands) yield send(session, [command])
  yield send(
    session,
    many(5, () => exactCommand(random)),
  )
}

/** Replies off, or one skipped: all in one step, because nothing would tell when a silent one has run. */
function* muted(random: Random, [session = 0]: readonly number[]): Scene {
  yield send(session, [['reset']])
  for (let i = random.int(1, 4); i > 0; i--) {
    const middle = many(random.int(1, 5), () => quietCommand(random))
    const off: Words[] = [['client', 'reply', 'off'], ...middle, ['client', 'reply', 'on'], ['ping']]
    const skip: Words[] = [
      ...many(random.int(0, 2), () => exactCommand(random)),
      ['client', 'reply', 'skip'],
      ...middle,
      ['ping'],
      ['ping', 'end'],
    ]
    const useOff = random.chance(0.5)
    yield send(session, useOff ? off : skip, {
      atLeast: useOff ? 2 : 1,
      compare: 'exact',
      ...(random.chance(0.4) ? { cut: random } : {}),
    })
  }
}

function quietCommand(random: Random): Words {
  const kinds: readonly Words[] = [
    ['select', '1'],
    ['select', '0'],
    ['exec'],
    ['client', 'reply', 'skip'],
    ['client', 'setname', 'q'],
    ['hello', '3'],
    ['hello', '2'],
    ['nosuch'],
    ['incr', 's:1'],
  ]
  return random.chance(0.5) ? random.pick(kinds) : exactCommand(random)
}

export const connectionScenes: readonly Plot[] = [
  { weight: 10, sessions: 1, play: oneByOne },
  { weight: 8, sessions: 1, play: pipelined },
  { weight: 4, sessions: 1, play: greeting },
  { weight: 4, sessions: 1, play: muted },
]

// scenes.ts: what sessions do in a differential run: each scene is a generator of steps over sessions of its own, so
// that several may go on at once, a step of one between two of another, and the order is still the same on both sides.
//
// A scene may leave its sessions in any state (subscribed, in another database, another user): most begin with RESET,
// not all.
import type { Words } from './arguments.ts'
import { exactCommand, many, type Plot, plainCommand } from './choice.ts'
import type { Random } from './random.ts'
import { connectionScenes } from './scenes-connection.ts'
import { listenScenes } from './scenes-listen.ts'
import { transactionScenes } from './scenes-transaction.ts'
import { type Scene, send, sendRaw } from './step.ts'

function* plain(random: Random, [session = 0]: readonly number[]): Scene {
  for (let i = random.int(3, 12); i > 0; i--)
    yield send(session, [plainCommand(random)], random.chance(0.1) ? { cut: random } : {})
}

function* pipeline(random: Random, [session = 0]: readonly number[]): Scene {
  for (let i = random.int(1, 4); i > 0; i--) {
    const commands = many(random.pick([2, 5, 10, 40]), () => exactCommand(random))
    yield send(session, commands, random.chance(0.3) ? { cut: random } : {})
  }
}

function* longPipeline(random: Random, [session = 0]: readonly number[]): Scene {
  const count = random.pick([300, 1200, 2500])
  const kinds: Words[] = [
    ['incr', 's:1'],
    ['ping'],
    ['get', 's:2'],
    ['lpush', 's:1', 'a'],
    ['rpush', 'l:1', 'z'],
    ['del', 'l:1'],
  ]
  yield send(
    session,
    many(count, () => random.pick(kinds)),
    random.chance(0.5) ? { cut: random } : {},
  )
}

function* large(random: Random, [session = 0]: readonly number[]): Scene {
  const value = random.pick(['x', '\r\n']).repeat(random.pick([20_000, 70_000, 400_000, 1_200_000]))
  const set: Words = ['set', 'big', value]
  const get: Words = ['get', 'big']
  yield send(session, [['ping'], set, get, ['ping', 'behind']], random.chance(0.5) ? { cut: random } : {})
  yield send(session, [get, get, get, ['strlen', 'big'], ['del', 'big'], get])
}

function* inline(random: Random, [session = 0]: readonly number[]): Scene {
  const short = (): Words => {
    const command = exactCommand(random)
    return command.join('').length < 2000 && !command.includes('') ? command : ['ping', 'inline']
  }
  for (let i = random.int(1, 3); i > 0; i--)
    yield send(session, many(random.pick([1, 4, 10]), short), {
      inline: true,
      ...(random.chance(0.3) ? { cut: random } : {}),
    })
}

/** Bytes and how many replies they bring at least. */
const oddities: readonly (readonly [string, number])[] = [
  ['\r\n\r\nPING\r\n', 1],
  ['   PING   \r\n', 1],
  ['PING\nPING\r\n', 2],
  ['ECHO \'a b\'\r\nECHO "\\x41\\n\\""\r\n', 2],
  ['*0\r\nPING\r\n', 1],
  ['*-1\r\nPING\r\n', 1],
  ['*1\r\n$0\r\n\r\n', 1],
  ['*1\r\n$4\r\nPING\r\n*1\r\n$4\r\npInG\r\n', 2],
  ['ECHO "unbalanced\r\n', 1],
  ['ECHO "a"b\r\n', 1],
  ['*1\r\n!4\r\nPING\r\n', 1],
  ['*x\r\n', 1],
  ['*01\r\n$4\r\nPING\r\n', 0],
  ['*1\r\n$-1\r\n', 1],
  ['*1\r\n$x\r\n', 1],
  ['*2147483648\r\n', 1],
  ['*1\r\n$99999999999\r\n', 1],
  ['PING\r\n*1\r\n!4\r\nPING\r\n', 2],
  ['SET s:1 5\r\nGET s:1\r\nQUIT\r\nPING\r\n', 3],
  ['POST / HTTP/1.1\r\nHost: x\r\n\r\n', 0],
  ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', 0],
  ['*3\r\n$3\r\nSET\r\n$3\r\ns:1\r\n$2\r\nabcdPING\r\n', 1],
]

function* odd(random: Random, [session = 0]: readonly number[]): Scene {
  yield send(session, [['reset']])
  for (let i = random.int(1, 3); i > 0; i--) {
    const [bytes, atLeast] = random.pick(oddities)
    const { closed } = yield sendRaw(session, Buffer.from(bytes, 'latin1'), { atLeast })
    if (closed) return
  }
}

const dataScenes: readonly Plot[] = [
  { weight: 30, sessions: 1, play: plain },
  { weight: 30, sessions: 1, play: pipeline },
  { weight: 0.3, sessions: 1, play: longPipeline },
  { weight: 1, sessions: 1, play: large },
  { weight: 4, sessions: 1, play: inline },
  { weight: 4, sessions: 1, play: odd },
]

export const plots: readonly Plot[] = [...dataScenes, ...transactionScenes, ...listenScenes, ...connectionScenes]

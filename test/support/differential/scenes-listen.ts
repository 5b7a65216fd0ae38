// scenes-listen.ts: sessions that hear what others do: subscriptions of all three kinds, MONITOR, client-side caching.

import { fill, type Words } from './arguments.ts'
import { exactCommand, many, type Plot, plainCommand } from './choice.ts'
import { ofOwnWrites } from './exceptions.ts'
import type { Random } from './random.ts'
import { reopen, type Scene, send } from './step.ts'

const listening = ['subscribe', 'psubscribe', 'ssubscribe', 'unsubscribe', 'punsubscribe', 'sunsubscribe']

/** One that a subscribed session sends: more of the same, PING, or what RESP2 refuses there. */
function listenersCommand(random: Random): Words {
  const name = random.pick([...listening, 'subscribe', 'psubscribe', 'ssubscribe', 'ping', 'ping', 'get'])
  return name === 'get' ? exactCommand(random) : fill(random, name)
}

const isLeaving = (command: Words): boolean => command[0]?.includes('unsub') === true && command.length === 1

function* pubsub(random: Random, sessions: readonly number[]): Scene {
  const [publisher = 0, ...listeners] = sessions
  yield send(publisher, [['reset']])
  for (const listener of listeners) {
    if (random.chance(0.7)) yield send(listener, [['reset']])
    yield send(listener, [['hello', random.pick(['2', '3'])]])
  }
  for (let i = random.int(6, 20); i > 0; i--) {
    const listener = random.pick(listeners)
    if (random.chance(0.5)) {
      yield send(
        publisher,
        many(random.pick([1, 1, 3]), () => publication(random)),
      )
    } else {
      const commands = many(random.pick([1, 1, 2, 5]), () => listenersCommand(random))
      // Without channels the order of the answers is the hash table's: alone, so that the rest stays exact.
      const [first] = commands
      const alone = commands.find(isLeaving)
      yield send(listener, alone ? [alone] : first ? commands : [], { atLeast: 1, compare: alone ? 'sorted' : 'exact' })
    }
  }
  for (const listener of listeners) {
    if (random.chance(0.3)) yield send(listener, [['quit']])
    else if (random.chance(0.7)) yield send(listener, [['reset'], ['ping']])
  }
}

function publication(random: Random): Words {
  const kinds = ['publish', 'publish', 'spublish', 'pubsub', 'del']
  const command = fill(random, random.pick(kinds))
  return command[1] === 'channels' || command[1] === 'shardchannels' ? ['pubsub', 'numpat'] : command
}

/**
 * MONITOR's lines are not compared: they show everybody. What is: its answer, and that the session goes on after RESET.
 */
function* monitor(random: Random, [session = 0]: readonly number[]): Scene {
  yield send(session, [['reset']])
  yield send(session, [['monitor']])
  const kinds: Words[] = [['ping'], ['get', 's:1'], ['echo', 'x'], ['subscribe', 'ch:1']]
  for (let i = random.int(0, 3); i > 0; i--) yield send(session, [random.pick(kinds)])
  // A second MONITOR is not answered at all.
  if (random.chance(0.2)) yield send(session, [['monitor']], { atLeast: 0 })
  if (random.chance(0.3)) yield send(session, [['quit']])
  else yield send(session, [['reset'], ['ping'], ['set', 's:1', 'after']])
}

function* tracking(random: Random, [session = 0, other = 1]: readonly number[]): Scene {
  yield send(other, [['reset']])
  // A new connection: the server remembers under a connection's id what it has read, even through RESET.
  yield reopen(session)
  yield send(session, [['hello', '3']])
  const optIn = random.chance(0.3)
  const noLoop = random.chance(0.3)
  const options = [...(optIn ? ['OPTIN'] : []), ...(noLoop ? ['NOLOOP'] : [])]
  yield send(session, [
    ['client', 'tracking', 'on', ...options],
    ['client', 'trackinginfo'],
  ])
  for (let i = random.int(3, 10); i > 0; i--) {
    const key = random.pick(['s:1', 's:2', 'h:1'])
    if (optIn && random.chance(0.7))
      yield send(session, [
        ['client', 'caching', 'yes'],
        ['type', key],
        ['exists', 's:3'],
      ])
    else yield send(session, [['type', key]])
    if (random.chance(0.2))
      yield send(
        session,
        [
          ['set', key, 'mine'],
          ['get', key],
        ],
        { compare: ofOwnWrites() },
      )
    if (random.chance(0.1)) yield send(session, [['multi'], ['get', 's:1'], ['set', 's:1', 'x'], ['exec']])
    if (random.chance(0.6)) yield send(other, [['del', key]])
    if (random.chance(0.05)) yield send(other, [['flushdb']])
    if (random.chance(0.3)) yield send(other, [plainCommand(random)])
  }
  yield send(session, [random.pick<Words>([['client', 'tracking', 'off'], ['reset']])])
}

function* broadcast(random: Random, [session = 0, other = 1]: readonly number[]): Scene {
  yield send(other, [['reset']])
  yield reopen(session)
  yield send(session, [['hello', '3']])
  yield send(session, [
    ['client', 'tracking', 'on', 'BCAST', 'PREFIX', 'bc:'],
    ['client', 'trackinginfo'],
  ])
  for (let i = random.int(2, 6); i > 0; i--) yield send(other, [['set', `bc:${random.int(1, 3)}`, 'v']])
  yield send(session, [['set', 'bc:1', 'own']])
  yield send(session, [['client', 'tracking', 'on'], ['reset']])
}

export const listenScenes: readonly Plot[] = [
  { weight: 8, sessions: 4, play: pubsub },
  { weight: 1, sessions: 1, play: monitor },
  { weight: 4, sessions: 2, play: tracking },
  { weight: 1, sessions: 2, play: broadcast },
]

// Links of sessions are dialled a few in each turn of the loop, those that many share at once, and none is forgotten.
import { pino } from 'pino'
import t from 'tap'
import type { Master } from '../../../src/address.ts'
import { createCounters } from '../../../src/ops/counters.ts'
import type { LaneOwner } from '../../../src/relay/lane-link.ts'
import { Lanes } from '../../../src/relay/lanes.ts'
import { createIdentity } from '../../../src/upstream/identity.ts'
import { dialMemory } from './memory-net.ts'
import { VirtualLoop } from './virtual-loop.ts'

const SESSIONS = 500
const first: Master = { host: 'a', port: 1, epoch: 1, runId: 'run-a' }
const second: Master = { host: 'b', port: 2, epoch: 2, runId: 'run-b' }
const identity = createIdentity(null, null, 0, 2)
const owner = { restore: () => null, label: () => '' } as unknown as LaneOwner

interface Scene {
  readonly lanes: Lanes
  /** Ports that were dialled, in order. */
  readonly dialled: number[]
  /** Sessions with a link, which may be one that is being dialled. */
  linked(): number
  /** One turn of the loop; answers how many were dialled in it, or null: there was nothing to do. */
  turn(): number | null
}

function play(act: (scene: Scene) => void): void {
  const loop = new VirtualLoop()
  loop.play(() => {
    const dialled: number[] = []
    const lanes = new Lanes({
      policy: { policy: 'always', maxRetries: 0 },
      backoff: { minMs: 1, maxMs: 1 },
      holdTimeoutMs: 60_000,
      connectTimeoutMs: 1000,
      dial: dialMemory({ onDial: ({ port }) => void dialled.push(port), onWrite() {}, onDestroy() {} }),
      counters: createCounters(),
      log: pino({ level: 'silent' }),
      onStoodStill() {},
      observe() {},
    })
    lanes.start()
    const sessions = Array.from({ length: SESSIONS }, () => lanes.openPrivate(identity, owner))
    lanes.attachShared(identity)
    const turn = (): number | null => {
      const before = dialled.length
      return loop.runImmediates() ? dialled.length - before : null
    }
    const linked = (): number => sessions.filter(({ link }) => link !== null).length
    act({ lanes, dialled, turn, linked })
    lanes.stop()
  })
}

t.test('dials — are few in each turn — and in the end every session has a link', async t => {
  play(({ lanes, dialled, turn, linked }) => {
    lanes.serve(first)
    t.equal(dialled.length, 51, 'the shared link and fifty others')
    const turns: number[] = []
    for (let count = turn(); count !== null; count = turn()) turns.push(count)
    t.ok(Math.max(...turns) <= 50, turns.join(', '))
    t.equal(dialled.length, SESSIONS + 1)
    t.equal(linked(), SESSIONS)
  })
})

t.test('dials — end with the gate — and go on to the next master', async t => {
  play(({ lanes, dialled, turn, linked }) => {
    lanes.serve(first)
    turn()
    lanes.hold('failover-announced', 'a test')
    const before = dialled.length
    while (turn() !== null);
    t.equal(dialled.length, before, 'nothing is dialled while commands are held')
    lanes.serve(second)
    while (turn() !== null);
    t.equal(linked(), SESSIONS)
    t.equal(dialled.filter(port => port === second.port).length, SESSIONS + 1)
  })
})

// The question whether replicas have it: what its answer confirms. The node is played.
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { Barrier } from '../../../src/ack/barrier.ts'
import { Marking } from '../../../src/command/marking.ts'
import { createCounters } from '../../../src/ops/counters.ts'
import { createLog } from '../../../src/ops/log.ts'
import type { AckedLane, Acknowledger } from '../../../src/relay/acknowledger.ts'
import { Lanes } from '../../../src/relay/lanes.ts'
import { framesOf } from '../../../src/relay/replay-rule.ts'
import { createRun, type RequestOwner } from '../../../src/relay/request.ts'
import { commandArgs } from '../../../src/resp/decode.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { createIdentity } from '../../../src/upstream/identity.ts'
import { dialMemory, type MemorySocket } from '../relay/memory-net.ts'

const master = { host: 'a', port: 1, epoch: 1, runId: 'run-a' }
const replies: Readonly<Record<string, string>> = {
  hello: '*4\r\n$2\r\nid\r\n:7\r\n$4\r\nrole\r\n$6\r\nmaster\r\n',
  ping: '+PONG\r\n',
  client: '+OK\r\n',
  hset: ':1\r\n',
  expire: ':1\r\n',
  'wait for nobody': ':0\r\n',
}

/** One lane, and a master that answers all but WAIT. */
class Scene {
  readonly told: string[] = []
  readonly lanes: Lanes
  /** WAITs without their answer. */
  asked: MemorySocket[] = []
  readonly counters = createCounters()
  readonly barrier: Barrier
  ended = 0
  readonly #lines: { event: string }[] = []
  readonly #withheld: Acknowledger

  constructor() {
    let barrier: Barrier | null = null
    this.lanes = new Lanes({
      policy: { policy: 'once', maxRetries: 0 },
      backoff: { minMs: 1, maxMs: 1 },
      holdTimeoutMs: 10_000,
      connectTimeoutMs: 1000,
      counters: this.counters,
      log: createLog('info', { write: (line: string) => void this.#lines.push(JSON.parse(line)) }),
      onStoodStill: () => {},
      observe: () => {},
      acknowledge: host => {
        barrier = new Barrier(host, { key: 'markers', lifeSeconds: 3600, replicas: 1, reads: 'plain' })
        return barrier
      },
      dial: dialMemory({
        onDial: socket => setImmediate(() => socket.emit('connect')),
        onWrite: (socket, bytes) => {
          for (const frame of framesOf(bytes)) {
            const [name = '', first = ''] = commandArgs(frame).map(String)
            this.#run(socket, first === '0' ? 'wait for nobody' : name.toLowerCase())
          }
        },
        onDestroy: () => void this.ended++,
      }),
    })
    this.lanes.serve(master)
    const lane: AckedLane = {
      identity: createIdentity(null, null, 0, 2),
      link: null,
      replies: { reply() {}, finish() {}, push() {} },
      onAllTold() {},
      pump() {},
      onStepBug: error => {
        throw error
      },
    }
    if (barrier === null) throw new Error('nobody withholds')
    this.barrier = barrier as Barrier
    this.#withheld = this.barrier.of(lane, () => null)
  }

  #run(socket: MemorySocket, name: string): void {
    if (name === 'wait') this.asked.push(socket)
    else setImmediate(() => socket.emit('data', Buffer.from(replies[name] ?? '-ERR\r\n')))
  }

  /** The reply to a write comes, and the question is put. */
  async write(name: string): Promise<void> {
    const owner: RequestOwner = {
      ...{ gone: false, pending: 0, block: null },
      deliver: () => void this.told.push(name),
      onAnswered() {},
      onBug() {},
    }
    const request = createRun(owner, encodeCommand(['SET', 'k', 'v']), 1, Marking.writes)
    request.expect = 0
    this.#withheld.keepsReplies(request, Buffer.from('+OK\r\n'), true)
    this.#withheld.keepsEnd(request)
    await this.turns()
  }

  async turns(): Promise<void> {
    for (let i = 0; i < 10; i++) await nextTurn()
  }

  /** The oldest WAIT is over: so many replicas have it. */
  async answer(replicas: number): Promise<void> {
    this.asked.shift()?.emit('data', Buffer.from(`:${replicas}\r\n`))
    await this.turns()
  }

  async confirm(): Promise<void> {
    await this.answer(1)
  }

  /** What the log has of it since the last look. */
  events(): string[] {
    const names = this.#lines.splice(0).map(({ event }) => event)
    return names.filter(name => name.startsWith('ack.'))
  }
}

t.test('question — confirms what came before it — and not what the gate was shut over', async t => {
  const scene = new Scene()
  t.teardown(() => scene.lanes.stop())
  await scene.turns()
  await scene.write('first')
  t.equal(scene.asked.length, 1)
  await scene.confirm()
  t.strictSame(scene.told, ['first'])

  await scene.write('second')
  scene.lanes.hold('failover-announced', 'a test')
  await scene.confirm()
  t.strictSame(scene.told, ['first'], 'a replica has it, and it may not be the one that is promoted')
  t.equal(scene.asked.length, 0, 'nothing is asked meanwhile')

  scene.lanes.serve(master)
  await scene.turns()
  await scene.confirm()
  t.strictSame(scene.told, ['first', 'second'])
})

t.test('replicas that are missing — are told once, and counted each time — until they are there again', async t => {
  const scene = new Scene()
  t.teardown(() => scene.lanes.stop())
  await scene.turns()
  await scene.write('first')
  for (let time = 0; time < 3; time++) await scene.answer(0)
  t.strictSame(scene.events(), ['ack.short'])
  t.equal(scene.counters.barriersShort, 3)
  t.strictSame(scene.told, [])
  await scene.confirm()
  t.strictSame(scene.events(), ['ack.restored'])
  await scene.write('second')
  await scene.answer(0)
  t.strictSame(scene.events(), ['ack.short'], 'anew')
})

t.test('writes that nobody confirms in time — are told once — by however many lanes', async t => {
  const scene = new Scene()
  t.teardown(() => scene.lanes.stop())
  await scene.turns()
  await scene.write('first')
  for (let lane = 0; lane < 3; lane++) scene.barrier.trip()
  t.strictSame(scene.events(), ['ack.tripped'])
  t.equal(scene.counters.trips, 1)
  await scene.confirm()
  t.strictSame(scene.events(), ['ack.restored'])
  t.equal(scene.barrier.isTripped, false)
})

t.test('question without an answer — ends its link — after the whole hold time, and not before', async t => {
  const scene = new Scene()
  t.teardown(() => scene.lanes.stop())
  await scene.turns()
  await scene.write('first')
  const now = performance.now()
  scene.barrier.tick(now + 9_000)
  t.equal(scene.ended, 0)
  scene.barrier.tick(now + 10_001)
  await scene.turns()
  t.equal(scene.ended, 1)
})

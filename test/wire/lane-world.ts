// lane-world.ts: Lanes over real sockets to a scripted master, with a control plane that confirms whatever the test
// says is the master, and sessions that only collect their replies.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Address, Master } from '../../src/address.ts'
import { instanceName } from '../../src/instance.ts'
import { type Counters, createCounters } from '../../src/ops/counters.ts'
import { createLog } from '../../src/ops/log.ts'
import { Batcher } from '../../src/proof/batcher.ts'
import { Markers } from '../../src/proof/marker.ts'
import type { Lane } from '../../src/relay/lane.ts'
import type { LaneOwner } from '../../src/relay/lane-link.ts'
import { Lanes } from '../../src/relay/lanes.ts'
import { createRun, createUnit, type Request, type RequestOwner } from '../../src/relay/request.ts'
import { ReadOnly } from '../../src/replicas/read-only.ts'
import { encodeCommand } from '../../src/resp/encode.ts'
import type { Dial } from '../../src/upstream/dial.ts'
import { createIdentity, type Identity } from '../../src/upstream/identity.ts'
import { Turn } from '../../src/upstream/turn.ts'
import type { FakeRedis, Handler } from '../support/fake-redis.ts'
import { imbalance } from '../support/imbalance.ts'
import { RespDecoder, RespError } from '../support/resp-decoder.ts'
import { waitUntil } from '../support/wait-until.ts'

interface Test {
  teardown(fn: () => unknown): void
}

export interface WorldOptions {
  readonly policy?: 'always' | 'safe'
  readonly identity?: Identity
  readonly holdTimeoutMs?: number
  readonly spares?: 'warm' | 'none'
  readonly dial?: Dial
  /** Writes leave with markers. */
  readonly marks?: boolean
  /** As on the port for replicas. */
  readonly readsOnly?: boolean
  /** The test itself stands still in a turn: no watchdog notices it and withholds what is sent. */
  readonly standsStill?: boolean
}

export class TestSession implements RequestOwner {
  gone = false
  pending = 0
  block: RequestOwner['block'] = null
  /** Replies as text: errors with their '-'. */
  readonly replies: string[] = []
  readonly #decoder = new RespDecoder()

  deliver(bytes: Buffer): void {
    for (const { value } of this.#decoder.push(bytes))
      this.replies.push(
        value instanceof RespError ? `-${value.message}` : Array.isArray(value) ? value.join() : String(value),
      )
  }
  onBug(error: unknown): void {
    throw error
  }
  onAnswered(commands: number): void {
    this.pending -= commands
  }
}

export class LaneWorld {
  readonly counters: Counters = createCounters()
  readonly lanes: Lanes
  readonly lane: Lane
  readonly session = new TestSession()
  /** What the lanes have asked the control plane to look into. */
  readonly observed: string[] = []
  /** What the control plane confirms when it is asked; null: it says nothing. */
  master: Master | null

  constructor(t: Test, fake: Address, options: WorldOptions = {}) {
    this.master = masterAt(fake)
    this.counters.sessions = 1
    const markers = new Markers(options.holdTimeoutMs ?? 20_000)
    this.lanes = new Lanes({
      policy: { policy: options.policy ?? 'always', maxRetries: 0 },
      backoff: { minMs: 10, maxMs: 40 },
      holdTimeoutMs: options.holdTimeoutMs ?? 20_000,
      connectTimeoutMs: 1000,
      counters: this.counters,
      log: createLog('silent'),
      spares: options.spares ?? 'none',
      ...(options.dial && { dial: options.dial }),
      ...(options.marks && { prove: (lane, host) => new Batcher(lane, host, markers) }),
      ...(options.standsStill && { turn: new Turn(() => {}) }),
      ...(options.readsOnly && { prove: (lane, host) => new ReadOnly(lane, host) }),
      observe: observation => this.#onObserved(observation),
      onStoodStill: () => this.#onObserved('stood still'),
    })
    if (!options.standsStill) this.lanes.start()
    this.lane = this.lanes.attachShared(options.identity ?? createIdentity(null, null, 0, 2))
    t.teardown(() => {
      this.master = null
      this.lanes.stop()
    })
    this.lanes.serve(this.master)
  }

  #onObserved(observation: string): void {
    this.observed.push(observation)
    setImmediate(() => this.master && this.lanes.serve(this.master))
  }

  /** One run of simple commands. */
  send(...commands: string[][]): void {
    this.submit(createRun(this.session, Buffer.concat(commands.map(encodeCommand)), commands.length))
  }

  /** Commands that stand together, one reply each. */
  sendUnit(...commands: string[][]): void {
    this.submit(
      createUnit(this.session, Buffer.concat(commands.map(encodeCommand)), commands.length, commands.length, null),
    )
  }

  submit(request: Request): void {
    this.session.pending += request.commands
    this.counters.pendingBytes += request.weight
    this.lane.submit(request)
  }

  /** Waits for so many replies, and that everything has ended and adds up. */
  async replies(count: number): Promise<readonly string[]> {
    await waitUntil(`${count} replies`, () => this.session.replies.length >= count, { withinMs: 8000 })
    for (let i = 0; i < 3; i++) await nextTurn()
    const { waiting, waitingBytes, pendingBytes } = this.counters
    const left = {
      waiting,
      waitingBytes,
      pendingBytes,
      unanswered: this.session.pending,
      sum: imbalance(this.counters),
    }
    const clean = { waiting: 0, waitingBytes: 0, pendingBytes: 0, unanswered: 0, sum: undefined }
    if (JSON.stringify(left) !== JSON.stringify(clean)) throw new Error(`does not add up: ${JSON.stringify(left)}`)
    return this.session.replies
  }
}

export function masterAt(fake: Address, epoch = 1, runId: string | null = 'run'): Master {
  return { host: fake.host, port: fake.port, epoch, runId }
}

/** What one connection was told, as text, but for the name of this process in HELLO. */
export function told(fake: FakeRedis, connection: number): string[] {
  return fake.received
    .filter(entry => entry.connection === connection)
    .map(({ argv }) => argv.join(' ').replace(` SETNAME ${instanceName}`, ''))
}

export const plainOwner: LaneOwner = {
  restore: () => null,
  label: () => '',
  pushes: null,
  onPush() {},
  onLinkReady() {},
  onLinkLost() {},
  onBug(error) {
    throw error
  },
}

/** Answers as a node that runs blocks: the block to come is queued, and EXEC has a 0 for each command of it. */
const queued = new WeakMap<object, number>()
export const takesMarkers: Handler = ([name = ''], { state }) => {
  const count = queued.get(state)
  if (name === 'MULTI') {
    queued.set(state, 0)
    return '+OK\r\n'
  }
  if (name === 'EXEC') {
    queued.delete(state)
    return `*${count}\r\n${':0\r\n'.repeat(count ?? 0)}`
  }
  if (count === undefined) return undefined
  queued.set(state, count + 1)
  return '+QUEUED\r\n'
}

// lane-model.ts: the real Lanes, Lane and Link between clients and masters that are played, one event at a time.
//
//   clients A, B ─▶ shared lane ─▶ Link ─▶ memory-net ─▶ Node (lane-servers.ts)
//
// Checked after every event:
//   OrderKept            the n-th reply of a client is the reply to its n-th command, or an error;
//   NothingSentWhileHeld commands are written only to the gate's master while the gate lets them through;
//   NothingSentWhilePaused the same while an operator's pause lasts, whatever the control plane says;
//   FenceHolds           a process is sent nothing while an older link's requests still lie in its buffers;
//   NoDoubleUnderSafe    nothing but a read runs twice on one node;
//   NoDoubleWhileHealthy the same under any policy as long as no link is lost and the master is the master;
//   ErrorsTellTheTruth   "was not run" is right, and UNKNOWN is only said of what may not be repeated;
//   FailoverUnseen       READONLY, NOREPLICAS and EXECABORT of a failover reach no client;
//   NothingOfTheDeposed  once a replica may be promoted no reply of the node is delivered, unless it stays the master;
//   AckedSurvives        the master of the end has what the replies of INCR have told;
//   CountersAddUp        held = drained + expired + failed + gone + waiting.
// Checked at the end, once a master serves again: EveryRequestEnds, and nothing is pending or waiting any more.
import { sameAddress } from '../../../src/address.ts'
import { OneReply } from '../../../src/client/commands/one-reply-handler.ts'
import { type Counters, createCounters } from '../../../src/ops/counters.ts'
import { createLog } from '../../../src/ops/log.ts'
import type { Lane } from '../../../src/relay/lane.ts'
import { Lanes } from '../../../src/relay/lanes.ts'
import type { ReplayPolicy } from '../../../src/relay/replay-rule.ts'
import { createLocal, createRun, createUnit, type Request } from '../../../src/relay/request.ts'
import { createIdentity } from '../../../src/upstream/identity.ts'
import { imbalance } from '../../support/imbalance.ts'
import { RespError, type Value } from '../../support/resp-decoder.ts'
import { command, Node, noReplicasError, readonlyError } from './lane-servers.ts'
import { dialMemory, type MemorySocket } from './memory-net.ts'
import { ModelClient } from './model-client.ts'
import { VirtualLoop } from './virtual-loop.ts'
import { walkCounters } from './walk-counters.ts'

const log = createLog('silent')
const identity = createIdentity(null, null, 0, 2)
const HOLD_MS = 10_000

/** What the reply to one command must be, unless it is an error. */
interface Expected {
  readonly key: string
  readonly kind: 'value' | 'list' | 'OK' | 'QUEUED' | 'LOCAL' | 'script'
  readonly name: string
}

/** After these a command may rightly run twice under `always`. */
const troubles = new Set(['readonly', 'cut', 'lost', 'silent', 'new', 'expire'])

class Client extends ModelClient<Expected> {
  expect(kind: Expected['kind'], name: string, key = `${this.name}${this.sent.length + 1}`): string {
    this.sent.push({ key, kind, name })
    return key
  }
}

export class LaneModel {
  readonly loop: VirtualLoop
  readonly counters: Counters
  readonly a = new Client('a')
  readonly b = new Client('b')
  readonly lanes: Lanes
  readonly policy: ReplayPolicy
  /** The first invariant broken; empty while none is. */
  wrong = ''
  readonly #dryRun: boolean
  #node: Node
  readonly #nodes: Node[] = []
  readonly #lane: Lane
  /** How often the control plane was told. */
  stoodStill = 0
  /** The longest time by which a sweep was behind its own, ms. */
  lateMs = 0
  #checked = { a: 0, b: 0 }
  #healthy = true
  /** What a replica has that may be promoted: all that has run until then. null: none may be. */
  #promotable: ReadonlyMap<string, number> | null = null

  /** `dryRun`: NothingSentWhileHeld is not promised. */
  constructor(loop: VirtualLoop, policy: ReplayPolicy, { dryRun = false, counters = createCounters() } = {}) {
    this.loop = loop
    this.counters = counters
    this.#dryRun = dryRun
    this.policy = policy
    this.counters.sessions = 2
    this.#node = new Node({ host: 'a', port: 100, epoch: 1, runId: 'run-a' })
    this.#nodes.push(this.#node)
    const dial = dialMemory({
      onDial: socket => this.#onDial(socket),
      onWrite: (socket, bytes) => this.#onWrite(socket, bytes),
      onDestroy: () => {},
    })
    this.lanes = new Lanes({
      policy,
      backoff: { minMs: 1, maxMs: 1 },
      holdTimeoutMs: HOLD_MS,
      dryRun,
      connectTimeoutMs: 1000,
      dial,
      counters: this.counters,
      log,
      onStoodStill: () => void this.stoodStill++,
      everySweep: lateMs => {
        this.lateMs = Math.max(this.lateMs, lateMs)
      },
      observe: () => {},
    })
    this.lanes.start()
    this.#lane = this.lanes.attachShared(identity)
    this.lanes.attachShared(identity)
    this.lanes.serve(this.#node.master)
    this.settle()
  }

  // ---- what can happen; each answers whether it did anything ----

  readonly events: Readonly<Record<string, () => boolean>> = {
    get: () => this.#submit(this.a, createRun(this.a, command('GET', this.a.expect('value', 'GET')), 1)),
    incr: () => this.#submit(this.a, createRun(this.a, command('INCR', this.a.expect('value', 'INCR')), 1)),
    /** A command that may stay unanswered for as long as it likes. */
    block: () => {
      const request = createRun(this.a, command('GET', this.a.expect('value', 'GET')), 1)
      return this.#submit(this.a, Object.assign(request, { blocking: true }))
    },
    /** Answers READONLY by itself, in the servers' words. */
    script: () => this.#submit(this.a, createRun(this.a, command('EVAL', this.a.expect('script', 'EVAL')), 1)),
    run: () => {
      const bytes = [command('INCR', this.b.expect('value', 'INCR')), command('GET', this.b.expect('value', 'GET'))]
      return this.#submit(this.b, createRun(this.b, Buffer.concat(bytes), 2))
    },
    multi: () => {
      const key = this.b.expect('OK', 'MULTI')
      this.b.expect('QUEUED', 'INCR', key)
      this.b.expect('list', 'INCR', key)
      const bytes = Buffer.concat([command('MULTI'), command('INCR', key), command('EXEC')])
      return this.#submit(this.b, createUnit(this.b, bytes, 3, 3, null))
    },
    scoped: () => {
      const key = this.a.expect('value', 'INCR')
      const bytes = Buffer.concat([command('INCR', key), command('GET', `${key}-undo`)])
      return this.#submit(this.a, createUnit(this.a, bytes, 1, 2, new OneReply({})))
    },
    local: () => {
      this.a.expect('LOCAL', 'LOCAL')
      const reply = Buffer.from('+LOCAL\r\n')
      if (this.a.pending > 0) return this.#submit(this.a, createLocal(this.a, reply))
      this.a.deliver(reply)
      return true
    },
    answer: () => this.#serverRuns(null),
    readonly: () => {
      // Sentinels demote a master that they have replaced, and it is cut before they say that it is one again.
      // The same of a standstill: nobody can tell later whether the node was a replica for a moment of it.
      const isWithheld = this.#promotable !== null || this.lanes.withholding
      if (this.#node.demoted || isWithheld || this.#node.next() === undefined) return false
      this.#node.demoted = true
      while (this.#node.next() !== undefined) this.#serverRuns(null)
      return true
    },
    noreplicas: () => this.#serverRuns(noReplicasError),
    /** One turn brings a command and then a refusal, and stands still before it writes: the command is taken back. */
    standstill: () => {
      if (this.#node.next() === undefined || !this.lanes.sendable) return false
      this.events['run']?.()
      this.#serverRuns(noReplicasError)
      this.#arrive()
      this.loop.now += 500
      return true
    },
    cut: () => this.#serverEnds(false),
    lost: () => this.#serverEnds(true),
    silent: () => {
      if (!this.#lane.link || this.#lane.link.inFlight === 0) return false
      this.#lane.link?.cut('silent')
      return true
    },
    congest: () => {
      const socket = this.#liveSocket()
      if (socket === undefined || socket.congested) return false
      socket.congested = true
      return true
    },
    drain: () => {
      const socket = this.#liveSocket()
      if (socket === undefined || !socket.congested) return false
      socket.congested = false
      socket.emit('drain')
      return true
    },
    hold: () => {
      if (this.lanes.gate.master === null) return false
      this.lanes.hold('failover-announced', 'a test')
      return true
    },
    pause: () => {
      const terms = { maxMs: HOLD_MS * 10, emptyMs: HOLD_MS * 10, leaseMs: null, ignoreBlocked: false }
      return this.lanes.pause.begin(terms, { name: 'a test', onEmpty: () => this.#onEmpty(), onEnd: () => {} })
    },
    resume: () => {
      if (!this.lanes.pause.isOn) return false
      this.lanes.pause.end('resume')
      return true
    },
    /** The Sentinels have chosen a replica: it may be promoted any moment. */
    signal: () => {
      if (this.#promotable !== null) return false
      this.#promotable = new Map(this.#node.runs)
      this.lanes.hold('failover-announced', 'a test')
      this.lanes.withhold()
      return true
    },
    /** The process was busy: what a replica's promotion has made void is read before the announcement of it is. */
    late: () => {
      if (this.#node.demoted || this.#promotable !== null || this.#node.next() === undefined) return false
      this.#promotable = new Map(this.#node.runs)
      this.#serverRuns(null)
      this.loop.now += 100
      this.#arrive()
      this.lanes.hold('failover-announced', 'a test')
      this.lanes.withhold()
      return true
    },
    same: () => {
      // A node that was demoted while a replica was chosen comes back in a new epoch, or not at all.
      if (this.#node.demoted && this.#promotable !== null) return false
      this.#node.demoted = false
      this.#promotable = null
      this.lanes.serve(this.#node.master)
      return true
    },
    new: () => {
      const { epoch, port } = this.#node.master
      this.#node = new Node(
        { host: `n${epoch}`, port: port + 100, epoch: epoch + 1, runId: `r${epoch}` },
        this.#promotable ?? this.#node.runs,
      )
      this.#promotable = null
      this.#nodes.push(this.#node)
      this.lanes.serve(this.#node.master)
      return true
    },
    tick: () => {
      if (this.loop.timers === 0) return false
      this.loop.runTimers()
      return true
    },
    expire: () => {
      if (this.counters.waiting === 0 && this.lanes.sendable) return false
      this.loop.run(HOLD_MS + 1)
      return true
    },
    gone: () => {
      if (this.b.gone || this.b.pending === 0) return false
      this.b.gone = true
      return true
    },
  }

  /** One event and all that follows from it. Answers whether it did anything. */
  play(event: string): boolean {
    const did = this.events[event]?.() ?? false
    if (did) {
      if (troubles.has(event)) this.#healthy = false
      this.settle()
      this.#check()
    }
    return did
  }

  /** A master is there and answers all: every request must end now. */
  finish(): string {
    this.#check()
    this.play('resume')
    if (this.#node.demoted && this.#promotable !== null) this.play('new')
    for (let round = 0; round < 60 && !this.#done(); round++) {
      this.#node.demoted = false
      this.#promotable = null
      this.lanes.serve(this.#node.master)
      this.settle()
      if (this.loop.timers > 0) this.loop.runTimers()
      this.settle()
      while (this.#serverRuns(null)) this.settle()
      this.play('drain')
      this.settle()
      this.#check()
    }
    for (const client of [this.a, this.b]) {
      if (client.gone) continue
      const { sent, replies, pending, pendingBytes } = client
      if (sent.length !== replies.length)
        this.#break(`EveryRequestEnds: client ${client.name} sent ${sent.length}, has ${replies.length} replies`)
      if (pending !== 0 || pendingBytes !== 0) this.#break(`CountersAddUp: session ${pending}, ${pendingBytes} bytes`)
    }
    for (const { sent, replies } of [this.a, this.b])
      sent.forEach(({ key, name, kind }, i) => {
        const acknowledged = name === 'INCR' && kind === 'value' && typeof replies[i] === 'string'
        if (acknowledged && !this.#node.runs.has(key)) this.#break(`AckedSurvives: ${key} is lost`)
      })
    const { waiting, waitingBytes, pendingBytes } = this.counters
    if (waiting !== 0 || waitingBytes !== 0 || pendingBytes !== 0)
      this.#break(`CountersAddUp: waiting ${waiting}, ${waitingBytes} bytes; pending ${pendingBytes} bytes`)
    this.lanes.stop()
    return this.wrong
  }

  settle(): void {
    for (let i = 0; i < 1000; i++) {
      const ran = this.loop.runImmediates()
      if (!this.#arrive() && !ran) return
    }
    this.#break('the model never comes to rest')
  }

  // ---- inside ----

  #liveSocket(): MemorySocket | undefined {
    return this.#node.connections.find(({ socket, ended }) => !ended && !socket.destroyed)?.socket
  }

  #done(): boolean {
    return this.counters.pendingBytes === 0 && this.counters.waiting === 0 && this.lanes.gate.state.kind === 'open'
  }

  #submit(client: Client, request: Request): boolean {
    client.pending += request.commands
    client.pendingBytes += request.weight
    this.counters.pendingBytes += request.weight
    this.#lane.submit(request)
    return true
  }

  #serverRuns(refuse: string | null): boolean {
    const connection = this.#node.next()
    if (connection === undefined) return false
    // A node that is no master any more lives, and refuses all that it finds at once.
    do this.#node.run(connection, refuse)
    while (this.#node.demoted && connection.queue.length > 0)
    return true
  }

  /** The newest connection ends; `run`: after everything in it has run, its replies lost. */
  #serverEnds(run: boolean): boolean {
    const connection = this.#node.connections.at(-1)
    if (connection === undefined || connection.ended || connection.socket.destroyed) return false
    if (run && connection.queue.length === 0) return false
    while (run && connection.queue.length > 0) this.#node.run(connection, null)
    connection.queue = []
    connection.outgoing = ''
    connection.ended = true
    return true
  }

  #onDial(socket: MemorySocket): void {
    const node = this.#nodes.find(({ master }) => sameAddress(master, socket))
    if (node === undefined) return
    if (node !== this.#node) this.#break('NothingSentWhileHeld: an old master is dialled')
    node.accept(socket)
    setImmediate(() => socket.destroyed || socket.emit('connect'))
  }

  #onWrite(socket: MemorySocket, bytes: Buffer): void {
    for (const node of this.#nodes) {
      const connection = node.of(socket)
      // What is written to a connection that the server has closed is read by nobody.
      if (connection === undefined || connection.ended) continue
      if (node.take(connection, bytes).length === 0) continue
      const { master } = this.lanes.gate
      if (!this.#dryRun && (master === null || !sameAddress(master, node.master)))
        this.#break(`NothingSentWhileHeld: sent to ${node.master.host} while the gate is ${this.lanes.gate.state.kind}`)
      if (this.lanes.pause.isOn) this.#break(`NothingSentWhilePaused: sent to ${node.master.host}`)
      const older = node.connections.find(other => other !== connection && other.queue.length > 0)
      if (older !== undefined) this.#break('FenceHolds: an older connection can still run what is being sent again')
    }
  }

  /** A pause is reached. */
  #onEmpty(): void {
    const { link } = this.#lane
    if (link !== null && link.inFlight > 0) this.#break('NothingInFlight: the pause is reached, and a reply is owed')
  }

  /** Everything on its way to the links arrives. Answers whether there was anything. */
  #arrive(): boolean {
    let any = false
    for (const { connections } of this.#nodes) {
      for (const connection of connections) {
        const { socket, outgoing } = connection
        if (socket.destroyed) {
          connection.outgoing = ''
          continue
        }
        if (socket.paused) continue
        connection.outgoing = ''
        if (outgoing !== '') socket.emit('data', Buffer.from(outgoing, 'latin1'))
        if (connection.ended && !socket.destroyed) socket.emit('end')
        any ||= outgoing !== '' || connection.ended
      }
    }
    return any
  }

  #check(): void {
    const { bugs, bugEnded } = this.counters
    const sum = bugs + bugEnded > 0 ? 'an exception was thrown' : imbalance(this.counters)
    if (sum !== undefined) this.#break(`CountersAddUp: ${sum}`)
    if (this.counters.pendingBytes < 0 || this.counters.waiting < 0) this.#break('CountersAddUp: below zero')
    for (const client of [this.a, this.b]) this.#checkReplies(client)
    if (this.policy.policy !== 'safe' && !this.#healthy) return
    const counted = [...this.a.sent, ...this.b.sent].filter(({ name }) => name === 'INCR' || name === 'EVAL')
    const broken = this.#healthy ? 'NoDoubleWhileHealthy' : 'NoDoubleUnderSafe'
    for (const { key } of counted)
      for (const { runs } of this.#nodes)
        if ((runs.get(key) ?? 0) > 1) this.#break(`${broken}: ${key} ran ${runs.get(key)} times`)
  }

  #checkReplies(client: Client): void {
    const name = client.name === 'a' ? 'a' : 'b'
    for (; this.#checked[name] < client.replies.length; this.#checked[name]++) {
      const expected = client.sent[this.#checked[name]]
      const reply = client.replies[this.#checked[name]]
      if (expected === undefined) this.#break(`OrderKept: ${name} got a reply too many: ${shown(reply)}`)
      else if (reply instanceof RespError) this.#checkError(expected, reply)
      else if (this.#promotable?.has(expected.key) === false && expected.kind !== 'LOCAL')
        this.#break(`NothingOfTheDeposed: ${name} got ${shown(reply)}`)
      else if (!fits(reply, expected))
        this.#break(`OrderKept: ${name} got ${shown(reply)} for ${JSON.stringify(expected)}`)
    }
  }

  #checkError({ key, name, kind }: Expected, error: RespError): void {
    const { message } = error
    if (kind === 'script' && message === readonlyError) {
      if (this.#promotable?.has(key) === false) this.#break(`NothingOfTheDeposed: ${key}`)
      if (!this.#nodes.some(({ runs }) => runs.has(key))) this.#break(`FailoverUnseen: ${key} was refused`)
    } else if (kind === 'LOCAL') this.#break(`OrderKept: a reply of our own became ${message}`)
    else if (message.includes('was not run') && this.#nodes.some(({ runs }) => runs.has(key)))
      this.#break(`ErrorsTellTheTruth: ${key} has run, said: ${message}`)
    else if (error.code === 'UNKNOWN' && name === 'GET') this.#break(`ErrorsTellTheTruth: a read is UNKNOWN`)
    else if (error.code === 'UNKNOWN' && this.policy.policy === 'always') this.#break('UNKNOWN under always')
    else if (!['TRYAGAIN', 'UNKNOWN'].includes(error.code) && !this.#isTrue(error))
      this.#break(`FailoverUnseen: the client sees ${message}`)
  }

  /** NOREPLICAS for longer than a failover takes is the truth about the deployment. */
  #isTrue({ code, message }: RespError): boolean {
    const mayNoReplicas = this.loop.now > 11_000
    if (code === 'EXECABORT') return !message.includes('READONLY') && mayNoReplicas
    return code === 'NOREPLICAS' && mayNoReplicas
  }

  #break(what: string): void {
    this.wrong ||= what
  }
}

function fits(reply: Value | undefined, { kind, key }: Expected): boolean {
  if (kind === 'value') return typeof reply === 'string' && reply.startsWith(`${key}=`)
  if (kind === 'list') return Array.isArray(reply) && reply.length === 1 && String(reply[0]).startsWith(`${key}=`)
  return reply === kind
}

const shown = (value: Value | undefined): string =>
  value instanceof RespError ? `-${value.message}` : JSON.stringify(value)

/** A new model whose master is served, while `use` plays on it. */
export function withModel<T>(policy: ReplayPolicy, use: (model: LaneModel) => T): T {
  const loop = new VirtualLoop()
  return loop.play(() => use(new LaneModel(loop, policy, { counters: walkCounters() })))
}

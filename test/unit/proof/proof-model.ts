// proof-model.ts: the real Lanes, Lane, Link and Batcher between two clients and masters that are played (proof-server),
// one event at a time, under --retry-policy once.
//
// Checked after every event, and at the end:
//   EffectOnce       no command's effect is twice in the history that survives;
//   AnswersAreTrue   a reply or APPLIED: it is there once; "was not run": it is not, and never will be;
//   UnknownIsRare    UNKNOWN is said only where a marker was wiped, could not be read, or no master came in time;
//   OrderKept        effects of a session are in the history in the order of its commands, and replies too;
//   EveryRequestEnds and CountersAddUp, as in lane-model.ts.
import { sameAddress } from '../../../src/address.ts'
import { createLog } from '../../../src/ops/log.ts'
import { Batcher } from '../../../src/proof/batcher.ts'
import { Markers } from '../../../src/proof/marker.ts'
import type { Lane } from '../../../src/relay/lane.ts'
import { Lanes } from '../../../src/relay/lanes.ts'
import { createLocal, createRun, createUnit, type Request } from '../../../src/relay/request.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { createIdentity } from '../../../src/upstream/identity.ts'
import { imbalance } from '../../support/imbalance.ts'
import { RespError, type Value } from '../../support/resp-decoder.ts'
import type { MemoryConnection } from '../relay/memory-connection.ts'
import { dialMemory, type MemorySocket } from '../relay/memory-net.ts'
import { ModelClient } from '../relay/model-client.ts'
import { VirtualLoop } from '../relay/virtual-loop.ts'
import { walkCounters } from '../relay/walk-counters.ts'
import { type Entry, ProofServer } from './proof-server.ts'

const log = createLog('silent')
const identity = createIdentity(null, null, 0, 2)
const HOLD_MS = 10_000

/** A command and what its reply must be like. */
interface Sent {
  readonly key: string
  readonly kind: 'write' | 'constant' | 'read' | 'exec' | 'OK' | 'QUEUED' | 'LOCAL' | 'bad'
}

class Client extends ModelClient<Sent> {
  /** A command of its own; the key is used once. */
  write(name: 'INCR' | 'SET'): Buffer {
    const key = `${this.name}${this.sent.length + 1}`
    this.sent.push({ key, kind: name === 'SET' ? 'constant' : 'write' })
    return name === 'SET' ? encodeCommand(['SET', key, 'v']) : encodeCommand(['INCR', key])
  }
  /** Of the last key it has written to. */
  read(): Buffer {
    const key = this.sent.findLast(({ kind }) => kind === 'write' || kind === 'constant')?.key ?? 'none'
    this.sent.push({ key, kind: 'read' })
    return encodeCommand(['GET', key])
  }
}

export interface Rights {
  readonly forbidden: readonly string[]
}

export class ProofModel {
  readonly loop: VirtualLoop
  readonly counters = walkCounters()
  readonly a = new Client('a')
  readonly b = new Client('b')
  readonly lanes: Lanes
  wrong = ''
  #server: ProofServer
  readonly #servers: ProofServer[] = []
  readonly #lane: Lane
  readonly #checked = { a: 0, b: 0 }
  readonly #forbidden: ReadonlySet<string>
  /** A marker may be gone, or could not be read: UNKNOWN is the truth. */
  #mayBeUnknown: boolean
  /** Keys of commands whose clients were told that they were not run. */
  readonly #notRun = new Set<string>()

  constructor(loop: VirtualLoop, { forbidden }: Rights = { forbidden: [] }) {
    this.loop = loop
    this.#forbidden = new Set(forbidden)
    this.#mayBeUnknown = forbidden.length > 0
    this.#server = this.#newServer({ host: 'a', port: 100, epoch: 1, runId: 'run-a' }, [])
    const dial = dialMemory({
      onDial: socket => this.#onDial(socket),
      onWrite: (socket, bytes) => this.#onWrite(socket, bytes),
      onDestroy: () => {},
    })
    const markers = new Markers(HOLD_MS)
    this.lanes = new Lanes({
      policy: { policy: 'once', maxRetries: 0 },
      prove: (lane, host) => new Batcher(lane, host, markers),
      backoff: { minMs: 1, maxMs: 1 },
      holdTimeoutMs: HOLD_MS,
      connectTimeoutMs: 1000,
      dial,
      counters: this.counters,
      log,
      onStoodStill: () => {},
      observe: () => {},
    })
    this.lanes.start()
    this.#lane = this.lanes.attachShared(identity)
    this.lanes.attachShared(identity)
    this.lanes.serve(this.#server.master)
    this.#rest()
    this.#settleProof()
  }

  readonly events: Readonly<Record<string, () => boolean>> = {
    incr: () => this.#submit(this.a, createRun(this.a, this.a.write('INCR'), 1)),
    set: () => this.#submit(this.a, createRun(this.a, this.a.write('SET'), 1)),
    get: () => this.#submit(this.a, createRun(this.a, this.a.read(), 1)),
    run: () => {
      const commands = [this.b.read(), this.b.write('INCR'), this.b.read(), this.b.write('SET'), this.b.read()]
      return this.#submit(this.b, createRun(this.b, Buffer.concat(commands), 5))
    },
    multi: () => {
      this.b.sent.push({ key: '', kind: 'OK' })
      const key = `b${this.b.sent.length + 2}`
      this.b.sent.push({ key: '', kind: 'QUEUED' }, { key, kind: 'exec' })
      const bytes = [encodeCommand(['MULTI']), encodeCommand(['INCR', key]), encodeCommand(['EXEC'])]
      return this.#submit(this.b, createUnit(this.b, Buffer.concat(bytes), 3, 3, null))
    },
    /** A neighbour's senseless command between two writes. */
    bad: () => {
      const first = this.b.write('INCR')
      this.b.sent.push({ key: '', kind: 'bad' })
      const bytes = [first, encodeCommand(['INCR']), this.b.write('INCR')]
      return this.#submit(this.b, createRun(this.b, Buffer.concat(bytes), 3))
    },
    local: () => {
      this.a.sent.push({ key: '', kind: 'LOCAL' })
      const reply = Buffer.from('+LOCAL\r\n')
      if (this.a.pending > 0) return this.#submit(this.a, createLocal(this.a, reply))
      this.a.deliver(reply)
      return true
    },
    step: () => this.#serverRuns(1),
    work: () => this.#serverRuns(Number.POSITIVE_INFINITY),
    cut: () => this.#ends({ runs: false, told: 0 }),
    lost: () => this.#ends({ runs: true, told: 0 }),
    /** All of it runs; of its replies a part arrives. */
    torn1: () => this.#ends({ runs: true, told: 0.3 }),
    torn2: () => this.#ends({ runs: true, told: 0.6 }),
    torn3: () => this.#ends({ runs: true, told: 0.85 }),
    /** The link is given up here; the server may run later what it has of it. */
    silent: () => {
      const { link } = this.#lane
      if (link?.status !== 'ready' || link.inFlight === 0) return false
      link.cut('silent')
      return true
    },
    demote: () => {
      if (this.#server.demoted || this.#server.next() === undefined) return false
      this.#server.demoted = true
      return this.#serverRuns(Number.POSITIVE_INFINITY)
    },
    noreplicas: () => this.#refuse('NOREPLICAS Not enough good replicas to write.'),
    /** One turn brings a command and then a refusal, and stands still before it writes: the command is taken back. */
    standstill: () => {
      if (this.#server.next() === undefined || !this.lanes.sendable) return false
      this.events['get']?.()
      this.#refuse('NOREPLICAS Not enough good replicas to write.')
      this.#arrive()
      this.loop.now += 500
      return true
    },
    oom: () => {
      this.#server.outOfMemory = !this.#server.outOfMemory
      this.#mayBeUnknown = true
      return true
    },
    wipe: () => {
      this.#server.append([{ kind: 'wipe' }])
      this.#mayBeUnknown = true
      return true
    },
    hold: () => {
      if (!this.lanes.sendable) return false
      this.lanes.hold('failover-announced', 'a test')
      return true
    },
    same: () => {
      this.#server.demoted = false
      this.lanes.serve(this.#server.master)
      return true
    },
    /** A replica that has everything, one that lacks the last entry, and one that has nothing, is master. */
    new: () => this.#promote(this.#server.log),
    lag: () => {
      // The first baseline is no proof where it has not reached the replica: of later ones the witness is.
      if (this.#server.log.at(-1)?.some(one => one.kind === 'mark' && one.field === 'w')) this.#mayBeUnknown = true
      return this.#promote(this.#server.log.slice(0, -1))
    },
    empty: () => {
      this.#mayBeUnknown = true
      return this.#promote([])
    },
    tick: () => {
      if (this.loop.timers === 0) return false
      this.loop.runTimers()
      return true
    },
    expire: () => {
      if (this.counters.waiting === 0 && this.lanes.sendable) return false
      this.#mayBeUnknown = true
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
      this.#rest()
      this.#check()
    }
    return did
  }

  /** A master is there and answers all: every request must end now. */
  finish(): string {
    this.#check()
    for (let round = 0; round < 60 && !this.#done(); round++) {
      this.#server.demoted = false
      this.lanes.serve(this.#server.master)
      this.#rest()
      if (this.loop.timers > 0) this.loop.runTimers()
      this.#rest()
      this.#serverRuns(Number.POSITIVE_INFINITY)
      this.#rest()
      this.#check()
    }
    for (const { gone, name, sent, replies, pending, pendingBytes, block } of [this.a, this.b]) {
      if (gone) continue
      if (sent.length !== replies.length)
        this.#break(`EveryRequestEnds: client ${name} sent ${sent.length}, has ${replies.length} replies`)
      if (pending !== 0 || pendingBytes !== 0) this.#break(`CountersAddUp: session ${pending}, ${pendingBytes} bytes`)
      if (block !== null) this.#break(`EveryRequestEnds: client ${name} waits behind a block`)
    }
    for (const key of this.#notRun)
      if (this.#server.runsOf(key) > 0) this.#break(`AnswersAreTrue: ${key} ran, its client was told that it did not`)
    const { waiting, waitingBytes, pendingBytes } = this.counters
    if (waiting !== 0 || waitingBytes !== 0 || pendingBytes !== 0)
      this.#break(`CountersAddUp: waiting ${waiting}, ${waitingBytes} bytes; pending ${pendingBytes} bytes`)
    this.lanes.stop()
    return this.wrong
  }

  // ---- inside ----

  #newServer(master: ProofServer['master'], entries: readonly Entry[]): ProofServer {
    const server = new ProofServer(master, entries, this.#forbidden)
    this.#servers.push(server)
    return server
  }

  #promote(entries: readonly Entry[]): boolean {
    const { epoch, port } = this.#server.master
    this.#server = this.#newServer(
      { host: `n${epoch}`, port: port + 100, epoch: epoch + 1, runId: `r${epoch}` },
      entries,
    )
    this.lanes.serve(this.#server.master)
    return true
  }

  /** The first link takes its first words before anything is played. */
  #settleProof(): void {
    this.#serverRuns(Number.POSITIVE_INFINITY)
    this.#rest()
  }

  #rest(): void {
    for (let i = 0; i < 1000; i++) {
      const ran = this.loop.runImmediates()
      if (!this.#arrive() && !ran) return
    }
    this.#break('the model never comes to rest')
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

  #refuse(error: string): boolean {
    if (this.#server.next() === undefined) return false
    this.#server.refusesNext = error
    const did = this.#serverRuns(Number.POSITIVE_INFINITY)
    this.#server.refusesNext = null
    return did
  }

  #serverRuns(commands: number): boolean {
    let ran = 0
    for (let next = this.#server.next(); next !== undefined && ran < commands; next = this.#server.next()) {
      this.#server.step(next)
      ran++
    }
    return ran > 0
  }

  /** The newest connection ends. `told`: how much of what the server has said arrives. */
  #ends({ runs, told }: { readonly runs: boolean; readonly told: number }): boolean {
    const connection = this.#server.connections.at(-1)
    if (connection === undefined || connection.ended || connection.socket.destroyed) return false
    if (runs && connection.queue.length === 0) return false
    while (runs && connection.queue.length > 0) this.#server.step(connection)
    connection.queue = []
    connection.outgoing = connection.outgoing.slice(0, Math.floor(connection.outgoing.length * told))
    connection.ended = true
    return true
  }

  #onDial(socket: MemorySocket): void {
    const server = this.#servers.find(({ master }) => sameAddress(master, socket))
    if (server === undefined) return
    if (server !== this.#server) this.#break('an old master is dialled')
    server.accept(socket)
    setImmediate(() => socket.destroyed || socket.emit('connect'))
  }

  #onWrite(socket: MemorySocket, bytes: Buffer): void {
    for (const server of this.#servers) {
      const connection = server.of(socket)
      if (connection === undefined || connection.ended) continue
      server.take(connection, bytes)
    }
  }

  #arrive(): boolean {
    let any = false
    for (const { connections } of this.#servers) for (const connection of connections) any = arrived(connection) || any
    return any
  }

  #check(): void {
    const { bugs, bugEnded } = this.counters
    const sum = bugs + bugEnded > 0 ? 'an exception was thrown' : imbalance(this.counters)
    if (sum !== undefined) this.#break(`CountersAddUp: ${sum}`)
    if (this.counters.pendingBytes < 0 || this.counters.waiting < 0) this.#break('CountersAddUp: below zero')
    for (const client of [this.a, this.b]) {
      this.#checkReplies(client)
      this.#checkEffects(client)
    }
  }

  #checkEffects({ name, sent }: Client): void {
    let last = -1
    for (const { key, kind } of sent) {
      if (kind !== 'write' && kind !== 'constant' && kind !== 'exec') continue
      const runs = this.#server.runsOf(key)
      if (runs > 1 && !this.#mayRepeat(kind)) this.#break(`EffectOnce: ${key} is there ${runs} times`)
      const place = this.#server.placeOf(key)
      if (place < 0) continue
      // A lane without blocks sends a refused write again, and those behind it have run.
      if (place < last && this.#forbidden.size === 0)
        this.#break(`OrderKept: ${key} of ${name} ran before an earlier one`)
      last = place
    }
  }

  #checkReplies(client: Client): void {
    const name = client.name === 'a' ? 'a' : 'b'
    for (; this.#checked[name] < client.replies.length; this.#checked[name]++) {
      const sent = client.sent[this.#checked[name]]
      const reply = client.replies[this.#checked[name]]
      if (sent === undefined) this.#break(`OrderKept: ${name} got a reply too many: ${shown(reply)}`)
      else if (reply instanceof RespError) this.#checkError(sent, reply)
      else this.#checkValue(client, this.#checked[name], shown(reply))
    }
  }

  #checkValue(client: Client, at: number, reply: string): void {
    const { key, kind } = client.sent[at] ?? { key: '', kind: 'bad' }
    const wanted = { write: `"${key}=1"`, constant: '"OK"', exec: `["${key}=1"]`, OK: '"OK"', QUEUED: '"QUEUED"' }
    if (kind === 'LOCAL' || kind === 'read' || kind === 'bad') {
      if (kind === 'bad') this.#break(`OrderKept: ${client.name} got ${reply} for a senseless command`)
      if (kind === 'read' && !reply.startsWith(`"${key}=`)) this.#break(`OrderKept: ${reply} for GET ${key}`)
      if (kind === 'read') this.#checkRead(client, at, key, reply)
    } else if (reply.includes('=2')) this.#break(`EffectOnce: ${client.name} got ${reply} for ${kind} ${key}`)
    else if (reply !== wanted[kind]) this.#break(`OrderKept: ${client.name} got ${reply} for ${kind} ${key}`)
    else if (key !== '' && !this.#mayRepeat(kind) && !this.#servers.some(server => server.runsOf(key) === 1))
      this.#break(`AnswersAreTrue: ${key} has a reply, and ran nowhere`)
  }

  /** Without markers, as under `safe`: a SET that is sent again leaves the same data. */
  #mayRepeat(kind: Sent['kind']): boolean {
    return this.#mayBeUnknown && kind === 'constant'
  }

  /** A session sees the write before it, and none that comes after it. */
  #checkRead(client: Client, at: number, key: string, reply: string): void {
    const write = client.sent.findIndex(sent => sent.key === key && sent.kind !== 'read')
    const answered = client.replies[write]
    if (write < 0 || write > at || answered instanceof RespError) return
    if (reply !== `"${key}=1"` && !this.#mayBeUnknown && this.#server.runsOf(key) > 0)
      this.#break(`OrderKept: ${client.name} reads ${reply} behind its own write`)
  }

  #checkError({ key, kind }: Sent, { code, message }: RespError): void {
    if (kind === 'bad') {
      if (message.includes('wrong number')) return
      if (code !== 'TRYAGAIN' && code !== 'UNKNOWN') this.#break(`OrderKept: ${message} for a senseless command`)
      return
    }
    if (kind === 'LOCAL') this.#break(`OrderKept: a reply of our own became ${message}`)
    const isWrite = kind === 'write' || kind === 'constant' || kind === 'exec'
    if (message.includes('was not run')) {
      if (this.#server.runsOf(key) > 0 && isWrite) this.#break(`AnswersAreTrue: ${key} has run, said: ${message}`)
      if (isWrite) this.#notRun.add(key)
    } else if (code === 'APPLIED') {
      if (!isWrite || kind === 'constant') this.#break(`AnswersAreTrue: APPLIED for ${kind} ${key}`)
      if (this.#server.runsOf(key) !== 1) this.#break(`AnswersAreTrue: ${key} is APPLIED and not there`)
    } else if (code === 'UNKNOWN' || message.includes('may have run')) {
      if (!this.#mayBeUnknown) this.#break(`UnknownIsRare: ${kind} ${key} got ${message}`)
    } else if (code === 'TRYAGAIN') {
      if (kind !== 'read') this.#break(`AnswersAreTrue: ${kind} ${key} got ${message}`)
    } else if (!this.#isOwn(code)) this.#break(`the client sees ${message}`)
  }

  #isOwn(code: string): boolean {
    const isMemory = code === 'OOM' || code === 'EXECABORT'
    const isLate = this.loop.now > 11_000 && (code === 'NOREPLICAS' || code === 'EXECABORT')
    return (isMemory && this.#mayBeUnknown) || isLate
  }

  #break(what: string): void {
    if (this.wrong === '') this.wrong = what
  }
}

/** What the server has said on it, and its end, arrive. Answers whether there was anything. */
function arrived(connection: MemoryConnection): boolean {
  const { socket, outgoing } = connection
  if (socket.destroyed) {
    connection.outgoing = ''
    return false
  }
  if (socket.paused) return false
  connection.outgoing = ''
  if (outgoing !== '') socket.emit('data', Buffer.from(outgoing, 'latin1'))
  if (connection.ended && !socket.destroyed) socket.emit('end')
  return outgoing !== '' || connection.ended
}

const shown = (value: Value | undefined): string =>
  value instanceof RespError ? `-${value.message}` : JSON.stringify(value)

/** A new model whose master is served, while `use` plays on it. */
export function withModel<T>(rights: Rights | undefined, use: (model: ProofModel) => T): T {
  const loop = new VirtualLoop()
  return loop.play(() => use(new ProofModel(loop, rights)))
}

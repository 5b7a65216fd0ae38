// session-model.ts: the real Session, its lanes and links, between a client and masters that are played, one event at
// a time: what a link of a session's own carries (open MULTI, WATCH, BLPOP, SUBSCRIBE) through every order of events.
//
// Checked after every event:
//   OrderKept            the n-th reply is the reply to the n-th command, or an error that may be;
//   TransactionWhole     an EXEC that runs has all that was queued, in order;
//   WatchNeverSurvives   an EXEC that runs did so on the very link that its WATCH was confirmed on;
//   BlockingTimeLeft     a BLPOP is never sent with more time than its client has left;
//   NoDoubleUnderSafe    no INCR runs twice on one node;
//   FailoverUnseen       READONLY, NOREPLICAS, and EXECABORT without an earlier error, reach no client.
// Checked at the end, once a master serves again: EveryRequestEnds, SubscriptionKept, CountersAddUp.
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { Session } from '../../../src/client/session/session.ts'
import { createLog } from '../../../src/ops/log.ts'
import { Lanes } from '../../../src/relay/lanes.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { imbalance } from '../../support/imbalance.ts'
import { RespDecoder, RespError, type Value } from '../../support/resp-decoder.ts'
import { dialMemory } from '../relay/memory-net.ts'
import type { VirtualLoop } from '../relay/virtual-loop.ts'
import { walkCounters } from '../relay/walk-counters.ts'
import { sessionHost } from './session-host.ts'
import { type Connection, SessionNode } from './session-servers.ts'

const log = createLog('silent')
const HOLD_MS = 10_000
const BLPOP_S = 5

/** The client's side of a session's socket. */
class ClientSocket extends EventEmitter {
  writableLength = 0
  readonly #decoder = new RespDecoder()
  readonly #onValue: (value: Value) => void
  constructor(onValue: (value: Value) => void) {
    super()
    this.#onValue = onValue
  }
  write(bytes: Buffer): boolean {
    for (const { value } of this.#decoder.push(Buffer.from(bytes))) this.#onValue(value)
    return true
  }
  pause(): void {}
  resume(): void {}
  cork(): void {}
  uncork(): void {}
  setTimeout(): void {}
  end(): void {}
  destroy(): void {}
}

interface Expected {
  readonly name: string
  readonly key: string
  /** Of an EXEC: the keys queued; the links its WATCH was made on, if any. */
  readonly queued: readonly string[]
  readonly watchedOn: Connection | 'nobody'
}

export class SessionModel {
  readonly loop: VirtualLoop
  readonly counters = walkCounters()
  readonly replies: Value[] = []
  readonly messages: string[] = []
  wrong = ''
  node: SessionNode
  readonly #nodes: SessionNode[] = []
  readonly #lanes: Lanes
  readonly #socket: ClientSocket
  readonly #session: Session
  readonly #policy: 'always' | 'safe'
  readonly #sent: Expected[] = []
  #checked = 0
  #queued: string[] | null = null
  #errorInMulti = false
  #watch: Connection | 'asked' | 'none' = 'none'
  #blpopAt: number | null = null
  #blockedSeen = 0
  #subscribed = false
  #scarceMs = 0

  constructor(loop: VirtualLoop, policy: 'always' | 'safe') {
    this.loop = loop
    this.#policy = policy
    this.node = new SessionNode({ host: 'a', port: 100, epoch: 1, runId: 'run-a' })
    this.#nodes.push(this.node)
    const dial = dialMemory({
      onDial: socket => {
        const node = this.#nodes.find(({ master }) => master.port === socket.port)
        node?.accept(socket)
        setImmediate(() => socket.destroyed || socket.emit('connect'))
      },
      onWrite: (socket, bytes) => {
        this.#nodes.some(node => node.take(socket, bytes))
        this.#checkBlocking()
      },
      onDestroy: () => {},
    })
    this.#lanes = new Lanes({
      policy: { policy, maxRetries: 0 },
      backoff: { minMs: 1, maxMs: 1 },
      holdTimeoutMs: HOLD_MS,
      connectTimeoutMs: 1000,
      dial,
      counters: this.counters,
      log,
      onStoodStill: () => {},
      observe: () => {},
    })
    this.#lanes.start()
    this.#lanes.serve(this.node.master)
    const host = sessionHost(this.#lanes, this.counters, HOLD_MS)
    this.#socket = new ClientSocket(value => this.#hear(value))
    // The session uses what ClientSocket has of a socket, and nothing else.
    this.#session = new Session(1, this.#socket as unknown as Socket, host)
    this.settle()
  }

  readonly events: Readonly<Record<string, () => boolean>> = {
    get: () => this.#mayAsk() && this.#queued === null && this.#send('GET', `k${this.#sent.length}`),
    incr: () => this.#mayAsk() && this.#incr(),
    multi: () => {
      if (!this.#mayAsk() || this.#queued !== null) return false
      this.#send('MULTI')
      this.#queued = []
      this.#errorInMulti = false
      return true
    },
    exec: () => this.#queued !== null && this.#exec(),
    watch: () => {
      if (!this.#mayAsk() || this.#queued !== null || this.#watch !== 'none') return false
      this.#watch = 'asked'
      return this.#send('WATCH', 'w')
    },
    blpop: () => {
      if (!this.#mayAsk() || this.#queued !== null || this.#blpopAt !== null) return false
      this.#blpopAt = this.loop.now
      return this.#send('BLPOP', 'q', String(BLPOP_S))
    },
    subscribe: () => {
      if (!this.#mayAsk() || this.#queued !== null) return false
      this.#subscribed = true
      return this.#send('SUBSCRIBE', 'c')
    },
    publish: () => {
      if (!this.node.connections.some(({ channels, ended }) => channels.has('c') && !ended)) return false
      this.node.publish('c', 'news')
      return true
    },
    answer: () => this.#serverRuns(),
    readonly: () => {
      if (this.node.demoted || this.node.next() === undefined) return false
      this.node.demoted = true
      while (this.#serverRuns());
      return true
    },
    scarce: () => {
      if (this.node.scarce) return false
      this.node.scarce = true
      return true
    },
    plenty: () => {
      if (!this.node.scarce) return false
      this.node.scarce = false
      return true
    },
    cut: () => this.#serverEnds(false),
    lost: () => this.#serverEnds(true),
    hold: () => {
      if (!this.#lanes.sendable) return false
      this.#lanes.hold('failover-announced', 'a test')
      return true
    },
    same: () => {
      this.node.demoted = false
      this.#lanes.serve(this.node.master)
      return true
    },
    new: () => {
      const { epoch, port } = this.node.master
      this.node = new SessionNode(
        { host: `n${epoch}`, port: port + 100, epoch: epoch + 1, runId: `r${epoch}` },
        this.node.runs,
      )
      this.#nodes.push(this.node)
      this.#lanes.serve(this.node.master)
      return true
    },
    tick: () => {
      if (this.loop.timers === 0) return false
      this.loop.runTimers()
      return true
    },
    later: () => {
      if (this.#session.pending === 0) return false
      this.loop.run(4000, () => this.settle())
      return true
    },
    frozen: () => {
      if (this.#session.pending === 0) return false
      this.loop.pass(4000)
      return true
    },
  }

  play(event: string): boolean {
    const did = this.events[event]?.() ?? false
    if (!did) return false
    this.settle()
    this.#check()
    return true
  }

  /** A master is there and answers all: every command must end now. */
  finish(): string {
    this.#check()
    for (let round = 0; round < 40 && this.#session.pending > 0; round++) {
      this.node.demoted = false
      this.node.scarce = false
      this.#lanes.serve(this.node.master)
      this.settle()
      if (this.loop.timers > 0) this.loop.runTimers()
      this.settle()
      while (this.#serverRuns()) this.settle()
      this.settle()
      this.#check()
    }
    this.#finishSubscription()
    if (this.replies.length !== this.#sent.length)
      this.#break(`EveryRequestEnds: ${this.#sent.length} commands, ${this.replies.length} replies`)
    this.#session.destroy()
    this.settle()
    const { waiting, pendingBytes } = this.counters
    if (waiting !== 0 || pendingBytes !== 0) this.#break(`CountersAddUp: ${waiting} wait, ${pendingBytes} bytes`)
    this.#lanes.stop()
    return this.wrong
  }

  /** Who is subscribed hears what is published, whatever has become of the links. */
  #finishSubscription(): void {
    const confirmed = this.replies.some(value => Array.isArray(value) && value[0] === 'subscribe')
    if (!confirmed) return
    for (let i = 0; i < 5; i++) {
      this.#lanes.serve(this.node.master)
      this.settle()
      if (this.loop.timers > 0) this.loop.runTimers()
      this.settle()
    }
    const before = this.messages.length
    this.node.publish('c', 'last')
    this.settle()
    if (this.messages.length === before) this.#break('SubscriptionKept: a message after the failover is not heard')
  }

  settle(): void {
    for (let i = 0; i < 1000; i++) {
      const ran = this.loop.runImmediates()
      if (!this.#arrive() && !ran) return
    }
    this.#break('the model never comes to rest')
  }

  #mayAsk(): boolean {
    return !this.#subscribed
  }

  #send(name: string, ...args: string[]): boolean {
    this.#sent.push({ name, key: args[0] ?? '', queued: [], watchedOn: 'nobody' })
    this.#socket.emit('data', encodeCommand([name, ...args]))
    return true
  }

  #incr(): boolean {
    const key = `k${this.#sent.length}`
    if (this.#queued !== null) {
      this.#sent.push({ name: 'QUEUED', key, queued: [], watchedOn: 'nobody' })
      this.#queued.push(key)
      this.#socket.emit('data', encodeCommand(['INCR', key]))
      return true
    }
    return this.#send('INCR', key)
  }

  #exec(): boolean {
    const watchedOn = this.#watch === 'none' || this.#watch === 'asked' ? 'nobody' : this.#watch
    this.#sent.push({ name: 'EXEC', key: '', queued: this.#queued ?? [], watchedOn })
    this.#queued = null
    this.#watch = 'none'
    this.#socket.emit('data', encodeCommand(['EXEC']))
    return true
  }

  #serverRuns(): boolean {
    const connection = this.node.next()
    if (connection === undefined) return false
    this.node.run(connection)
    return true
  }

  /** The newest link with something on it ends; `run`: after all in it has run, its replies lost. */
  #serverEnds(run: boolean): boolean {
    const connection = this.node.connections.findLast(({ ended, socket }) => !ended && !socket.destroyed)
    if (connection === undefined || (run && connection.queue.length === 0)) return false
    while (run && connection.queue.length > 0) this.node.run(connection)
    connection.queue = []
    connection.outgoing = ''
    connection.ended = true
    return true
  }

  #arrive(): boolean {
    let any = false
    for (const { connections } of this.#nodes) {
      for (const connection of connections) {
        const { socket, outgoing } = connection
        connection.outgoing = ''
        if (socket.destroyed) continue
        if (outgoing !== '') socket.emit('data', Buffer.from(outgoing, 'latin1'))
        const isEnd = connection.ended && !connection.endTold
        any ||= outgoing !== '' || isEnd
        if (!isEnd || socket.destroyed) continue
        connection.endTold = true
        socket.emit('end')
      }
    }
    return any
  }

  #hear(value: Value): void {
    if (Array.isArray(value) && value[0] === 'message') this.messages.push(String(value[2]))
    else this.replies.push(value)
  }

  #checkBlocking(): void {
    const sent = this.#nodes.flatMap(({ blocked }) => blocked)
    for (; this.#blockedSeen < sent.length; this.#blockedSeen++) {
      const elapsed = (this.loop.now - (this.#blpopAt ?? 0)) / 1000
      const left = BLPOP_S - elapsed
      const newest = sent.at(-1) ?? 0
      if (newest > Math.max(left, 0.001) + 0.05)
        this.#break(`BlockingTimeLeft: sent with ${newest} s, ${left.toFixed(3)} s are left`)
    }
  }

  #check(): void {
    const { bugs, bugEnded } = this.counters
    const sum = bugs + bugEnded > 0 ? 'an exception was thrown' : imbalance(this.counters)
    if (sum !== undefined) this.#break(`CountersAddUp: ${sum}`)
    if (this.node.scarce) this.#scarceMs = this.loop.now
    for (; this.#checked < this.replies.length; this.#checked++) {
      const expected = this.#sent[this.#checked]
      const reply = this.replies[this.#checked]
      if (expected === undefined) this.#break(`OrderKept: a reply too many: ${shown(reply)}`)
      else this.#checkReply(expected, reply)
    }
    if (this.#policy !== 'safe') return
    for (const { runs } of this.#nodes)
      for (const [key, count] of runs) if (count > 1 && !key.startsWith('w')) this.#checkDouble(key, count)
  }

  #checkDouble(key: string, count: number): void {
    const sent = this.#sent.find(one => one.key === key)
    if (sent !== undefined && sent.name !== 'GET') this.#break(`NoDoubleUnderSafe: ${key} ran ${count} times`)
  }

  #checkReply(expected: Expected, reply: Value | undefined): void {
    const { name, key } = expected
    if (reply instanceof RespError) {
      this.#checkError(expected, reply)
      return
    }
    if (name === 'WATCH' && reply === 'OK' && this.#watch === 'asked') this.#watch = this.#watchedOn()
    if (name === 'BLPOP') this.#blpopAt = null
    if (name === 'EXEC') this.#checkExec(expected, reply)
    else if (!fits(name, key, reply)) this.#break(`OrderKept: ${name} ${key} is answered ${shown(reply)}`)
  }

  #watchedOn(): Connection | 'none' {
    return this.node.connections.findLast(({ ended, socket }) => !ended && !socket.destroyed) ?? 'none'
  }

  #checkExec({ queued, watchedOn }: Expected, reply: Value | undefined): void {
    if (reply === null && watchedOn !== 'nobody') return
    const keys = Array.isArray(reply) ? reply.map(value => String(value).split('=')[0]) : []
    if (keys.join() !== queued.join()) this.#break(`TransactionWhole: queued ${queued.join()}, ran ${shown(reply)}`)
    if (watchedOn !== 'nobody' && (watchedOn.ended || watchedOn.socket.destroyed))
      this.#break('WatchNeverSurvives: EXEC has run although the link that watched is gone')
  }

  #checkError({ name }: Expected, { code, message }: RespError): void {
    if (code === 'EXECABORT' && this.#errorInMulti) return
    if (name === 'MULTI' || name === 'QUEUED') this.#errorInMulti = true
    if (code === 'UNKNOWN' && this.#policy === 'safe' && name !== 'GET') return
    if (code === 'TRYAGAIN' && this.loop.now > HOLD_MS) return
    if (code === 'NOREPLICAS' && this.#scarceMs > HOLD_MS) return
    this.#break(`FailoverUnseen: ${name} is answered ${message}`)
  }

  #break(what: string): void {
    this.wrong ||= what
  }
}

function fits(name: string, key: string, reply: Value | undefined): boolean {
  switch (name) {
    case 'MULTI':
    case 'WATCH':
      return reply === 'OK'
    case 'QUEUED':
      return reply === 'QUEUED'
    case 'SUBSCRIBE':
      return Array.isArray(reply) && reply[0] === 'subscribe'
    case 'BLPOP':
      return reply === null || (Array.isArray(reply) && reply[0] === 'q')
    default:
      return typeof reply === 'string' && reply.startsWith(`${key}=`)
  }
}

const shown = (value: Value | undefined): string =>
  value instanceof RespError ? `-${value.message}` : JSON.stringify(value)

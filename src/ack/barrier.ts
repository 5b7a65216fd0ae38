// barrier.ts: asks the master again and again, on a link of its own: how many replicas have all that has happened so far?
//
//   replies come ─▶ send: EXPIRE marker │ WAIT n ─▶ n or more replicas ─▶ what came before the send is released
//                     ▲                               └─ fewer ─▶ again
//                     └──────────── what came meanwhile ◀──┘
//
// question.ts has the commands.
//
// Owns: that link, the count of what has come. withheld.ts has the replies. Never: knows sessions.
//
// Must stay true: what is confirmed ran in the process that this link is to. So nothing that needs it is sent before the
// link is up, and when it is lost, the links of lanes that owe or withhold something are cut: the marker tells then.
// Nothing is confirmed while the gate is shut: between the promotion of one replica and the re-pointing of another, a
// stalled old master may still get the other's word.
import { formatAddress, type Master } from '../address.ts'
import { backoffMs } from '../backoff.ts'
import { instanceName } from '../instance.ts'
import type { Blamed } from '../ops/bugs.ts'
import type { Counters } from '../ops/counters.ts'
import { isNoPerm } from '../ops/missing-rights.ts'
import type { AckedLane, Acknowledgements, Acknowledger } from '../relay/acknowledger.ts'
import { isSameTerm } from '../relay/gate.ts'
import type { LaneHost } from '../relay/lane-host.ts'
import type { Prover } from '../relay/prover.ts'
import { serverRefusalOf } from '../relay/refusal-texts.ts'
import { createUnit, nobody, type Request } from '../relay/request.ts'
import { Handshake, type HandshakeFailure } from '../upstream/handshake.ts'
import { IdleListener } from '../upstream/idle-listener.ts'
import { Link } from '../upstream/link.ts'
import { Pausing } from '../upstream/pauses.ts'
import { AckUsers } from './ack-users.ts'
import { Needs } from './needs.ts'
import { type Asking, Question } from './question.ts'
import { type Confirmer, isErrorReply, Withheld } from './withheld.ts'

export interface BarrierOptions {
  /** So many replicas must have it. */
  readonly replicas: number
  readonly reads: 'plain' | 'committed'
  /** The hash of this process's markers, and how long it lives. */
  readonly key: string
  readonly lifeSeconds: number
}

interface Asked {
  readonly request: Request
  readonly asking: Asking
  /** What had arrived when it was sent. */
  readonly covers: number
  /** The gate has been shut meanwhile. */
  isVoid: boolean
}

export class Barrier extends IdleListener<Request> implements Acknowledgements, Confirmer {
  readonly counters: Counters
  /** Writes were not confirmed within the hold time: new ones are refused until one is. */
  isTripped = false
  readonly #host: LaneHost
  readonly #options: BarrierOptions
  readonly #users = new AckUsers()
  readonly #question: Question
  readonly #lanes = new Set<Withheld>()
  /** Those with something to release. */
  readonly #waiting = new Set<Withheld>()
  #link: Link<Request> | null = null
  /** The master of the last dial. */
  #dialled: Master | null = null
  #asked: Asked | null = null
  #arrived = 0
  #attempt = 0
  #pause: NodeJS.Timeout | null = null
  #isClosed = false
  #isShort = false
  #isSending = false
  readonly #blamed: Blamed

  constructor(host: LaneHost, options: BarrierOptions) {
    super()
    this.#host = host
    this.counters = host.counters
    this.#options = options
    this.#blamed = { onBug: error => host.bugs.ofStep(error, 'waiting for replicas') }
    this.#question = new Question(options)
  }

  of(lane: AckedLane, provenBytes: Prover['provenBytes']): Acknowledger {
    const withheld = new Withheld(lane, this, new Needs(this.#options.reads, provenBytes))
    this.#lanes.add(withheld)
    this.#users.add(lane.identity)
    this.#dial()
    return withheld
  }

  leave(withheld: Withheld): void {
    this.#lanes.delete(withheld)
    this.#waiting.delete(withheld)
  }

  get isReady(): boolean {
    return this.#link?.status === 'ready'
  }

  /** A reply is complete. Answers its place in the count. */
  arrive(withheld: Withheld): number {
    this.#waiting.add(withheld)
    this.#sendSoon()
    return ++this.#arrived
  }

  /** At the end of the turn: then one question covers what all links have brought in it. */
  #sendSoon(): void {
    if (this.#isSending || this.#asked !== null) return
    this.#isSending = true
    this.#host.turn.defer(this.#sendLater, this.#blamed)
  }

  readonly #sendLater = (): void => {
    this.#isSending = false
    this.send()
  }

  ran(since: number, now: number): number {
    return this.#host.ran(since, now)
  }

  trip(): void {
    // Without a master the gate's own breaker refuses, and says so.
    if (this.#host.gate.master === null || this.isTripped) return
    this.isTripped = true
    this.counters.trips++
    this.#host.log.error(
      { event: 'ack.tripped', replicas: this.#options.replicas, heldMs: this.#host.holdLimitMs },
      'not enough replicas have confirmed writes within the hold time: new writes are refused until they do',
    )
  }

  // ---- the link ----

  #dial(): void {
    const { master } = this.#host.gate
    if (this.#link !== null || this.#pause !== null || master === null || this.#isClosed) return
    const identity = this.#users.current
    if (identity === null) return
    const proof = { read: null, prove: this.#question.proof }
    this.#dialled = master
    this.#link = new Link(
      master,
      new Handshake(identity, { fence: [], scripts: [], proof, name: instanceName }),
      this,
      this.#host,
    )
  }

  override onReady(link: Link<Request>): void {
    const { proofError, identity, signedIn } = link.handshake
    const error = signedIn ? proofError?.toString('latin1', 1).trimEnd() : 'NOAUTH'
    if (error !== undefined && !error.startsWith('OOM ')) {
      this.#onRefused(link, error)
      return
    }
    this.#question.hasMarker = error === undefined
    this.#attempt = 0
    this.#users.serves(identity)
    this.#host.counters.linksOpened++
    this.#host.counters.detail.linksOpened.add('barrier')
    for (const { lane } of this.#lanes) lane.pump()
    this.send()
  }

  override onHandshakeFailed(link: Link<Request>, failure: HandshakeFailure): void {
    if (this.#host.onHandshakeFailed(link, failure) && failure.kind === 'auth') this.#users.next()
  }

  /** This user may not do it; another one may. */
  #onRefused(link: Link<Request>, error: string): void {
    const { identity } = link.handshake
    if (isNoPerm(error)) this.#host.linkLog.missing({ right: 'ack', lack: 'right' }, link.master, identity)
    else this.#host.linkLog.notAcknowledged(link.master, identity, error)
    this.#users.next()
    link.cut('the user cannot ask whether replicas have it')
  }

  onClosed(link: Link<Request>): void {
    if (this.#link !== link) return
    this.#link = null
    this.#asked = null
    this.#host.observe('the link that confirms replication was lost')
    // In the same turn the lanes' own links may tell of their end: theirs is the better story.
    this.#host.turn.defer(() => {
      for (const withheld of this.#lanes) withheld.onBarrierLost()
    }, this.#blamed)
    this.#retryLater()
  }

  onBug(_link: Link<Request>, _request: Request | undefined, error: unknown): void {
    this.#blamed.onBug(error)
  }

  #retryLater(): void {
    if (this.#pause !== null || this.#isClosed) return
    this.#attempt++
    this.#pause = setTimeout(
      () => {
        this.#pause = null
        this.#dial()
        this.send()
      },
      backoffMs(this.#attempt, this.#host.backoff),
    )
  }

  #endPause(): void {
    if (this.#pause !== null) clearTimeout(this.#pause)
    this.#pause = null
  }

  // ---- the question ----

  /** Asks, if there is something to ask for and nothing is asked. */
  send(): void {
    const link = this.#link
    const isWanted = this.#waiting.size > 0 || this.isTripped
    // A pause does not stop it: what is in flight is to be confirmed.
    const isShut = this.#host.gate.master === null
    if (!isWanted || this.#asked !== null || this.#pause !== null || link?.status !== 'ready' || isShut) return
    const asking = this.#question.ask()
    const request = createUnit(nobody, asking.bytes, 0, asking.replies, null)
    request.inspect = true
    this.#asked = { request, asking, covers: this.#arrived, isVoid: false }
    this.counters.barriers++
    link.send(request)
  }

  override onFrame(link: Link<Request>, request: Request, frame: Buffer): void {
    const asked = this.#asked
    if (asked === null || request !== asked.request) return
    if (request.expect > 0) {
      this.#question.onWrite(asked.asking, frame, request.expect)
      return
    }
    this.#asked = null
    const replicas = Number(frame.toString('latin1', 1))
    if (isErrorReply(frame)) this.#onError(link, frame)
    else if (!asked.asking.isWritten) this.#onUnwritten(link, asked.asking.error)
    else if (replicas >= this.#options.replicas && !asked.isVoid) this.#onConfirmed(asked.covers)
    else if (replicas < this.#options.replicas) this.#onShort(replicas)
  }

  override onReadEnd(): boolean {
    if (this.#waiting.size > 0 || this.isTripped) this.#sendSoon()
    return this.#host.turn.flushSessions()
  }

  #onConfirmed(covers: number): void {
    if (this.#isShort || this.isTripped)
      this.#host.log.info({ event: 'ack.restored', replicas: this.#options.replicas }, 'replicas confirm writes again')
    this.#isShort = false
    this.isTripped = false
    this.#attempt = 0
    for (const withheld of [...this.#waiting]) {
      withheld.release(covers)
      if (withheld.idle) this.#waiting.delete(withheld)
    }
  }

  #onShort(replicas: number): void {
    this.counters.barriersShort++
    if (this.#isShort) return
    this.#isShort = true
    this.#host.log.warn(
      { event: 'ack.short', replicas, wanted: this.#options.replicas },
      'fewer replicas than --ack wants have confirmed in time: replies to writes wait for them',
    )
  }

  /** The key of the markers is gone, or the server takes no write now. */
  #onUnwritten({ master, handshake }: Link<Request>, error: Buffer | null): void {
    // A node that is no master, or has no replicas, is told of as such.
    if (error !== null && serverRefusalOf(error) === undefined)
      this.#host.linkLog.notAcknowledged(master, handshake.identity, error.toString('latin1', 1).trimEnd())
    this.#retryLater()
  }

  #onError(link: Link<Request>, frame: Buffer): void {
    const error = frame.toString('latin1', 1).trimEnd()
    if (isNoPerm(error)) {
      this.#onRefused(link, error) // the right was taken away meanwhile
      return
    }
    this.#host.observe('the node refuses WAIT')
    this.#host.linkLog.notAcknowledged(link.master, link.handshake.identity, error)
    this.#retryLater()
  }

  // ---- what the lanes are told, too ----

  onServe(master: Master): void {
    if (this.#link !== null && !isSameTerm(this.#link.master, master))
      this.#link.cut(`the master is now ${formatAddress(master)}`)
    // Each loss has the master confirmed at once: who is refused again and again would dial without a pause.
    if (this.#attempt <= 1 || this.#dialled === null || !isSameTerm(this.#dialled, master)) this.#endPause()
    this.#link?.resume(Pausing.withheld)
    this.#dial()
    this.send()
  }

  onShut(): void {
    if (this.#asked !== null) this.#asked.isVoid = true
  }

  onWithhold(): void {
    this.onShut()
    if (this.#asked !== null) this.#link?.pause(Pausing.withheld)
  }

  keepOnly(master: Master | null, detail: string): void {
    const link = this.#link
    if (link !== null && (master === null || !isSameTerm(link.master, master))) link.cut(detail)
  }

  /** Called some times a second. */
  tick(now: number): void {
    const link = this.#link
    if (this.#asked !== null && link !== null && this.ran(link.silentSince, now) > this.#host.holdLimitMs)
      link.cut('no answer for the whole hold time')
  }

  close(): void {
    this.#isClosed = true
    this.#endPause()
    this.#link?.cut('shutdown')
  }
}

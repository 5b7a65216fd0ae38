// link.ts: one connection to the master: what is to be sent this turn, and what has been sent and is unanswered.
//
//   send ──▶ [out: this turn's bytes] ──flush: one write──▶ master
//   sent ──▶ [fifo: oldest first] ◀── whole replies, in order ── reply-reader.ts ◀── master
//
// Owns: the socket, what is to be sent, the FIFO, the end. A link lives once: dialing, ready, closed. A new one is a new
// object, so a late callback of an old socket finds a closed link. Never: decides whether a request is sent again or
// where to (relay/), knows sessions or Sentinels, looks at what has come (reply-reader.ts, handshake-reader.ts).
//
// Must stay true: after close nothing is delivered and nothing is sent. onClosed hands back every request without its
// last reply, oldest first. A write that fails ends nothing before what the server has said is read: a server that was
// killed had answered, and its replies lie in the socket.
import type { Socket } from 'node:net'
import { formatAddress, type Master } from '../address.ts'
import type { Counters } from '../ops/counters.ts'
import { peerOf } from '../transport/peer.ts'
import { COUNTED_BYTES, countRead, SHARED_LINK_SHARE_BYTES, type TurnReader } from '../transport/read-turn.ts'
import type { SocketReader } from '../transport/socket-reader.ts'
import type { SocketWriter } from '../transport/socket-writer.ts'
import type { Sockets } from '../transport/sockets.ts'
import type { Dial } from './dial.ts'
import { Fifo } from './fifo.ts'
import type { Handshake, HandshakeFailure } from './handshake.ts'
import { HandshakeReader } from './handshake-reader.ts'
import type { LeavingSockets } from './leaving-sockets.ts'
import type { CloseReason, LinkEnd } from './link-end.ts'
import type { LiveLinks, ReadableLink } from './live-links.ts'
import { Pauses, Pausing } from './pauses.ts'
import { ReadBuffer } from './read-buffer.ts'
import { type Exchange, type ReplyListener, ReplyReader } from './reply-reader.ts'
import type { Turn } from './turn.ts'
import { Gatherer, writeGathered } from './write-gather.ts'

export interface LinkListener<E extends Exchange> {
  /** Who hears what it reads. */
  readonly replies: ReplyListener<E, Link<E>>
  onReady(link: Link<E>): void
  /** The kernel takes bytes again after `congested`. */
  onWritable(link: Link<E>): void
  /** A write has failed: the link is lost. What the server has said before is still read; onClosed follows. */
  onWriteFailed(link: Link<E>): void
  onClosed(link: Link<E>, end: LinkEnd<E>): void
  /** The handshake ended badly; onClosed follows. */
  onHandshakeFailed(link: Link<E>, failure: HandshakeFailure): void
  /** The listener threw, over `exchange` if that is known, which the link has forgotten; onClosed follows. */
  onBug(link: Link<E>, exchange: E | undefined, error: unknown): void
}

/** What all links use. */
export interface LinkHost {
  readonly turn: Turn
  readonly connectTimeoutMs: number
  readonly counters: Counters
  readonly dial: Dial
  readonly sockets: Sockets
  /** A link is among these for as long as it lives. */
  readonly live: LiveLinks
}

/** A drain of a hundred thousand held commands leaves in writes of this size, so that replies can come in between. */
const TURN_LIMIT = 256 * 1024

/** Worth a write of its own: with values of 16 KB 5 to 9 % more throughput; at half of it nothing is gained. */
const MUCH = 32 * 1024

/**
 * After a write that has failed the socket's end comes with the next read. A link that is not read from, or whose peer is
 * only half dead, is given up then: when sockets have been read, as timers run before that, and a late turn has ended.
 */
const LAST_WORDS_MS = 100

const NO_REPLY = 'the server sent bytes that are no reply'
const MISLED = 'the name of the master leads to the server that was the master before'

export class Link<E extends Exchange> implements ReadableLink, TurnReader {
  /** Of a link that was made ahead (ahead-links.ts) another from the moment when its node is confirmed. */
  master: Master
  status: 'dialing' | 'ready' | 'closed' = 'dialing'
  /** Node's stream has more than it wants; hold further requests back until onWritable. */
  congested = false
  /** Which name and library it was last told; '' for a new one. */
  label = ''
  /** performance.now() of the last byte read, or of the first byte sent to an idle link. */
  lastActivity = 0
  broughtBytes = 0
  readonly shareBytes = SHARED_LINK_SHARE_BYTES
  readonly handshake: Handshake
  readyAt = Number.POSITIVE_INFINITY
  readonly pauses = new Pauses()
  /** Whose the replies are that come. */
  readonly replies: ReplyReader<E, Link<E>>

  #listener: LinkListener<E>
  readonly #turn: Turn
  readonly #counters: Counters
  readonly #live: LiveLinks
  readonly #socket: Socket
  /** Of a busy link the socket itself. */
  #reader: Pick<SocketReader, 'pause' | 'resume'>
  readonly #writer: SocketWriter
  readonly #fifo = new Fifo<E>()
  /** Until it is ready. */
  #greeting: HandshakeReader | null
  /** Of a busy link: where its writes are put together; null: each has memory of its own. */
  readonly #gatherer: Gatherer | null
  /** Its own address once it is ready. */
  #address = ''
  #out: Buffer[] = []
  #outBytes = 0
  #unflushed = 0
  /** The last write carried one request: nobody else seems to speak. */
  #wasAlone = false
  /** Nothing more is sent, and what has come is read; null: no write has failed. */
  #lastWords: { readonly error: Error; readonly timer: NodeJS.Timeout } | null = null
  /** The socket's end, which has come while replies wait to be looked at; null: it has not. */
  #end: (() => void) | null = null

  /** `busy`: many sessions share it; its reads and writes use memory of its own again (a third of a megabyte). */
  constructor(
    master: Master,
    handshake: Handshake,
    listener: LinkListener<E>,
    { turn, connectTimeoutMs, counters, dial, live, sockets }: LinkHost,
    { busy = false }: { busy?: boolean } = {},
  ) {
    this.master = master
    this.handshake = handshake
    this.#greeting = new HandshakeReader(handshake)
    this.#listener = listener
    this.#turn = turn
    this.#counters = counters
    this.#live = live
    const buffer = busy ? new ReadBuffer(sockets.memory) : null
    this.replies = new ReplyReader<E, Link<E>>(this, listener.replies, {
      fifo: this.#fifo,
      buffer,
      memory: sockets.memory,
    })
    this.#gatherer = busy ? new Gatherer() : null
    const callback = (count: number): boolean => {
      if (count >= COUNTED_BYTES) countRead(this, count)
      if (buffer !== null) this.#onData(buffer.filled(count))
      return true
    }
    const { socket, readyEvent } = dial(master, buffer === null ? undefined : { buffer: buffer.next, callback })
    this.#socket = socket
    this.#reader = socket
    this.#writer = sockets.writer(socket, error => this.#onWriteFailed(error))
    live.add(this)
    socket
      .setTimeout(connectTimeoutMs)
      .on(readyEvent, () => {
        if (this.isMisled) {
          this.#close('dial-failed', MISLED)
          return
        }
        if (buffer === null) this.#reader = sockets.read(socket, chunk => this.#onData(chunk), { readsAhead: false })
        this.writeHandshake()
      })
      .on(
        'timeout',
        () =>
          this.status === 'dialing' &&
          !handshake.isHeld &&
          this.#close('dial-timeout', `no answer in ${connectTimeoutMs} ms`),
      )
      .on('drain', () => this.#onDrain())
      .on('end', () => this.#onEnd('the server closed the connection'))
      .on('error', error => this.#onError(error))
      .on('close', () => this.#onEnd('the connection ended'))
    // A TLS socket takes no memory, and a busy link is read from at once.
    if (buffer !== null) socket.on('data', (chunk: Buffer) => this.#onData(chunk))
  }

  /** It stands at the server that was the master before, although it was dialled by the name of the new one. */
  get isMisled(): boolean {
    const { notAt } = this.master
    return notAt !== undefined && peerOf(this.#socket) === notAt
  }

  /** Its own address, also when its socket is gone; '' while it has none. */
  get localAddress(): string {
    return this.#address || this.#readAddress()
  }

  #readAddress(): string {
    const { localAddress: host, localPort: port } = this.#socket
    return host === undefined || port === undefined ? '' : formatAddress({ host, port })
  }

  /** Requests sent and not fully answered. */
  get inFlight(): number {
    return this.#fifo.size
  }

  /** The oldest request without its last reply. */
  get head(): E | undefined {
    return this.#fifo.peek()
  }

  /** performance.now() since when it is read and brings nothing; only while it owes something. */
  get silentSince(): number {
    return Math.max(this.lastActivity, this.pauses.endedAt)
  }

  /** Hands the link to another owner; only while nothing is in flight. */
  setListener(listener: LinkListener<E>): void {
    this.#listener = listener
    this.replies.listener = listener.replies
  }

  /** Queues the request's bytes for this turn's write. Order of calls is order on the wire. */
  send(exchange: E): void {
    if (this.#fifo.size === 0) this.lastActivity = performance.now()
    this.#fifo.push(exchange)
    this.#unflushed++
    const bytes = exchange.bytes
    if (bytes.length === 0) return
    const isFirst = this.#outBytes === 0
    this.#out.push(bytes)
    this.#outBytes += bytes.length
    if (exchange.rest !== null) this.#addRest(exchange.rest)
    if (!isFirst) return
    if (this.#wasAlone && this.#fifo.size === 1 && this.#turn.isFirst) this.#turn.writeEarly(this)
    else this.#turn.markLink(this)
  }

  /** Queues several whose replies come in this order, and whose bytes leave as `pieces` have them. */
  sendTogether(exchanges: readonly E[], pieces: readonly Buffer[]): void {
    if (this.#fifo.size === 0) this.lastActivity = performance.now()
    for (const exchange of exchanges) this.#fifo.push(exchange)
    this.#unflushed += exchanges.length
    const isFirst = this.#outBytes === 0
    this.#addRest(pieces)
    if (isFirst) this.#turn.markLink(this)
  }

  /** From within the listener's calls: others take the place of the first `count`, which get no more replies. */
  replaceFirst(count: number, by: readonly E[]): void {
    this.#fifo.replaceFirst(count, by)
  }

  #addRest(pieces: readonly Buffer[]): void {
    for (const piece of pieces) {
      this.#out.push(piece)
      this.#outBytes += piece.length
    }
  }

  /** Large commands need not wait for the turn's end: the master can read while other clients are read from. */
  writeIfMuch(): void {
    if (this.#outBytes >= MUCH) this.#turn.writeEarly(this)
  }

  /** Writes what this turn has collected. */
  flush(): void {
    if (this.status === 'closed' || this.#lastWords !== null) return
    const out = this.#out
    const total = this.#outBytes
    if (total === 0) return
    const count = this.#unflushed
    this.#out = []
    this.#outBytes = 0
    this.#wasAlone = count === 1
    this.#unflushed = 0
    this.#counters.masterBytesOut += total
    const ok = this.#gatherer?.write(this.#writer, out, total) ?? writeGathered(this.#writer, out, total)
    if (this.#hasFailed) this.#unflushed = count
    else if (!ok) this.congested = true
    else if (total >= TURN_LIMIT) this.#turn.defer(() => this.#onDrain(), this)
  }

  /** Takes back what this turn has collected and not written yet, in its order. */
  recall(): E[] {
    if (this.#outBytes === 0) return []
    const recalled = this.#fifo.takeLast(this.#unflushed)
    this.#out = []
    this.#outBytes = 0
    this.#unflushed = 0
    return recalled
  }

  /** This turn's write is large enough: what else waits should wait for onWritable. */
  get full(): boolean {
    return this.congested || this.#outBytes >= TURN_LIMIT || this.pauses.stalled !== null || this.#hasFailed
  }

  /** Reads no more until resume() for the same reason; what this read has brought is still delivered. */
  pause(why: Pausing = Pausing.session): void {
    if (this.status !== 'ready') return
    if (!this.pauses.any) this.#reader.pause()
    this.pauses.begin(why)
  }

  /** Looks at what was stalled, then reads on; when nothing else keeps it from reading. */
  resume(why: Pausing = Pausing.session): void {
    if (!this.pauses.end(why) || this.status === 'closed') return
    const stalled = this.pauses.takeStalled()
    for (const bytes of stalled ?? []) this.#take(bytes)
    if (this.#isClosed) return
    if (this.pauses.stalled === null) this.#end?.()
    if (this.#isClosed) return
    if (!this.pauses.any) this.#reader.resume()
    // Also where what was looked at is a reason to read no more: what waits may be sent all the same.
    if (stalled !== null && this.pauses.stalled === null) this.#listener.onWritable(this)
  }

  /** Reads no more in the midst of a large reply, until resume(Pausing.room). */
  pauseLarge(): void {
    if (this.replies.isAmidLarge) this.pause(Pausing.room)
  }

  onShareUsed(): void {
    this.pause(Pausing.share)
  }

  goOn(): void {
    this.resume(Pausing.share)
  }

  get #hasFailed(): boolean {
    return this.#lastWords !== null
  }

  get #isClosed(): boolean {
    return this.status === 'closed'
  }

  /**
   * From within onFrame: `frame` is not taken. resume() looks at it first. Until then nothing behind it is looked at or
   * read, and nothing should be sent (`full`).
   */
  stall(exchange: E, frame: Buffer, why: Pausing = Pausing.stalled): void {
    exchange.expect++
    this.pauses.stalled = [frame]
    this.pause(why)
  }

  /** Sends what was collected and then its end; nothing more. The server answers what it can and closes. */
  finish(): void {
    this.flush()
    this.#socket.end()
  }

  /** Ends the link at once, without waiting for anything; onClosed is called before this returns. */
  cut(detail: string, outcome?: 'refused'): void {
    this.#close('cut', detail, outcome === 'refused')
  }

  /** The same, of a node that is the master no more: when nothing is under way, the socket is ended later. */
  leave(detail: string, later: LeavingSockets): void {
    const isIdle = this.status === 'ready' && this.#fifo.size === 0 && this.#writer.left === 0
    this.#close('cut', detail, false, isIdle ? later : null)
  }

  /** Every request without its last reply, oldest first. */
  owed(): Iterable<E> {
    return this.#fifo
  }

  #onData(chunk: Buffer): void {
    const now = performance.now()
    this.lastActivity = now
    this.#counters.masterBytesIn += chunk.length
    try {
      if (this.#greeting !== null) this.#onHandshakeData(chunk, this.#greeting)
      else if (this.#turn.isLate(now)) this.#takeLate(chunk, now)
      else this.#take(chunk)
    } catch (error) {
      this.onBug(error)
    }
  }

  /** What the Sentinels have said meanwhile lies in their sockets: it is read in this turn, before this. */
  #takeLate(chunk: Buffer, now: number): void {
    this.pauses.stalled ??= []
    this.pauses.stalled.push(this.replies.kept(chunk, chunk))
    this.pause(Pausing.late)
    this.#turn.beforeLinks(now)
    this.#turn.defer(this.#onTime, this)
  }

  readonly #onTime = (): void => this.resume(Pausing.late)

  #take(chunk: Buffer): void {
    const { stalled } = this.pauses
    if (stalled !== null) stalled.push(this.replies.kept(chunk, chunk))
    if (stalled !== null || this.status !== 'ready') return
    this.#turn.beginRead()
    try {
      this.#read(chunk, 0)
    } finally {
      this.#turn.endRead()
    }
  }

  /**
   * The listener threw, and nobody knows how far it came. Nothing may be delivered to the wrong request: `exchange` is
   * given up, and what else is owed is handed back, as when the link is lost.
   */
  onBug(error: unknown, exchange?: E): void {
    if (exchange !== undefined && this.#fifo.peek() === exchange) this.#fifo.shift()
    this.#listener.onBug(this, exchange, error)
    this.#close('bug', 'an error in Holdfast while it was read from or written to')
  }

  #read(chunk: Buffer, from: number): void {
    if (!this.replies.read(chunk, from)) this.#close('broken-reply', NO_REPLY)
  }

  /** What the handshake has to say now. */
  writeHandshake(): void {
    const bytes = this.handshake.takeBytes()
    if (bytes === null) return
    this.#counters.masterBytesOut += bytes.length
    this.#socket.write(bytes)
  }

  #onHandshakeData(chunk: Buffer, greeting: HandshakeReader): void {
    const answer = greeting.read(chunk, this)
    if (answer === 'more') return
    if (answer === 'broken') {
      this.#close('broken-reply', NO_REPLY)
      return
    }
    if (typeof answer !== 'number') {
      this.#listener.onHandshakeFailed(this, answer)
      this.#close('handshake', answer.text)
      return
    }
    this.status = 'ready'
    this.readyAt = performance.now()
    this.#greeting = null
    this.#address = this.#readAddress()
    this.#socket.setTimeout(0)
    this.#listener.onReady(this)
    if (this.status === 'ready' && answer < chunk.length) this.#read(chunk, answer)
  }

  /** `error`: of a write of which the kernel has taken nothing, or of the rest of one. */
  #onWriteFailed(error: Error): void {
    if (this.status === 'closed' || this.#hasFailed) return
    const giveUp = (): void => this.#close('reset', error.message)
    this.#lastWords = { error, timer: setTimeout(() => setImmediate(() => setImmediate(giveUp)), LAST_WORDS_MS) }
    // Not from within flush(): what hears of it may shut the gate, and ask this link for what it has not written.
    process.nextTick(() => {
      if (this.status === 'ready' && this.#fifo.size > 0) this.#listener.onWriteFailed(this)
      else this.#close(this.status === 'dialing' ? 'dial-failed' : 'reset', error.message)
    })
  }

  #onDrain(): void {
    this.congested = false
    try {
      if (this.status === 'ready') this.#listener.onWritable(this)
    } catch (error) {
      this.onBug(error)
    }
  }

  #onError(error: Error): void {
    this.#keepUnread()
    if (this.#isBehindStalled(() => this.#onError(error))) return
    this.#close(this.status === 'dialing' ? 'dial-failed' : 'reset', error.message)
  }

  /** A stream that is paused reads on, and an error ends it with what nobody has taken out of it. */
  #keepUnread(): void {
    const unread: Buffer | null = this.status === 'ready' && this.pauses.any ? this.#socket.read() : null
    if (unread === null) return
    this.pauses.stalled ??= []
    this.#onData(unread)
  }

  /** A stream that is paused tells its end all the same (TLS, --sockets streams): what came before is looked at first. */
  #isBehindStalled(end: () => void): boolean {
    if (this.status !== 'ready' || this.pauses.stalled === null) return false
    this.#end ??= end
    return true
  }

  #onEnd(detail: string): void {
    if (this.#isBehindStalled(() => this.#onEnd(detail))) return
    if (this.#lastWords === null) this.#close('peer-closed', detail)
    else this.#close('reset', this.#lastWords.error.message)
  }

  #close(reason: CloseReason, detail: string, refused = false, later: LeavingSockets | null = null): void {
    if (this.status === 'closed') return
    const wasReady = this.status === 'ready'
    this.status = 'closed'
    if (this.#lastWords !== null) clearTimeout(this.#lastWords.timer)
    this.#live.delete(this)
    if (later === null) this.#socket.destroy()
    else later.take(this.#socket, this.#reader)
    this.#out = []
    this.#outBytes = 0
    this.#greeting = null
    this.replies.drop()
    this.pauses.stalled = null
    try {
      const owed = this.#fifo.drain()
      this.#listener.onClosed(this, { reason, detail, wasReady, owed, unsent: this.#unflushed, refused })
    } catch (error) {
      this.#listener.onBug(this, undefined, error)
    }
  }
}

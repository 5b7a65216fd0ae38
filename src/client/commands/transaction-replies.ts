// transaction-replies.ts: the replies of MULTI, of the commands queued behind it, and of EXEC, on a link of the
// session's own; and what EXEC answers when that link is lost. First the class of what was queued decides whether it is
// sent again (`classOfExec` in transaction-queue.ts, replay-rule.ts); a WATCH makes it a command that must not be
// repeated. One that is sent again after a WATCH answers nil, the ordinary lost race. link-restore.ts queues an open
// MULTI again.
import { countUnknown } from '../../ops/counters.ts'
import { makeLocal, type Request, type RequestHandler } from '../../relay/request.ts'
import { elementTypes } from '../../resp/decode.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { arrayLength, withoutLast } from '../../resp/exec-reply.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'
import type { SessionContext } from '../state/session-context.ts'
import { unwatch } from '../state/session-state.ts'
import { abort, endTransaction, execAborted, isOpenAtServer, remember, type Transaction } from '../state/transaction.ts'
import { nilArray, okReply, queuedReply } from './constant-replies.ts'

const isError = (type: number): boolean => type === ReplyType.error

/** MULTI, and each command queued behind it. */
export class Queued implements RequestHandler {
  readonly ofOpenTransaction = true
  readonly #context: SessionContext
  readonly #transaction: Transaction
  readonly #isMulti: boolean
  /**
   * It was sent behind a MULTI whose reply is lost, too. Where the server had refused that one, this command ran on its
   * own, and this is what its client is told. null: it can do no harm to send it again.
   */
  #doubt: Buffer | null = null

  constructor(context: SessionContext, transaction: Transaction, isMulti: boolean) {
    this.#context = context
    this.#transaction = transaction
    this.#isMulti = isMulti
  }

  /**
   * EXEC may have ended meanwhile with an outcome that is unknown under `safe`: sent now, this command would run on its
   * own, or open a MULTI that nobody ends. The client gets the reply it expects, and EXEC's error says the rest. The
   * MULTI may also have failed while this command waited behind it.
   */
  onSend(request: Request): void {
    if (this.#isInDoubt) this.#fail(request)
    else if (!this.#isMulti && this.#transaction.status.kind === 'detached')
      makeLocal(request, this.#context.host.lanes.outOfTime.reply)
    else if (this.#transaction.over) makeLocal(request, this.#isMulti ? okReply : queuedReply)
    else if (this.#isMulti) this.#transaction.isSent = true
  }

  onReplay(): void {
    if (this.#isMulti) this.#transaction.isSent = false
  }

  onDoubt(error: Buffer): void {
    this.#doubt = error
  }

  get #isInDoubt(): boolean {
    const { queued, over } = this.#transaction
    return this.#doubt !== null && queued.length === 0 && !over
  }

  /** The server's word on MULTI, now sent again, is what it was: after +OK this command is only queued. */
  awaits(): boolean {
    const { status } = this.#transaction
    return this.#isInDoubt && status.kind !== 'detached' && this.#context.transaction === this.#transaction
  }

  #fail(request: Request): void {
    countUnknown(this.#context.host.counters, request.owner)
    makeLocal(request, this.#doubt ?? queuedReply)
  }

  onReply(request: Request, frame: Buffer, type: number): void {
    request.owner.deliver(frame)
    if (isError(type) && !this.#isMulti) abort(this.#transaction, 'server')
    if (this.#context.transaction !== this.#transaction) return // the session has ended meanwhile
    if (!isError(type)) remember(this.#transaction, request.bytes, this.#context.host.counters)
    // The server refused MULTI (no rights, a RESP2 subscriber): no transaction is open, and what follows runs at once.
    else if (this.#isMulti) endTransaction(this.#context)
  }

  onFailed(): void {
    if (this.#isMulti) this.#transaction.status = { kind: 'detached', atMs: performance.now() }
    else abort(this.#transaction, 'holdfast')
  }
}

/** MULTI or WATCH inside: a new link is asked it again, so that what it aborted stays aborted. */
export class RefusedInside implements RequestHandler {
  readonly #context: SessionContext
  readonly #transaction: Transaction

  constructor(context: SessionContext, transaction: Transaction) {
    this.#context = context
    this.#transaction = transaction
  }

  onReply(request: Request, frame: Buffer, type: number): void {
    request.owner.deliver(frame)
    if (!isError(type) || this.#context.transaction !== this.#transaction) return
    remember(this.#transaction, request.bytes, this.#context.host.counters)
  }
}

/** EXEC, and the DISCARD that takes its place when it must not run. */
export class Executing implements RequestHandler {
  readonly ofOpenTransaction = true
  readonly #context: SessionContext
  readonly #transaction: Transaction
  /** What the client is told instead of the reply to our DISCARD; null: EXEC itself was sent. */
  #instead: Buffer | null
  /** Malformed EXEC: it goes to the server, which refuses it in its own words and runs nothing. */
  readonly #refused: boolean
  /** A marker goes before EXEC (--retry-policy once), queued as the transaction's last command. */
  #isMarked = false

  constructor(
    context: SessionContext,
    transaction: Transaction,
    instead: Buffer | null,
    form: 'well-formed' | 'refused' = 'well-formed',
  ) {
    this.#context = context
    this.#transaction = transaction
    this.#instead = instead
    this.#refused = form === 'refused'
  }

  /** Commands before it may have failed meanwhile: without them it must not run. */
  onSend(request: Request): void {
    const { status } = this.#transaction
    if (this.#refused || this.#instead !== null) return
    if (status.kind === 'open') {
      // Its link was lost while it waited or was unanswered: nobody knows whether the watched keys changed.
      if (this.#context.state.watchLost) this.#discard(request, nilArray(this.#context.state.identity.protocol))
      return
    }
    request.cls = 'read'
    if (status.kind === 'aborted' && status.atServer) return
    this.#instead = execAborted
    if (status.kind === 'detached') {
      this.#close()
      makeLocal(request, execAborted)
    } else request.bytes = encodeCommand(['DISCARD'])
  }

  /** A connection command inside may select another database, where nobody would look for the marker. */
  mark(request: Request, marker: Buffer | null): boolean {
    const { status, effects } = this.#transaction
    const may = !this.#refused && this.#instead === null && status.kind === 'open' && effects.size === 0
    if (marker === null || !may) return false
    this.#isMarked = true
    request.bytes = Buffer.concat([marker, request.bytes])
    request.replies = 2
    request.expect = 2
    return true
  }

  onReply(request: Request, frame: Buffer, type: number): void {
    if (request.expect > 0) return // the marker is queued
    const whole = this.#isMarked && type === ReplyType.array ? withoutLast(frame, arrayLength(frame) - 1) : null
    request.owner.deliver(this.#instead ?? whole ?? frame)
    this.#close()
    if (isError(type) || this.#instead !== null || this.#transaction.effects.size === 0) return
    this.#applyEffects(frame)
  }

  /** A new link knows nothing of what the old one refused. What it does not watch is looked at when it is sent. */
  onReplay(request: Request): void {
    if (this.#isMarked) this.#unmark(request)
    if (this.#instead !== null || this.#transaction.status.kind === 'open' || this.#refused) return
    this.#discard(request, execAborted)
  }

  /** DISCARD goes to the server; the client is told `reply`. */
  #discard(request: Request, reply: Buffer): void {
    this.#instead = reply
    request.bytes = encodeCommand(['DISCARD'])
    request.cls = 'read'
  }

  #unmark(request: Request): void {
    this.#isMarked = false
    request.bytes = encodeCommand(['EXEC'])
    request.replies = 1
    request.expect = 1
  }

  /** The marker tells: it has run and its reply is lost, or nobody knows. The new link has queued all of it again. */
  onDecided(request: Request, reply: Buffer): void {
    this.#instead = this.#isMarked && reply[0] === ReplyType.array ? withoutLast(reply, arrayLength(reply) - 1) : reply
    if (this.#isMarked) this.#unmark(request)
    request.bytes = encodeCommand(['DISCARD'])
    request.cls = 'read'
  }

  /** The server has queued what was before it: a DISCARD ends that. */
  refuse(request: Request, error: Buffer): boolean {
    if (this.#refused || this.#transaction.status.kind !== 'open') return false
    this.#discard(request, error)
    return true
  }

  /** What a link still has in its queue would take in what comes next. */
  onFailed(): void {
    const { lane, host } = this.#context
    const { link } = lane
    if (link !== null && isOpenAtServer(this.#transaction))
      host.turn.defer(() => link.cut('its MULTI was given up'), this.#context)
    this.#close()
  }

  #close(): void {
    this.#transaction.over = true
    endTransaction(this.#context)
    unwatch(this.#context.state)
  }

  #applyEffects(frame: Buffer): void {
    const types = elementTypes(frame)
    for (const [place, apply] of this.#transaction.effects) {
      const type = types[place]
      if (type !== undefined && !isError(type) && type !== ReplyType.blobError) apply(frame)
    }
  }
}

/** The reply to an EXEC that is aborted or whose watch is lost; null: it may run. */
export function execReplyInstead(context: SessionContext, transaction: Transaction): Buffer | null {
  const { status } = transaction
  if (status.kind !== 'open') return status.kind === 'aborted' && status.atServer ? null : execAborted
  return context.state.watchLost ? nilArray(context.state.identity.protocol) : null
}

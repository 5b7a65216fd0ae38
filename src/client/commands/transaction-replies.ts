// transaction-replies.ts: the replies of MULTI, of the commands queued behind it, and of EXEC, on a link of the session's own.
import { errors } from '../../errors.ts'
import { makeLocal, type Request, type RequestHandler } from '../../relay/request.ts'
import { elementTypes } from '../../resp/decode.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'
import type { SessionContext } from '../state/session-context.ts'
import { abort, endTransaction, execAborted, remember, type Transaction } from '../state/transaction.ts'
import { nilArray, okReply, queuedReply } from './replies.ts'

const isError = (type: number): boolean => type === ReplyType.error

/** MULTI, and each command queued behind it. */
export class Queued implements RequestHandler {
  readonly ofOpenTransaction = true
  readonly #context: SessionContext
  readonly #transaction: Transaction
  readonly #isMulti: boolean

  constructor(context: SessionContext, transaction: Transaction, isMulti: boolean) {
    this.#context = context
    this.#transaction = transaction
    this.#isMulti = isMulti
  }

  /**
   * Its EXEC behind it may have been given up since (an outcome that is unknown under `safe`): sent now it would run on
   * its own, or open a MULTI that nobody ends. The client is told what it would have been; EXEC's error says the rest.
   * Or its MULTI has been given up while it waited behind it.
   */
  onSend(request: Request): void {
    if (!this.#isMulti && this.#transaction.status.kind === 'detached') makeLocal(request, errors.noMaster.reply)
    else if (this.#transaction.over) makeLocal(request, this.#isMulti ? okReply : queuedReply)
  }

  onReply(request: Request, frame: Buffer, type: number): void {
    request.owner.deliver(frame)
    if (!isError(type)) this.#remember(request.bytes)
    else if (this.#isMulti) this.#refused()
    else abort(this.#transaction, 'server')
  }

  /** The session may have ended meanwhile. */
  #remember(frame: Buffer): void {
    if (this.#context.transaction === this.#transaction) remember(this.#transaction, frame, this.#context.host.counters)
  }

  /** The server refuses MULTI (no rights, a RESP2 subscriber): no transaction is open, and what follows runs at once. */
  #refused(): void {
    if (this.#context.transaction === this.#transaction) endTransaction(this.#context)
  }

  onReplay(): void {}

  onFailed(): void {
    if (this.#isMulti) this.#transaction.status = { kind: 'detached', atMs: performance.now() }
    else abort(this.#transaction, 'holdfast')
  }
}

/** EXEC, and the DISCARD that takes its place when it must not run. */
export class Executing implements RequestHandler {
  readonly ofOpenTransaction = true
  readonly #context: SessionContext
  readonly #transaction: Transaction
  /** What the client is told instead of the server's reply to our DISCARD; null: EXEC itself has been sent. */
  #instead: Buffer | null
  /** The server will refuse this EXEC for its form, in words of its own: it runs nothing and need not be kept from it. */
  readonly #refused: boolean

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

  /** Commands before it may have failed since it was taken in: without them it must not run. */
  onSend(request: Request): void {
    const { status } = this.#transaction
    if (this.#refused || this.#instead !== null || status.kind === 'open') return
    request.cls = 'read'
    if (status.kind === 'aborted' && status.atServer) return
    this.#instead = execAborted
    if (status.kind === 'detached') {
      this.#close()
      makeLocal(request, execAborted)
    } else request.bytes = encodeCommand(['DISCARD'])
  }

  onReply(request: Request, frame: Buffer, type: number): void {
    request.owner.deliver(this.#instead ?? frame)
    this.#close()
    if (isError(type) || this.#instead !== null || this.#transaction.effects.size === 0) return
    this.#applyEffects(frame)
  }

  /** Sent again while keys are watched: whether they changed is not known any more, so it is the ordinary lost race. */
  onReplay(request: Request): void {
    if (this.#instead !== null) return
    // A new link knows nothing of what the old one refused.
    if (this.#transaction.status.kind !== 'open' && !this.#refused) this.#instead = execAborted
    else if (this.#context.state.watchLost) this.#instead = nilArray(this.#context.state.identity.protocol)
    else return
    request.bytes = encodeCommand(['DISCARD'])
    request.cls = 'read'
  }

  onFailed(): void {
    this.#close()
  }

  #close(): void {
    this.#transaction.over = true
    endTransaction(this.#context)
    this.#context.state.watching = false
    this.#context.state.watchLost = false
  }

  #applyEffects(frame: Buffer): void {
    const types = elementTypes(frame)
    for (const [place, apply] of this.#transaction.effects) {
      const type = types[place]
      if (type !== undefined && !isError(type) && type !== ReplyType.blobError) apply(frame)
    }
  }
}

/** What an aborted or overtaken EXEC is answered; null when it may run. */
export function execReplyInstead(context: SessionContext, transaction: Transaction): Buffer | null {
  const { status } = transaction
  if (status.kind !== 'open') return status.kind === 'aborted' && status.atServer ? null : execAborted
  return context.state.watchLost ? nilArray(context.state.identity.protocol) : null
}

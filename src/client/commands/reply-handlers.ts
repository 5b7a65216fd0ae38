// reply-handlers.ts: what becomes of the replies of commands that are more than "one reply, passed on": each class here is one
// kind of request, with what it does on a reply, before a replay, and when it has failed.
//
// A handler is only used while the session has a link of its own, or for a request that leaves a shared link as it was.
import { type BlockingTimeout, blockingTimeout } from '../../command/blocking.ts'
import { errors } from '../../errors.ts'
import { makeLocal, type Request, type RequestHandler } from '../../relay/request.ts'
import { decodeReply, elementTypes } from '../../resp/decode.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'
import type { SessionContext } from '../state/session-context.ts'
import { firstWord } from '../state/subscriptions.ts'
import { endTransaction, execAborted, remember, type Transaction } from '../state/transaction.ts'

const OK = Buffer.from('+OK\r\n')
const QUEUED = Buffer.from('+QUEUED\r\n')

const isError = (type: number): boolean => type === ReplyType.error

/** One reply for the client, with what it means for the session; replies behind it are the proxy's own and swallowed. */
export class OneReply implements RequestHandler {
  readonly #onSuccess: (() => void) | null
  readonly #rewrite: ((frame: Buffer) => Buffer) | null
  readonly #prepare: (() => Buffer) | null
  #done = false

  /** `rewrite`: of a reply that is no error; `prepare`: the bytes for the link of the moment, each time it is sent. */
  constructor(options: { onSuccess?: () => void; rewrite?: (frame: Buffer) => Buffer; prepare?: () => Buffer }) {
    this.#onSuccess = options.onSuccess ?? null
    this.#rewrite = options.rewrite ?? null
    this.#prepare = options.prepare ?? null
  }

  onSend(request: Request): void {
    if (this.#prepare !== null) request.bytes = this.#prepare()
  }

  onReply(request: Request, frame: Buffer, type: number): void {
    if (this.#done) return
    this.#done = true
    if (isError(type)) {
      request.owner.deliver(frame)
      return
    }
    request.owner.deliver(this.#rewrite?.(frame) ?? frame)
    this.#onSuccess?.()
  }

  /** The client has its reply: what was left was only to put a link back that is no more. */
  onReplay(request: Request): void {
    if (this.#done) makeLocal(request, Buffer.alloc(0))
  }

  /** The client may have its reply already: what is lost then is only the undoing behind it. */
  owes(): number {
    return this.#done ? 0 : 1
  }

  onFailed(): void {}
}

/** (P|S)(UN)SUBSCRIBE: one confirmation per channel; after a loss only those without one are asked for again. */
export class Subscribing implements RequestHandler {
  readonly #context: SessionContext
  readonly #word: string
  #left: Buffer[]
  readonly #all: boolean

  constructor(context: SessionContext, args: readonly Buffer[]) {
    this.#context = context
    this.#word = args[0]?.toString('latin1').toLowerCase() ?? ''
    this.#left = args.slice(1)
    this.#all = this.#left.length === 0
  }

  /** Confirmations are heard with CLIENT REPLY OFF as well (CLIENT_PUSHING in pubsub.c). */
  onReply(request: Request, frame: Buffer, type: number): void {
    if (!isError(type)) this.#context.push(frame)
    else {
      request.owner.deliver(frame)
      request.expect = 0
      return
    }
    const { subscriptions } = this.#context
    const before = subscriptions.count(this.#word)
    const value = decodeReply(frame)
    const channel = Array.isArray(value) && Buffer.isBuffer(value[1]) ? value[1] : null
    subscriptions.confirm(firstWord(frame), channel)
    if (this.#all) request.expect = channel === null ? 0 : before - 1
    else this.#left.shift()
  }

  onReplay(request: Request): void {
    if (this.#all) {
      request.expect = 1
      return
    }
    request.bytes = encodeCommand([this.#word.toUpperCase(), ...this.#left])
    request.expect = this.#left.length
  }

  onFailed(): void {}
}

/** Frames of the proxy's own that go before a blocking command, and what is done with their replies. */
export interface Preflight {
  readonly bytes: Buffer
  readonly replies: number
  /** The reply of the n-th, from 0. */
  onReply?(n: number, frame: Buffer): void
  /** Before the command is sent again: may put into its arguments what the replies said; then they are not sent again. */
  resolve?(args: Buffer[]): boolean
}

/** Sent within this many milliseconds of being asked for, a blocking command goes out as the client wrote it. */
const PROMPT_MS = 50

/** A blocking command: held or sent again, it goes out with the time that is left, counted from when it was asked for. */
export class Blocking implements RequestHandler {
  readonly #asked: number
  readonly #timeout: BlockingTimeout | null
  readonly #args: Buffer[]
  readonly #timeoutReply: () => Buffer
  #ahead: Preflight | null
  #again = false

  /** `timeoutReply`: what the server answers when the time is over. */
  constructor(args: readonly Buffer[], now: number, timeoutReply: () => Buffer, ahead: Preflight | null = null) {
    this.#timeoutReply = timeoutReply
    this.#asked = now
    this.#timeout = blockingTimeout(args)
    this.#args = [...args]
    this.#ahead = ahead
  }

  /** Here and not at the loss: between that and a new master lies the whole failover. */
  onSend(request: Request): void {
    const late = this.#setTimeLeft(performance.now() - this.#asked)
    if (!late && !this.#again) return
    const frame = encodeCommand(this.#args)
    request.bytes = this.#ahead === null ? frame : Buffer.concat([this.#ahead.bytes, frame])
  }

  timedOut(now: number): Buffer | null {
    const timeout = this.#timeout
    if (timeout === null || timeout.value === 0) return null
    const lastsMs = timeout.value * (timeout.unit === 'seconds' ? 1000 : 1)
    return now - this.#asked < lastsMs ? null : this.#timeoutReply()
  }

  #setTimeLeft(elapsedMs: number): boolean {
    const timeout = this.#timeout
    if (timeout === null || timeout.value === 0 || elapsedMs < PROMPT_MS) return false
    const perUnit = timeout.unit === 'seconds' ? 1000 : 1
    // Zero would mean "for ever": a wait that is over is given one more moment, and the server answers as it should.
    const leftMs = Math.max(1, Math.ceil(timeout.value * perUnit - elapsedMs))
    this.#args[timeout.index] = Buffer.from(perUnit === 1 ? String(leftMs) : (leftMs / 1000).toFixed(3))
    return true
  }

  onReply(request: Request, frame: Buffer): void {
    if (request.expect === 0) request.owner.deliver(frame)
    else this.#ahead?.onReply?.(request.replies - request.expect - 1, frame)
  }

  onReplay(request: Request): void {
    this.#again = true
    if (this.#ahead?.resolve?.(this.#args)) this.#ahead = null
    request.replies = 1 + (this.#ahead?.replies ?? 0)
    request.expect = request.replies
  }

  onFailed(): void {}
}

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
    if (!this.#isMulti && this.#transaction.detached) makeLocal(request, errors.noMaster.reply)
    else if (this.#transaction.over) makeLocal(request, this.#isMulti ? OK : QUEUED)
  }

  onReply(request: Request, frame: Buffer, type: number): void {
    request.owner.deliver(frame)
    if (!isError(type)) this.#remember(request.bytes)
    else if (this.#isMulti) this.#refused()
    else this.#abort()
  }

  #abort(): void {
    this.#transaction.aborted = true
    if (!this.#transaction.detached) this.#transaction.abortedAtServer = true
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
    this.#transaction.aborted = true
    if (!this.#isMulti) return
    this.#transaction.detached = true
    this.#transaction.detachedAt = performance.now()
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
    if (this.#refused || this.#instead !== null || !this.#transaction.aborted) return
    request.cls = 'read'
    if (this.#transaction.abortedAtServer && !this.#transaction.detached) return
    this.#instead = execAborted
    if (this.#transaction.detached) {
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
    if (this.#transaction.aborted && !this.#refused) this.#instead = execAborted
    else if (this.#context.state.watchLost) this.#instead = nilArray(this.#context)
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

/** What a blocking command answers when its time is over and nothing has come. */
export function timeoutReply(context: SessionContext, command: string): Buffer {
  if (command === 'wait') return Buffer.from(':0\r\n')
  if (command === 'waitaof') return Buffer.from('*2\r\n:0\r\n:0\r\n')
  const isBulk = command === 'blmove' || command === 'brpoplpush'
  return isBulk && context.state.identity.protocol === 2 ? Buffer.from('$-1\r\n') : nilArray(context)
}

/** What EXEC answers when a watched key has changed: the null array. */
export function nilArray(context: SessionContext): Buffer {
  return Buffer.from(context.state.identity.protocol === 3 ? '_\r\n' : '*-1\r\n')
}

/** What an aborted or overtaken EXEC is answered; null when it may run. */
export function execReplyInstead(context: SessionContext, transaction: Transaction): Buffer | null {
  if (transaction.aborted) return transaction.abortedAtServer ? null : execAborted
  return context.state.watchLost ? nilArray(context) : null
}
